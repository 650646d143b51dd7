"""A job whose work a cluster does: handed over with submitit, followed by the cluster's number of it, ended on request.

In: the job's folder, which a node of the cluster sees under the same path, and a `Cluster`. Out: a `ClusterJob`, which the worker asks
as it asks a child process. On the node `work_on_node` waits for its order and starts the same process as on this machine:

    worker: submit ── number into the table ── runs/JOB/cluster/order-NUMBER.json
    node:   wait for that file, read and remove it ── python -m phases.shared.jobs.child runs/JOB

A node that finds no order leaves: the worker ended before it stored the number, and submits anew. The order holds no keys.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from phases.shared.jobs.context import LOG_FILE, OUTCOME_FILE
from phases.shared.jobs.process import child_environment
from phases.shared.jobs.reasons import out_of_memory, reason
from phases.shared.project import PROGRAM_ROOT, Project

CLUSTER_FOLDER = "cluster"  # in the job's folder: what submitit writes, and the order
ORDER_SECONDS, ORDER_LOOK_SECONDS = 120.0, 0.2
LOOK_SECONDS, SOON_SECONDS = 5.0, 0.5  # between two questions to the cluster; once the outcome is written
CANCEL_AGAIN_SECONDS = 60.0
SEEN_SECONDS = 60.0  # after which every machine sees what another wrote to a shared file system
GOES_ON = "Resume the job: it goes on from its last checkpoint."


@dataclass(frozen=True)
class ClusterState:
    """What a cluster says of a job.

    name: pending, running, completed, failed, timeout, cancelled, out_of_memory, node_fail, preempted; gone when the cluster knows it no
    more; unknown when it does not answer now. detail: its own words for why.
    """

    name: str
    detail: str = ""


class Cluster(Protocol):
    """Where jobs are handed to."""

    def submit(self, job_dir: Path, settings: Mapping[str, Any]) -> str:
        """Have `work_on_node` called for the job on a node; gives the cluster's number. Raises JobError."""

    def state(self, number: str) -> ClusterState: ...

    def cancel(self, number: str) -> None: ...


@dataclass
class ClusterJob:
    """One job of a cluster, submitted by this worker or an earlier one."""

    cluster: Cluster
    job_dir: Path
    number: str
    _state: ClusterState = field(default_factory=lambda: ClusterState("unknown"))
    _asked: float | None = None
    _over_since: float | None = None
    _cancelled: float | None = None

    def send_order(self, order: Mapping[str, Any]) -> None:
        """Let the job begin."""
        if order["keys"]:
            raise AssertionError("keys do not leave this machine")
        path = order_file(self.job_dir, self.number)
        beside = path.with_name(f".{path.name}")
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(dict(order), file)
        beside.replace(path)

    def is_alive(self) -> bool:
        """Whether it waits or works. A completed one counts as alive until its outcome can be seen from here."""
        self._look()
        if self._state.name in ("pending", "running", "unknown"):
            return True
        self._over_since = self._over_since or time.monotonic()
        late = self._state.name in ("completed", "gone") and not (self.job_dir / OUTCOME_FILE).exists()
        over = not late or not self.job_dir.is_dir() or time.monotonic() - self._over_since > SEEN_SECONDS
        if over:
            order_file(self.job_dir, self.number).unlink(missing_ok=True)
        return not over

    def waits(self) -> str:
        if self._state.name != "pending":
            return ""
        why = f": {self._state.detail}" if self._state.detail else ""
        return f"waiting in the cluster's queue (job {self.number}{why})"

    def end(self) -> None:
        """Cancel it; again after a while, should the cluster not have heard."""
        if self._cancelled is None or time.monotonic() - self._cancelled > CANCEL_AGAIN_SECONDS:
            self.cluster.cancel(self.number)
            self._cancelled, self._asked = time.monotonic(), None

    def interruption(self, project: Project) -> dict[str, str]:
        return why_it_ended(self._state, self.number, self.job_dir)

    def _look(self) -> None:
        soon = self._cancelled is not None or (self.job_dir / OUTCOME_FILE).exists()
        if self._asked is None or time.monotonic() - self._asked > (SOON_SECONDS if soon else LOOK_SECONDS):
            self._state = self.cluster.state(self.number)
            self._asked = time.monotonic()


def why_it_ended(state: ClusterState, number: str, job_dir: Path) -> dict[str, str]:
    """Why a job of the cluster left no outcome, for a person."""
    job = f"the cluster's job {number}"
    if state.name == "timeout":
        return reason("time_limit", f"The cluster ended its job {number} at the time limit.", f"{GOES_ON} Each attempt gets the same time "
                      "limit: raise it in the settings of the next run, or save checkpoints more often.")
    if state.name == "out_of_memory":
        return out_of_memory(f"The cluster ended its job {number} because memory ran out.")
    if state.name == "node_fail":
        return reason("node", f"The node that worked on {job} failed.", GOES_ON)
    if state.name == "preempted":
        return reason("preempted", f"The cluster gave the node of its job {number} to another job.", GOES_ON)
    if state.name == "cancelled":
        return reason("cancelled_outside", f"Somebody outside Lehrling cancelled {job}.", GOES_ON)
    detail = f" ({state.detail})" if state.detail else ""
    return reason("cluster", f"On the cluster, job {number} ended as '{state.name}'{detail} and left no outcome.",
                  f"See the log and the files in {job_dir / CLUSTER_FOLDER}. Every node must see the project's folder and this Python under "
                  "the same paths.")


def order_file(job_dir: Path, number: str) -> Path:
    return job_dir / CLUSTER_FOLDER / f"order-{number}.json"


# ---- on the node ----

def work_on_node(job_dir: Path) -> None:
    """Called there by submitit: take the order, start the process that does the work, wait for it."""
    import submitit
    order = _take_order(order_file(job_dir, submitit.JobEnvironment().job_id))
    with (job_dir / LOG_FILE).open("ab") as log:
        process = subprocess.run([sys.executable, "-m", "phases.shared.jobs.child", str(job_dir)], cwd=PROGRAM_ROOT, input=order,
                                 env=child_environment(os.environ), stdout=log, stderr=log, check=False)
    if process.returncode:
        raise RuntimeError(f"The process that did the job's work ended with status {process.returncode}.")


def _take_order(path: Path) -> bytes:
    until = time.monotonic() + ORDER_SECONDS
    while time.monotonic() < until:
        with contextlib.suppress(FileNotFoundError):
            order = path.read_bytes()
            path.unlink()
            return order + b"\n"
        time.sleep(ORDER_LOOK_SECONDS)
    raise RuntimeError(f"No order came within {ORDER_SECONDS:.0f} seconds: the program that submitted this job ended before it gave one.")
