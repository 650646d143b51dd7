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
    until, behind, refused = time.monotonic() + SECONDS_AT_A_TIME, tail.offset, None
    with knowledge(project) as connection, transaction(connection):
        for record, after in tail.new():
            try:
                with savepoint(connection):
                    if mark_applied(connection, job_id, record["sequence"]):
                        apply(connection, project, job_id, record)
            except Exception as problem:
                refused = problem
                break
            behind = after
            if time.monotonic() > until:
                break
    tail.offset = behind  # only now are the rows there to stay
    if refused is not None:
        raise refused
    return not tail.grew()
