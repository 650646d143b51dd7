"""The queue, for any process: submit a job, look at jobs, ask for a stop, resume.

In: the projects folder, whose `jobs.sqlite` is the queue. Out: `Job` records. Nothing here runs a job: that is `worker.py`.
Commands: `python app.py jobs`, `stop NAME [JOB]`, `resume NAME [JOB]`.
"""

from __future__ import annotations

import dataclasses
import difflib
import json
import secrets
import shutil
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from phases.shared.database import jobs as table
from phases.shared.errors import JobError
from phases.shared.files import sync_folder, write_atomically
from phases.shared.jobs.kinds import KINDS, JobKind, kind_named, lane_of, load_named
from phases.shared.jobs.promises import promises_before
from phases.shared.options import as_mapping
from phases.shared.project import Project

CONFIG_FILE = "config.yaml"
INPUTS_FOLDER = "inputs"
MOVES = ("up", "down", "first")
NAMED_AT_MOST = 5


@dataclass(frozen=True)
class Job:
    """One job as it is now. `ended` and `started` are ISO times or None; `error` is {"code", "subject", "sentence", "advice"};
    `progress` is {"phase", "done", "total", "eta_seconds", ...}."""

    id: str
    project: str
    kind: str
    lane: str
    state: str
    resumable: bool
    position: int
    after: str | None
    not_before: str | None
    attempt: int
    request: str | None
    worker_pid: int | None
    child_pid: int | None
    child_started: float | None
    cluster_job: str | None
    config: dict[str, Any]
    progress: dict[str, Any] | None
    result: dict[str, Any] | None
    error: dict[str, Any] | None
    created: str
    started: str | None
    ended: str | None
    seen: bool

    @property
    def waiting(self) -> bool:
        return self.state == "queued"

    @property
    def active(self) -> bool:
        return self.state == "running"


def job_of(row: sqlite3.Row) -> Job:
    """A row of the table as a record."""
    values = {name: row[name] for name in (field.name for field in dataclasses.fields(Job))}
    for name in ("config", "progress", "result", "error"):
        values[name] = None if values[name] is None else json.loads(values[name])
    return Job(**{**values, "resumable": bool(row["resumable"]), "seen": bool(row["seen"])})


# ---- submitting ----

def submit_job(projects: Path, project: Project, kind: str, config: Any, arguments: Mapping[str, Any] | None = None,
               after: str | None = None, not_before: str | None = None, *, kinds: Mapping[str, JobKind] = KINDS) -> Job:
    """Freeze what the job needs into runs/JOB/ and put it at the end of the queue.

    Args:
        config: an instance of the kind's configuration class.
        arguments: handed to the kind's `prepare` (file names and the like).
        after: id of a job that must be done first; the job may use the models that this one, and those before it, are to make.
        not_before: ISO time (UTC) before which it does not start.

    Raises whatever `prepare` raises (NotReady says everything that is missing); nothing is left behind then.
    """
    about = kind_named(kinds, kind)
    job_id = f"{kind}-{datetime.now():%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
    job_dir = project.job_dir(job_id)
    with table.job_table(projects) as connection:
        if after is not None:
            _row(connection, after)
        promised = promises_before(connection, project, after, kinds)
        (job_dir / INPUTS_FOLDER).mkdir(parents=True)
        try:
            write_atomically(job_dir / CONFIG_FILE, yaml.safe_dump(as_mapping(config), allow_unicode=True, sort_keys=False))
            load_named(about.prepare)(project, config, job_dir / INPUTS_FOLDER,
                                       {**(arguments or {}), **({"promised": promised} if promised else {})})
            sync_folder(job_dir.parent)
            table.insert_job(connection, job_id=job_id, project=project.name, kind=kind, lane=lane_of(about, config), after=after,
                             not_before=not_before, config=as_mapping(config))
        except BaseException:
            shutil.rmtree(job_dir, ignore_errors=True)
            raise
        return job_of(_row(connection, job_id))


# ---- looking ----

def list_jobs(projects: Path, project: str | None = None, states: Sequence[str] | None = None, limit: int = 50) -> list[Job]:
    """Jobs of a project (or of all) in certain states (or all), the newest first."""
    with table.job_table(projects) as connection:
        return [job_of(row) for row in table.select_jobs(connection, project, states, None, limit)]


def get_job(projects: Path, job_id: str) -> Job:
    """The job of that id. Raises JobError when there is none."""
    with table.job_table(projects) as connection:
        return job_of(_row(connection, job_id))


def find_jobs(projects: Path, job_id: str | None) -> list[Job]:
    """The job of that id in a list, which is empty where none is named or none is there."""
    with table.job_table(projects) as connection:
        row = table.select_job(connection, job_id) if job_id else None
    return [job_of(row)] if row is not None else []


def find_job(projects: Path, project: str | None, job_id: str | None, states: Sequence[str] | None) -> Job:
    """The job of that id, or the newest of the project in one of the states; jobs that were given up because another one had not got
    done come behind that one, as resuming it brings them back. Raises JobError when none fits."""
    if job_id is None:
        found = sorted(list_jobs(projects, project, states, limit=200), key=lambda job: (job.error or {}).get("code") == "predecessor")
        if not found:
            raise JobError(f"No job of '{project}' is {' or '.join(states or ('known',))}.",
                           f"See all of them with: python app.py jobs \"{project}\".", subject=str(project), code="job_none")
        return found[0]
    named = find_jobs(projects, job_id)
    if not named:
        raise JobError(f"There is no job '{job_id}'.", _meant(projects, project, job_id, states), subject=job_id, code="job_missing")
    job = named[0]
    if project is not None and job.project != project:
        raise JobError(f"{job_id} is a job of '{job.project}', not of '{project}'.",
                       f"Name that project, or see the jobs of this one with: python app.py jobs \"{project}\".",
                       subject=job_id, code="job_other_project")
    if states is not None and job.state not in states:
        raise JobError(f"{job_id} is {job.state}, not {' or '.join(states)}.", _meant(projects, project, job_id, states), subject=job_id, code="job_state")
    return job


def _meant(projects: Path, project: str | None, job_id: str, states: Sequence[str] | None) -> str:
    """Which jobs a person may have meant by an id that does not fit, the most alike first."""
    fitting = [job for job in list_jobs(projects, project, states, limit=200) if states is None or job.ended is None or job.resumable]
    fitting.sort(key=lambda job: -difflib.SequenceMatcher(None, job.id, job_id).ratio())
    if not fitting:
        return f"No job of '{project}' is {' or '.join(states or ('known',))}. See all of them with: python app.py jobs \"{project}\"."
    more = f" and {len(fitting) - NAMED_AT_MOST} more" if len(fitting) > NAMED_AT_MOST else ""
    return f"It could be: {', '.join(f'{job.id} ({job.state})' for job in fitting[:NAMED_AT_MOST])}{more}."


def running_job(projects: Path) -> Job | None:
    """The job that runs now; of two the one on the compute lane."""
    with table.job_table(projects) as connection:
        rows = table.running_rows(connection)
    return job_of(rows[0]) if rows else None


def unseen_jobs(projects: Path, project: str | None) -> list[Job]:
    """Jobs whose end was not shown to a person yet, the newest first."""
    with table.job_table(projects) as connection:
        return [job_of(row) for row in table.select_jobs(connection, project, table.ENDED_STATES, False, 50)]


def queue_place(projects: Path, job_id: str) -> int:
    """How many queued jobs of its lane come first, plus one; 0 when the job does not wait."""
    with table.job_table(projects) as connection:
        row = _row(connection, job_id)
        waits = row["state"] == "queued"
        return 1 + table.count_queued_before(connection, row["lane"], row["position"]) if waits else 0


# ---- asking ----

def request_stop(projects: Path, job_id: str) -> None:
    """Ask a running job to save and leave; a queued one is stopped at once and can be resumed."""
    _ask(projects, job_id, "stop", "stopped", resumable=True)


def request_cancel(projects: Path, job_id: str) -> None:
    """End a running job's process; a queued one is cancelled at once."""
    _ask(projects, job_id, "cancel", "cancelled", resumable=False)


def resume_job(projects: Path, job_id: str) -> Job:
    """Continue the same job with its frozen inputs, at the end of the queue; jobs that were given up because they waited for it wait
    again behind it. Raises JobError when it cannot be."""
    with table.job_table(projects) as connection:
        row = _row(connection, job_id)
        if not table.requeue_job(connection, job_id):
            reason = ("It left nothing that it could go on from. Start a new one." if row["state"] in ("failed", "interrupted", "stopped")
                      else "Only a job that stopped, failed or was interrupted can be resumed.")
            raise JobError(f"{job_id} is {row['state']} and cannot be resumed.", reason, subject=job_id, code="job_not_resumable")
        _bring_followers_back(connection, job_id)
        return job_of(_row(connection, job_id))


def move_job(projects: Path, job_id: str, where: str) -> None:
    """Let a queued job change places with the one before ("up") or behind it ("down") in its lane, or come before all others
    ("first"); at an end of the queue it stays. Raises JobError when it does not wait, or goes nowhere."""
    with table.job_table(projects) as connection:
        row = _row(connection, job_id)
        if where not in MOVES:
            raise JobError(f"A job cannot move '{where}'.", f"Say one of: {', '.join(MOVES)}.", subject=job_id, code="job_move")
        if row["state"] != "queued":
            raise JobError(f"{job_id} does not wait: it is {row['state']}.", "", subject=job_id, code="job_state")
        if where == "first":
            table.move_first(connection, job_id)
        else:
            table.swap_with_neighbour(connection, job_id, up=where == "up")


def mark_seen(projects: Path, job_id: str) -> None:
    """Note that the job's end was shown to a person."""
    with table.job_table(projects) as connection:
        table.set_seen(connection, job_id)


def _bring_followers_back(connection: sqlite3.Connection, job_id: str) -> None:
    for follower in table.given_up_followers(connection, job_id):
        if table.requeue_job(connection, follower):
            _bring_followers_back(connection, follower)


def _ask(projects: Path, job_id: str, request: str, queued_becomes: str, *, resumable: bool) -> None:
    with table.job_table(projects) as connection:
        row = _row(connection, job_id)
        asked = (table.end_queued(connection, job_id, queued_becomes, resumable=resumable)
                 or table.ask_running(connection, job_id, request))
        if not asked:
            raise JobError(f"{job_id} has ended already: it is {row['state']}.", "", subject=job_id, code="job_ended")


def _row(connection: sqlite3.Connection, job_id: str) -> sqlite3.Row:
    row = table.select_job(connection, job_id)
    if row is None:
        raise JobError(f"There is no job '{job_id}'.", "See the jobs with: python app.py jobs.", subject=job_id, code="job_missing")
    return row
