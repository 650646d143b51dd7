"""A training in several processes through torchrun: it learns what one process learns, stops, is killed, resumes, says why it failed."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from phases.shared.files import read_json_lines
from phases.shared.jobs.queue import request_cancel, request_stop, resume_job
from phases.shared.jobs.together import one_outcome
from phases.shared.training.trainer import last_loss
from tests.shared.jobs.training import Trainings, trainings
from tests.tiny_project import continue_job, make_project, prepare_job

TOLERANCE = 1e-4
SETTINGS = {"epochs": 8, "batch_size": 1, "save_steps": 2}
STEPS = 8 * 7  # 14 rows, two in a step


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEHRLING_LOCKS", str(tmp_path / "locks"))
    monkeypatch.setenv("LEHRLING_KEYS", str(tmp_path / "keys" / "keys.yaml"))
    monkeypatch.setattr("tests.shared.jobs.conftest.PATIENCE_SECONDS", 60.0)


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[Trainings]:
    with trainings(make_project(tmp_path)) as queue:
        queue.work()
        yield queue


def below(child: int) -> list[psutil.Process]:
    """torchrun and its processes, below a job's child."""
    return psutil.Process(child).children(recursive=True)


def training_ranks(child: int) -> list[psutil.Process]:
    return [one for one in below(child) if "work" in one.cmdline() and "start" not in one.cmdline()]


def all_gone(processes: list[psutil.Process]) -> bool:
    return not any(one.is_running() and one.status() != psutil.STATUS_ZOMBIE for one in processes)


def test_two_processes_learn_what_one_learns_through_stop_and_kill(queue: Trainings) -> None:
    """Two processes see in each step the rows that one sees with twice the accumulation; an interruption changes nothing in that."""
    job = queue.train(**SETTINGS, processes=2)
    queue.until(lambda: queue.whole_checkpoints(job))
    assert {path.name for path in queue.whole_checkpoints(job)[0].iterdir()} > {"rng_state_0.pth", "rng_state_1.pth", "optimizer.pt"}
    request_stop(queue.projects, job.id)
    stopped = queue.ended(job)
    assert (stopped.state, stopped.resumable) == ("stopped", True), stopped.error
    assert 2 <= stopped.result["step"] == len(queue.losses(job)) < stopped.result["steps"] == STEPS
    resume_job(queue.projects, job.id)
    queue.until(lambda: len(queue.losses(job)) > stopped.result["step"] + 2)
    child = queue.get(job).child_pid
    processes = below(child)
    assert len(training_ranks(child)) == 2
    os.kill(child, signal.SIGKILL)
    killed = queue.ended(job)
    assert (killed.state, killed.resumable) == ("interrupted", True)
    queue.until(lambda: all_gone(processes))
    resume_job(queue.projects, job.id)
    done = queue.ended(job)
    assert (done.state, done.attempt, done.result["steps"]) == ("done", 3, STEPS), done.error
    whole = prepare_job(queue.project, "cpt", "whole", **SETTINGS, gradient_accumulation=2)
    continue_job(whole, "cpt")
    alone, together = (list(read_json_lines(queue.project.job_dir(one) / "loss.jsonl")) for one in ("whole", job.id))
    assert [one["step"] for one in together] == [one["step"] for one in alone] == list(range(1, STEPS + 1))
    for one, other in zip(alone, together, strict=True):
        assert other["loss"] == pytest.approx(one["loss"], rel=TOLERANCE), one
    assert done.result["train_loss"] == pytest.approx(last_loss(queue.project.job_dir("whole")), rel=TOLERANCE)


def test_a_lost_process_ends_the_others_and_cancel_ends_all(queue: Trainings) -> None:
    job = queue.train(**{**SETTINGS, "epochs": 500.0}, processes=2)
    queue.until(lambda: queue.whole_checkpoints(job))
    child = queue.get(job).child_pid
    processes = below(child)
    training_ranks(child)[1].kill()
    lost = queue.ended(job)
    assert (lost.state, lost.resumable) == ("interrupted", True)
    assert "Of the 2 processes that trained together" in lost.error["sentence"]
    assert all_gone(processes)
    resume_job(queue.projects, job.id)
    steps = len(queue.losses(job))
    queue.until(lambda: len(queue.losses(job)) > steps + 2)
    processes = below(queue.get(job).child_pid)
    request_cancel(queue.projects, job.id)
    assert queue.ended(job).state == "cancelled"
    queue.until(lambda: all_gone(processes))


FAILED = {"state": "failed", "result": None, "error": {"code": "unexpected", "sentence": "Connection closed by peer."}, "time": 9.0}
FULL = {"state": "failed", "result": None, "error": {"code": "out_of_memory", "sentence": "The memory is full."}, "time": 8.0}
DONE = {"state": "done", "result": {"steps": 3}, "error": None, "time": 7.0}


@pytest.mark.parametrize(("outcomes", "state", "said"), [
    ([DONE, None], "done", None),
    ([FAILED, FULL], "failed", "The memory is full."),
    ([FULL, FAILED], "failed", "The memory is full."),
    ([FAILED, None], "interrupted", "number 1 ended without a word"),
    ([None, FAILED], "interrupted", "number 0 ended without a word"),
    ([None, FULL], "failed", "The memory is full."),
    ([FAILED, {**FAILED, "time": 1.0, "error": {"code": "unexpected", "sentence": "First."}}], "failed", "First."),
])
def test_the_reason_is_that_of_the_process_that_failed_first(queue: Trainings, outcomes: list, state: str, said: str | None) -> None:
    ended = one_outcome(outcomes, queue.project, 1, 0)
    assert ended["state"] == state
    assert said is None or said in ended["error"]["sentence"]


def test_a_kill_for_want_of_memory_is_told_from_the_kernels_count(queue: Trainings) -> None:
    ended = one_outcome([None, FAILED], queue.project, 1, 1)
    assert (ended["state"], ended["error"]["code"]) == ("interrupted", "out_of_memory")
