"""Vectors of chunks: one a chunk, with the hash of the text it was made from and of the model that made it.

In: vectors of length 1 from a job. Out: how many there are, the chunks that lack one, or those that still fit their active
chunk (`fresh_rows`; a search reads them through `vector_file`).
A vector is fresh when its chunk's content hash is the one it was made from; nothing marks the others, they are never read.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

FRESH = "e.content_hash = r.content_hash AND r.state = 'active'"


@dataclass(frozen=True)
class VectorCounts:
    """How far semantic search can see: active chunks with and without a fresh vector of `model`, "" when none has one.

    `model_hash`: of the files of the model's folder when it made them; "" for a hub id.
    """

    model: str
    model_hash: str
    fresh: int
    missing: int


@dataclass(frozen=True)
class UnembeddedChunk:
    id: int
    content_hash: str
    content: str


def store_vector(connection: sqlite3.Connection, chunk: int, content_hash: str, model: str, vector: np.ndarray,
                 model_hash: str = "") -> None:
    """Set a chunk's vector; another model's or an older text's is replaced. `vector`: float32, shape (dim,), length 1."""
    connection.execute(
        "INSERT INTO embeddings (chunk, content_hash, model, model_hash, dim, vector) VALUES (?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (chunk) DO UPDATE SET content_hash = excluded.content_hash, model = excluded.model, "
        "model_hash = excluded.model_hash, dim = excluded.dim, vector = excluded.vector",
        (chunk, content_hash, model, model_hash, len(vector), np.asarray(vector, dtype="<f4").tobytes()))


def chunks_without_vector(connection: sqlite3.Connection, model: str, model_hash: str = "") -> list[UnembeddedChunk]:
    """Active chunks that have no fresh vector of this model as its files are now, in the order of their ids."""
    rows = connection.execute(
        "SELECT r.id, r.content_hash, c.content FROM chunk_records AS r JOIN rag_chunks AS c ON c.id = r.id "
        f"LEFT JOIN embeddings AS e ON e.chunk = r.id AND e.model = ? AND e.model_hash = ? AND {FRESH} "
        "WHERE r.state = 'active' AND e.chunk IS NULL ORDER BY r.id", (model, model_hash))
    return [UnembeddedChunk(row["id"], row["content_hash"], row["content"]) for row in rows]


def count_fresh(connection: sqlite3.Connection, model: str, model_hash: str) -> int:
    """How many active chunks have a fresh vector of this model as its files are now; no text is read."""
    return connection.execute(f"SELECT count(*) FROM embeddings AS e JOIN chunk_records AS r ON r.id = e.chunk "
                              f"WHERE e.model = ? AND e.model_hash = ? AND {FRESH}", (model, model_hash)).fetchone()[0]


def vector_counts(connection: sqlite3.Connection) -> VectorCounts:
    """The model that most fresh vectors are of, and how many active chunks have and lack one."""
    active = connection.execute("SELECT count(*) FROM chunk_records WHERE state = 'active'").fetchone()[0]
    best = next(iter(_models(connection, 1)), None)
    return VectorCounts(best["model"], best["model_hash"], best["n"], active - best["n"]) if best else VectorCounts("", "", 0, active)


def leading_model(connection: sqlite3.Connection) -> tuple[str, str, int]:
    """The model that most fresh vectors are of, the hash of its files, and how many more it has than the next; "" and 0 without any."""
    models = _models(connection, 2)
    if not models:
        return "", "", 0
    return models[0]["model"], models[0]["model_hash"], models[0]["n"] - sum(one["n"] for one in models[1:])


def _models(connection: sqlite3.Connection, limit: int) -> list[sqlite3.Row]:
    """The models of fresh vectors, the one with most first."""
    return connection.execute(
        f"SELECT e.model, e.model_hash, count(*) AS n FROM embeddings AS e JOIN chunk_records AS r ON r.id = e.chunk WHERE {FRESH} "
        "GROUP BY e.model, e.model_hash ORDER BY n DESC, e.model, e.model_hash LIMIT ?", (limit,)).fetchall()


def fresh_rows(connection: sqlite3.Connection, model: str, model_hash: str, among: Sequence[int] | None = None) -> Iterator[tuple[int, int, bytes]]:
    """Chunk, its document and its vector (float32, little endian) by chunk; with `among` only of those chunks."""
    cursor = connection.cursor()
    cursor.row_factory = None  # plain tuples are read faster
    tables = "embeddings AS e NOT INDEXED" if among is None else "json_each(:among) AS w CROSS JOIN embeddings AS e NOT INDEXED ON e.chunk = w.value"
    return cursor.execute(
        f"SELECT e.chunk, r.document, e.vector FROM {tables} JOIN chunk_records AS r ON r.id = e.chunk "
        f"WHERE e.model = :model AND e.model_hash = :model_hash AND {FRESH} ORDER BY e.chunk",
        {"model": model, "model_hash": model_hash, "among": json.dumps(among)})
