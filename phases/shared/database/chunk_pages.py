"""Chunks page by page, in reading order, with filters.

In: a connection to the knowledge base, a page's number and filters. Out: the chunks of that page and how many there are in all.
Only what a page needs is read, so that the last of thousands comes as quickly as the first.
"""

from __future__ import annotations

import json
import sqlite3
from typing import Any

import numpy as np

from phases.shared.database.change_log import one_view, unchanged
from phases.shared.database.chunks import TABLES, ChunkRow, get_chunks
from phases.shared.database.text_file import FoundTexts, find_texts
from phases.shared.database.vector_file import documents_named

IN_STATE = "r.state IN ('active', 'excluded') AND (:state IS NULL OR r.state = :state) AND (:held_out IS NULL OR r.held_out = :held_out)"


def chunk_page(connection: sqlite3.Connection, page: int = 1, per_page: int = 50, source: str | None = None,
               state: str | None = None, contains: str | None = None, language: str | None = None) -> tuple[list[ChunkRow], int]:
    """One page of chunks in reading order, and how many there are in all.

    Args:
        page: counted from 1.
        source: only chunks of this file.
        state: "active", "excluded" or "held_out"; None for all.
        contains: only chunks with these characters in a row, signs as they stand, capital letters like small ones.
        language: only chunks in this language; "unknown" for those whose words do not tell.
    """
    skipped = (max(page, 1) - 1) * per_page
    if contains:
        found = _ids_containing(connection, contains, source, state, language)
        ids, total = found[skipped:skipped + per_page], len(found)
    else:
        counts = _chunks_per_document(connection, source, state, language)
        ids, total = _ids_of_page(connection, counts, skipped, per_page, state, language), sum(counts.values())
    rows = get_chunks(connection, ids)
    return [rows[one] for one in ids], total


def _chunks_per_document(connection: sqlite3.Connection, source: str | None, state: str | None, language: str | None) -> dict[int, int]:
    """How many chunks the filters leave of each document, in the order of the documents."""
    rows = connection.execute(
        f"SELECT r.document, count(*) AS n FROM chunk_records AS r WHERE {_kept(language)} "
        "AND (:source IS NULL OR r.document IN (SELECT id FROM documents WHERE source = :source)) GROUP BY r.document ORDER BY r.document",
        {**_filter_values(state, language), "source": source})
    return {row["document"]: row["n"] for row in rows}


def _ids_of_page(connection: sqlite3.Connection, counts: dict[int, int], skipped: int, wanted: int, state: str | None,
                 language: str | None) -> list[int]:
    """The chunks of a page: only the documents that reach into it are looked at, along the index of their chunks."""
    documents, before, passed = [], 0, 0
    for document, count in counts.items():
        if passed + count <= skipped:
            before += count
        elif passed < skipped + wanted:
            documents.append(document)
        passed += count
    rows = connection.execute(
        "SELECT c.id FROM documents AS d CROSS JOIN rag_chunks AS c ON c.source = d.source CROSS JOIN chunk_records AS r ON r.id = c.id "
        f"WHERE d.id IN (SELECT value FROM json_each(:documents)) AND r.document = d.id AND {_kept(language)} "
        "ORDER BY d.id, c.chunk_index, c.id LIMIT :wanted OFFSET :skipped",
        {**_filter_values(state, language), "documents": json.dumps(documents), "wanted": wanted, "skipped": skipped - before})
    return [row["id"] for row in rows]


def _ids_containing(connection: sqlite3.Connection, contains: str, source: str | None, state: str | None,
                    language: str | None) -> list[int]:
    """All chunks that hold the characters, in reading order: from the file of texts, and of what it does not tell from the rows."""
    casefolded = contains.casefold()
    with one_view(connection):
        found = find_texts(connection, casefolded)
        if found is None:
            return [row[-1] for row in _read_containing(connection, casefolded, source, state, language)]
        kept = found.holding & unchanged(found.chunk, found.changed) & _filtered(connection, found, source, state, language)
        places = np.stack([found.document[kept], found.place[kept], found.chunk[kept]])
        if len(found.changed):
            late = _read_containing(connection, casefolded, source, state, language, found.changed.tolist())
            places = np.concatenate([places, np.array(late, dtype=np.int64).reshape(-1, 3).T], axis=1)
    return places[2][np.lexsort(places[::-1])].tolist()


def _read_containing(connection: sqlite3.Connection, casefolded: str, source: str | None, state: str | None, language: str | None,
                     among: list[int] | None = None) -> list[tuple[int, int, int]]:
    """Document, place and id of the chunks that hold the characters, in this order; with `among` only of those chunks."""
    connection.create_function("holds", 1, lambda content: holds(content, casefolded), deterministic=True)
    tables = TABLES if among is None else ("json_each(:among) AS p CROSS JOIN rag_chunks AS c ON c.id = p.value "
                                           "CROSS JOIN chunk_records AS r ON r.id = c.id")
    rows = connection.execute(
        f"SELECT r.document, coalesce(c.chunk_index, -1), c.id FROM {tables} WHERE {_kept(language)} AND (:source IS NULL OR c.source = :source) "
        "AND holds(c.content) ORDER BY r.document, c.chunk_index, c.id",
        {**_filter_values(state, language), "source": source, "among": json.dumps(among)})
    return [tuple(row) for row in rows]


def _filtered(connection: sqlite3.Connection, found: FoundTexts, source: str | None, state: str | None, language: str | None) -> np.ndarray:
    """The condition of the filters for the file of texts: bool, shape (n,)."""
    kept = np.ones(len(found.chunk), dtype=bool)
    if source is not None:
        kept &= np.isin(found.document, documents_named(connection, source))
    if state is not None:
        kept &= found.held_out == 1 if state == "held_out" else found.active == (state == "active")
    if language:
        kept &= found.language == language
    return kept


def _kept(language: str | None) -> str:
    """The condition of the filters. The language is not named where all are wanted: the index of the counts does not hold it."""
    return IN_STATE + (" AND r.language = :language" if language else "")


def _filter_values(state: str | None, language: str | None) -> dict[str, Any]:
    """The values of the condition; "held_out" is a mark beside the state."""
    held_out = state == "held_out"
    return {"state": None if held_out else state, "held_out": 1 if held_out else None, "language": language}


def holds(content: str | None, casefolded: str) -> bool:
    """Whether the characters stand in a row in the text. In Python, since SQLite knows the case of a to z only."""
    return casefolded in (content or "").casefold()
