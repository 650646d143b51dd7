"""What tab 1 reads and does: filters beside a search, and where a chunk is cut."""

from __future__ import annotations

from pathlib import Path

import pytest

from phases.rag_data import view
from phases.shared.database.chunks import NewChunk
from phases.shared.database.connection import knowledge
from phases.shared.database.documents import NewDocument, add_document
from phases.shared.errors import StorageError
from phases.shared.project import Project, create_project

TEXT = "Lamp 12 burns oil. Lamp 13 burns gas. Lamp 14 burns Öl."


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = create_project(tmp_path, "lamps")
    contents = [TEXT, *(f"Lamp lamp lamp number {number}." for number in range(80))]
    with knowledge(made) as connection:
        add_document(connection, NewDocument("a.md", "1", "md", 9, TEXT), [NewChunk(one, 0, len(one), 9) for one in contents], "builtin")
    return made


def ids(project: Project, query: str, contains: str | None) -> list[int]:
    return [chunk.id for chunk, _ in view.chunk_lines(project, query, None, None, contains, 1)[0]]


def test_a_search_can_be_narrowed_to_what_contains_a_text(project: Project) -> None:
    assert len(ids(project, "lamp", None)) == view.MOST_HITS
    assert ids(project, "lamp", "burns öl") == [1]
    assert ids(project, "", "burns öl") == [1]
    assert ids(project, "lamp", "burns wood") == []


def test_a_search_is_narrowed_to_a_state(project: Project) -> None:
    with knowledge(project) as connection:
        held = [NewChunk(f"Lamp in the cellar, number {number}.", 0, 9, 9, held_out=number > 1) for number in range(3)]
        add_document(connection, NewDocument("b.md", "2", "md", 9, TEXT), held, "builtin")
    view.toggle_chunk(project, 82)

    def found(state: str) -> set[int]:
        return {chunk.id for chunk, _ in view.chunk_lines(project, "lamp", None, state, None, 1)[0]}

    assert found("held_out") == {84} and found("excluded") == set()
    assert len(found("active")) == view.MOST_HITS and 82 not in found("active")


def test_a_page_that_is_not_there_any_more_is_the_last_one(project: Project) -> None:
    lines, total = view.chunk_lines(project, "", None, None, None, 9)
    assert (total, view.page_there(9, total), [chunk.id for chunk, _ in lines]) == (81, 2, list(range(51, 82)))
    assert view.chunk_lines(project, "", None, "excluded", None, 9) == ([], 0) and view.page_there(9, 0) == 1


def test_the_language_is_told_when_undo_brings_a_text_back(project: Project) -> None:
    view.save_chunk(project, 1, "Die Lampe auf dem Turm brennt mit Öl, und der Wärter zündet sie am Abend an.")
    assert view.chunk_in_context(project, 1).chunk.language == "de"
    view.save_chunk(project, 1, "The lamp on the tower burns oil, and the keeper lights it every evening at dusk.")
    view.undo(project)
    assert view.chunk_in_context(project, 1).chunk.language == "de"


@pytest.mark.parametrize(("at", "second"), [("Lamp 13", "Lamp 13 burns gas. Lamp 14 burns Öl."), ("19", "Lamp 13 burns gas. Lamp 14 burns Öl."),
                                            (52, "Öl.")])
def test_a_chunk_is_cut_before_the_words_or_behind_so_many_characters(project: Project, at: str | int, second: str) -> None:
    first, made = view.split_chunk_at(project, 1, at, TEXT)
    assert made.content == second and f"{first.content} {second}" == TEXT


@pytest.mark.parametrize("at", ["burns", "wood", "", " ", "²"])
def test_words_that_name_no_place_cut_nothing(project: Project, at: str) -> None:
    with pytest.raises(StorageError, match="stand"):
        view.split_chunk_at(project, 1, at)
    assert view.chunk_in_context(project, 1).chunk.content == TEXT


def test_what_was_typed_and_not_saved_is_not_lost(project: Project) -> None:
    with pytest.raises(StorageError, match="Save it first"):
        view.split_chunk_at(project, 1, 20, TEXT + " More.")
    with pytest.raises(StorageError, match="Save it first"):
        view.merge_chunk_with_next(project, 1, TEXT + " More.")
    assert view.undo(project) is None


@pytest.mark.parametrize("typed", ["", "Oil only. "])
def test_the_second_part_of_a_chunk_stands_under_the_headings_before_it(tmp_path: Path, typed: str) -> None:
    text = "# Lamps\n\nAll of them.\n\n## Oil\n\nLamp 12. Lamp 13.\n\n```\n# no heading\n```\n\n## Gas\n\nLamp 14."
    start = text.index("## Oil")
    project = create_project(tmp_path, "lamps")
    with knowledge(project) as connection:
        chunk = NewChunk(text[start:], start, len(text), 9, metadata={"headings": ["Lamps", "Oil"], "start": start, "end": len(text)})
        add_document(connection, NewDocument("a.md", "1", "md", 9, text), [chunk], "builtin")
    if typed:
        view.save_chunk(project, 1, text[start:].replace("Lamp 13", f"{typed}Lamp 13"))
    assert view.split_chunk_at(project, 1, "## Gas")[1].metadata["headings"] == ["Lamps", "Gas"]
    assert view.split_chunk_at(project, 1, f"{typed}Lamp 13")[1].metadata["headings"] == ["Lamps", "Oil"]
    view.undo(project)
    view.undo(project)
    assert view.chunk_in_context(project, 1).chunk.metadata == {"headings": ["Lamps", "Oil"], "start": start, "end": len(text)}
    assert view.split_chunk_at(project, 1, "Lamp 14.")[1].metadata["headings"] == ["Lamps", "Gas"]
