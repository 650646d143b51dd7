"""A job from its submission to its end: queued, done, failed, stopped, cancelled, resumed."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
from typing import Any

import psutil
import pytest

from phases.shared.errors import JobError, NotReady
from phases.shared.files import read_json_lines
from phases.shared.jobs.queue import (
    find_job,
    list_jobs,
    mark_seen,
    request_cancel,
    request_stop,
    resume_job,
    running_job,
    submit_job,
    unseen_jobs,
)
from tests.shared.jobs.conftest import Queue
from tests.shared.jobs.sample_kinds import SAMPLE_KINDS, SampleConfig


def test_a_job_runs_in_a_child_of_its_own_session_and_gets_done(queue: Queue) -> None:
    submitted = queue.submit(count=4, arguments={"files": ["a"]})
    assert (submitted.state, submitted.attempt, submitted.waiting) == ("queued", 0, True)
    assert submitted.id.startswith("parse-20") and (queue.project.job_dir(submitted.id) / "config.yaml").is_file()
    queue.work()
    job = queue.ended(submitted)
    assert (job.state, job.attempt, job.error, job.resumable) == ("done", 1, None, False)
    assert job.result["written"] == 4 and job.result["given"] == {"files": ["a"]}
    assert job.result["pid"] != os.getpid() and queue.rows(job) == [0, 1, 2, 3]
    assert job.started and job.created <= job.started <= job.ended


def test_what_is_missing_is_said_and_nothing_is_left_behind(queue: Queue) -> None:
    with pytest.raises(NotReady) as refused:
        queue.submit(behaviour="unready")
    assert refused.value.missing == ("There are no documents.", "There is no base model.")
    assert list_jobs(queue.projects) == [] and list(queue.project.runs.iterdir()) == []


def test_unknown_kinds_jobs_and_predecessors_are_refused(queue: Queue) -> None:
    with pytest.raises(JobError, match="no kind of job 'bake'"):
        submit_job(queue.projects, queue.project, "bake", SampleConfig(), kinds=SAMPLE_KINDS)
    with pytest.raises(JobError, match="no job 'parse-1'"):
        queue.submit(after="parse-1")
    with pytest.raises(JobError, match="No job of 'Fells' is running"):
        find_job(queue.projects, "Fells", None, ("running",))
    assert list(queue.project.runs.iterdir()) == []


@pytest.mark.parametrize(("behaviour", "code", "sentence", "advice"), [
    ("fail", "model", "The sample model is missing.", "Choose another one."),
    ("crash", "unexpected", "KeyError: 'somewhere'", "See the log"),
    ("memory", "out_of_memory", "The job ran out of memory.", "Close programs"),
    ("disk", "disk_full", "The disk is full.", "Free some space"),
    ("killed", "signal", "was ended from outside by SIGKILL", "Resume the job"),
])
def test_the_reason_of_a_failure_is_said_in_words(queue: Queue, behaviour: str, code: str, sentence: str, advice: str) -> None:
    queue.work()
    job = queue.ended(queue.submit("train", behaviour=behaviour))
    assert job.state == ("interrupted" if behaviour == "killed" else "failed")
    assert job.error["code"] == code and sentence in job.error["sentence"] and advice in job.error["advice"]
    assert job.result is None and job.resumable
    if behaviour == "crash":
        assert "Traceback" in (queue.project.job_dir(job.id) / "log.txt").read_text(encoding="utf-8")


def test_stop_saves_and_resume_goes_on_with_the_same_job(queue: Queue) -> None:
    queue.work()
    job = queue.submit(count=25, pause=0.05)
    queue.until(lambda: len(queue.rows(job)) > 3)
    assert running_job(queue.projects).id == job.id
    request_stop(queue.projects, job.id)
    stopped = queue.ended(job)
    assert (stopped.state, stopped.resumable) == ("stopped", True)
    written = stopped.result["written"]
    assert 3 < written < 25 and queue.rows(job) == list(range(written))
    resume_job(queue.projects, job.id)
    done = queue.ended(job)
    assert (done.id, done.state, done.attempt) == (job.id, "done", 2)
    assert queue.rows(job) == list(range(25))
    records = list(read_json_lines(queue.project.job_dir(job.id) / "records.jsonl"))
    assert [one["sequence"] for one in records] == list(range(1, 26)) and {one["attempt"] for one in records} == {1, 2}
    with pytest.raises(JobError, match="is done and cannot be resumed"):
        resume_job(queue.projects, job.id)
    with pytest.raises(JobError, match="has ended already"):
        request_stop(queue.projects, job.id)


def test_a_queued_job_stops_and_cancels_at_once(queue: Queue) -> None:
    first, second = queue.submit(), queue.submit()
    request_stop(queue.projects, first.id)
    request_cancel(queue.projects, second.id)
    assert [queue.get(job).state for job in (first, second)] == ["stopped", "cancelled"]
    resume_job(queue.projects, first.id)
    with pytest.raises(JobError):
        resume_job(queue.projects, second.id)
    queue.work()
    assert queue.ended(first).state == "done"


def test_cancel_ends_the_child(queue: Queue) -> None:
    queue.work()
    job = queue.submit(count=1000, pause=0.05)
    pid = queue.child_of(job)
    request_cancel(queue.projects, job.id)
    cancelled = queue.ended(job)
    assert (cancelled.state, cancelled.resumable) == ("cancelled", False)
    assert not psutil.pid_exists(pid)


def test_a_child_that_does_not_listen_is_killed_after_a_grace(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("phases.shared.jobs.process.GRACE_SECONDS", 0.5)
    queue.work()
    job = queue.submit(behaviour="deaf")
    queue.until(lambda: (queue.get(job).progress or {}).get("phase") == "deaf")
    pid = queue.get(job).child_pid
    request_cancel(queue.projects, job.id)
    assert queue.ended(job).state == "cancelled"
    assert not psutil.pid_exists(pid)


def test_a_record_that_cannot_be_applied_fails_the_job_with_its_reason(queue: Queue) -> None:
    queue.work()
    job = queue.submit(behaviour="poison")
    failed = queue.ended(job)
    assert failed.state == "failed" and failed.error["sentence"] == "This record cannot be applied."
    assert queue.rows(job) == []


def test_a_job_is_done_only_when_every_record_is_applied(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("phases.shared.jobs.records.SECONDS_AT_A_TIME", 0.0)  # one record at every look
    queue.work()
    job = queue.submit(count=12)
    queue.until(lambda: (queue.project.job_dir(job.id) / "outcome.json").exists())
    assert queue.get(job).active and len(queue.rows(job)) < 12
    assert queue.ended(job).state == "done" and queue.rows(job) == list(range(12))


def test_a_project_that_was_renamed_while_its_job_waited(queue: Queue) -> None:
    job = queue.submit()
    queue.project.root.rename(queue.projects / "Dales")
    queue.work()
    failed = queue.ended(job)
    assert failed.state == "failed" and "renamed or deleted" in failed.error["sentence"]
    assert not queue.project.root.exists()


def test_a_project_that_is_deleted_while_its_job_runs(queue: Queue) -> None:
    queue.work()
    job = queue.submit(count=1000, pause=0.02)
    queue.until(lambda: len(queue.rows(job)) > 3)
    queue.project.root.rename(queue.projects / ".gone")
    failed = queue.ended(job)
    assert failed.state == "failed" and "renamed or deleted" in failed.error["sentence"]
    assert not queue.project.root.exists()


def test_progress_carries_its_phase_figures_and_the_time_that_is_left(queue: Queue) -> None:
    queue.work()
    job = queue.submit(count=60, pause=0.05)

    def known() -> dict[str, Any] | None:
        progress = queue.get(job).progress or {}
        return progress if progress.get("eta_seconds") else None

    progress = queue.until(known)
    assert progress["phase"] == "working" and progress["total"] == 60 and progress["loss"] == 1.0
    assert 0 < progress["eta_seconds"] < 10
    request_cancel(queue.projects, job.id)
    queue.ended(job)


def test_ends_are_news_until_they_were_seen(queue: Queue) -> None:
    queue.work()
    job = queue.ended(queue.submit())
    assert [one.id for one in unseen_jobs(queue.projects, "Fells")] == [job.id]
    assert unseen_jobs(queue.projects, "Dales") == []
    mark_seen(queue.projects, job.id)
    assert unseen_jobs(queue.projects, "Fells") == []
    json.dumps(dataclasses.asdict(job))  # what `jobs --json` prints


def test_a_kill_of_the_child_leaves_a_job_that_goes_on(queue: Queue) -> None:
    queue.work()
    job = queue.submit(count=30, pause=0.04)
    queue.until(lambda: len(queue.rows(job)) > 3)
    os.kill(queue.get(job).child_pid, signal.SIGKILL)
    interrupted = queue.ended(job)
    assert (interrupted.state, interrupted.resumable) == ("interrupted", True)
    assert "SIGKILL" in interrupted.error["sentence"] and "memory" not in interrupted.error["sentence"]
    resume_job(queue.projects, job.id)
    assert queue.ended(job).state == "done" and queue.rows(job) == list(range(30))
