"""The texts of all chunks in a file beside the database, casefolded, so that characters in them are found without reading rows.

In: a connection and characters. Out: `FoundTexts`: which chunks hold them, and what the pages filter and order by.
What changed since the file was made is left to the caller, who reads it from the database (see change_log.py).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from phases.shared.database.change_log import TEXT_LOG, Moment, changed_since, newest_moment
from phases.shared.database.chunks import TABLES
from phases.shared.database.side_file import opened_side_file, side_file, write_side_file
from phases.shared.database.text_scan import END, MOST_OFFSET, texts_with

SUFFIX = ".texts"
LEAST_CHUNKS = 2000  # of fewer, the rows are read as quickly
FIELDS = ("chunk", "document", "place", "active", "held_out", "length")


@dataclass(frozen=True)
class FoundTexts:
    """The chunks of the file by id, arrays of shape (n,), and `changed`: ids of the chunks of which it does not tell, rising.

    `place`: the chunk's index in its document; `active`: 1, or 0 for excluded; `language`: "" where nobody looked; `holding`: whether
    the chunk holds the characters that were looked for.
    """

    chunk: np.ndarray
    document: np.ndarray
    place: np.ndarray
    active: np.ndarray
    held_out: np.ndarray
    language: np.ndarray
    holding: np.ndarray
    changed: np.ndarray


def find_texts(connection: sqlite3.Connection, casefolded: str) -> FoundTexts | None:
    """Where the characters stand; None where reading the rows is as quick, or no file can be written. Call it in `one_view`."""
    path = side_file(connection, SUFFIX)
    if path is None or not _many(connection):
        return None
    found = _find(connection, path, casefolded)
    if found is None and _made_anew(connection, path):
        found = _find(connection, path, casefolded)
    return found


def _find(connection: sqlite3.Connection, path: Path, casefolded: str) -> FoundTexts | None:
    """None when there is no file, it is not whole, or it is too old."""
    with opened_side_file(path, 4) as kept:
        if kept is None:
            return None
        try:
            (token,), (entry,), (chunk, document, place, active, held_out, length), language = kept.arrays
            changed = changed_since(connection, TEXT_LOG, Moment(int(entry), str(token)))
            if changed is None:
                return None
            starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(length)])
            holding = texts_with(kept.file, starts, casefolded.encode("utf-8", errors="surrogatepass"))
        except (OSError, ValueError, TypeError):
            return None
    return FoundTexts(chunk, document, place, active, held_out, language, holding, changed)


def _many(connection: sqlite3.Connection) -> bool:
    return connection.execute("SELECT 1 FROM chunk_records LIMIT 1 OFFSET ?", (LEAST_CHUNKS,)).fetchone() is not None


def _made_anew(connection: sqlite3.Connection, path: Path) -> bool:
    moment = newest_moment(connection, TEXT_LOG)
    fields: list[tuple[int, ...]] = []
    languages: list[str] = []

    def texts() -> Iterator[bytes]:
        cursor = connection.cursor()
        cursor.row_factory = None
        for content, language, *numbers in cursor.execute(
                f"SELECT c.content, coalesce(r.language, ''), c.id, r.document, coalesce(c.chunk_index, -1), r.state = 'active', r.held_out "
                f"FROM {TABLES} WHERE r.state IN ('active', 'excluded') ORDER BY c.id"):
            text = (content or "").casefold().encode() + END
            fields.append((*numbers, len(text)))
            languages.append(language)
            yield text
        yield END * MOST_OFFSET

    def described() -> list[np.ndarray]:
        numbers = np.array(fields, dtype=np.int64).reshape(-1, len(FIELDS))
        return [np.array([moment.token]), np.array([moment.entry]), numbers.T, np.array(languages, dtype=np.str_)]

    return write_side_file(path, texts(), described)
