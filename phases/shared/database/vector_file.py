"""The fresh vectors as one matrix in a file beside the database, so that a search maps it instead of reading every row.

In: a connection. Out: `VectorTable`; its vectors are pages of the file, shared by every process that searches.
The database alone says what is true: the file carries the token of the rows that it was made from (see `vectors_token`)
and is made anew as soon as that differs. Deleting it is harmless; where it cannot be written, every search reads the rows.
"""

from __future__ import annotations

import io
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.lib import format as npy

from phases.shared.database.embeddings import fresh_rows, vector_counts, vectors_token
from phases.shared.files import write_atomically

SUFFIX = ".vectors"


@dataclass(frozen=True)
class VectorTable:
    """What search by meaning sees. `chunks` and `documents`: ids, shape (n,); `vectors`: shape (n, dim), each of length 1.

    `model` is "" when no active chunk has a fresh vector.
    """

    token: str
    model: str
    model_hash: str
    chunks: np.ndarray
    documents: np.ndarray
    vectors: np.ndarray


def vector_table(connection: sqlite3.Connection) -> VectorTable:
    """The vectors as they are now, from the file when it fits."""
    path = _file_beside(connection)
    with _one_view(connection):
        token = vectors_token(connection)
        kept = _read(path) if path else None
        if kept is not None and kept.token == token:
            return kept
        now = vector_counts(connection)
        table = VectorTable(token, now.model, now.model_hash, *fresh_rows(connection, now.model, now.model_hash))
    if path:
        _write(path, table)
    return table


def documents_named(connection: sqlite3.Connection, source: str) -> list[int]:
    """The ids of the documents of that name, removed ones too."""
    return [row["id"] for row in connection.execute("SELECT id FROM documents WHERE source = ?", (source,))]


@contextmanager
def _one_view(connection: sqlite3.Connection) -> Iterator[None]:
    """Token and rows of the same moment: nobody else's commit falls between the statements of the block."""
    if connection.in_transaction:
        yield
        return
    connection.execute("BEGIN")
    try:
        yield
    finally:
        connection.execute("COMMIT")


def _file_beside(connection: sqlite3.Connection) -> Path | None:
    """None for a database in memory."""
    name = next(row["file"] for row in connection.execute("PRAGMA database_list") if row["name"] == "main")
    return Path(name).with_suffix(SUFFIX) if name else None


def _read(path: Path) -> VectorTable | None:
    """The table of the file; None when there is none or it is not whole."""
    try:
        with path.open("rb") as file:
            words, chunks, documents = (npy.read_array(file, allow_pickle=False) for _ in range(3))
            return VectorTable(*(str(word) for word in words), chunks, documents, _mapped(file))
    except (OSError, ValueError, TypeError, EOFError):
        return None


def _mapped(file: BinaryIO) -> np.ndarray:
    """The array that begins here, left on the disk. Raises ValueError when the file ends before it does."""
    npy.read_magic(file)
    shape, _, kind = npy.read_array_header_1_0(file)
    return np.memmap(file, dtype=kind, mode="r", offset=file.tell(), shape=shape) if shape[0] else np.zeros(shape, kind)


def _write(path: Path, table: VectorTable) -> None:
    content = io.BytesIO()
    for array in (np.array([table.token, table.model, table.model_hash]), table.chunks, table.documents, table.vectors):
        npy.write_array(content, np.ascontiguousarray(array), version=(1, 0), allow_pickle=False)
    try:
        write_atomically(path, content.getvalue())
    except OSError:
        return  # a folder that cannot be written, or a full disk: the rows are read each time
