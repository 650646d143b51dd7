"""The full-text index over `rag_chunks.content`.

In: terms or an FTS5 expression. Out: how many chunks hold each term, or the best matching chunks with a snippet.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence

from phases.shared.database.chunks import COLUMNS, TABLES, ChunkRow, chunk_from

SNIPPET_TOKENS = 32


def chunks_per_term(connection: sqlite3.Connection, terms: Sequence[str]) -> dict[str, int]:
    """In how many chunks each term stands; a term that stands in none is not in the answer."""
    rows = connection.execute("SELECT term, doc FROM rag_chunks_terms WHERE term IN (SELECT value FROM json_each(?))",
                              (json.dumps(list(terms)),))
    return {row["term"]: row["doc"] for row in rows}


def match_chunks(connection: sqlite3.Connection, expression: str, limit: int, source: str | None,
                 marks: tuple[str, str]) -> list[tuple[ChunkRow, float, str]]:
    """Active chunks that match, best first, with their BM25 score (higher is better) and a snippet with marked hits.

    Snippets are cut for the best ones only: cutting them for every match takes most of the time.
    """
    best = connection.execute(
        "SELECT rag_chunks_fts.rowid AS id, -bm25(rag_chunks_fts) AS score FROM rag_chunks_fts "
        "JOIN chunk_records AS r ON r.id = rag_chunks_fts.rowid JOIN documents AS d ON d.id = r.document "
        "WHERE rag_chunks_fts MATCH ? AND r.state = 'active' AND (? IS NULL OR d.source = ?) "
        "ORDER BY score DESC, rag_chunks_fts.rowid LIMIT ?", (expression, source, source, limit)).fetchall()
    scores = {row["id"]: row["score"] for row in best}
    rows = connection.execute(
        f"SELECT {COLUMNS}, snippet(rag_chunks_fts, 0, ?, ?, '\u2026', {SNIPPET_TOKENS}) AS snippet "
        f"FROM {TABLES} JOIN rag_chunks_fts ON rag_chunks_fts.rowid = c.id "
        "WHERE rag_chunks_fts MATCH ? AND rag_chunks_fts.rowid IN (SELECT value FROM json_each(?))",
        (*marks, expression, json.dumps(list(scores))))
    found = [(chunk_from(row), scores[row["id"]], row["snippet"]) for row in rows]
    return sorted(found, key=lambda one: (-one[1], one[0].id))
