"""What has been asked so far: the pairs with their facts, as a writing job needs them to repeat nothing.

In: a connection to the knowledge base. Out: one record a pair. Read only.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass


@dataclass(frozen=True)
class AskedPair:
    """A pair that exists, of whatever state, with the fact that it asks about and that fact's set.

    `gone`: its chunk was deleted, with its document or alone; the same question may be asked of the text that came instead.
    """

    chunk: int
    style: str
    state: str
    instruction: str
    fact: int
    document: int
    start: int
    end: int
    subject: str
    attribute: str
    split: str
    gone: bool


def asked_pairs(connection: sqlite3.Connection) -> list[AskedPair]:
    """All pairs in the order they were written."""
    rows = connection.execute(
        "SELECT p.chunk, p.style, p.state, p.instruction, p.fact, f.document, f.span_start AS start, f.span_end AS end, "
        "f.subject, f.attribute, f.split, r.state = 'deleted' AS gone FROM pairs AS p JOIN facts AS f ON f.id = p.fact "
        "JOIN chunk_records AS r ON r.id = p.chunk ORDER BY p.id")
    return [AskedPair(**{**dict(row), "gone": bool(row["gone"])}) for row in rows]
