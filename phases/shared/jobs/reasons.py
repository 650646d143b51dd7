"""Why a job ended: errors and signals as {"code", "subject", "sentence", "advice"}, in words for a person.

In: an exception of the child, or what the system says about a process that ended without a word. Out: a record.
"""

from __future__ import annotations

import errno
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from phases.shared.errors import LehrlingError, NotReady, causes_of
from phases.shared.jobs.memory_advice import CLOSE_OTHERS, memory_advice
from phases.shared.jobs.space import what_to_free
from phases.shared.project import Project

EXIT_DISK_FULL = 28  # the child's exit status when it could not write why it failed
NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
OUT_OF_MEMORY_NAMES = {"MemoryError", "OutOfMemoryError"}  # torch's class by name: no import of torch for an error's sake
OUT_OF_MEMORY_WORDS = ("can't allocate memory", "CUDA out of memory", "Cannot allocate memory", "std::bad_alloc")
DISK_FULL_WORDS = ("No space left on device", "Disk quota exceeded", "database or disk is full",
                   "PytorchStreamWriter failed writing", "inline_container.cc")  # torch's writer names no cause: it is this one


def record_of(problem: BaseException, project: Project | None = None) -> dict[str, str]:
    """An exception of a job's `run` or `apply` in words. Ours are kept as they are. The project says what could be freed in it."""
    if isinstance(problem, NotReady):
        return {**problem.as_record(), "sentence": " ".join(problem.missing)}
    if isinstance(problem, LehrlingError):
        return problem.as_record()
    if _is_out_of_memory(problem):
        return out_of_memory("The job ran out of memory.")
    if _is_disk_full(problem):
        return disk_full(project)
    return reason("unexpected", f"An unexpected error ended the job: {type(problem).__name__}: {problem}.".replace("..", "."),
                  "See the log for where it happened.")


def reason(code: str, sentence: str, advice: str = "") -> dict[str, str]:
    return {"code": code, "subject": "", "sentence": sentence, "advice": advice}


def out_of_memory(sentence: str) -> dict[str, str]:
    """Without a setting as its subject: `with_levers` then says which ones would need less."""
    return reason("out_of_memory", sentence, CLOSE_OTHERS)


def with_levers(why: dict[str, str], settings: Mapping[str, Any]) -> dict[str, str]:
    """A record of full memory that names no setting, with what the job's settings offer; any other record as it is."""
    if why["code"] != "out_of_memory" or why["subject"]:
        return why
    levers = memory_advice(settings)
    return why if levers == why["advice"] else {**why, "advice": f"{levers} {why['advice']}"}


def disk_full(project: Project | None = None) -> dict[str, str]:
    known = what_to_free(project) if project is not None and project.root.is_dir() else ""
    return reason("disk_full", "The disk is full.", "Free some space (exports, and checkpoints and results of old runs, are a start), "
                  f"then resume the job: it goes on from its last checkpoint. {known}".rstrip())


def project_gone(project: str, job_id: str) -> dict[str, str]:
    return reason("project_gone", f"The project '{project}' or its folder runs/{job_id} is not there any more: it was renamed "
                  "or deleted after the job was submitted.", "Give the project its old name back, or start a new job.")


def unknown_kind(kind: str) -> dict[str, str]:
    return reason("kind", f"This version of Lehrling knows no job of kind '{kind}'.", "Open the projects with the version that began it.")


def predecessor_failed(job_id: str, state: str, *, resumable: bool) -> dict[str, str]:
    """Of a job that has not begun. With `resumable` the one before it can still get done."""
    todo = (f"Resume {job_id}: this job then waits for it again." if resumable else
            f"{job_id} will not get done any more: start this one anew, after another job or without one.")
    return reason("predecessor", f"{job_id}, which had to be done first, is {state}. This job has not begun, and nothing older was taken "
                  "instead.", todo)


@dataclass(frozen=True)
class Ending:
    """What is known of a process that ended without an outcome.

    status: its exit status, negative for a signal, None when it was not our child. rebooted: the machine was restarted
    since. memory_kills: how many processes the system ended for want of memory while it ran.
    """

    status: int | None
    rebooted: bool
    memory_kills: int


def interruption(ending: Ending, project: Project | None = None) -> dict[str, str]:
    """Why a process that left no outcome is gone. "Out of memory" only where the system counted such a kill."""
    killed = ending.status in (None, -signal.SIGKILL)
    if ending.rebooted:
        return reason("rebooted", "The machine was restarted while the job ran.")
    if ending.status == EXIT_DISK_FULL:
        return disk_full(project)
    if killed and ending.memory_kills > 0:
        return out_of_memory("The system ended the job's process, probably because memory ran out.")
    if ending.status == -signal.SIGKILL:
        return reason("signal", "The job's process was ended from outside by SIGKILL.", "Resume the job: it goes on from what it saved. "
                      "If nobody ended it on purpose, a guard against full memory may have (a container's limit, systemd-oomd): then a "
                      "smaller batch, shorter sequences or a smaller model help. See the log for its last lines.")
    if ending.status is None:
        return reason("vanished", "The job's process ended without a word while nobody watched it: it was killed, or crashed.",
                      "See the log for its last lines.")
    if ending.status < 0:
        return reason("signal", f"The job's process was ended from outside by {_signal_name(-ending.status)}.",
                      "See the log for its last lines.")
    return reason("exit_status", f"The job's process ended with status {ending.status} before it could say why.",
                  "See the log for its last lines.")


def memory_kills() -> int:
    """How many processes the system has ended for want of memory since it started; 0 where it does not count them."""
    try:
        lines = Path("/proc/vmstat").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), 0)


def _is_out_of_memory(problem: BaseException) -> bool:
    names = {one.__name__ for one in type(problem).__mro__}
    return bool(names & OUT_OF_MEMORY_NAMES) or any(words in str(problem) for words in OUT_OF_MEMORY_WORDS)


def _is_disk_full(problem: BaseException) -> bool:
    """Also when it is the cause of what was raised: a library tidies up after a failed write and stumbles over that."""
    return any(getattr(one, "errno", None) in NO_SPACE or any(words in str(one) for words in DISK_FULL_WORDS) for one in causes_of(problem))


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
