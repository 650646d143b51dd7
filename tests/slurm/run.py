"""A tiny training through a real Slurm: done, stopped and resumed, cancelled, ended at its time limit.

    sh tests/slurm/start.sh && python -m tests.slurm.run; sh tests/slurm/stop.sh

In: a machine with sbatch (start.sh makes one). Out: a line for each; exit status 1 when one went another way. About two minutes,
of which Slurm's shortest time limit takes one.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from phases.shared.errors import JobError
from phases.shared.jobs.queue import Job, list_jobs, request_cancel, request_stop, resume_job
from phases.shared.jobs.slurm import SLURM
from tests.shared.jobs.training import Trainings, trainings
from tests.tiny_project import make_project

LONG = {"runner": "slurm", "epochs": 1000, "save_steps": 20}


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        os.environ["LEHRLING_LOCKS"] = f"{folder}/locks"
        with trainings(make_project(Path(folder))) as queue:
            queue.work()
            said = [_done(queue), _stopped_and_resumed(queue), _cancelled(queue), _refused(queue), _time_limit(queue)]
    return 0 if all(said) else 1


def _done(queue: Trainings) -> bool:
    return _say("done", _ended(queue, queue.train(runner="slurm", epochs=2)), "done")


def _stopped_and_resumed(queue: Trainings) -> bool:
    job = queue.train(**{**LONG, "epochs": 40})
    _until(queue, lambda: queue.whole_checkpoints(job))
    queue.rest()
    queue.work()
    request_stop(queue.projects, job.id)
    stopped = _say("stopped, after the worker was another", _ended(queue, job), "stopped")
    resume_job(queue.projects, job.id)
    return stopped and _say("resumed", _ended(queue, job), "done")


def _cancelled(queue: Trainings) -> bool:
    jobs = [queue.train(**LONG) for _ in range(os.cpu_count() + 1)]
    last = _until(queue, lambda: next((one for one in map(queue.get, jobs) if "waiting in the cluster's queue" in
                                     ((one.progress or {}).get("text") or "")), None))
    print(f"one more than fits: {last.progress['text']}", flush=True)
    for job in jobs:
        request_cancel(queue.projects, job.id)
    ended = [_say("cancelled", _ended(queue, job), "cancelled") for job in jobs]
    return all(ended) and all(SLURM.state(queue.get(job).cluster_job).name in ("cancelled", "running") for job in jobs)


def _refused(queue: Trainings) -> bool:
    return _say("no such partition", _ended(queue, queue.train(runner="slurm", partition="nowhere")), "failed")


def _time_limit(queue: Trainings) -> bool:
    return _say("one minute, and not done", _ended(queue, queue.train(**LONG, time_limit="1")), "interrupted")


def _ended(queue: Trainings, job: Job) -> Job:
    _until(queue, lambda: queue.get(job).ended)
    return queue.get(job)


def _until(queue: Trainings, fits: Callable[[], Any]) -> Any:
    until = time.monotonic() + 300
    while not (found := fits()):
        if time.monotonic() > until:
            raise JobError(f"Nothing came of it: {[(job.id, job.state, job.progress) for job in list_jobs(queue.projects)]}")
        time.sleep(0.2)
    return found


def _say(what: str, job: Job, expected: str) -> bool:
    print(f"{what}: Slurm's job {job.cluster_job}, {job.state} {(job.error or {}).get('sentence', '')}", flush=True)
    return job.state == expected


if __name__ == "__main__":
    sys.exit(main())
