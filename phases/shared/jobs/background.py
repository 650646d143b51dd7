"""A worker of its own in the background, for commands that do not wait: it works off the queue and leaves when it is empty.

    python -m phases.shared.jobs.background PROJECTS

In: the projects folder. Out: jobs that run although no window is open and no command waits. Where another worker has the seat,
it waits until that one leaves or nothing is left to do.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from phases.shared.jobs.queue import list_jobs
from phases.shared.jobs.worker import Worker
from phases.shared.project import PROGRAM_ROOT

LOOK_SECONDS = 0.5


def start_background_worker(projects: Path) -> None:
    """See the queue through after this process has left; returns at once. Its complaints go to PROJECTS/.worker.log."""
    with (projects / ".worker.log").open("ab") as log:
        subprocess.Popen([sys.executable, "-m", "phases.shared.jobs.background", str(projects)], cwd=PROGRAM_ROOT,
                         stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)


def work_off_queue(projects: Path) -> None:
    """Be the worker as soon as nobody else is, until no job waits or runs."""
    worker: Worker | None = None
    try:
        while list_jobs(projects, states=("queued", "running"), limit=1):
            worker = worker or Worker.try_start(projects)
            time.sleep(LOOK_SECONDS)
    finally:
        if worker is not None:
            worker.stop()


if __name__ == "__main__":
    work_off_queue(Path(sys.argv[1]))
