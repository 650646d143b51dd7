"""One chunk into two, or two neighbours into one.

In: a connection, a chunk's id, and a function that counts tokens. Out: the chunks as they stand now, and one action that
`undo_last` takes back. The first part keeps the id; pairs made from the old text notice by its content hash.
Commands: `python app.py split-chunk NAME ID --at TEXT`, `python app.py merge-chunks NAME ID`.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from phases.shared.database.changes import RowChange, record_change
from phases.shared.database.chunks import ChunkRow, get_chunk, hash_of, neighbours, remove_chunks
from phases.shared.database.connection import transaction
from phases.shared.errors import StorageError

BETWEEN = "\n\n"  # stands between two texts that do not follow each other in the document


def split_chunk(connection: sqlite3.Connection, chunk_id: int, at: int, count: Callable[[str], int],
                headings: Sequence[str] | None = None) -> tuple[ChunkRow, ChunkRow]:
    """Cut a chunk before character `at` of its text; white space at the cut goes.

    Both parts keep document, metadata, state and held-out mark. Parts of unedited text get the exact span they stand at,
    parts of edited text keep the span of the whole. The second part has a new id.

    Args:
        headings: the titles that the second part stands under; None for those of the whole.

    Raises:
        StorageError: the chunk is gone, or one part would be empty.
    """
    with transaction(connection):
        old = get_chunk(connection, chunk_id)
        first, second = old.content[:max(at, 0)].rstrip(), old.content[max(at, 0):].lstrip()
        if not first.strip() or not second.strip():
            raise StorageError(f"Chunk {chunk_id} cannot be split there: one part would be empty.",
                               "Choose a place inside its text.", subject=str(chunk_id), code="split_place")
        ends = (old.span_start + len(first), old.span_end - len(second)) if _is_exact(connection, old) else (old.span_end, old.span_start)
        changes = _shift(connection, old, 1)
        changes += _rewrite(connection, old, first, (old.span_start, ends[0]), old.origin, count)
        under = {} if headings is None or "headings" not in old.metadata else {"headings": list(headings)}
        part = replace(old, metadata={**old.metadata, **under})
        made, added = _insert_part(connection, part, second, (ends[1], old.span_end), count)
        record_change(connection, f"split chunk {chunk_id}", [*changes, *added])
        return get_chunk(connection, chunk_id), get_chunk(connection, made)


def merge_with_next(connection: sqlite3.Connection, chunk_id: int, count: Callable[[str], int]) -> ChunkRow:
    """Join a chunk with the one that follows it in its document; text that both hold stands once.

    Raises:
        StorageError: there is no next chunk, or the two are not in the same state (excluded, held out).
    """
    with transaction(connection):
        first, second = get_chunk(connection, chunk_id), neighbours(connection, chunk_id)[1]
        if second is None:
            raise StorageError(f"Chunk {chunk_id} is the last of {first.source}: there is none to merge it with.",
                               "Choose the chunk before it.", subject=str(chunk_id), code="merge_last")
        _check_alike(first, second)
        content, origin = _joined(connection, first, second)
        changes = remove_chunks(connection, [second])
        changes += _shift(connection, second, -1)
        span = (first.span_start, max(first.span_end, second.span_end))
        changes += _rewrite(connection, first, content, span, origin, count)
        record_change(connection, f"merged chunks {first.id} and {second.id}", changes)
        return get_chunk(connection, chunk_id)


def _check_alike(first: ChunkRow, second: ChunkRow) -> None:
    if first.held_out != second.held_out:
        raise StorageError(f"Chunks {first.id} and {second.id} cannot be merged: one is held out for measuring, the other is trained on.",
                           "Only chunks of the same kind can be merged.", subject=str(first.id), code="merge_held_out")
    if first.state != second.state:
        excluded = first if first.state == "excluded" else second
        raise StorageError(f"Chunks {first.id} and {second.id} cannot be merged: chunk {excluded.id} is excluded.",
                           "Include it first, or delete it.", subject=str(first.id), code="merge_excluded")


def _joined(connection: sqlite3.Connection, first: ChunkRow, second: ChunkRow) -> tuple[str, str]:
    """The text of both and its origin.

    Unedited neighbours are one span of the document. Where text was edited, or a chunk between them was deleted, what
    the document says between them does not come back.
    """
    text = _document_text(connection, first.document)
    gap = text[first.span_end:second.span_start]
    if _is_exact(connection, first) and _is_exact(connection, second) and not gap.strip():
        return text[first.span_start:max(first.span_end, second.span_end)], first.origin
    shared = text[second.span_start:first.span_end]
    if shared and first.content.endswith(shared) and second.content.startswith(shared):
        return first.content + second.content[len(shared):], "edited"
    return f"{first.content.rstrip()}{BETWEEN}{second.content.lstrip()}", "edited"


def _is_exact(connection: sqlite3.Connection, chunk: ChunkRow) -> bool:
    """Whether the chunk says what its span of the document says."""
    return _document_text(connection, chunk.document)[chunk.span_start:chunk.span_end] == chunk.content


def _document_text(connection: sqlite3.Connection, document: int) -> str:
    return connection.execute("SELECT text FROM documents WHERE id = ?", (document,)).fetchone()["text"]


def _shift(connection: sqlite3.Connection, behind: ChunkRow, by: int) -> list[RowChange]:
    """Move the index of every chunk behind this one in its document."""
    rows = connection.execute(
        "SELECT c.id, c.chunk_index FROM rag_chunks AS c JOIN chunk_records AS r ON r.id = c.id "
        "WHERE r.document = ? AND c.chunk_index > ?", (behind.document, behind.chunk_index)).fetchall()
    connection.executemany("UPDATE rag_chunks SET chunk_index = ? WHERE id = ?", [(row["chunk_index"] + by, row["id"]) for row in rows])
    return [RowChange("rag_chunks", row["id"], {"chunk_index": row["chunk_index"]}, {"chunk_index": row["chunk_index"] + by})
            for row in rows]


def _rewrite(connection: sqlite3.Connection, old: ChunkRow, content: str, span: tuple[int, int], origin: str,
             count: Callable[[str], int]) -> list[RowChange]:
    """Give a chunk another text and span."""
    record = {"content_hash": hash_of(content), "origin": origin, "tokens": count(content), "span_start": span[0], "span_end": span[1]}
    connection.execute("UPDATE chunk_records SET content_hash = ?, origin = ?, tokens = ?, span_start = ?, span_end = ? WHERE id = ?",
                       (*record.values(), old.id))
    row = {"content": content, "metadata": _metadata(old, span)}
    before = connection.execute("SELECT content, metadata FROM rag_chunks WHERE id = ?", (old.id,)).fetchone()
    connection.execute("UPDATE rag_chunks SET content = ?, metadata = ? WHERE id = ?", (*row.values(), old.id))
    return [RowChange("chunk_records", old.id, {name: getattr(old, name) for name in record}, record),
            RowChange("rag_chunks", old.id, dict(before), row)]


def _insert_part(connection: sqlite3.Connection, old: ChunkRow, content: str, span: tuple[int, int],
                 count: Callable[[str], int]) -> tuple[int, list[RowChange]]:
    """A new chunk right behind `old`; undoing it leaves its record, so that its id is never given again."""
    tokenizer = connection.execute("SELECT tokenizer FROM chunk_records WHERE id = ?", (old.id,)).fetchone()["tokenizer"]
    part = replace(old, content=content, content_hash=hash_of(content), tokens=count(content), span_start=span[0], span_end=span[1])
    made = connection.execute(
        "INSERT INTO chunk_records (document, content_hash, state, origin, held_out, tokens, tokenizer, span_start, span_end) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (part.document, part.content_hash, part.state, part.origin, int(part.held_out), part.tokens, tokenizer,
         part.span_start, part.span_end)).lastrowid
    connection.execute("INSERT INTO rag_chunks (id, content, source, chunk_index, metadata) VALUES (?, ?, ?, ?, ?)",
                       (made, content, old.source, old.chunk_index + 1, _metadata(old, span)))
    return made, [RowChange("chunk_records", made, {"state": "deleted"}, {"state": part.state}), RowChange("rag_chunks", made, None, {})]


def _metadata(old: ChunkRow, span: tuple[int, int]) -> str:
    """The chunk's metadata with its place in the document, where it tells one."""
    place: dict[str, Any] = {name: value for name, value in zip(("start", "end"), span, strict=True) if name in old.metadata}
    return json.dumps({**old.metadata, **place}, ensure_ascii=False)
