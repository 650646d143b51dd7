"""Waiting for a job, as commands do; working off the queue meanwhile when nobody else does.

In: a job's id. Out: the job as it ended. Ctrl-C detaches: the job goes on, and the next worker looks after it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
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
        while True:
            job = get_job(projects, job_id)
            if job != last:
                on_change(job)
                last = job
            if job.ended:
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


def bring_up_to_date(projects: Path, *, kinds: Mapping[str, JobKind] = KINDS) -> None:
    """What a command does before it looks for a job: when nobody works off the queue, running jobs whose child is gone are
    given their end, their records their rows, and live ones the stop that was asked for. Starts nothing; takes a moment at most."""
    if list_jobs(projects, states=("running",), limit=1):
        Worker.settle(projects, kinds=kinds)
