"""A Slurm cluster, reached with submitit (sbatch, scancel) and scontrol from a machine that may submit to it.

In: a job's folder and its settings (partition, time limit, nodes, GPUs, memory, processes, threads). Out: the number of Slurm's job, its state.
States come from scontrol: sacct needs an accounting database that a small cluster may lack.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from phases.shared.errors import JobError, SettingError
from phases.shared.jobs.cluster import CLUSTER_FOLDER, ClusterState, work_on_node
from phases.shared.jobs.process import child_environment
from phases.shared.project import PROGRAM_ROOT

ANSWER_SECONDS = 10
STATES = {"PENDING": "pending", "CONFIGURING": "pending", "SUSPENDED": "pending", "RUNNING": "running", "COMPLETING": "running",
          "COMPLETED": "completed", "TIMEOUT": "timeout", "DEADLINE": "timeout", "CANCELLED": "cancelled",
          "OUT_OF_MEMORY": "out_of_memory", "NODE_FAIL": "node_fail", "BOOT_FAIL": "node_fail", "PREEMPTED": "preempted"}


def missing_for_slurm(config: Any) -> tuple[str, ...]:
    """Why a run cannot be handed to Slurm from here, a sentence each; what the node has is known on the node only."""
    missing = []
    if not all(map(shutil.which, ("sbatch", "scontrol", "srun"))):
        missing.append("The run is set to slurm, but this machine has no sbatch: start Lehrling on a machine from which jobs can be "
                       "submitted to the cluster, or set it to run on local.")
    try:
        minutes_of(config.time_limit)
    except SettingError as problem:
        missing.append(str(problem))
    return tuple(missing)


def minutes_of(text: str) -> int:
    """Minutes of a time limit written as "90" or "1:30". Raises SettingError."""
    found = re.fullmatch(r"(?:(\d+):([0-5]\d))|(\d+)", text.strip())
    minutes = (int(found[3]) if found[3] else 60 * int(found[1]) + int(found[2])) if found else 0
    if minutes < 1:
        raise SettingError(f"The Slurm time limit '{text}' is no time.", "Write minutes (90) or hours:minutes (1:30), at least one minute.",
                           subject="time_limit")
    return minutes


class Slurm:
    """The cluster that this machine's Slurm commands speak to."""

    def submit(self, job_dir: Path, settings: Mapping[str, Any]) -> str:
        """Raises JobError with Slurm's own words when it does not take the job."""
        import submitit
        try:
            executor = submitit.SlurmExecutor(job_dir / CLUSTER_FOLDER)
            executor.update_parameters(**parameters(job_dir.name, settings))
            return executor.submit(work_on_node, job_dir.absolute()).job_id
        except (RuntimeError, OSError) as problem:  # submitit's errors are RuntimeErrors
            said = " ".join(str(problem).split()) or type(problem).__name__
            raise JobError(f"The cluster did not take the job: {said}", "Check the partition, the time limit and the GPUs in the settings, "
                           "and with sinfo whether the cluster answers.", subject=job_dir.name, code="cluster_refused") from problem

    def state(self, number: str) -> ClusterState:
        try:
            said = subprocess.run(["scontrol", "show", "job", "--oneliner", number], capture_output=True, text=True, timeout=ANSWER_SECONDS,
                                  check=False)
        except (OSError, subprocess.TimeoutExpired):
            return ClusterState("unknown")
        return read_state(said.stdout, said.stderr)

    def cancel(self, number: str) -> None:
        import submitit
        submitit.SlurmJob(folder=".", job_id=number).cancel(check=False)


SLURM = Slurm()


def parameters(name: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """What sbatch is told. The batch script starts Python itself, on the first node (together.py takes the others in),
    not through srun: Slurm's warning before the time limit, which
    submitit would answer by ending the run early, then does not reach it. No requeueing: Lehrling resumes, with a new order.
    Keys and tokens of this process's environment are not exported."""
    environment = child_environment(os.environ)
    about = {"job_name": name, "time": minutes_of(settings["time_limit"]), "nodes": settings["nodes"], "ntasks_per_node": 1, "use_srun": False,
             "cpus_per_task": max(1, settings["threads"]) * settings["processes"],
             "setup": [f"export PYTHONPATH={shlex.quote(environment['PYTHONPATH'])}", f"cd {shlex.quote(str(PROGRAM_ROOT))}"],
             "additional_parameters": {"no-requeue": True, "export": ",".join(name for name in environment if name in os.environ)}}
    if settings["partition"]:
        about["partition"] = settings["partition"]
    if settings["gpus"]:
        about["gpus_per_node"] = settings["gpus"]
    if settings["memory"]:
        about["mem"] = f"{settings['memory']}G"
    return about


def read_state(answer: str, complaint: str) -> ClusterState:
    """The state in a line of `scontrol show job --oneliner`."""
    found = dict(re.findall(r"(?:^|\s)(JobState|Reason|ExitCode)=(\S+)", answer))
    if "JobState" not in found:
        return ClusterState("gone" if "Invalid job id" in complaint else "unknown")
    name = STATES.get(found["JobState"], "failed")
    detail = found.get("Reason", "") if name == "pending" else f"exit status {found.get('ExitCode', '')}" if name == "failed" else ""
    return ClusterState(name, "" if detail in ("None", "(null)") else detail)
