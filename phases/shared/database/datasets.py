"""Data sets: which pairs belong to which set. The review state belongs to the pair, not to the membership.

In: a connection to the knowledge base and a data set's name. Out: its id, its names, memberships.
"""

from __future__ import annotations

import sqlite3


def dataset_id(connection: sqlite3.Connection, name: str) -> int:
    """The data set of that name, made when it is new."""
    connection.execute("INSERT INTO datasets (name) VALUES (?) ON CONFLICT (name) DO NOTHING", (name,))
    return connection.execute("SELECT id FROM datasets WHERE name = ?", (name,)).fetchone()["id"]


def dataset_names(connection: sqlite3.Connection) -> list[str]:
    """All data sets in the order they were made."""
    return [row["name"] for row in connection.execute("SELECT name FROM datasets ORDER BY id")]


def add_member(connection: sqlite3.Connection, dataset: int, pair: int) -> None:
    """Put a pair into a data set; a second time changes nothing."""
    connection.execute("INSERT INTO dataset_pairs (dataset, pair) VALUES (?, ?) ON CONFLICT DO NOTHING", (dataset, pair))
