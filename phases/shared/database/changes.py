"""What was changed by hand, before and after: the table behind every Undo button.

In: an action in words and the rows that it touched. Out: a batch that `undo_last` takes back as a whole.
A row's `before` is None when the change made it, `after` is None when the change removed it; otherwise both hold just
the columns that differ.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from phases.shared.database.connection import transaction
from phases.shared.errors import StorageError


@dataclass(frozen=True)
class RowChange:
    """One row of one table, which has an integer column `id`, before and after an action."""

    table: str
    row_id: int
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


def record_change(connection: sqlite3.Connection, action: str, changes: Iterable[RowChange]) -> int:
    """Store one action, "edited chunk 12", for undo. Call it in the transaction that makes the change.

    Returns:
        The number of the batch.
    """
    with transaction(connection):
        batch = connection.execute("SELECT coalesce(max(batch), 0) + 1 FROM changes").fetchone()[0]
        now = datetime.now(UTC).isoformat(timespec="seconds")
        connection.executemany(
            "INSERT INTO changes (batch, at, action, table_name, row_id, before, after) VALUES (?, ?, ?, ?, ?, ?, ?)",
            [(batch, now, action, one.table, one.row_id, _as_json(one.before), _as_json(one.after)) for one in changes])
    return batch


def last_action(connection: sqlite3.Connection, tables: Iterable[str] | None = None) -> str | None:
    """What `undo_last` would take back, in words; None when there is nothing."""
    row = _last_batch(connection, tables)
    return row["action"] if row else None


def undo_last(connection: sqlite3.Connection, tables: Iterable[str] | None = None) -> str | None:
    """Take back the newest action that still stands.

    Args:
        tables: only actions that touched one of these tables; None for all.

    Returns:
        The action that was undone, in words, or None when there was nothing to undo.

    Raises:
        StorageError: the rows have changed in another way since; the action is then no longer offered.
    """
    newest = _last_batch(connection, tables)
    if newest is None:
        return None
    try:
        with transaction(connection):
            changes = connection.execute("SELECT * FROM changes WHERE batch = ? ORDER BY id DESC", (newest["batch"],))
            for change in changes.fetchall():
                _put_back(connection, change)
            _close_batch(connection, newest["batch"])
    except (sqlite3.IntegrityError, LookupError):
        with transaction(connection):
            _close_batch(connection, newest["batch"])
        raise StorageError(f"'{newest['action']}' cannot be undone: what it touched has changed since.",
                           "Undo again goes on with the action before it.", subject=newest["action"],
                           code="undo_conflict") from None
    return newest["action"]


def _last_batch(connection: sqlite3.Connection, tables: Iterable[str] | None) -> sqlite3.Row | None:
    wanted = None if tables is None else json.dumps(list(tables))
    return connection.execute(
        "SELECT batch, action FROM changes WHERE undone = 0 "
        "AND (?1 IS NULL OR table_name IN (SELECT value FROM json_each(?1))) ORDER BY batch DESC LIMIT 1",
        (wanted,)).fetchone()


def _put_back(connection: sqlite3.Connection, change: sqlite3.Row) -> None:
    table, row_id = change["table_name"], change["row_id"]
    columns = _columns(connection, table)
    if change["before"] is None:
        done = connection.execute(f"DELETE FROM {table} WHERE id = ?", (row_id,))
    else:
        before = json.loads(change["before"])
        names = [name for name in before if name in columns]
        values = [before[name] for name in names]
        if change["after"] is None:
            marks = ", ".join("?" * len(names))
            done = connection.execute(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})", values)
        else:
            places = ", ".join(f"{name} = ?" for name in names)
            done = connection.execute(f"UPDATE {table} SET {places} WHERE id = ?", [*values, row_id])
    if done.rowcount != 1:
        raise LookupError(f"{table} {row_id}")


def _columns(connection: sqlite3.Connection, table: str) -> set[str]:
    """The table's columns: names that may stand in a statement. Raises LookupError for a table that is not there."""
    columns = {row["name"] for row in connection.execute("SELECT name FROM pragma_table_info(?)", (table,))}
    if not columns:
        raise LookupError(table)
    return columns


def _close_batch(connection: sqlite3.Connection, batch: int) -> None:
    connection.execute("UPDATE changes SET undone = 1 WHERE batch = ?", (batch,))


def _as_json(row: Mapping[str, Any] | None) -> str | None:
    return None if row is None else json.dumps(dict(row), ensure_ascii=False)
