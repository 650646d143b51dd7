"""Which chunks changed since a file beside the database was made.

In: a log (a table that triggers write) and the moment that the file carries. Out: the chunks that changed since, or None when
the log does not tell: it goes back 5,000 entries, and a file may stem from another history of the database.
The database alone says what is true. A process that writes while another searches only makes the log longer.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

VECTOR_LOG = "vector_log"  # what search by meaning sees: vectors, states, hashes
TEXT_LOG = "text_log"  # what the pages of chunks see: texts, order, filters
MOST_CHANGED = 2000  # chunks that are read each time; for more the file is made anew


@dataclass(frozen=True)
class Moment:
    """A state of the database: the newest entry of a log, and the token drawn at random when it was written."""

    entry: int
    token: str


def newest_moment(connection: sqlite3.Connection, log: str) -> Moment:
    return Moment(*connection.execute(f"SELECT id, token FROM {log} ORDER BY id DESC LIMIT 1").fetchone())


def changed_since(connection: sqlite3.Connection, log: str, moment: Moment) -> np.ndarray | None:
    """Ids of the chunks that changed after that moment, rising; None when the log does not tell, or for more than MOST_CHANGED."""
    if connection.execute(f"SELECT 1 FROM {log} WHERE id = ? AND token = ?", (moment.entry, moment.token)).fetchone() is None:
        return None
    rows = connection.execute(f"SELECT DISTINCT chunk FROM {log} WHERE id > ? ORDER BY chunk LIMIT ?", (moment.entry, MOST_CHANGED + 1))
    chunks = np.array([row["chunk"] for row in rows], dtype=np.int64)
    return chunks if len(chunks) <= MOST_CHANGED else None


def unchanged(chunks: np.ndarray, changed: np.ndarray) -> np.ndarray:
    """Which of the chunks are not among the changed ones: bool, shape (n,). Both are rising."""
    kept = np.ones(len(chunks), dtype=bool)
    places = np.searchsorted(chunks, changed)
    places, changed = places[places < len(chunks)], changed[places < len(chunks)]
    kept[places[chunks[places] == changed]] = False
    return kept


@contextmanager
def one_view(connection: sqlite3.Connection) -> Iterator[None]:
    """Log and rows of the same moment: nobody else's commit falls between the statements of the block."""
    if connection.in_transaction:
        yield
        return
    connection.execute("BEGIN")
    try:
        yield
    finally:
        connection.execute("COMMIT")
