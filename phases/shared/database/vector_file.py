"""The fresh vectors as one matrix in a file beside the database, so that a search maps it instead of reading every row.

In: a connection. Out: `VectorTable`; its vectors are pages of the file, shared by every process that searches.
What changed since the file was made is read from the database (see change_log.py); after many changes the file is made anew.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from phases.shared.database.change_log import VECTOR_LOG, Moment, changed_since, newest_moment, one_view, unchanged
from phases.shared.database.embeddings import fresh_rows, leading_model
from phases.shared.database.side_file import SideFile, opened_side_file, side_file, write_side_file

SUFFIX = ".vectors"


@dataclass(frozen=True)
class VectorTable:
    """What search by meaning sees. `chunks` and `documents`: ids, shape (n,), by chunk; `vectors`: shape (m, dim), each of length 1.

    `model` is "" when no active chunk has a fresh vector; `lead`: how many more fresh vectors it has than any other model.
    `late`: vectors that changed since the file was made, shape (k, dim); `rows`: where each chunk's vector stands in `vectors`
    followed by `late`, shape (n,); None for the first n.
    """

    moment: Moment
    model: str
    model_hash: str
    lead: int
    chunks: np.ndarray
    documents: np.ndarray
    vectors: np.ndarray
    late: np.ndarray | None = None
    rows: np.ndarray | None = None

    def cosines(self, question: np.ndarray) -> np.ndarray:
        """Of each chunk with the question's vector, of length 1; shape (n,)."""
        cosines = self.vectors @ question
        if self.late is not None and len(self.late):
            cosines = np.concatenate([cosines, self.late @ question])
        return cosines if self.rows is None else cosines[self.rows]


def vector_table(connection: sqlite3.Connection) -> VectorTable:
    """The vectors as they are now, from the file and what changed since."""
    path = side_file(connection, SUFFIX)
    kept = _read(path) if path else None
    with one_view(connection):
        changed = changed_since(connection, VECTOR_LOG, kept.moment) if kept else None
        if kept is not None and changed is not None and not len(changed):
            return kept
        if kept is not None and changed is not None and 2 * len(changed) < kept.lead:  # else another model may lead
            return _with_changes(connection, kept, changed)
        return _made_anew(connection, path)


def documents_named(connection: sqlite3.Connection, source: str) -> list[int]:
    """The ids of the documents of that name, removed ones too."""
    return [row["id"] for row in connection.execute("SELECT id FROM documents WHERE source = ?", (source,))]


def _with_changes(connection: sqlite3.Connection, kept: VectorTable, changed: np.ndarray) -> VectorTable:
    rows = list(fresh_rows(connection, kept.model, kept.model_hash, changed.tolist()))
    ids = _ids([row[:2] for row in rows])
    late = np.frombuffer(b"".join(row[2] for row in rows), dtype="<f4").reshape(-1, kept.vectors.shape[1])
    stays = np.flatnonzero(unchanged(kept.chunks, changed))
    chunks, documents = (np.concatenate([of_file[stays], of_rows]) for of_file, of_rows in zip((kept.chunks, kept.documents), ids, strict=True))
    order = np.argsort(chunks, kind="stable")
    places = np.concatenate([stays, len(kept.vectors) + np.arange(len(late))])
    return replace(kept, chunks=chunks[order], documents=documents[order], late=late, rows=places[order])


def _made_anew(connection: sqlite3.Connection, path: Path | None) -> VectorTable:
    """All rows are read; where the file can be written, never into memory all at once."""
    moment, (model, model_hash, lead) = newest_moment(connection, VECTOR_LOG), leading_model(connection)
    ids: list[tuple[int, int]] = []

    def vectors() -> Iterator[bytes]:
        ids.clear()
        for chunk, document, vector in fresh_rows(connection, model, model_hash):
            ids.append((chunk, document))
            yield vector

    def described() -> list[np.ndarray]:
        return [np.array([moment.token, model, model_hash]), np.array([moment.entry, lead]), *_ids(ids)]

    kept = _read(path) if path and write_side_file(path, vectors(), described) else None
    if kept is not None and kept.moment == moment:  # another process may have replaced it meanwhile
        return kept
    body = np.frombuffer(b"".join(vectors()), dtype=np.uint8)
    return _table(described(), body)


def _ids(rows: Sequence[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    """Chunks and documents, shape (n,) each."""
    both = np.array(rows, dtype=np.int64).reshape(-1, 2)
    return both[:, 0].copy(), both[:, 1].copy()


def _read(path: Path) -> VectorTable | None:
    """The table of the file, its vectors left on the disk; None when there is none or it is not whole."""
    with opened_side_file(path, 4) as kept:
        try:
            return _table(kept.arrays, _mapped(kept)) if kept else None
        except (ValueError, TypeError):
            return None


def _mapped(kept: SideFile) -> np.ndarray:
    return np.memmap(kept.file, dtype=np.uint8, mode="r", shape=(kept.length,)) if kept.length else np.zeros(0, np.uint8)


def _table(arrays: list[np.ndarray], body: np.ndarray) -> VectorTable:
    (token, model, model_hash), (entry, lead), chunks, documents = arrays
    vectors = body.view("<f4")
    return VectorTable(Moment(int(entry), str(token)), str(model), str(model_hash), int(lead), chunks, documents,
                       vectors.reshape(len(chunks), -1) if len(chunks) else vectors.reshape(0, 0))
