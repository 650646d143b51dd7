"""Documents: what was extracted from each file, and its life from added to removed.

In: a connection to the knowledge base. Out: `DocumentRow` records. A removed document keeps its row, because facts and
models point at it; its chunks leave `rag_chunks`, and their ids are never given again.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from phases.shared.database.changes import RowChange, record_change
from phases.shared.database.chunks import NewChunk, document_chunks, insert_chunks, remove_chunks
from phases.shared.database.connection import transaction
from phases.shared.errors import StorageError


@dataclass(frozen=True)
class NewDocument:
    """A document on its way into the knowledge base. `media` names its format: pdf, docx, csv, ...

    `reading` is how it was read: {"settings": of the import, "cleaning": what each step changed, "columns": of a file of
    records, "notes"}. `shape` is what its text depends on beside its bytes and the cleaning: the template or labels of its records,
    as JSON; "" for none.
    """

    source: str
    sha256: str
    media: str
    bytes: int
    text: str
    title: str = ""
    pages: int | None = None
    reading: Mapping[str, Any] = field(default_factory=dict)
    shape: str = ""


@dataclass(frozen=True)
class DocumentRow:
    """A document in the knowledge base; `tokens` counts all of its chunks."""

    id: int
    source: str
    sha256: str
    media: str
    bytes: int
    pages: int | None
    title: str
    chunks: int
    tokens: int
    added: str
    shape: str


def add_document(connection: sqlite3.Connection, document: NewDocument, chunks: Sequence[NewChunk], tokenizer: str,
                 job: str | None = None, *, again: bool = False) -> int | None:
    """Add a document with its chunks in one transaction.

    An active document of the same name is replaced, and so is one of the same bytes whose records were read with another
    template; `undo_last` can take it back.

    Args:
        again: also when the same bytes are there, under this name: they were read in another way.

    Returns:
        The document's id, or None when the same bytes, read in the same way, are there already and nothing was changed.
    """
    with transaction(connection):
        same, old = find_content(connection, document.sha256, document.shape), find_source(connection, document.source)
        if same is not None and not (again and same == old):
            return None
        replaced = {old, find_content(connection, document.sha256)} - {None}
        changes = [change for one in sorted(replaced) for change in _remove_rows(connection, one)]
        added = connection.execute(
            "INSERT INTO documents (source, sha256, media, bytes, pages, title, text, reading, job, added, shape) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (document.source, document.sha256, document.media, document.bytes, document.pages, document.title, document.text,
             json.dumps(dict(document.reading), ensure_ascii=False), job, datetime.now(UTC).isoformat(timespec="seconds"),
             document.shape)).lastrowid
        ids = insert_chunks(connection, added, document.source, chunks, tokenizer)
        if replaced:
            words = f"read {document.source} again" if again else f"replaced {document.source}"
            record_change(connection, words, [*changes, *_added_rows(added, ids)])
    return added


def remove_document(connection: sqlite3.Connection, document: int) -> None:
    """Take a document and its chunks out of the knowledge base. Raises StorageError when it is not there."""
    with transaction(connection):
        row = connection.execute("SELECT source FROM documents WHERE id = ? AND state = 'active'", (document,)).fetchone()
        if row is None:
            raise StorageError(f"There is no document {document} in the knowledge base.", "It was removed or replaced.",
                               subject=str(document), code="document_missing")
        record_change(connection, f"removed {row['source']}", _remove_rows(connection, document))


def list_documents(connection: sqlite3.Connection) -> list[DocumentRow]:
    """The active documents in the order they were added."""
    rows = connection.execute(
        "SELECT d.id, d.source, d.sha256, d.media, d.bytes, d.pages, coalesce(d.title, '') AS title, d.added, d.shape, "
        "count(r.id) AS chunks, coalesce(sum(r.tokens), 0) AS tokens FROM documents AS d "
        "LEFT JOIN chunk_records AS r ON r.document = d.id AND r.state <> 'deleted' "
        "WHERE d.state = 'active' GROUP BY d.id ORDER BY d.id")
    return [DocumentRow(**{name: row[name] for name in DocumentRow.__dataclass_fields__}) for row in rows]


def document_text(connection: sqlite3.Connection, document: int) -> str:
    """The extracted text that chunks and facts are spans of; of removed documents too."""
    row = connection.execute("SELECT text FROM documents WHERE id = ?", (document,)).fetchone()
    if row is None:
        raise StorageError(f"There is no document {document}.", "", subject=str(document), code="document_missing")
    return row["text"]


def document_readings(connection: sqlite3.Connection) -> dict[str, dict[str, Any]]:
    """How each active document was read, by its name; {} for one from before this was kept."""
    rows = connection.execute("SELECT source, reading FROM documents WHERE state = 'active' ORDER BY id")
    return {row["source"]: json.loads(row["reading"] or "{}") for row in rows}


def find_content(connection: sqlite3.Connection, sha256: str, shape: str | None = None) -> int | None:
    """The active document with these bytes; with `shape`, only if they were read in this way."""
    row = connection.execute("SELECT id FROM documents WHERE sha256 = ? AND state = 'active' AND shape = coalesce(?, shape)",
                             (sha256, shape)).fetchone()
    return row["id"] if row else None


def find_source(connection: sqlite3.Connection, source: str) -> int | None:
    """The active document of this name."""
    row = connection.execute("SELECT id FROM documents WHERE source = ? AND state = 'active'", (source,)).fetchone()
    return row["id"] if row else None


def original_is_used(connection: sqlite3.Connection, sha256: str, media: str) -> bool:
    """Whether a document, active or removed, was made from this stored original."""
    row = connection.execute("SELECT 1 FROM documents WHERE sha256 = ? AND media = ?", (sha256, media)).fetchone()
    return row is not None


def _remove_rows(connection: sqlite3.Connection, document: int) -> list[RowChange]:
    changes = remove_chunks(connection, document_chunks(connection, document))
    connection.execute("UPDATE documents SET state = 'removed' WHERE id = ?", (document,))
    return [RowChange("documents", document, {"state": "active"}, {"state": "removed"}), *changes]


def _added_rows(document: int, chunks: Sequence[int]) -> list[RowChange]:
    """Undoing a replacement removes the new document as `remove_document` would: its record rows stay."""
    rows = [RowChange("documents", document, {"state": "removed"}, {"state": "active"})]
    for one in chunks:
        rows.append(RowChange("chunk_records", one, {"state": "deleted"}, {"state": "active"}))
        rows.append(RowChange("rag_chunks", one, None, {}))
    return rows
