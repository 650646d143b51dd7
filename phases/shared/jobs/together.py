"""A job's work in several processes, started by torchrun (`python -m torch.distributed.run`), on one machine or on several nodes of a cluster.

In: the job's folder, which all nodes share, its order, how many processes on how many nodes. Out: one outcome, as one process would give it. The processes:

    child.py ── torchrun ── rank 0 (writes all files of the run)
                        └── rank 1 ... (compute only)

On several nodes of Slurm the child, which works on the first, has srun start a torchrun on each; they meet at the first.

Each writes how it ended into runs/JOB/ranks/RANK.json. torchrun puts its processes into sessions of their own, where a signal to the
child's session does not reach them: so each ends when its parent does, whatever ends that.
"""

from __future__ import annotations

import ctypes
import json
import os
import platform
import runpy
import shutil
import signal
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from phases.shared.files import write_json
from phases.shared.jobs.reasons import Ending, interruption, memory_kills
from phases.shared.project import PROGRAM_ROOT, Project

RANKS_FOLDER = "ranks"
WAIT_SECONDS = 20.0
FIRST_PORT, PORTS = 20_000, 10_000  # below those that systems give away by themselves
PR_SET_PDEATHSIG = 1

Work = Callable[[Path, Mapping[str, Any], int], dict[str, Any]]


def work_together(project: Project, job_dir: Path, order: Mapping[str, Any], processes: int, threads: int, nodes: int = 1) -> dict[str, Any]:
    """Start the processes, so many on each node, wait for all of them, and say how the job ended. Only for orders without keys."""
    folder = job_dir / RANKS_FOLDER
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    kills = memory_kills()
    words = [*_engines(job_dir.name, nodes), f"--nproc-per-node={processes}",
             "--module", "phases.shared.jobs.together", "work", str(job_dir), json.dumps({**order, "keys": {}})]
    ended = subprocess.run(words, cwd=PROGRAM_ROOT, stdin=subprocess.DEVNULL, check=False,
                           env={**os.environ, "OMP_NUM_THREADS": str(threads)})
    outcomes = [_read(folder / f"{rank}.json") for rank in range(nodes * processes)]
    return one_outcome(outcomes, project, ended.returncode, memory_kills() - kills)


def _engines(job_id: str, nodes: int) -> list[str]:
    """The words that start torchrun here, or once on each node. Since Slurm 22.05 srun does not take the batch script's CPUs by itself."""
    engine = [sys.executable, "-m", "phases.shared.jobs.together", "start"]
    if nodes == 1:
        return [*engine, "--standalone"]
    port = FIRST_PORT + zlib.crc32(job_id.encode()) % PORTS  # the same on all nodes, and another for another job
    cpus = os.environ.get("SLURM_CPUS_PER_TASK", "1")
    return ["srun", f"--nodes={nodes}", f"--ntasks={nodes}", "--ntasks-per-node=1", f"--cpus-per-task={cpus}", "--kill-on-bad-exit=1",
            *engine, f"--nnodes={nodes}", "--rdzv-backend=c10d", f"--rdzv-id={job_id}", f"--rdzv-endpoint={platform.node()}:{port}"]


def one_outcome(outcomes: Sequence[dict[str, Any] | None], project: Project, status: int, kills: int) -> dict[str, Any]:
    """How the job ended, from how its processes did (None: without a word).

    The first process decides when it got to an end. Else a reason in our words counts before a lost process, and that before an
    unexpected error, which is mostly the complaint of those that were left.
    """
    first = outcomes[0]
    if first is not None and first["state"] != "failed":
        return first
    failed = sorted((one for one in outcomes if one is not None and one["state"] == "failed"), key=lambda one: one["time"])
    known = [one for one in failed if one["error"]["code"] != "unexpected"]
    if known:
        return known[0]
    lost = [rank for rank, one in enumerate(outcomes) if one is None]
    if lost or not failed:
        why = interruption(Ending(-signal.SIGKILL if kills else None, False, kills), project)
        sentence = f"Of the {len(outcomes)} processes that trained together, {_listed(lost)} ended without a word (status {status})."
        return {"state": "interrupted", "result": None, "error": why if kills else {**why, "sentence": sentence}}
    return failed[0]


def _listed(ranks: Sequence[int]) -> str:
    return "number " + ", ".join(map(str, ranks))


def _read(path: Path) -> dict[str, Any] | None:
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


# ---- in the processes ----

def start_engine(words: Sequence[str]) -> None:
    """Be torchrun, but end with the child."""
    end_with_parent()
    sys.argv = ["torchrun", *words]
    runpy.run_module("torch.distributed.run", run_name="__main__")


def work_as_rank(job_dir: Path, order: Mapping[str, Any]) -> None:
    """Do the job's work as one of several; one that fails waits for the first to say why, since torchrun ends all at its exit."""
    from phases.shared.jobs.child import do_work
    from phases.shared.training.distributed import rank, take_own_gpu
    end_with_parent()
    take_own_gpu()
    folder = job_dir / RANKS_FOLDER
    outcome = do_work(job_dir, order, rank())
    failed = outcome["state"] == "failed" and rank() > 0
    write_json(folder / f"{rank()}.json", {**outcome, "time": time.time()})
    until = time.monotonic() + WAIT_SECONDS
    while failed and not (folder / "0.json").exists() and time.monotonic() < until:
        time.sleep(0.1)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(int(failed))  # taking down the group of processes can hang


def end_with_parent() -> None:
    """Get this process killed as soon as the one that started it is gone."""
    parent = os.getppid()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: int) -> None:
    """For systems that tell nobody of a parent's death, and for a parent that was gone before this one listened."""
    while os.getppid() == parent:
        time.sleep(1.0)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    if sys.argv[1] == "start":
        start_engine(sys.argv[2:])
    else:
        work_as_rank(Path(sys.argv[2]), json.loads(sys.argv[3]))
