"""The order of the queue, its two lanes, and the one lock on this machine's accelerator."""

from __future__ import annotations

import os
import signal
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from phases.shared.database.connection import open_database
from phases.shared.database.jobs import claim_job, job_table
from phases.shared.database.schema import JOB_MIGRATIONS
from phases.shared.errors import JobError
from phases.shared.jobs.locks import compute_lock_file, lock_compute
from phases.shared.jobs.queue import find_job, get_job, move_job, queue_place, request_cancel, request_stop, resume_job
from phases.shared.jobs.times import clock
from tests.shared.jobs.conftest import Queue


def test_jobs_run_in_the_order_of_the_queue(queue: Queue) -> None:
    first, second, third = (queue.submit() for _ in range(3))
    move_job(queue.projects, third.id, "up")
    move_job(queue.projects, first.id, "up")  # the first cannot move up
    move_job(queue.projects, second.id, "down")  # the last cannot move down
    order = [first, third, second]
    assert [queue_place(queue.projects, job.id) for job in order] == [1, 2, 3]
    queue.work()
    ended = [queue.ended(job) for job in order]
    assert ended == sorted(ended, key=lambda job: job.started)
    assert queue_place(queue.projects, first.id) == 0


def test_a_job_that_is_moved_first_passes_all_others(queue: Queue) -> None:
    jobs = [queue.submit() for _ in range(4)]
    move_job(queue.projects, jobs[3].id, "first")
    move_job(queue.projects, jobs[2].id, "first")
    assert [queue_place(queue.projects, job.id) for job in jobs] == [3, 4, 1, 2]
    with pytest.raises(JobError, match="cannot move 'sideways'"):
        move_job(queue.projects, jobs[0].id, "sideways")
    request_cancel(queue.projects, jobs[0].id)
    with pytest.raises(JobError, match="does not wait: it is cancelled"):
        move_job(queue.projects, jobs[0].id, "first")


def test_a_job_for_the_night_waits_for_its_time_and_lets_others_pass(queue: Queue) -> None:
    soon = (datetime.now(UTC) + timedelta(seconds=3)).isoformat(timespec="milliseconds")
    night, other = queue.submit(not_before=soon), queue.submit()
    queue.work()
    assert queue.ended(other).state == "done"
    queue.until(lambda: "starts at" in (queue.get(night).progress or {}).get("text", ""))
    assert queue.get(night).waiting
    done = queue.ended(night)
    assert done.state == "done" and done.started >= soon


def test_a_queue_of_an_older_version_is_taken_over(tmp_path: Path) -> None:
    with closing(open_database(tmp_path / "jobs.sqlite", JOB_MIGRATIONS[:1])) as old:
        old.execute("INSERT INTO jobs (id, project, kind, lane, state, position, config, created) "
                    "VALUES ('parse-1', 'Fells', 'parse', 'light', 'queued', 1, '{}', 'then')")
    job = get_job(tmp_path, "parse-1")
    assert (job.waiting, job.not_before) == (True, None)
    with job_table(tmp_path) as connection:
        assert claim_job(connection, "light", 1)["id"] == "parse-1"


def test_a_light_job_passes_a_long_training(queue: Queue) -> None:
    training, waiting, light = queue.submit("train", count=1000, pause=0.05), queue.submit("train"), queue.submit("parse")
    queue.work()
    assert queue.ended(light).state == "done"
    assert queue.get(training).active and queue.get(waiting).waiting
    request_cancel(queue.projects, training.id)
    assert queue.ended(waiting).state == "done"


def test_a_job_waits_for_the_one_it_names(queue: Queue) -> None:
    first = queue.submit("train", count=8, pause=0.05)
    second = queue.submit("parse", after=first.id)
    queue.work()
    queue.until(lambda: queue.get(second).progress)
    assert queue.get(second).waiting and first.id in queue.get(second).progress["text"]
    assert queue.ended(second).state == "done"
    assert queue.get(first).ended <= queue.get(second).started


def test_a_job_whose_predecessor_fails_does_not_begin_and_can_be_resumed(queue: Queue) -> None:
    first = queue.submit("parse", behaviour="fail")
    second = queue.submit("train", after=first.id)
    queue.work()
    failed = queue.ended(second)
    assert (failed.state, failed.resumable, failed.attempt) == ("failed", True, 0)
    assert f"{first.id}, which had to be done first, is failed" in failed.error["sentence"]


def test_jobs_that_were_given_up_with_the_one_before_them_come_back_with_it(queue: Queue) -> None:
    first = queue.submit("parse")
    second = queue.submit("train", after=first.id)
    third = queue.submit("parse", after=second.id)
    other = queue.submit("parse", behaviour="fail", after=first.id)
    request_stop(queue.projects, first.id)
    queue.work()
    assert queue.ended(third).error["code"] == "predecessor" and queue.ended(second).resumable and queue.ended(other)
    assert find_job(queue.projects, first.project, None, ("stopped", "failed")).id == first.id
    resume_job(queue.projects, first.id)
    assert [queue.ended(job).state for job in (first, second, third, other)] == ["done", "done", "done", "failed"]
    resume_job(queue.projects, other.id)
    assert queue.ended(other).attempt == 2 and queue.get(second).attempt == 1


def test_a_job_behind_a_cancelled_one_cannot_be_resumed(queue: Queue) -> None:
    first = queue.submit("parse")
    second = queue.submit("train", after=first.id)
    request_cancel(queue.projects, first.id)
    queue.work()
    assert not queue.ended(second).resumable and "start this one anew" in queue.get(second).error["advice"]


def test_a_training_waits_while_another_program_uses_the_machine(queue: Queue) -> None:
    other = lock_compute()
    assert other is not None
    other.write_note("cpt-1 of 'Dales'")
    queue.work()
    training, light = queue.submit("train"), queue.submit("parse")
    assert queue.ended(light).state == "done"
    queue.until(lambda: queue.get(training).progress)
    assert queue.get(training).waiting and "cpt-1 of 'Dales'" in queue.get(training).progress["text"]
    other.release()
    assert queue.ended(training).state == "done"


def test_the_machine_is_taken_as_long_as_the_child_lives(queue: Queue) -> None:
    queue.work()
    training = queue.submit("train", count=1000, pause=0.05)
    pid = queue.child_of(training)
    queue.rest()  # the worker is gone, the child lives on
    assert lock_compute() is None and queue.projects not in compute_lock_file().parents
    os.kill(pid, signal.SIGKILL)
    lock = queue.until(lock_compute)
    lock.release()


def test_the_clock_names_its_zone_once() -> None:
    assert clock(datetime(2026, 11, 21, 16, 4, tzinfo=UTC)) == "16:04 UTC"
    assert clock(datetime(2026, 11, 21, 17, 4, tzinfo=timezone(timedelta(hours=1), "CET"))) == "17:04 CET (UTC+01:00)"
