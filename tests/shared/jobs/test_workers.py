"""Workers that come and go: one at a time, adoption of live children, kill -9 at any moment, waiting commands."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import psutil
import pytest

from phases.shared.database.connection import knowledge
from phases.shared.database.jobs import claim_job, job_table, set_child
from phases.shared.files import read_json_lines
from phases.shared.jobs.process import same_process
from phases.shared.jobs.queue import request_cancel, request_stop
from phases.shared.jobs.wait import bring_up_to_date, wait_for_job
from phases.shared.jobs.worker import Worker
from tests.shared.jobs.conftest import Queue
from tests.shared.jobs.sample_kinds import SAMPLE_KINDS

Command = Callable[..., subprocess.Popen]


@pytest.fixture
def command() -> Iterator[Command]:
    """Starts `command.py`, as from a terminal: it hears Ctrl-C also where these tests run in the background; what still runs at the end is killed."""
    started: list[subprocess.Popen] = []

    def start(*words: object) -> subprocess.Popen:
        started.append(subprocess.Popen([sys.executable, "-m", "tests.shared.jobs.command", *map(str, words)],
                                        stdout=subprocess.PIPE, text=True,
                                        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL)))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def kill(process: subprocess.Popen) -> None:
    process.kill()
    process.wait()


def check_whole(queue: Queue) -> None:
    """Both databases pass SQLite's own check."""
    with knowledge(queue.project) as connection, job_table(queue.projects) as jobs:
        for one in (connection, jobs):
            assert one.execute("PRAGMA integrity_check").fetchone()[0] == "ok"


def test_only_one_works_and_the_next_takes_over(queue: Queue) -> None:
    first = queue.work()
    assert Worker.try_start(queue.projects, kinds=SAMPLE_KINDS) is None
    first.stop()
    queue.work()
    assert queue.ended(queue.submit()).state == "done"


def test_a_killed_worker_leaves_a_living_child_that_the_next_one_adopts(queue: Queue, command: Command) -> None:
    job = queue.submit(count=40, pause=0.05)
    worker = command("work", queue.projects)
    queue.until(lambda: len(queue.rows(job)) > 3)
    pid, applied = queue.get(job).child_pid, len(queue.rows(job))
    kill(worker)
    written = queue.project.job_dir(job.id) / "records.jsonl"
    queue.until(lambda: len(list(read_json_lines(written))) > applied + 5)  # the child works on, unwatched
    queue.work()
    done = queue.ended(job)
    assert (done.state, done.attempt, done.result["pid"]) == ("done", 1, pid)
    assert queue.rows(job) == list(range(40))
    check_whole(queue)


def test_no_record_is_lost_or_doubled_however_often_the_worker_is_killed(queue: Queue, command: Command) -> None:
    job = queue.submit(count=200, pause=0.01)
    chance = random.Random(7)
    for _ in range(4):
        worker = command("work", queue.projects)
        assert worker.stdout is not None and worker.stdout.readline() == "working\n"
        time.sleep(chance.uniform(0.1, 0.6))
        kill(worker)
    queue.work()
    done = queue.ended(job)
    assert (done.state, done.attempt) == ("done", 1), done.error
    assert queue.rows(job) == list(range(200))
    check_whole(queue)


def test_a_child_that_ended_while_nobody_watched(queue: Queue, command: Command) -> None:
    finished, killed = queue.submit(count=20, pause=0.02), queue.submit("train", count=1000, pause=0.05)
    worker = command("work", queue.projects)
    pid = queue.child_of(killed)
    queue.child_of(finished)
    kill(worker)
    os.kill(pid, signal.SIGKILL)
    queue.until(lambda: (queue.project.job_dir(finished.id) / "outcome.json").exists())
    bring_up_to_date(queue.projects, kinds=SAMPLE_KINDS)  # as a command does before it looks for a job
    assert queue.get(finished).state == "done" and queue.rows(finished) == list(range(20))
    interrupted = queue.get(killed)
    assert (interrupted.state, interrupted.resumable) == ("interrupted", True)
    assert "while nobody watched" in interrupted.error["sentence"]


def test_requests_reach_a_child_without_a_worker(queue: Queue, command: Command) -> None:
    stopped, cancelled = queue.submit(count=1000, pause=0.05), queue.submit("train", count=1000, pause=0.05)
    worker = command("work", queue.projects)
    pids = [queue.child_of(job) for job in (stopped, cancelled)]
    kill(worker)
    request_stop(queue.projects, stopped.id)
    request_cancel(queue.projects, cancelled.id)
    bring_up_to_date(queue.projects, kinds=SAMPLE_KINDS)
    assert queue.get(cancelled).state == "cancelled"
    queue.until(lambda: not any(psutil.pid_exists(pid) and psutil.Process(pid).status() != "zombie" for pid in pids))
    bring_up_to_date(queue.projects, kinds=SAMPLE_KINDS)
    assert queue.get(stopped).state == "stopped"


def test_a_claim_whose_work_never_began_waits_again(queue: Queue) -> None:
    """A worker that was killed between claiming a job and starting its child, or before the child got its order."""
    claimed, numbered = queue.submit(), queue.submit("train")
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    with job_table(queue.projects) as connection:
        claim_job(connection, "light", 1)
        claim_job(connection, "compute", 1)
        set_child(connection, numbered.id, gone.pid, time.time())
    queue.work()
    for job in (claimed, numbered):
        assert (queue.ended(job).state, queue.get(job).attempt) == ("done", 1)


def test_a_child_without_an_order_does_nothing(queue: Queue) -> None:
    job = queue.submit()
    folder = queue.project.job_dir(job.id)
    ended = subprocess.run([sys.executable, "-m", "phases.shared.jobs.child", str(folder)], stdin=subprocess.DEVNULL)
    assert ended.returncode != 0
    assert sorted(path.name for path in folder.iterdir()) == ["config.yaml", "inputs"]


def test_a_number_that_was_given_again_is_not_the_child() -> None:
    own = psutil.Process()
    assert same_process(own.pid, own.create_time(), "cpt-1")
    assert not same_process(own.pid, own.create_time() - 60, "cpt-1")
    asking = [sys.executable, "-c", "print(flush=True); input()", "runs/cpt-1"]
    with subprocess.Popen(asking, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None and other.stdout.readline()  # its arguments can be seen only after it has begun
        started = psutil.Process(other.pid).create_time()
        assert same_process(other.pid, started - 60, "cpt-1")  # the clock was set meanwhile
        assert not same_process(other.pid, started - 60, "cpt-2")
        other.kill()
        os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)
        assert not same_process(other.pid, started, "cpt-1")  # a zombie works no more


def test_of_many_claimers_one_gets_the_job(queue: Queue) -> None:
    job = queue.submit()
    got: list[str] = []
    start = threading.Barrier(8)

    def claim() -> None:
        with job_table(queue.projects) as connection:
            start.wait()
            row = claim_job(connection, "light", 1)
            got.extend([row["id"]] if row else [])

    threads = [threading.Thread(target=claim) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == [job.id]


def test_workers_that_race_start_every_job_once(queue: Queue, command: Command) -> None:
    jobs = [queue.submit(kind, count=2) for kind in ("parse", "train") * 2]
    for _ in range(3):
        command("work", queue.projects)
    for job in jobs:
        done = queue.ended(job)
        assert (done.state, done.attempt) == ("done", 1)
        log = (queue.project.job_dir(job.id) / "log.txt").read_text(encoding="utf-8")
        assert log.count("---- ") == 1


def test_a_waiting_command_works_off_the_queue_up_to_its_job(queue: Queue) -> None:
    first, own, later = queue.submit(), queue.submit(count=5, pause=0.05), queue.submit()
    seen: list[str] = []
    ended = wait_for_job(queue.projects, own.id, lambda job: seen.append(job.state), kinds=SAMPLE_KINDS)
    assert (ended.id, ended.state) == (own.id, "done")
    assert seen[0] == "queued" and seen[-1] == "done" and "running" in seen
    assert queue.get(first).state == "done" and queue.get(later).state == "queued"
    queue.work()  # the command has let go of the queue
    assert queue.ended(later).state == "done"


def test_the_end_of_a_job_is_noticed_when_it_comes_not_at_the_next_look(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two jobs, the second one started at the end of the first, while looks are a minute apart."""
    monkeypatch.setattr("phases.shared.jobs.worker.TICK_SECONDS", 60.0)
    monkeypatch.setattr("phases.shared.jobs.wait.LOOK_SECONDS", 60.0)
    _, own = queue.submit(), queue.submit(count=2)
    begun = time.monotonic()
    assert wait_for_job(queue.projects, own.id, lambda job: None, kinds=SAMPLE_KINDS).state == "done"
    assert time.monotonic() - begun < 50


def test_a_waiting_command_beside_a_window_only_watches(queue: Queue) -> None:
    queue.work()
    job = queue.submit()
    assert wait_for_job(queue.projects, job.id, lambda job: None, kinds=SAMPLE_KINDS).worker_pid == os.getpid()


def test_a_waiting_command_takes_over_when_the_worker_is_killed(queue: Queue, command: Command) -> None:
    job = queue.submit(count=40, pause=0.05)
    worker = command("work", queue.projects)
    queue.child_of(job)
    waiting = command("wait", queue.projects, job.id)
    kill(worker)
    assert waiting.communicate(timeout=20)[0] == "done\n"
    assert queue.rows(job) == list(range(40))


def test_ctrl_c_detaches_and_the_child_lives_on(queue: Queue, command: Command) -> None:
    job = queue.submit(count=160, pause=0.05)  # long enough for a command to let go of it on a busy machine
    waiting = command("wait", queue.projects, job.id)
    pid = queue.child_of(job)
    waiting.send_signal(signal.SIGINT)
    assert waiting.communicate(timeout=20)[0] == "running\n" and waiting.returncode == 0
    assert psutil.Process(pid).is_running() and os.getsid(pid) == pid
    queue.work()
    assert queue.ended(job).state == "done" and queue.rows(job) == list(range(160))
    assert not Path(f"/proc/{pid}").exists() or psutil.Process(pid).status() == "zombie"


def test_a_second_window_shows_and_queues_and_takes_over_when_the_first_closes(queue: Queue, command: Command) -> None:
    running = queue.submit("train", count=60, pause=0.05)
    first = command("work", queue.projects)
    pid = queue.child_of(running)
    second = command("work", queue.projects)
    waiting = queue.submit("train", count=2)  # from the second window
    assert queue.get(waiting).waiting and queue.get(running).worker_pid == first.pid
    kill(first)
    done = queue.ended(running)
    assert (done.state, done.attempt, done.result["pid"]) == ("done", 1, pid)
    assert queue.ended(waiting).state == "done" and queue.get(waiting).worker_pid == second.pid
    check_whole(queue)
