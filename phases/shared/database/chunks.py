"""Chunks: the rows of `rag_chunks` together with what `chunk_records` knows about them.

In: a connection to the knowledge base. Out: `ChunkRow` records, or a change that `undo_last` can take back.
A chunk's id is given once and never again: `chunk_records` keeps the row of a deleted chunk.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from phases.shared.database.changes import RowChange, record_change
from phases.shared.database.connection import transaction
from phases.shared.errors import StorageError

COLUMNS = """c.id, c.content, c.source, c.chunk_index, c.metadata, r.document, r.content_hash, r.state, r.origin,
             r.held_out, r.tokens, r.span_start, r.span_end, r.language"""
TABLES = "rag_chunks AS c JOIN chunk_records AS r ON r.id = c.id"


@dataclass(frozen=True)
class NewChunk:
    """A chunk on its way into the knowledge base. `start` and `end` are offsets in the document's text."""

    content: str
    start: int
    end: int
    tokens: int
    held_out: bool = False
    metadata: dict[str, Any] = field(default_factory=dict)
    language: str | None = None


@dataclass(frozen=True)
class ChunkRow:
    """A chunk as it stands. `held_out`: kept for perplexity, never trained on and never asked about. `language`: None when nobody
    has looked since its text changed.
    """

    id: int
    content: str
    source: str
    chunk_index: int
    metadata: dict[str, Any]
    document: int
    content_hash: str
    state: str
    origin: str
    held_out: bool
    tokens: int
    span_start: int
    span_end: int
    language: str | None = None


@dataclass(frozen=True)
class Summary:
    """The knowledge base in numbers. `tokens` counts the active chunks that are not held out."""

    documents: int
    chunks: int
    excluded: int
    held_out: int
    tokens: int


def hash_of(content: str) -> str:
    """The content hash that pairs keep to notice that their chunk has changed; of halves of signs too, which a browser can send."""
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()


def chunk_from(row: sqlite3.Row) -> ChunkRow:
    """The record of a row that was selected with COLUMNS."""
    values = {name: row[name] for name in ChunkRow.__dataclass_fields__}
    return ChunkRow(**{**values, "metadata": json.loads(row["metadata"] or "{}"), "held_out": bool(row["held_out"])})


def insert_chunks(connection: sqlite3.Connection, document: int, source: str, chunks: Sequence[NewChunk],
                  tokenizer: str) -> list[int]:
    """Add a document's chunks in their order; returns their ids."""
    ids = []
    for index, chunk in enumerate(chunks):
        made = connection.execute(
            "INSERT INTO chunk_records (document, content_hash, held_out, tokens, tokenizer, span_start, span_end, language) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (document, hash_of(chunk.content), int(chunk.held_out), chunk.tokens, tokenizer, chunk.start, chunk.end,
             chunk.language))
        ids.append(made.lastrowid)
        connection.execute(
            "INSERT INTO rag_chunks (id, content, source, chunk_index, metadata) VALUES (?, ?, ?, ?, ?)",
            (made.lastrowid, chunk.content, source, index, json.dumps(chunk.metadata, ensure_ascii=False)))
    return ids


def get_chunk(connection: sqlite3.Connection, chunk_id: int) -> ChunkRow:
    """The chunk of that id. Raises StorageError when it was deleted or never was."""
    row = connection.execute(f"SELECT {COLUMNS} FROM {TABLES} WHERE c.id = ?", (chunk_id,)).fetchone()
    if row is None:
        raise StorageError(f"There is no chunk {chunk_id}.", "It was deleted, or its document was removed or replaced.",
                           subject=str(chunk_id), code="chunk_missing")
    return chunk_from(row)


def get_chunks(connection: sqlite3.Connection, ids: Sequence[int]) -> dict[int, ChunkRow]:
    """The chunks of those ids, by id; ids that are gone are left out."""
    rows = connection.execute(f"SELECT {COLUMNS} FROM {TABLES} WHERE c.id IN (SELECT value FROM json_each(?))", (json.dumps(list(ids)),))
    return {row["id"]: chunk_from(row) for row in rows}


def neighbours(connection: sqlite3.Connection, chunk_id: int) -> tuple[ChunkRow | None, ChunkRow | None]:
    """The chunks before and after in the same document; None at its ends."""
    here = get_chunk(connection, chunk_id)
    found = []
    for comparison, order in (("<", "DESC"), (">", "ASC")):
        row = connection.execute(
            f"SELECT {COLUMNS} FROM {TABLES} WHERE r.document = ? AND c.chunk_index {comparison} ? "
            f"ORDER BY c.chunk_index {order} LIMIT 1", (here.document, here.chunk_index)).fetchone()
        found.append(chunk_from(row) if row else None)
    return found[0], found[1]


def training_chunks(connection: sqlite3.Connection) -> list[ChunkRow]:
    """What may be trained on and asked about: active, not held out, in document order."""
    return _active_chunks(connection, held_out=False)


def held_out_chunks(connection: sqlite3.Connection) -> list[ChunkRow]:
    """What perplexity is measured on: active, held out, in document order."""
    return _active_chunks(connection, held_out=True)


def _active_chunks(connection: sqlite3.Connection, *, held_out: bool) -> list[ChunkRow]:
    rows = connection.execute(f"SELECT {COLUMNS} FROM {TABLES} WHERE r.state = 'active' AND r.held_out = ? "
                              "ORDER BY r.document, c.chunk_index, c.id", (int(held_out),))
    return [chunk_from(row) for row in rows]


def edit_chunk(connection: sqlite3.Connection, chunk_id: int, content: str, tokens: int, seen: str | None = None) -> ChunkRow:
    """Replace a chunk's text; what was made from the old text is stale from now on.

    Args:
        tokens: of the text as `storable` leaves it.
        seen: the hash of the text that was edited; None for whatever stands there.

    Raises:
        StorageError: the chunk is gone, nothing would be left of it, or its text is not the one that was edited.
    """
    content = storable(content)
    if not content:
        raise StorageError(f"Chunk {chunk_id} cannot be empty.", "Exclude or delete it instead.", subject=str(chunk_id),
                           code="chunk_empty")
    with transaction(connection):
        old = get_chunk(connection, chunk_id)
        if content == old.content:
            return old
        if seen not in {None, old.content_hash}:
            raise StorageError(f"Chunk {chunk_id} was changed elsewhere since you opened it, and nothing was saved.",
                               "Copy your text, discard it to see what the chunk says now, and edit that.",
                               subject=str(chunk_id), code="chunk_changed")
        record = {"content_hash": hash_of(content), "origin": "edited", "tokens": tokens}
        _update_record(connection, chunk_id, record)
        connection.execute("UPDATE rag_chunks SET content = ? WHERE id = ?", (content, chunk_id))
        record_change(connection, f"edited chunk {chunk_id}", [
            RowChange("chunk_records", chunk_id, {name: getattr(old, name) for name in record}, record),
            RowChange("rag_chunks", chunk_id, {"content": old.content}, {"content": content})])
        return get_chunk(connection, chunk_id)


def set_chunk_state(connection: sqlite3.Connection, chunk_id: int, state: str) -> ChunkRow:
    """Take a chunk out of training and search ("excluded"), or back in ("active")."""
    if state not in {"active", "excluded"}:
        raise StorageError(f"A chunk cannot be '{state}'.", "It is active or excluded.", subject=str(chunk_id))
    with transaction(connection):
        old = get_chunk(connection, chunk_id)
        if old.state != state:
            _update_record(connection, chunk_id, {"state": state})
            action = f"excluded chunk {chunk_id}" if state == "excluded" else f"included chunk {chunk_id} again"
            record_change(connection, action,
                          [RowChange("chunk_records", chunk_id, {"state": old.state}, {"state": state})])
        return get_chunk(connection, chunk_id)


def exclude_chunks(connection: sqlite3.Connection, chunks: Sequence[int], action: str) -> int:
    """Exclude chunks as one action; returns how many were not excluded before."""
    with transaction(connection):
        old = [one for one in (get_chunk(connection, chunk) for chunk in chunks) if one.state != "excluded"]
        for one in old:
            _update_record(connection, one.id, {"state": "excluded"})
        if old:
            record_change(connection, action, [RowChange("chunk_records", one.id, {"state": one.state}, {"state": "excluded"}) for one in old])
    return len(old)


def delete_chunk(connection: sqlite3.Connection, chunk_id: int) -> None:
    """Remove a chunk; its id is never given again. Raises StorageError when it is gone already."""
    with transaction(connection):
        record_change(connection, f"deleted chunk {chunk_id}", remove_chunks(connection, [get_chunk(connection, chunk_id)]))


def remove_chunks(connection: sqlite3.Connection, chunks: Sequence[ChunkRow]) -> list[RowChange]:
    """Delete rows and mark their records; returns what undo needs to bring them back with the same ids."""
    changes = []
    for chunk in chunks:
        row = connection.execute("SELECT * FROM rag_chunks WHERE id = ?", (chunk.id,)).fetchone()
        connection.execute("DELETE FROM rag_chunks WHERE id = ?", (chunk.id,))
        _update_record(connection, chunk.id, {"state": "deleted"})
        changes += [RowChange("chunk_records", chunk.id, {"state": chunk.state}, {"state": "deleted"}),
                    RowChange("rag_chunks", chunk.id, dict(row), None)]
    return changes


def document_chunks(connection: sqlite3.Connection, document: int) -> list[ChunkRow]:
    """All chunks of a document, in their order."""
    rows = connection.execute(f"SELECT {COLUMNS} FROM {TABLES} WHERE r.document = ? ORDER BY c.chunk_index, c.id",
                              (document,))
    return [chunk_from(row) for row in rows]


def all_chunks(connection: sqlite3.Connection) -> list[ChunkRow]:
    """Every chunk, excluded and held-out ones too, in reading order."""
    rows = connection.execute(f"SELECT {COLUMNS} FROM {TABLES} ORDER BY r.document, c.chunk_index, c.id")
    return [chunk_from(row) for row in rows]


def fill_languages(connection: sqlite3.Connection, guess: Callable[[str], str]) -> int:
    """Give every chunk without a language the one that its text is in; returns how many there were."""
    rows = connection.execute(f"SELECT c.id, c.content FROM {TABLES} WHERE r.language IS NULL").fetchall()
    if rows:
        guessed = [(guess(row["content"] or ""), row["id"], row["content"]) for row in rows]
        with transaction(connection):  # only where the text is still the one that was read
            connection.executemany("UPDATE chunk_records SET language = ? WHERE id = ? AND language IS NULL "
                                   "AND (SELECT content FROM rag_chunks AS c WHERE c.id = chunk_records.id) IS ?", guessed)
    return len(rows)


def languages_used(connection: sqlite3.Connection) -> dict[str, int]:
    """How many chunks are in each language, the most first."""
    rows = connection.execute("SELECT language, count(*) AS chunks FROM chunk_records WHERE state <> 'deleted' AND language IS NOT NULL "
                              "GROUP BY language ORDER BY chunks DESC, language")
    return {row["language"]: row["chunks"] for row in rows}


def knowledge_summary(connection: sqlite3.Connection) -> Summary:
    """The knowledge base in numbers."""
    row = connection.execute(
        "SELECT count(*) AS chunks, coalesce(sum(r.state = 'excluded'), 0) AS excluded, "
        "coalesce(sum(r.state = 'active' AND r.held_out), 0) AS held_out, "
        "coalesce(sum(CASE WHEN r.state = 'active' AND NOT r.held_out THEN r.tokens END), 0) AS tokens, "
        f"(SELECT count(*) FROM documents WHERE state = 'active') AS documents FROM {TABLES}").fetchone()
    return Summary(**{name: row[name] for name in Summary.__dataclass_fields__})


def _update_record(connection: sqlite3.Connection, chunk_id: int, values: dict[str, Any]) -> None:
    places = ", ".join(f"{name} = ?" for name in values)
    connection.execute(f"UPDATE chunk_records SET {places} WHERE id = ?", [*values.values(), chunk_id])


def storable(text: str) -> str:
    """A text as it is stored: control characters would break search marks and training text, halves of signs cannot be written."""
    kept = "".join(one for one in text.replace("\r\n", "\n") if one in "\n\t" or (ord(one) >= 32 and not "\ud800" <= one <= "\udfff"))
    return kept.strip()
