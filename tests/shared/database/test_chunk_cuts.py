"""Splitting a chunk and merging two, with everything that hangs on them, on a real database."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from phases.shared.database.changes import last_action, undo_last
from phases.shared.database.chunk_cuts import merge_with_next, split_chunk
from phases.shared.database.chunks import (
    ChunkRow,
    NewChunk,
    delete_chunk,
    document_chunks,
    edit_chunk,
    get_chunk,
    hash_of,
    set_chunk_state,
)
from phases.shared.database.connection import knowledge
from phases.shared.database.documents import NewDocument, add_document
from phases.shared.database.pairs import PairRow, get_pair
from phases.shared.database.written import store_written
from phases.shared.errors import StorageError
from phases.shared.project import Project
from phases.shared.search import search_chunks

TEXT = "Alpha lamp burns oil. Beta lamp burns gas.\n\nGamma lamp is green. Delta lamp is red."
SPANS = ((0, 42), (22, 64), (65, 83))  # the first two share "Beta lamp burns gas.", the third follows a blank


def count(text: str) -> int:
    return len(text.split())


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with knowledge(Project(tmp_path)) as connection:
        for number, source in enumerate(("a.txt", "b.txt")):
            chunks = [NewChunk(TEXT[start:end], start, end, 9, metadata={"page": 1, "headings": ["H"], "start": start, "end": end})
                      for start, end in SPANS]
            add_document(connection, NewDocument(source, str(number), "txt", 30, TEXT), chunks, "builtin")
        yield connection
        assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        connection.execute("INSERT INTO rag_chunks_fts (rag_chunks_fts, rank) VALUES ('integrity-check', 1)")


def rows(connection: sqlite3.Connection) -> list[tuple]:
    """Everything that stands, and the states of all records but those that were made since."""
    return [tuple(row) for row in connection.execute("SELECT * FROM rag_chunks ORDER BY id")] + [
        tuple(row) for row in connection.execute("SELECT * FROM chunk_records WHERE state <> 'deleted' ORDER BY id")]


def order(connection: sqlite3.Connection, document: int = 1) -> list[tuple[int, int]]:
    return [(one.id, one.chunk_index) for one in document_chunks(connection, document)]


def says_its_span(chunk: ChunkRow) -> bool:
    return TEXT[chunk.span_start:chunk.span_end] == chunk.content


def pair_of(connection: sqlite3.Connection, chunk: ChunkRow) -> PairRow:
    fact = {"document": chunk.document, "start": chunk.span_start, "end": chunk.span_start + 5, "subject": chunk.content[:5],
            "attribute": "fuel", "answer": "oil", "split": "train"}
    store_written(connection, "job", {
        "slot": f"{chunk.id}/factual/0", "chunk": chunk.id, "chunk_hash": chunk.content_hash, "style": "factual", "provider": "builtin",
        "model": "", "dataset": "sft_data", "fact": fact,
        "pairs": [{"instruction": f"What does {chunk.id} burn?", "output": "oil", "split": "train", "state": "open", "reason": ""}]})
    return get_pair(connection, connection.execute("SELECT max(id) AS id FROM pairs").fetchone()["id"])


def test_a_split_makes_two_exact_spans_and_moves_what_follows(connection: sqlite3.Connection) -> None:
    first, second = split_chunk(connection, 1, 22, count)
    assert (first.id, first.content, first.span_start, first.span_end) == (1, "Alpha lamp burns oil.", 0, 21)
    assert (second.id, second.content, second.span_start, second.span_end) == (7, "Beta lamp burns gas.", 22, 42)
    assert says_its_span(first) and says_its_span(second)
    assert order(connection) == [(1, 0), (7, 1), (2, 2), (3, 3)]
    assert order(connection, 2) == [(4, 0), (5, 1), (6, 2)]
    assert (first.metadata, second.metadata) == ({"page": 1, "headings": ["H"], "start": 0, "end": 21},
                                                 {"page": 1, "headings": ["H"], "start": 22, "end": 42})
    for part in (first, second):
        assert (part.document, part.source, part.origin, part.state, part.tokens) == (1, "a.txt", "document", "active", 4)
        assert part.content_hash == hash_of(part.content)
    assert 7 in [hit.chunk.id for hit in search_chunks(connection, "gas")]


def test_a_split_is_undone_and_its_id_is_never_given_again(connection: sqlite3.Connection) -> None:
    before = rows(connection)
    split_chunk(connection, 1, 22, count)
    assert last_action(connection) == undo_last(connection) == "split chunk 1"
    assert rows(connection) == before
    assert split_chunk(connection, 1, 22, count)[1].id == 8


def test_both_parts_keep_state_held_out_mark_and_an_edited_one_its_span(connection: sqlite3.Connection) -> None:
    edit_chunk(connection, 2, "Beta by hand. Gamma by hand.", 6)
    set_chunk_state(connection, 2, "excluded")
    connection.execute("UPDATE chunk_records SET held_out = 1 WHERE id = 2")
    for part in split_chunk(connection, 2, 14, count):
        assert (part.span_start, part.span_end, part.origin, part.state, part.held_out) == (22, 64, "edited", "excluded", True)
    assert search_chunks(connection, "hand") == []


@pytest.mark.parametrize("at", [-3, 0, 42, 999])
def test_no_part_is_empty(connection: sqlite3.Connection, at: int) -> None:
    before = rows(connection)
    with pytest.raises(StorageError, match="would be empty"):
        split_chunk(connection, 1, at, count)
    assert rows(connection) == before and last_action(connection) is None


def test_overlapping_neighbours_are_one_span_when_merged(connection: sqlite3.Connection) -> None:
    before = rows(connection)
    merged = merge_with_next(connection, 1, count)
    assert merged.content == TEXT[0:64] and merged.content.count("Beta") == 1 and says_its_span(merged)
    assert (merged.id, merged.origin, merged.tokens, merged.metadata["end"]) == (1, "document", 12, 64)
    assert order(connection) == [(1, 0), (3, 1)]
    merged = merge_with_next(connection, 1, count)
    assert merged.content == TEXT[0:83] and order(connection) == [(1, 0)]
    assert undo_last(connection) == "merged chunks 1 and 3"
    assert undo_last(connection) == "merged chunks 1 and 2"
    assert rows(connection) == before


def test_split_and_merge_give_the_same_chunk_again(connection: sqlite3.Connection) -> None:
    before = get_chunk(connection, 2)
    split_chunk(connection, 2, 22, count)
    after = merge_with_next(connection, 2, count)
    assert (after.content, after.content_hash, after.span_start, after.span_end) == (
        before.content, before.content_hash, before.span_start, before.span_end)
    assert order(connection) == [(1, 0), (2, 1), (3, 2)]


def test_what_was_edited_is_joined_as_it_is(connection: sqlite3.Connection) -> None:
    edit_chunk(connection, 2, "Beta lamp by hand.", 4)
    merged = merge_with_next(connection, 1, count)
    assert merged.content == "Alpha lamp burns oil. Beta lamp burns gas.\n\nBeta lamp by hand."
    assert (merged.origin, merged.span_start, merged.span_end) == ("edited", 0, 64)
    edit_chunk(connection, 5, TEXT[22:64] + " And more.", 12)
    merged = merge_with_next(connection, 4, count)
    assert merged.content == TEXT[0:64] + " And more."


def test_a_chunk_deleted_in_between_does_not_come_back(connection: sqlite3.Connection) -> None:
    delete_chunk(connection, 2)
    merged = merge_with_next(connection, 1, count)
    assert merged.content == f"{TEXT[0:42]}\n\n{TEXT[65:83]}" and merged.origin == "edited"


def test_unlike_chunks_and_the_last_one_are_not_merged(connection: sqlite3.Connection) -> None:
    before = rows(connection)
    with pytest.raises(StorageError, match="the last of a.txt"):
        merge_with_next(connection, 3, count)
    connection.execute("UPDATE chunk_records SET held_out = 1 WHERE id = 2")
    with pytest.raises(StorageError, match="held out"):
        merge_with_next(connection, 1, count)
    connection.execute("UPDATE chunk_records SET held_out = 0 WHERE id = 2")
    assert rows(connection) == before
    set_chunk_state(connection, 2, "excluded")
    with pytest.raises(StorageError, match="chunk 2 is excluded"):
        merge_with_next(connection, 1, count)


def test_pairs_of_split_and_merged_chunks_are_stale_until_it_is_undone(connection: sqlite3.Connection) -> None:
    pairs = [pair_of(connection, get_chunk(connection, number)).id for number in (1, 2, 3)]

    def stale() -> list[bool]:
        return [get_pair(connection, pair).stale for pair in pairs]

    assert stale() == [False, False, False]
    split_chunk(connection, 1, 22, count)
    assert stale() == [True, False, False]
    undo_last(connection)
    assert stale() == [False, False, False]
    merge_with_next(connection, 1, count)
    assert stale() == [True, True, False]
    undo_last(connection)
    assert stale() == [False, False, False]
