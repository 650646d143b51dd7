"""Vectors of chunks: one a chunk, with the hash of the text it was made from.

In: vectors of length 1 from a job. Out: those that still fit their active chunk as one matrix, or the chunks that lack one.
A vector is fresh when its chunk's content hash is the one it was made from; nothing marks the others, they are never read.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

import numpy as np

FRESH = "e.content_hash = r.content_hash AND r.state = 'active'"


@dataclass(frozen=True)
class VectorCounts:
    """How far semantic search can see: active chunks with and without a fresh vector of `model`, "" when none has one."""

    model: str
    fresh: int
    missing: int


@dataclass(frozen=True)
class UnembeddedChunk:
    id: int
    content_hash: str
    content: str


def store_vector(connection: sqlite3.Connection, chunk: int, content_hash: str, model: str, vector: np.ndarray) -> None:
    """Set a chunk's vector; another model's or an older text's is replaced. `vector`: float32, shape (dim,), length 1."""
    connection.execute(
        "INSERT INTO embeddings (chunk, content_hash, model, dim, vector) VALUES (?, ?, ?, ?, ?) ON CONFLICT (chunk) DO UPDATE "
        "SET content_hash = excluded.content_hash, model = excluded.model, dim = excluded.dim, vector = excluded.vector",
        (chunk, content_hash, model, len(vector), np.asarray(vector, dtype="<f4").tobytes()))


def chunks_without_vector(connection: sqlite3.Connection, model: str) -> list[UnembeddedChunk]:
    """Active chunks that have no fresh vector of this model, in the order of their ids."""
    rows = connection.execute(
        "SELECT r.id, r.content_hash, c.content FROM chunk_records AS r JOIN rag_chunks AS c ON c.id = r.id "
        f"LEFT JOIN embeddings AS e ON e.chunk = r.id AND e.model = ? AND {FRESH} "
        "WHERE r.state = 'active' AND e.chunk IS NULL ORDER BY r.id", (model,))
    return [UnembeddedChunk(row["id"], row["content_hash"], row["content"]) for row in rows]


def vector_counts(connection: sqlite3.Connection) -> VectorCounts:
    """The model that most fresh vectors are of, and how many active chunks have and lack one."""
    active = connection.execute("SELECT count(*) FROM chunk_records WHERE state = 'active'").fetchone()[0]
    best = connection.execute(
        f"SELECT e.model, count(*) AS n FROM embeddings AS e JOIN chunk_records AS r ON r.id = e.chunk WHERE {FRESH} "
        "GROUP BY e.model ORDER BY n DESC, e.model LIMIT 1").fetchone()
    return VectorCounts(best["model"], best["n"], active - best["n"]) if best else VectorCounts("", 0, active)


def fresh_vectors(connection: sqlite3.Connection, model: str, source: str | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Ids, shape (n,), and vectors, shape (n, dim), of the active chunks, of one file where `source` names it."""
    cursor = connection.cursor()
    cursor.row_factory = None  # plain tuples are read faster
    rows = cursor.execute(
        "SELECT e.chunk, e.vector FROM embeddings AS e NOT INDEXED JOIN chunk_records AS r ON r.id = e.chunk "
        f"WHERE e.model = ?1 AND {FRESH} AND (?2 IS NULL OR r.document IN (SELECT id FROM documents WHERE source = ?2)) "
        "ORDER BY e.chunk", (model, source)).fetchall()
    ids = np.array([row[0] for row in rows], dtype=np.int64)
    flat = np.frombuffer(b"".join([row[1] for row in rows]), dtype="<f4")
    return ids, flat.reshape(len(rows), -1) if rows else flat.reshape(0, 0)
