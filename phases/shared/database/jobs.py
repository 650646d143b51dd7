"""The rows of `projects/jobs.sqlite`: the queue, the state of every job, and which records of a job became rows.

In: the projects folder or an open connection. Out: rows. The states and who may change them:

    queued -> running -> done | failed | stopped | cancelled | interrupted -> queued again (resume, where `resumable`)

Only the worker writes `running` and what follows it; any process may submit, move, resume, or ask for a stop.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from phases.shared.database.connection import open_database, transaction
from phases.shared.database.schema import JOB_MIGRATIONS

JOBS_FILE = "jobs.sqlite"
ENDED_STATES = ("done", "failed", "stopped", "cancelled", "interrupted")


@contextmanager
def job_table(projects: Path) -> Iterator[sqlite3.Connection]:
    """The queue of a projects folder, closed at the end of the block."""
    with closing(open_jobs(projects)) as connection:
        yield connection


def open_jobs(projects: Path) -> sqlite3.Connection:
    return open_database(projects / JOBS_FILE, JOB_MIGRATIONS)


def now() -> str:
    """The time as it is stored: ISO 8601 with its offset."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


# ---- reading ----

def select_job(connection: sqlite3.Connection, job_id: str) -> sqlite3.Row | None:
    return connection.execute("SELECT * FROM jobs WHERE id = ?", (job_id,)).fetchone()


def select_jobs(connection: sqlite3.Connection, project: str | None, states: Sequence[str] | None, seen: bool | None,
                limit: int) -> list[sqlite3.Row]:
    """Rows that fit every condition that is given, the newest first."""
    conditions, values = ["1"], []
    if project is not None:
        conditions.append("project = ?")
        values.append(project)
    if states is not None:
        conditions.append(f"state IN ({', '.join('?' * len(states))})")
        values.extend(states)
    if seen is not None:
        conditions.append("seen = ?")
        values.append(int(seen))
    return connection.execute(f"SELECT * FROM jobs WHERE {' AND '.join(conditions)} ORDER BY created DESC, rowid DESC LIMIT ?",
                              (*values, limit)).fetchall()


def running_rows(connection: sqlite3.Connection) -> list[sqlite3.Row]:
    """Compute before light before the cluster: what a status bar with room for one job shows."""
    return connection.execute("SELECT * FROM jobs WHERE state = 'running' ORDER BY lane = 'cluster', lane").fetchall()


def lane_is_free(connection: sqlite3.Connection, lane: str) -> bool:
    """Whether a job may start in it: one at a time, but for those on a cluster, which has a queue of its own."""
    return lane == "cluster" or connection.execute("SELECT 1 FROM jobs WHERE state = 'running' AND lane = ?", (lane,)).fetchone() is None


def next_in_lane(connection: sqlite3.Connection, lane: str) -> sqlite3.Row | None:
    """The first queued job of a lane whose predecessor, if it names one, is done, and whose time has come."""
    return connection.execute(f"SELECT * FROM jobs AS job WHERE {_READY} ORDER BY position LIMIT 1", (lane, now())).fetchone()


def waiting_for_time(connection: sqlite3.Connection) -> list[sqlite3.Row]:
    """Queued jobs whose time has not come yet."""
    return connection.execute("SELECT * FROM jobs WHERE state = 'queued' AND not_before > ?", (now(),)).fetchall()


def waiting_for_others(connection: sqlite3.Connection) -> list[tuple[sqlite3.Row, sqlite3.Row | None]]:
    """Queued jobs that name a predecessor which is not done, each with that predecessor (None: it is unknown)."""
    waiting = connection.execute("SELECT * FROM jobs AS job WHERE state = 'queued' AND after IS NOT NULL AND NOT EXISTS "
                                 "(SELECT 1 FROM jobs AS first WHERE first.id = job.after AND first.state = 'done') "
                                 "ORDER BY position").fetchall()
    return [(row, select_job(connection, row["after"])) for row in waiting]


def given_up_followers(connection: sqlite3.Connection, job_id: str) -> list[str]:
    """Jobs that never began because the one they waited for did not get done, in the order in which they waited."""
    return [row["id"] for row in connection.execute(
        "SELECT id FROM jobs WHERE after = ? AND state = 'failed' AND json_extract(error, '$.code') = 'predecessor' ORDER BY position", (job_id,))]


def count_queued_before(connection: sqlite3.Connection, lane: str, position: int) -> int:
    return connection.execute("SELECT count(*) FROM jobs WHERE state = 'queued' AND lane = ? AND position < ?",
                              (lane, position)).fetchone()[0]


# ---- any process ----

def insert_job(connection: sqlite3.Connection, *, job_id: str, project: str, kind: str, lane: str, after: str | None,
               not_before: str | None, config: Mapping[str, Any]) -> None:
    """Put a new job at the end of the queue."""
    connection.execute("INSERT INTO jobs (id, project, kind, lane, state, resumable, position, after, not_before, config, created) "
                       f"VALUES (?, ?, ?, ?, 'queued', 0, {_LAST_POSITION}, ?, ?, ?, ?)",
                       (job_id, project, kind, lane, after, not_before, _json(config), now()))


def requeue_job(connection: sqlite3.Connection, job_id: str) -> bool:
    """Put an ended, resumable job at the end of the queue; False when it is not one."""
    changed = connection.execute(
        f"UPDATE jobs SET state = 'queued', position = {_LAST_POSITION}, request = NULL, worker_pid = NULL, child_pid = NULL, "
        "child_started = NULL, cluster_job = NULL, progress = NULL, result = NULL, error = NULL, ended = NULL, resumable = 0, seen = 0 "
        "WHERE id = ? AND resumable = 1 AND state IN ('failed', 'stopped', 'interrupted')", (job_id,))
    return changed.rowcount == 1


def ask_running(connection: sqlite3.Connection, job_id: str, request: str) -> bool:
    """Leave a request ("stop", "cancel") for the worker; False when the job is not running. Cancel outranks stop."""
    return connection.execute("UPDATE jobs SET request = CASE request WHEN 'cancel' THEN 'cancel' ELSE ? END "
                              "WHERE id = ? AND state = 'running'", (request, job_id)).rowcount == 1


def end_queued(connection: sqlite3.Connection, job_id: str, state: str, *, resumable: bool,
               error: Mapping[str, Any] | None = None) -> bool:
    """Take a job out of the queue at once; False when it is not queued."""
    return connection.execute("UPDATE jobs SET state = ?, resumable = ?, error = ?, ended = ?, progress = NULL "
                              "WHERE id = ? AND state = 'queued'",
                              (state, int(resumable), None if error is None else _json(error), now(), job_id)).rowcount == 1


def swap_with_neighbour(connection: sqlite3.Connection, job_id: str, *, up: bool) -> bool:
    """Exchange places with the queued job of the same lane before (`up`) or behind; False when there is none."""
    sign, order = ("<", "DESC") if up else (">", "ASC")
    with transaction(connection):
        job = connection.execute("SELECT * FROM jobs WHERE id = ? AND state = 'queued'", (job_id,)).fetchone()
        other = job and connection.execute(
            f"SELECT * FROM jobs WHERE state = 'queued' AND lane = ? AND position {sign} ? ORDER BY position {order} LIMIT 1",
            (job["lane"], job["position"])).fetchone()
        if not other:
            return False
        connection.executemany("UPDATE jobs SET position = ? WHERE id = ?",
                               [(other["position"], job["id"]), (job["position"], other["id"])])
        return True


def move_first(connection: sqlite3.Connection, job_id: str) -> bool:
    """Put a queued job before every other one; False when it is not queued."""
    return connection.execute("UPDATE jobs SET position = (SELECT min(position) - 1 FROM jobs) WHERE id = ? AND state = 'queued'",
                              (job_id,)).rowcount == 1


def set_seen(connection: sqlite3.Connection, job_id: str) -> None:
    connection.execute("UPDATE jobs SET seen = 1 WHERE id = ?", (job_id,))


# ---- the worker ----

def claim_job(connection: sqlite3.Connection, lane: str, worker_pid: int) -> sqlite3.Row | None:
    """Make the next job of a free lane ours, in one statement: of any number of claimers one gets it, the rest None."""
    rows = connection.execute(
        "UPDATE jobs SET state = 'running', attempt = attempt + 1, worker_pid = ?, child_pid = NULL, child_started = NULL, cluster_job = NULL, "
        "request = NULL, progress = NULL, started = ?, ended = NULL "
        f"WHERE id = (SELECT id FROM jobs AS job WHERE {_READY} AND NOT EXISTS "
        "(SELECT 1 FROM jobs AS busy WHERE busy.lane = job.lane AND busy.state = 'running' AND busy.lane <> 'cluster') ORDER BY position LIMIT 1) RETURNING *",
        (worker_pid, now(), lane, now())).fetchall()
    return rows[0] if rows else None


def set_child(connection: sqlite3.Connection, job_id: str, pid: int, started: float) -> None:
    """Name the child of a running job; `started` is its start time in seconds since 1970."""
    connection.execute("UPDATE jobs SET child_pid = ?, child_started = ? WHERE id = ?", (pid, started, job_id))


def set_cluster_job(connection: sqlite3.Connection, job_id: str, number: str) -> None:
    """Name the cluster's job that does the work of a running job."""
    connection.execute("UPDATE jobs SET cluster_job = ? WHERE id = ?", (number, job_id))


def unclaim_job(connection: sqlite3.Connection, job_id: str) -> None:
    """Give a claimed job whose work never began its place in the queue back."""
    connection.execute("UPDATE jobs SET state = 'queued', attempt = attempt - 1, worker_pid = NULL, child_pid = NULL, "
                       "child_started = NULL, started = NULL, progress = NULL WHERE id = ? AND state = 'running'", (job_id,))


def set_progress(connection: sqlite3.Connection, job_id: str, progress: Mapping[str, Any] | None) -> None:
    connection.execute("UPDATE jobs SET progress = ? WHERE id = ?", (None if progress is None else _json(progress), job_id))


def end_job(connection: sqlite3.Connection, job_id: str, state: str, *, resumable: bool, result: Any = None,
            error: Mapping[str, Any] | None = None) -> None:
    """Write how a job ended."""
    connection.execute("UPDATE jobs SET state = ?, resumable = ?, result = ?, error = ?, request = NULL, ended = ?, "
                       "child_pid = NULL, child_started = NULL WHERE id = ?",
                       (state, int(resumable), None if result is None else _json(result),
                        None if error is None else _json(error), now(), job_id))


# ---- in the knowledge base ----

def mark_applied(connection: sqlite3.Connection, job_id: str, sequence: int) -> bool:
    """Note that a record became rows; False when it had done so before. In one transaction with those rows."""
    return connection.execute("INSERT OR IGNORE INTO applied_records (job, sequence) VALUES (?, ?)",
                              (job_id, sequence)).rowcount == 1


_READY = ("job.state = 'queued' AND job.lane = ? AND (job.not_before IS NULL OR job.not_before <= ?) AND (job.after IS NULL OR EXISTS "
          "(SELECT 1 FROM jobs AS first WHERE first.id = job.after AND first.state = 'done'))")
_LAST_POSITION = "(SELECT coalesce(max(position), 0) + 1 FROM jobs)"


def _json(content: Any) -> str:
    return json.dumps(content, ensure_ascii=False)
