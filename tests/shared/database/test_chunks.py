"""Documents, chunks and undo, on a real database."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from phases.shared.database.changes import last_action, undo_last
from phases.shared.database.chunk_pages import chunk_page
from phases.shared.database.chunks import (
    NewChunk,
    Summary,
    all_chunks,
    delete_chunk,
    edit_chunk,
    exclude_chunks,
    fill_languages,
    get_chunk,
    hash_of,
    held_out_chunks,
    knowledge_summary,
    languages_used,
    neighbours,
    set_chunk_state,
    training_chunks,
)
from phases.shared.database.connection import knowledge, transaction
from phases.shared.database.documents import (
    NewDocument,
    add_document,
    document_readings,
    list_documents,
    remove_document,
)
from phases.shared.errors import StorageError
from phases.shared.project import Project
from phases.shared.search import search_chunks

TEXT = "Alpha lamp.\n\nBeta lamp.\n\nGamma lamp."


def add(connection: sqlite3.Connection, source: str = "a.txt", sha: str = "1") -> int | None:
    chunks = [NewChunk(part, TEXT.index(part), TEXT.index(part) + len(part), 3, part.startswith("Gamma"), {"headings": ["H"]})
              for part in TEXT.split("\n\n")]
    return add_document(connection, NewDocument(source, sha, "txt", 30, TEXT, "Title", None), chunks, "builtin", "job-1")


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with knowledge(Project(tmp_path)) as connection:
        add(connection)
        yield connection
        assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        connection.execute("INSERT INTO rag_chunks_fts (rag_chunks_fts, rank) VALUES ('integrity-check', 1)")


def snapshot(connection: sqlite3.Connection) -> dict[str, list[tuple]]:
    return {table: [tuple(row) for row in connection.execute(f"SELECT * FROM {table} ORDER BY id")]
            for table in ("documents", "chunk_records", "rag_chunks")}


def test_rows_as_they_were_added(connection: sqlite3.Connection) -> None:
    chunk = get_chunk(connection, 2)
    assert (chunk.content, chunk.source, chunk.chunk_index, chunk.metadata) == ("Beta lamp.", "a.txt", 1, {"headings": ["H"]})
    assert (chunk.content_hash, chunk.state, chunk.origin, chunk.tokens) == (hash_of("Beta lamp."), "active", "document", 3)
    assert [one.id for one in training_chunks(connection)] == [1, 2]
    assert [one.id for one in held_out_chunks(connection)] == [3]
    assert knowledge_summary(connection) == Summary(documents=1, chunks=3, excluded=0, held_out=1, tokens=6)
    assert list_documents(connection)[0].tokens == 9
    before, after = neighbours(connection, 1)
    assert (before, after.id) == (None, 2)


def test_pages_and_filters(connection: sqlite3.Connection) -> None:
    add(connection, "b.txt", "2")
    set_chunk_state(connection, 5, "excluded")
    rows, total = chunk_page(connection, page=2, per_page=4)
    assert ([one.id for one in rows], total) == ([5, 6], 6)
    assert [one.id for one in chunk_page(connection, source="b.txt", state="excluded")[0]] == [5]
    assert [one.id for one in chunk_page(connection, state="held_out")[0]] == [3, 6]
    assert chunk_page(connection, page=9) == ([], 6)


def test_chunks_are_filtered_by_what_stands_in_them(connection: sqlite3.Connection) -> None:
    add(connection, "b.txt", "2")
    edit_chunk(connection, 4, "100 % of_it Öl STRASSE \\ \"quoted\"", 5)
    for contains, found in (("BETA l", [2, 5]), ("100 %", [4]), ("f_i", [4]), ("öL", [4]), ("straße", [4]), ("%", [4]), ("_", [4]), ("\\", [4]), ('"q', [4]),
                            ("x" * 100_000, []), ("", [1, 2, 3, 4, 5, 6])):
        assert [one.id for one in chunk_page(connection, contains=contains)[0]] == found
    assert chunk_page(connection, contains="beta", source="b.txt", state="active")[1] == 1


def test_the_same_bytes_add_nothing(connection: sqlite3.Connection) -> None:
    before = snapshot(connection)
    assert add(connection, "other name.txt", "1") is None
    assert snapshot(connection) == before


def test_an_edit_makes_old_pairs_stale_and_can_be_undone(connection: sqlite3.Connection) -> None:
    before = snapshot(connection)
    edited = edit_chunk(connection, 2, "  Beta lantern.\x00\x02\n", 5)
    assert (edited.content, edited.origin, edited.tokens) == ("Beta lantern.", "edited", 5)
    assert edited.content_hash == hash_of("Beta lantern.")
    assert (edited.metadata, edited.span_start, edited.chunk_index) == ({"headings": ["H"]}, 13, 1)
    assert last_action(connection) == undo_last(connection) == "edited chunk 2"
    assert snapshot(connection) == before
    assert [hit.chunk.id for hit in search_chunks(connection, "beta")] == [2]
    assert undo_last(connection) is None


def test_an_edit_that_changes_nothing_is_no_change(connection: sqlite3.Connection) -> None:
    assert edit_chunk(connection, 2, "Beta lamp.", 9).origin == "document"
    assert last_action(connection) is None
    with pytest.raises(StorageError, match="cannot be empty"):
        edit_chunk(connection, 2, " \n", 0)


def test_an_edit_of_a_text_that_is_not_there_any_more_is_refused(connection: sqlite3.Connection) -> None:
    seen = hash_of("Beta lamp.")
    assert edit_chunk(connection, 2, "Beta lantern \ud83d\U0001f426.", 5, seen).content == "Beta lantern \U0001f426."
    with pytest.raises(StorageError, match="changed elsewhere"):
        edit_chunk(connection, 2, "Beta bell.", 5, seen)
    assert edit_chunk(connection, 2, "Beta bell.", 5).content == "Beta bell."


def test_excluding_and_including(connection: sqlite3.Connection) -> None:
    set_chunk_state(connection, 1, "excluded")
    assert [one.id for one in training_chunks(connection)] == [2]
    assert knowledge_summary(connection).excluded == 1
    set_chunk_state(connection, 1, "active")
    assert undo_last(connection) == "included chunk 1 again"
    assert undo_last(connection) == "excluded chunk 1"
    assert get_chunk(connection, 1).state == "active"


def test_several_are_excluded_as_one_action(connection: sqlite3.Connection) -> None:
    set_chunk_state(connection, 1, "excluded")
    before = snapshot(connection)
    assert exclude_chunks(connection, [1, 2, 3], "excluded 2 duplicates") == 2
    assert [one.state for one in all_chunks(connection)] == ["excluded"] * 3
    assert exclude_chunks(connection, [1, 2], "excluded none") == 0
    assert undo_last(connection) == "excluded 2 duplicates"
    assert snapshot(connection) == before


def test_a_deleted_chunk_comes_back_with_its_id_and_its_id_is_never_given_again(connection: sqlite3.Connection) -> None:
    before = snapshot(connection)
    delete_chunk(connection, 3)
    with pytest.raises(StorageError, match="no chunk 3"):
        get_chunk(connection, 3)
    assert search_chunks(connection, "gamma") == []
    assert undo_last(connection) == "deleted chunk 3"
    assert snapshot(connection) == before
    delete_chunk(connection, 3)
    add(connection, "b.txt", "2")
    assert [one.id for one in chunk_page(connection, source="b.txt")[0]] == [4, 5, 6]


def test_a_removed_document_takes_its_chunks_and_can_come_back(connection: sqlite3.Connection) -> None:
    before = snapshot(connection)
    set_chunk_state(connection, 1, "excluded")
    remove_document(connection, 1)
    assert (list_documents(connection), chunk_page(connection)) == ([], ([], 0))
    with pytest.raises(StorageError, match="no document 1"):
        remove_document(connection, 1)
    assert undo_last(connection) == "removed a.txt"
    assert get_chunk(connection, 1).state == "excluded"
    undo_last(connection)
    assert snapshot(connection) == before


def test_undo_of_a_removal_after_the_file_came_again(connection: sqlite3.Connection) -> None:
    edit_chunk(connection, 1, "Alpha lantern.", 3)
    remove_document(connection, 1)
    add(connection)
    with pytest.raises(StorageError, match="'removed a.txt' cannot be undone"):
        undo_last(connection)
    assert [one.id for one in chunk_page(connection)[0]] == [4, 5, 6]
    with pytest.raises(StorageError, match="edited chunk 1"):
        undo_last(connection)
    assert undo_last(connection) is None


def test_undo_of_one_kind_of_action_only(connection: sqlite3.Connection) -> None:
    edit_chunk(connection, 1, "Alpha lantern.", 3)
    assert undo_last(connection, tables=["pairs"]) is None
    assert undo_last(connection, tables=["rag_chunks", "chunk_records"]) == "edited chunk 1"


def test_a_failing_change_leaves_nothing(connection: sqlite3.Connection) -> None:
    before = snapshot(connection)
    with pytest.raises(ZeroDivisionError), transaction(connection):
        edit_chunk(connection, 1, "Alpha lantern.", 3)
        remove_document(connection, 1)
        raise ZeroDivisionError
    assert snapshot(connection) == before
    assert last_action(connection) is None


def test_chunks_have_a_language_until_their_text_changes(connection: sqlite3.Connection) -> None:
    assert [one.language for one in all_chunks(connection)] == [None, None, None]
    assert fill_languages(connection, lambda text: "de" if "Beta" in text else "en") == 3
    assert [one.language for one in all_chunks(connection)] == ["en", "de", "en"]
    assert languages_used(connection) == {"en": 2, "de": 1}
    assert [one.id for one in chunk_page(connection, language="en", per_page=1, page=2)[0]] == [3]
    assert chunk_page(connection, language="en", source="b.txt") == ([], 0)
    edit_chunk(connection, 2, "Other words.", 2)
    set_chunk_state(connection, 1, "excluded")
    assert [one.language for one in all_chunks(connection)] == ["en", None, "en"]
    assert fill_languages(connection, lambda text: "fr") == 1
    undo_last(connection)
    undo_last(connection)
    assert get_chunk(connection, 2).language is None


def test_the_same_bytes_can_be_read_again(connection: sqlite3.Connection) -> None:
    again = NewDocument("a.txt", "1", "txt", 30, "New.", reading={"settings": {"chunk_size": 9}})
    assert add_document(connection, again, [NewChunk("New.", 0, 4, 1, language="en")], "builtin") is None
    assert add_document(connection, NewDocument("b.txt", "1", "txt", 30, "New."), [], "builtin", again=True) is None  # another's bytes
    before = snapshot(connection)["rag_chunks"]
    assert add_document(connection, again, [NewChunk("New.", 0, 4, 1, language="en")], "builtin", again=True) == 2
    assert [(one.id, one.content, one.language) for one in all_chunks(connection)] == [(4, "New.", "en")]
    assert document_readings(connection) == {"a.txt": {"settings": {"chunk_size": 9}}}
    assert undo_last(connection) == "read a.txt again"
    assert snapshot(connection)["rag_chunks"] == before and document_readings(connection) == {"a.txt": {}}
