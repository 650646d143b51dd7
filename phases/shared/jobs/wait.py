"""Waiting for a job, as commands do; working off the queue meanwhile when nobody else does.

In: a job's id. Out: the job as it ended. Ctrl-C detaches: the job goes on, and the next worker looks after it.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from phases.shared.jobs.kinds import KINDS, JobKind
from phases.shared.jobs.queue import Job, get_job, list_jobs
from phases.shared.jobs.worker import Worker

LOOK_SECONDS = 0.2


def wait_for_job(projects: Path, job_id: str, on_change: Callable[[Job], None], *,
                 kinds: Mapping[str, JobKind] = KINDS, starts: bool = True) -> Job:
    """The job when it has ended; with Ctrl-C the job as it is then, still running.

    Args:
        on_change: called with every new state or progress of the job, the first one included.
        starts: False starts no queued job when this process has to be the worker.
    """
    worker: Worker | None = None
    last: Job | None = None
    try:
        with noted_interrupt() as interrupted:
            while True:
                job = get_job(projects, job_id)
                if job != last:
                    on_change(job)
                    last = job
                if job.ended or interrupted.is_set():
                    return job
                worker = worker or Worker.try_start(projects, kinds=kinds, until=job_id, starts=starts)
                if worker is not None:
                    worker.wait_for_news(LOOK_SECONDS)
                else:
                    time.sleep(LOOK_SECONDS)
    except KeyboardInterrupt:
        return get_job(projects, job_id)
    finally:
        if worker is not None:
            worker.stop()


@contextmanager
def noted_interrupt() -> Iterator[threading.Event]:
    """Ctrl-C is noted where it would raise KeyboardInterrupt, which is lost when it falls into a callback that may not raise; pressed once
    more, it raises. In any other thread than the first nothing is noted."""
    noted = threading.Event()
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield noted
        return

    def note(*_: object) -> None:
        noted.set()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    signal.signal(signal.SIGINT, note)
    try:
        yield noted
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def bring_up_to_date(projects: Path, *, kinds: Mapping[str, JobKind] = KINDS) -> None:
    """What a command does before it looks for a job: when nobody works off the queue, running jobs whose child is gone are
    given their end, their records their rows, and live ones the stop that was asked for. Starts nothing; takes a moment at most."""
    if list_jobs(projects, states=("running",), limit=1):
        Worker.settle(projects, kinds=kinds)
