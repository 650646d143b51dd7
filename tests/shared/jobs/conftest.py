"""A project, a queue with the sample kinds, and one worker that is stopped at the end of every test."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from phases.shared.database.connection import knowledge
from phases.shared.jobs.queue import Job, get_job, list_jobs, submit_job
from phases.shared.jobs.worker import Worker
from phases.shared.project import Project, create_project
from tests.shared.jobs.sample_kinds import SAMPLE_KINDS, SampleConfig, rows_of

PATIENCE_SECONDS = 90.0  # a machine may be busy; nothing waits so long that works


class Watched:
    """The jobs of a projects folder, as a test waits for them."""

    def __init__(self, projects: Path, project: Project) -> None:
        self.projects = projects
        self.project = project

    def get(self, job: Job) -> Job:
        return get_job(self.projects, job.id)

    def until(self, fits: Callable[[], Any]) -> Any:
        """Wait until something is true, and give it back."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (found := fits()):
            assert time.monotonic() < deadline, [(job.id, job.state, job.progress, job.error) for job in list_jobs(self.projects)]
            time.sleep(0.05)
        return found

    def ended(self, job: Job) -> Job:
        self.until(lambda: self.get(job).ended)
        return self.get(job)


class Queue(Watched):
    """What the tests do with a queue, in few words."""

    def __init__(self, projects: Path, project: Project) -> None:
        super().__init__(projects, project)
        self.worker: Worker | None = None

    def submit(self, kind: str = "parse", *, after: str | None = None, not_before: str | None = None,
               arguments: dict[str, Any] | None = None, **settings: Any) -> Job:
        return submit_job(self.projects, self.project, kind, SampleConfig(**settings), arguments, after, not_before,
                          kinds=SAMPLE_KINDS)

    def work(self, **more: Any) -> Worker:
        self.worker = Worker.try_start(self.projects, kinds=SAMPLE_KINDS, **more)
        assert self.worker is not None
        return self.worker

    def rest(self) -> None:
        if self.worker is not None:
            self.worker.stop()
            self.worker = None

    def child_of(self, job: Job) -> int:
        """The job's process, once it works."""
        self.until(lambda: (self.get(job).progress or {}).get("phase") not in (None, "waiting"))
        pid = self.get(job).child_pid
        assert pid is not None
        return pid

    def rows(self, job: Job) -> list[int]:
        with knowledge(self.project) as connection:
            return rows_of(connection, job.id)


@pytest.fixture
def queue(projects: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Queue]:
    monkeypatch.setenv("LEHRLING_LOCKS", str(tmp_path / "locks"))
    monkeypatch.setenv("LEHRLING_KEYS", str(tmp_path / "keys" / "keys.yaml"))
    monkeypatch.setattr("phases.shared.jobs.worker.TICK_SECONDS", 0.1)
    queue = Queue(projects, create_project(projects, "Fells"))
    yield queue
    queue.rest()
    for job in list_jobs(projects, states=("running",)):
        with suppress(ProcessLookupError, TypeError):
            os.killpg(job.child_pid, signal.SIGKILL)
