"""One running job as the worker sees it: honours requests, passes progress on, turns records into rows, writes the end.

In: the job's row, its child process and its files in runs/JOB/. Out: the row, brought up to date at every `look`.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import time
from pathlib import Path
from typing import Any, Protocol

from phases.shared.database import jobs as table
from phases.shared.errors import StorageError
from phases.shared.jobs.context import OUTCOME_FILE, PROGRESS_FILE, RECORDS_FILE, STOP_FILE
from phases.shared.jobs.kinds import JobKind, load_named
from phases.shared.jobs.queue import Job
from phases.shared.jobs.reasons import project_gone, record_of, with_levers
from phases.shared.jobs.records import RecordTail, apply_new
from phases.shared.jobs.remaining import RemainingTime
from phases.shared.project import Project

LEAVING_SECONDS = 30.0  # a child that wrote its outcome and does not leave is ended after this
RESUMABLE_STATES = ("failed", "stopped", "interrupted")
BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


class Runner(Protocol):
    """What does a job's work: a child process of this machine, or a cluster's job."""

    def is_alive(self) -> bool:
        """Whether it works or waits. Once False, all that it wrote is there to be read."""

    def waits(self) -> str:
        """What it waits for before it begins; "" when it does not."""

    def end(self) -> None:
        """Have it ended; called again until it is gone."""

    def interruption(self, project: Project) -> dict[str, str]:
        """Why it is gone without an outcome, as a record for a person."""


class RunningJob:
    """Call `look` until it says that the job has ended."""

    def __init__(self, project: Project, job: Job, kind: JobKind, runner: Runner) -> None:
        self.project = project
        self.kind = kind
        self.runner = runner
        self.job_dir = project.job_dir(job.id)
        self._tail = RecordTail(self.job_dir / RECORDS_FILE)
        self._remaining = RemainingTime()
        self._progress_read = 0
        self._failure: dict[str, str] | None = None

    def look(self, connection: sqlite3.Connection, job: Job) -> bool:
        """Bring the row up to date; True when the job has ended.

        Whether the child lives is asked first: what a dead one left behind is complete.
        """
        alive = self.runner.is_alive()
        if alive:
            self._honour(job.request)
            self._say_what_it_waits_for(connection, job)
        self._pass_progress_on(connection, job.id)
        applied = self._apply_records(job.id)
        if alive or not applied:
            return False
        self._write_end(connection, job)
        return True

    def _honour(self, request: str | None) -> None:
        if request == "stop" and self.job_dir.is_dir():
            (self.job_dir / STOP_FILE).touch()
        if request == "cancel" or (request == "stop" and self.runner.waits()) or self._failure or self._lingers():
            self.runner.end()

    def _say_what_it_waits_for(self, connection: sqlite3.Connection, job: Job) -> None:
        text = "" if self._progress_read else self.runner.waits()
        if text and (job.progress or {}).get("text") != text:
            table.set_progress(connection, job.id, {"phase": "waiting", "text": text})

    def _lingers(self) -> bool:
        outcome = self.job_dir / OUTCOME_FILE
        return outcome.exists() and time.time() - outcome.stat().st_mtime > LEAVING_SECONDS

    def _pass_progress_on(self, connection: sqlite3.Connection, job_id: str) -> None:
        path = self.job_dir / PROGRESS_FILE
        try:
            changed = path.stat().st_mtime_ns
            if changed == self._progress_read:
                return
            progress = json.loads(path.read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            return
        self._progress_read = changed
        table.set_progress(connection, job_id, {**progress, "eta_seconds": self._remaining.update(progress)})

    def _apply_records(self, job_id: str) -> bool:
        """Whether no record waits; one that cannot be applied ends the job."""
        if not self.kind.apply or self._failure:
            return True
        try:
            return apply_new(self._tail, load_named(self.kind.apply), self.project, job_id)
        except Exception as problem:
            if is_busy(problem):
                return False
            if self.job_dir.is_dir():
                logging.getLogger(__name__).exception("A record of %s could not be applied.", job_id)
            self._failure = record_of(problem)
            return True

    def _write_end(self, connection: sqlite3.Connection, job: Job) -> None:
        state, result, error = self._end(job)
        error = with_levers(error, job.config) if error else None
        resumable = state in RESUMABLE_STATES and self.job_dir.is_dir()  # inputs are frozen, so it can
        table.end_job(connection, job.id, state, resumable=resumable, result=result, error=error)

    def _end(self, job: Job) -> tuple[str, Any, dict[str, str] | None]:
        """State, result and error. `done` only with a written outcome and every record applied."""
        if not self.job_dir.is_dir():
            return "failed", None, project_gone(job.project, job.id)
        if self._failure:
            return "failed", None, self._failure
        outcome = read_outcome(self.job_dir)
        if job.request == "cancel" and not (outcome and outcome["state"] == "done"):
            return "cancelled", None, None
        if outcome is None:
            if job.request == "stop" and not (self.job_dir / PROGRESS_FILE).exists():
                return "stopped", None, None  # it never began
            why = self.runner.interruption(self.project)
            return "failed" if why["code"] == "disk_full" else "interrupted", None, why
        return outcome["state"], outcome["result"], outcome["error"]


def read_outcome(job_dir: Path) -> dict[str, Any] | None:
    """What the child wrote last; None when it did not come so far."""
    path = job_dir / OUTCOME_FILE
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def is_busy(problem: BaseException) -> bool:
    """Whether another process merely held the database too long: then the next look tries again."""
    cause = problem.__cause__ if isinstance(problem, StorageError) else problem
    return isinstance(cause, sqlite3.OperationalError) and getattr(cause, "sqlite_errorcode", 0) & 0xFF in BUSY
