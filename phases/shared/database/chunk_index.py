"""The full-text index over `rag_chunks.content`.

In: terms or an FTS5 expression. Out: how many chunks hold each term, the best matching chunks, or their snippets.
Ranking costs about a microsecond a match and cutting a snippet a hundred, so the two are asked for apart.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence

SNIPPET_TOKENS = 32
SPARE = 50  # ranked beyond what is wanted, since some of the best may be excluded chunks


def chunks_per_term(connection: sqlite3.Connection, terms: Sequence[str]) -> dict[str, int]:
    """In how many chunks each term stands; a term that stands in none is not in the answer."""
    rows = connection.execute("SELECT term, doc FROM rag_chunks_terms WHERE term IN (SELECT value FROM json_each(?))",
                              (json.dumps(list(terms)),))
    return {row["term"]: row["doc"] for row in rows}


def indexed_chunks(connection: sqlite3.Connection) -> int:
    """How many chunks the index holds, excluded ones too."""
    return connection.execute("SELECT count(*) FROM rag_chunks_fts_docsize").fetchone()[0]


def match_chunks(connection: sqlite3.Connection, expression: str, limit: int, source: str | None = None,
                 every: int = 1) -> list[tuple[int, float]]:
    """Ids of active chunks that match, best first, with their BM25 score (higher is better).

    Args:
        source: only chunks of this file.
        every: look only at chunks whose id is a multiple of it.
    """
    first, last = _ids_of(connection, source)
    wanted = limit + SPARE
    while True:
        rows = connection.execute(
            "SELECT rowid AS id, bm25(rag_chunks_fts) AS score FROM rag_chunks_fts WHERE rag_chunks_fts MATCH ?1 "
            "AND rowid BETWEEN ?2 AND ?3 AND rowid % ?4 = 0 ORDER BY score, rowid LIMIT ?5",
            (expression, first, last, every, wanted)).fetchall()
        allowed = _allowed(connection, [row["id"] for row in rows], source)
        if len(allowed) >= limit or len(rows) < wanted:
            return [(row["id"], -row["score"]) for row in rows if row["id"] in allowed][:limit]
        wanted *= 4


def snippets(connection: sqlite3.Connection, expression: str, chunks: Sequence[int], marks: tuple[str, str]) -> dict[int, str]:
    """The part of each chunk with most hits, every hit between the marks; chunks that do not match are left out."""
    rows = connection.execute(
        f"SELECT rowid AS id, snippet(rag_chunks_fts, 0, ?, ?, '\u2026', {SNIPPET_TOKENS}) AS snippet FROM rag_chunks_fts "
        "WHERE rag_chunks_fts MATCH ? AND rowid IN (SELECT value FROM json_each(?))", (*marks, expression, json.dumps(list(chunks))))
    return {row["id"]: row["snippet"] for row in rows}


def _ids_of(connection: sqlite3.Connection, source: str | None) -> tuple[int, int]:
    """The lowest and highest id of the file's chunks; all ids without a file."""
    if source is None:
        return 0, 2**63 - 1
    row = connection.execute("SELECT min(r.id) AS first, max(r.id) AS last FROM chunk_records AS r "
                             "WHERE r.document IN (SELECT id FROM documents WHERE source = ?)", (source,)).fetchone()
    return (row["first"], row["last"]) if row["first"] is not None else (0, -1)


def _allowed(connection: sqlite3.Connection, chunks: Sequence[int], source: str | None) -> set[int]:
    """Those that are active, and of the file."""
    rows = connection.execute(
        "SELECT r.id FROM chunk_records AS r JOIN documents AS d ON d.id = r.document WHERE r.state = 'active' "
        "AND r.id IN (SELECT value FROM json_each(?1)) AND (?2 IS NULL OR d.source = ?2)", (json.dumps(list(chunks)), source))
    return {row["id"] for row in rows}
