"""A cluster of one machine without a scheduler: submitit's own local executor, whose jobs are processes of this machine.

In: a job's folder. Out: what `Slurm` gives, by the same functions on the "node". A job's number is its process's.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import submitit

from phases.shared.jobs.cluster import CLUSTER_FOLDER, ClusterState, work_on_node


class LocalCluster:
    """`pending`: no job gets beyond the queue. `ended`: what is said of one that is over and was not cancelled."""

    def __init__(self) -> None:
        self.pending = False
        self.ended = "completed"
        self.submitted: list[dict[str, Any]] = []
        self._cancelled: set[str] = set()

    def submit(self, job_dir: Path, settings: Mapping[str, Any]) -> str:
        self.submitted.append(dict(settings))
        executor = submitit.LocalExecutor(job_dir / CLUSTER_FOLDER)
        executor.update_parameters(timeout_min=5)
        number = executor.submit(work_on_node, job_dir.absolute()).job_id
        if self.pending:
            os.kill(int(number), signal.SIGSTOP)
        return number

    def state(self, number: str) -> ClusterState:
        if number in self._cancelled:
            return ClusterState("cancelled")
        if self.pending:
            return ClusterState("pending", "Resources")
        try:
            works = psutil.Process(int(number)).status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            works = False
        return ClusterState("running" if works else self.ended)

    def cancel(self, number: str) -> None:
        self._cancelled.add(number)
        kill_tree(int(number))


def kill_tree(number: int) -> None:
    """End a process and all below it, as a node does with a job."""
    with suppress(psutil.NoSuchProcess):
        top = psutil.Process(number)
        for one in (top, *top.children(recursive=True)):
            with suppress(psutil.NoSuchProcess, ProcessLookupError):
                os.kill(one.pid, signal.SIGKILL)
