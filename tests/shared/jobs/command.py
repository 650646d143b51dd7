"""A worker, or a command that waits, as a process of its own that the tests can kill.

    python -m tests.shared.jobs.command work PROJECTS
    python -m tests.shared.jobs.command wait PROJECTS JOB     prints the job's last state
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from phases.shared.jobs.wait import wait_for_job
from phases.shared.jobs.worker import Worker
from tests.shared.jobs.sample_kinds import SAMPLE_KINDS


def main(word: str, projects: Path, job: str = "") -> None:
    if word == "wait":
        print(wait_for_job(projects, job, lambda job: None, kinds=SAMPLE_KINDS).state, flush=True)
        return
    while Worker.try_start(projects, kinds=SAMPLE_KINDS) is None:
        time.sleep(0.05)
    print("working", flush=True)
    time.sleep(120)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), *sys.argv[3:])
