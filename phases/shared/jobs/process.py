"""A job's child process as the operating system sees it: started, adopted, watched, ended.

In: the job's folder, and the pid and start time that the table keeps. Out: a `Child` that can be asked and ended.
A pid alone is given again after a while; together with the start time it names one process. Since a start time moves when
the clock is set, the job's id among the process's arguments counts as much.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from phases.shared.jobs.reasons import Ending, interruption, memory_kills
from phases.shared.project import PROGRAM_ROOT, Project

GRACE_SECONDS = 5.0
SAME_START_SECONDS = 2.0
SECRET_NAMES = re.compile(r".*_(API_KEY|TOKEN|SECRET)", re.IGNORECASE)
ALWAYS_SET = {"HF_HUB_DISABLE_TELEMETRY": "1", "TOKENIZERS_PARALLELISM": "false", "PYTHONUNBUFFERED": "1"}


def child_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The worker's environment without keys, tokens and secrets, with telemetry off and one thread a core."""
    kept = {name: value for name, value in environment.items() if not SECRET_NAMES.fullmatch(name)}
    path = os.pathsep.join(filter(None, (str(PROGRAM_ROOT), kept.get("PYTHONPATH"))))
    return {"OMP_NUM_THREADS": str(usable_cores()), **kept, **ALWAYS_SET, "PYTHONPATH": path}


def usable_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass
class Child:
    """One child process, started by this worker (`process`) or adopted from an earlier one."""

    job_id: str
    pid: int
    started: float
    process: subprocess.Popen | None = None
    memory_kills_before: int = field(default_factory=memory_kills)
    _asked_to_end: float | None = None

    def is_alive(self) -> bool:
        """Whether it still works. When our own has ended, what is left of its session is ended too: it may hold the lock."""
        if self.process is None:
            return same_process(self.pid, self.started, self.job_id)
        if self.process.returncode is not None:
            return False
        if psutil.Process(self.pid).status() != psutil.STATUS_ZOMBIE:
            return True
        self._signal(signal.SIGKILL)  # before it is waited for, while its number cannot be given to another
        self.process.wait()
        return False

    def await_end(self) -> None:
        """Return when our own child has left; its exit status stays for `is_alive`. Where the system cannot wait so, at once."""
        if not hasattr(os, "waitid"):
            return
        with contextlib.suppress(ChildProcessError):
            os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)

    def waits(self) -> str:
        return ""

    def end(self) -> None:
        """Ask its whole session to end; call again until it is gone: after a grace it is killed."""
        if self._asked_to_end is None:
            self._asked_to_end = time.monotonic()
            self._signal(signal.SIGTERM)
        elif time.monotonic() - self._asked_to_end > GRACE_SECONDS:
            self._signal(signal.SIGKILL)

    def interruption(self, project: Project) -> dict[str, str]:
        """Why it is gone without an outcome."""
        status = self.process.returncode if self.process else None
        rebooted = self.started < psutil.boot_time() - SAME_START_SECONDS
        return interruption(Ending(status, rebooted, memory_kills() - self.memory_kills_before), project)

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)


def same_process(pid: int, started: float, job_id: str) -> bool:
    """Whether the process of that number that began then, or that works for that job, is still there and no zombie."""
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        return abs(process.create_time() - started) < SAME_START_SECONDS or any(job_id in word for word in process.cmdline())
    except (psutil.NoSuchProcess, psutil.AccessDenied):  # gone, or another user's
        return False


def spawn(job_dir: Path, log: Path, *, inherited: tuple[int, ...]) -> Child:
    """Start the child in a session of its own; it waits for its order before it does anything."""
    with log.open("ab") as output:
        process = subprocess.Popen([sys.executable, "-m", "phases.shared.jobs.child", str(job_dir)], cwd=PROGRAM_ROOT,
                                   env=child_environment(os.environ), stdin=subprocess.PIPE, stdout=output, stderr=output,
                                   start_new_session=True, pass_fds=inherited)
    try:
        started = psutil.Process(process.pid).create_time()
    except psutil.NoSuchProcess:
        started = time.time()
    return Child(job_dir.name, process.pid, started, process)


def send_order(child: Child, order: Mapping[str, Any]) -> None:
    """Let the child begin. One that is gone already is noticed at the next look."""
    assert child.process is not None and child.process.stdin is not None
    with contextlib.suppress(BrokenPipeError), child.process.stdin as pipe:
        pipe.write((json.dumps(order) + "\n").encode("utf-8"))
