"""The matrix file beside the database: used while it fits, never stale, harmless to lose."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from phases.shared.database import change_log, side_file, vector_file
from phases.shared.database.changes import undo_last
from phases.shared.database.chunks import delete_chunk, edit_chunk, get_chunk, set_chunk_state
from phases.shared.database.connection import knowledge
from phases.shared.database.embeddings import fresh_rows, store_vector
from phases.shared.database.vector_file import vector_table
from phases.shared.project import Project
from tests.shared.test_search import TEXTS, add_texts


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


@pytest.fixture
def connection(project: Project) -> Iterator[sqlite3.Connection]:
    with knowledge(project) as connection:
        add_texts(connection, "a.txt", TEXTS)
        for chunk in range(1, len(TEXTS) + 1):
            give_vector(connection, chunk)
        yield connection


def give_vector(connection: sqlite3.Connection, chunk: int, place: int | None = None) -> None:
    vector = np.eye(8, dtype=np.float32)[chunk if place is None else place]
    store_vector(connection, chunk, get_chunk(connection, chunk).content_hash, "model", vector, "hash")


def seen(connection: sqlite3.Connection) -> dict[int, int]:
    table = vector_table(connection)
    assert not len(table.chunks) or (table.model, table.model_hash) == ("model", "hash")
    if not len(table.chunks):
        return {}
    cosines = np.stack([table.cosines(axis) for axis in np.eye(8, dtype=np.float32)])
    assert cosines.shape == (8, len(table.chunks)) and len(table.documents) == len(table.chunks) and list(table.chunks) == sorted(table.chunks)
    return {int(chunk): int(place) for chunk, place in zip(table.chunks, np.argmax(cosines, axis=0), strict=True)}


def test_every_change_of_what_search_sees_is_noticed(connection: sqlite3.Connection) -> None:
    assert seen(connection) == {1: 1, 2: 2, 3: 3, 4: 4, 5: 5}
    set_chunk_state(connection, 2, "excluded")
    assert seen(connection) == {1: 1, 3: 3, 4: 4, 5: 5}
    delete_chunk(connection, 3)
    edit_chunk(connection, 4, "Another text.", 3)
    assert seen(connection) == {1: 1, 5: 5}
    undo_last(connection)
    assert seen(connection) == {1: 1, 4: 4, 5: 5}
    give_vector(connection, 5, place=7)
    add_texts(connection, "b.txt", ["A new chunk."])
    give_vector(connection, 6)
    assert seen(connection) == {1: 1, 4: 4, 5: 7, 6: 6}


def test_the_rows_are_read_once(connection: sqlite3.Connection, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    before = seen(connection)
    with monkeypatch.context() as patched, knowledge(project) as other:
        patched.setattr(vector_file, "fresh_rows", lambda *_: pytest.fail("the rows were read again"))
        assert seen(other) == before
        assert isinstance(vector_table(other).vectors, np.memmap)


def test_a_change_costs_only_the_rows_that_changed(connection: sqlite3.Connection, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    assert seen(connection) == {1: 1, 2: 2, 3: 3, 4: 4, 5: 5}
    whole = project.database.with_suffix(".vectors").read_bytes()
    asked: list[list[int] | None] = []
    monkeypatch.setattr(vector_file, "fresh_rows", lambda c, m, h, among=None: (asked.append(among), fresh_rows(c, m, h, among))[1])
    with knowledge(project) as other:
        give_vector(connection, 4, place=0)
        set_chunk_state(connection, 1, "excluded")
        assert seen(other) == {2: 2, 3: 3, 4: 0, 5: 5} and asked == [[1, 4]]
        assert project.database.with_suffix(".vectors").read_bytes() == whole
        set_chunk_state(connection, 1, "active")
        assert seen(other) == seen(connection) == {1: 1, 2: 2, 3: 3, 4: 0, 5: 5}


def test_documents_go_with_the_chunks(connection: sqlite3.Connection) -> None:
    add_texts(connection, "b.txt", ["One.", "Two."])
    for chunk in (6, 7):
        give_vector(connection, chunk)
    vector_table(connection)
    give_vector(connection, 2, place=0)
    set_chunk_state(connection, 6, "excluded")
    table = vector_table(connection)
    assert (table.chunks.tolist(), table.documents.tolist()) == ([1, 2, 3, 4, 5, 7], [1, 1, 1, 1, 1, 2])


def test_another_model_takes_the_lead(connection: sqlite3.Connection) -> None:
    def other(chunk: int) -> None:
        store_vector(connection, chunk, get_chunk(connection, chunk).content_hash, "other", np.eye(3, dtype=np.float32)[0], "")

    def leading() -> tuple[str, list[int]]:
        return vector_table(connection).model, vector_table(connection).chunks.tolist()

    assert leading() == ("model", [1, 2, 3, 4, 5])
    for chunk, expected in ((5, ("model", [1, 2, 3, 4])), (4, ("model", [1, 2, 3])), (3, ("other", [3, 4, 5])), (2, ("other", [2, 3, 4, 5]))):
        other(chunk)
        assert leading() == expected


def test_after_many_changes_the_file_is_made_anew(connection: sqlite3.Connection, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(change_log, "MOST_CHANGED", 1)
    seen(connection)
    file = project.database.with_suffix(".vectors")
    first = file.read_bytes()
    give_vector(connection, 1, place=0)
    assert seen(connection)[1] == 0 and file.read_bytes() == first
    give_vector(connection, 2, place=0)
    assert seen(connection)[2] == 0 and file.read_bytes() != first


@pytest.mark.parametrize("damage", ["gone", "cut", "empty", "rubbish", "ones"])
def test_a_lost_or_damaged_file_is_made_anew(connection: sqlite3.Connection, project: Project, damage: str) -> None:
    before, file = seen(connection), project.database.with_suffix(".vectors")
    whole = file.read_bytes()
    contents = {"cut": whole[:-9], "empty": b"", "rubbish": b"no matrix" * 99, "ones": b"\xff" * 99}
    file.unlink() if damage == "gone" else file.write_bytes(contents[damage])
    assert seen(connection) == before and file.read_bytes() == whole


def test_the_file_of_another_history_is_not_used(connection: sqlite3.Connection, project: Project) -> None:
    """The database is put back to an older copy; as many changes later, the file of the other history lies beside it."""
    older = project.database.with_name("older.sqlite")
    shutil.copy(project.database, older)
    give_vector(connection, 1, place=6)
    assert seen(connection)[1] == 6
    shutil.copy(older, project.database)
    with knowledge(project) as restored:
        give_vector(restored, 1, place=0)
        assert seen(restored)[1] == 0


def test_a_change_that_is_taken_back_leaves_no_trace(connection: sqlite3.Connection, project: Project) -> None:
    before = seen(connection)
    connection.execute("BEGIN")
    set_chunk_state(connection, 1, "excluded")
    assert 1 not in seen(connection)
    connection.execute("ROLLBACK")
    assert seen(connection) == before


def test_where_nothing_can_be_written_the_rows_are_read(connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise OSError("read-only")

    monkeypatch.setattr(side_file, "write_atomically", refused)
    assert seen(connection) == seen(connection) == {1: 1, 2: 2, 3: 3, 4: 4, 5: 5}


def test_without_vectors_the_table_is_empty(project: Project) -> None:
    with knowledge(project) as connection:
        for _ in range(2):
            assert (vector_table(connection).model, len(vector_table(connection).chunks)) == ("", 0)
