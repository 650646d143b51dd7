"""Windows as processes: two `python app.py` on one projects folder, one killed, one closed and opened again, under a running job."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from phases.cpt.config import CptConfig
from phases.rag_data.config import IngestConfig
from phases.rag_data.ingest import ingest_files
from phases.shared.jobs.queue import Job, list_jobs, submit_job
from phases.shared.options import resolve
from phases.shared.project import SAMPLE_DOCUMENTS
from tests.browser.conftest import OpenWindow, opened
from tests.shared.jobs.conftest import Watched
from tests.tiny_project import FAST, make_project

ENDLESS = {"epochs": 1000, "save_steps": 1_000_000, "max_length": 16}


class Folder(Watched):
    """The projects folder that all windows of a test share, and the jobs in it."""

    def __init__(self, place: Path) -> None:
        project = make_project(place)
        super().__init__(project.root.parent, project)
        self.place = place

    def train(self, **settings: Any) -> Job:
        return submit_job(self.projects, self.project, "cpt", resolve(CptConfig, {**FAST, **settings}))

    def steps(self, job: Job) -> int:
        return (self.get(job).progress or {}).get("done") or 0


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Folder]:
    monkeypatch.setattr("tests.shared.jobs.conftest.PATIENCE_SECONDS", 120.0)
    folder = Folder(tmp_path)
    yield folder
    for job in list_jobs(folder.projects, states=("running",)):
        if job.child_pid:
            os.killpg(job.child_pid, signal.SIGKILL)


@contextmanager
def windows(folder: Folder, count: int) -> Iterator[list[OpenWindow]]:
    with ExitStack() as stack:
        yield [stack.enter_context(opened(folder.place)) for _ in range(count)]


def test_the_second_window_takes_over_and_one_that_is_opened_again_adopts_the_running_job(folder: Folder) -> None:
    running = folder.train(**ENDLESS)
    with windows(folder, 2) as (first, second):
        folder.until(lambda: folder.steps(running))
        child = folder.get(running).child_pid
        assert folder.get(running).worker_pid == first.process.pid
        first.process.kill()
        first.process.wait()
        assert psutil.pid_exists(child)
        seen = folder.steps(running)
        folder.until(lambda: folder.steps(running) > seen)  # what it does reaches the table again: the second window watches it
        second.process.send_signal(signal.SIGTERM)
        assert second.process.wait(30) == 0
    assert folder.get(running).active and psutil.Process(child).status() != psutil.STATUS_ZOMBIE
    seen = folder.steps(running)
    with windows(folder, 1) as (third,):
        folder.until(lambda: folder.steps(running) > seen)
        now = folder.get(running)
        assert (now.child_pid, now.attempt, now.active) == (child, 1, True), "the same child, adopted and not begun anew"
        os.killpg(child, signal.SIGKILL)
        assert (folder.ended(running).state, folder.get(running).resumable) == ("interrupted", True)
        done = folder.ended(ingest_files(folder.projects, folder.project, IngestConfig(), [SAMPLE_DOCUMENTS / "tarn_skerry_logbook.md"]))
        assert (done.state, done.attempt, done.worker_pid) == ("done", 1, third.process.pid)
