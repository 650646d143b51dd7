"""Records become rows, in one transaction with a note of their numbers, so that each counts once whatever is killed when.

In: runs/JOB/records.jsonl as it grows. Out: rows in the project's knowledge base.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from phases.shared.database.connection import knowledge, savepoint, transaction
from phases.shared.database.jobs import mark_applied
from phases.shared.project import Project

SECONDS_AT_A_TIME = 1.0  # other jobs are looked after in between

Apply = Callable[[sqlite3.Connection, Project, str, dict[str, Any]], None]


class RecordTail:
    """Reads a job's records from `offset` on; a line that is not whole yet is left for the next time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.offset = 0

    def grew(self) -> bool:
        return self._path.exists() and self._path.stat().st_size > self.offset

    def new(self) -> Iterator[tuple[dict[str, Any], int]]:
        """The next whole lines, each with the offset behind it. Whoever has applied one sets `offset` to that."""
        with self._path.open("rb") as file:
            file.seek(self.offset)
            behind = self.offset
            for line in file:
                if not line.endswith(b"\n"):
                    return
                behind += len(line)
                yield json.loads(line), behind


def apply_new(tail: RecordTail, apply: Apply, project: Project, job_id: str) -> bool:
    """Apply what is new, for about a second; True when nothing is left. Raises what `apply` raises: the records before the
    one that it refuses are stored then."""
    if not tail.grew():
        return True
    with knowledge(project) as connection:
        def apply_one(record: dict[str, Any]) -> None:
            if mark_applied(connection, job_id, record["sequence"]):
                apply(connection, project, job_id, record)

        try:
            behind, refused = _apply_together(connection, tail, apply_one), None
        except Exception:
            behind, refused = _apply_one_by_one(connection, tail, apply_one)
    tail.offset = behind  # only now are the rows there to stay
    if refused is not None:
        raise refused
    return not tail.grew()


def _apply_together(connection: sqlite3.Connection, tail: RecordTail, apply_one: Callable[[dict[str, Any]], None]) -> int:
    """Apply all or none, and give the offset behind the last. A savepoint for each would have the full-text index written each time."""
    behind = tail.offset
    with transaction(connection):
        for record, after in _for_a_while(tail):
            apply_one(record)
            behind = after
    return behind


def _apply_one_by_one(connection: sqlite3.Connection, tail: RecordTail,
                      apply_one: Callable[[dict[str, Any]], None]) -> tuple[int, Exception | None]:
    """Apply up to the first that is refused; the offset behind the last that was not, and why that one was."""
    behind = tail.offset
    with transaction(connection):
        for record, after in _for_a_while(tail):
            try:
                with savepoint(connection):
                    apply_one(record)
            except Exception as problem:
                return behind, problem
            behind = after
    return behind, None


def _for_a_while(tail: RecordTail) -> Iterator[tuple[dict[str, Any], int]]:
    until = time.monotonic() + SECONDS_AT_A_TIME
    for one in tail.new():
        yield one
        if time.monotonic() > until:
            return
