"""Facts: spans of a document that state something which can be asked.

In: a connection to the knowledge base and a fact as plain data. Out: its row. A fact is a span of a document and not of a
chunk, since overlap puts one fact in two chunks; its split is fixed when it is stored first and never changes.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

COLUMNS = "id, document, span_start, span_end, subject, attribute, answer, split"


@dataclass(frozen=True)
class FactRow:
    """A stored fact. `span_start` and `span_end` are offsets of its evidence in the document's text."""

    id: int
    document: int
    span_start: int
    span_end: int
    subject: str
    attribute: str
    answer: str
    split: str


def store_fact(connection: sqlite3.Connection, fact: Mapping[str, Any]) -> FactRow:
    """Find the fact or add it. Keys: document, start, end, subject, attribute, answer, split ("train" or "validation").

    What is known under the same subject and attribute keeps its split, wherever it stands: a fact that was trained once can
    never become one that "was never asked".
    """
    place = (fact["document"], fact["start"], fact["end"], fact["subject"], fact["attribute"])
    known = connection.execute(
        f"SELECT {COLUMNS} FROM facts WHERE (document, span_start, span_end, subject, attribute) = (?, ?, ?, ?, ?)",
        place).fetchone()
    if known is not None:
        return _fact_from(known)
    split = split_of_same(connection, fact["subject"], fact["attribute"]) or fact["split"]
    row = connection.execute(
        "INSERT INTO facts (document, span_start, span_end, subject, attribute, answer, split) "
        f"VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING {COLUMNS}", (*place, fact["answer"], split)).fetchone()
    return _fact_from(row)


def split_of_same(connection: sqlite3.Connection, subject: str, attribute: str) -> str | None:
    """The split of the first fact with this subject and attribute in any document; None when there is none."""
    row = connection.execute("SELECT split FROM facts WHERE subject = ? COLLATE NOCASE AND attribute = ? COLLATE NOCASE "
                             "ORDER BY id LIMIT 1", (subject, attribute)).fetchone()
    return row["split"] if row else None


def get_fact(connection: sqlite3.Connection, fact: int) -> FactRow | None:
    """The fact of that id, or None."""
    row = connection.execute(f"SELECT {COLUMNS} FROM facts WHERE id = ?", (fact,)).fetchone()
    return _fact_from(row) if row else None


def _fact_from(row: sqlite3.Row) -> FactRow:
    return FactRow(**{name: row[name] for name in FactRow.__dataclass_fields__})
