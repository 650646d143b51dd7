"""Documents read again from their originals, and the preview that stores nothing: through real jobs and commands."""

from __future__ import annotations

from pathlib import Path

import pytest

from phases.rag_data import view
from phases.rag_data.clean_preview import excerpts
from phases.rag_data.config import IngestConfig
from phases.rag_data.reread import reread_config, reread_documents
from phases.shared.database.changes import undo_last
from phases.shared.database.chunks import all_chunks, edit_chunk
from phases.shared.database.connection import knowledge
from phases.shared.database.documents import document_readings, list_documents
from phases.shared.errors import FileRejected, NotReady, SettingError
from phases.shared.jobs.queue import Job
from phases.shared.jobs.wait import wait_for_job
from phases.shared.project import Project, create_project
from tests.conftest import Commands
from tests.rag_data.test_ingest import add, text_file

TEXT = "# Lamps &amp; oil\n\nSee https://example.org/lamps for the lamp.  It burns oil.\n\n## Care\n\nWrite to keeper@example.org."


@pytest.fixture
def project(projects: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("LEHRLING_LOCKS", str(projects.parent / "locks"))
    made = create_project(projects, "lamps")
    add(made, text_file(tmp_path / "files", "a.md", TEXT), text_file(tmp_path / "files", "b.md", "# Oil\n\nWhale oil is old."))
    return made


def again(project: Project, *sources: str, **given: object) -> Job:
    return wait_for_job(project.root.parent, reread_documents(project.root.parent, project, sources, given).id, lambda _: None)


def contents(project: Project) -> list[str]:
    with knowledge(project) as connection:
        return [one.content for one in all_chunks(connection)]


def test_an_import_keeps_how_each_document_was_read(project: Project) -> None:
    with knowledge(project) as connection:
        reading = document_readings(connection)["a.md"]
    assert reading["settings"]["chunk_size"] == 500 and reading["settings"]["remove_urls"] is False
    assert {step: one["count"] for step, one in reading["cleaning"].items()} == {"decode_entities": 1, "normalise_space": 1}
    assert reading["cleaning"]["decode_entities"]["examples"] == [["# Lamps &amp; oil\n\nSee https://exampl", "# Lamps & oil\n\nSee https://exampl"]]


def test_a_document_is_read_again_with_other_cleaning_and_undo_brings_it_back(project: Project) -> None:
    before = contents(project)
    job = again(project, "a.md", remove_urls=True, remove_emails=True)
    assert (job.result["read_again"], job.result["unchanged"], job.result["chunks"]) == (["a.md"], [], 1)
    assert contents(project) == [before[1], "# Lamps & oil\n\nSee for the lamp. It burns oil.\n\n## Care\n\nWrite to."]
    assert {step: one["count"] for step, one in job.result["cleaning"].items()} == {
        "decode_entities": 1, "remove_urls": 1, "remove_emails": 1, "normalise_space": 1}
    with knowledge(project) as connection:
        assert sorted(one.id for one in all_chunks(connection)) == [2, 3]  # ids are never given twice
        assert len(list_documents(connection)) == 2
        assert undo_last(connection) == "read a.md again"
    assert contents(project) == before


def test_what_reads_the_same_stays_and_what_was_changed_by_hand_is_told(project: Project) -> None:
    assert again(project).result["unchanged"] == ["a.md", "b.md"]
    with knowledge(project) as connection:
        edit_chunk(connection, 2, "Changed by hand.", 3)
    job = again(project)
    assert (job.result["read_again"], job.result["unchanged"]) == (["b.md"], ["a.md"])
    assert job.result["notes"] == [{"file": "b.md", "note": "1 chunks that were edited or excluded by hand are replaced too; Undo brings them back."}]
    assert "Whale oil" in contents(project)[1]


def test_settings_that_are_not_given_stay_as_each_document_was_read(project: Project) -> None:
    again(project, "a.md", chunk_size=32, chunk_overlap=4)
    assert len(contents(project)) > 2
    assert reread_config(project, ["a.md"], {"remove_urls": True}) == IngestConfig(chunk_size=32, chunk_overlap=4, remove_urls=True)
    with pytest.raises(SettingError, match="different settings: Chunk size 32 and 500"):
        reread_documents(project.root.parent, project, [], {"remove_urls": True, "chunk_overlap": 4})
    assert again(project, chunk_size=500, chunk_overlap=50).result["read_again"] == ["a.md"]


def test_what_cannot_be_read_again_is_named(project: Project, tmp_path: Path) -> None:
    with pytest.raises(FileRejected, match="no document 'c.md'"):
        again(project, "c.md")
    with knowledge(project) as connection:
        first = list_documents(connection)[0]
    (project.documents / f"{first.sha256}.md").unlink()
    job = again(project, chunk_size=400)
    assert [one["file"] for one in job.result["rejected"]] == ["a.md"] and "original" in job.result["rejected"][0]["reason"]
    assert len(contents(project)) == 2
    with pytest.raises(NotReady, match="no documents"):
        again(create_project(tmp_path, "empty"))


def test_the_commands(project: Project, tmp_path: Path) -> None:
    lehrling = Commands(project.root.parent)
    before = project.database.read_bytes()
    preview = lehrling("clean-preview", "lamps", "a.md", "--remove-urls", "--json").json
    steps = {one["step"]: (one["on"], one["count"]) for one in preview["steps"]}
    assert steps["remove_urls"] == (True, 1) and steps["remove_emails"] == (False, 1) and steps["join_lines"] == (True, 0)
    assert ["See https://example.org/lamps for the lamp.  It burns oil.", "See for the lamp. It burns oil."] in preview["excerpts"]
    shown = lehrling("clean-preview", "lamps", str(text_file(tmp_path, "other.txt", "M&uuml;ll  &amp; mehr"))).out
    assert "Decode HTML entities" in shown and "M&uuml;ll··&amp; mehr  ->" in shown and "Müll & mehr" in shown
    assert project.database.read_bytes() == before and len(list(project.documents.iterdir())) == 2
    assert lehrling("clean-preview", "lamps", "missing.md").code == 1
    said = lehrling("reingest", "lamps", "a.md", "--remove-urls").out
    assert "read again: a.md" in said and "cleaned: remove urls: 1" in said and "https" not in contents(project)[1]
    assert lehrling("documents", "lamps", "--json").json[1]["reading"]["cleaning"]["remove_urls"]["count"] == 1


def test_chunks_are_found_by_their_language(project: Project, tmp_path: Path) -> None:
    add(project, text_file(tmp_path, "c.md", "Die Lampe der Station brennt mit Öl, und sie wird von dem Wärter mit einem Tuch geputzt."))
    lehrling = Commands(project.root.parent)
    (found,) = lehrling("chunks", "lamps", "--language", "de", "--json").json["chunks"]
    assert (found["source"], found["language"]) == ("c.md", "de")
    assert lehrling("edit-chunk", "lamps", str(found["id"]), "--content", "The lamp of the station burns oil and is cleaned by the keeper.").code == 0
    assert lehrling("chunks", "lamps", "--language", "de", "--json").json["total"] == 0
    english, total = view.chunk_lines(project, "", None, None, None, 1, language="en")
    assert found["id"] in [chunk.id for chunk, _ in english] and total == len(english)
    assert [chunk.source for chunk, _ in view.chunk_lines(project, "lamp", None, None, None, 1, language="en")[0]] == ["c.md", "a.md"]
    view.save_chunk(project, found["id"], "La lampe de la station brûle de l'huile, et elle est nettoyée par le gardien.")
    assert view.overview(project).languages["fr"] == 1


def test_excerpts_begin_shortly_before_the_difference() -> None:
    same = "word " * 200
    (found,) = excerpts(f"Same.\n\n{same}old end", f"Same.\n\n{same}new end")
    assert found[0].startswith("… ") and found[0].endswith("old end") and found[1].endswith("new end") and len(found[0]) < 120
    assert list(excerpts("a\n\nb\n\nc", "a\n\nc")) == [["b", ""]]
    assert list(excerpts("a", "a")) == []
