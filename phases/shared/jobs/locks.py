"""Two locks of the operating system (flock): who works off a queue, and who uses this machine's accelerator.

In: a file. Out: a `Lock` that holds until it is released and every process that inherited its descriptor has ended,
also by kill -9: the system lets go of it then, so that no stale lock has to be recognised.

    projects/.worker.lock                   one worker for a projects folder
    ~/.cache/lehrling/compute-MACHINE.lock  one compute job for this machine and user (LEHRLING_LOCKS names another folder)
"""

from __future__ import annotations

import fcntl
import os
import platform
from dataclasses import dataclass
from pathlib import Path

from phases.shared.errors import StorageError

WORKER_LOCK = ".worker.lock"


@dataclass
class Lock:
    """A held lock. `descriptor` may be handed to a child, which then holds it too."""

    descriptor: int

    def write_note(self, note: str) -> None:
        """Say in the file who holds it, for a person or another worker to read."""
        os.ftruncate(self.descriptor, 0)
        os.pwrite(self.descriptor, note.encode("utf-8"), 0)

    def release(self) -> None:
        """Let go of it here; children that inherited it keep it."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1


def try_lock(path: Path) -> Lock | None:
    """The lock on a file, or None when another process (or another part of this one) holds it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except BaseException:
        os.close(descriptor)
        raise
    return Lock(descriptor)


def lock_worker(projects: Path) -> Lock | None:
    """The right to work off this projects folder's queue."""
    projects.mkdir(parents=True, exist_ok=True)
    lock = try_lock(projects / WORKER_LOCK)
    if lock:
        lock.write_note(f"{os.getpid()}\n")
    return lock


def lock_compute() -> Lock | None:
    """The right to run a compute job on this machine. Raises StorageError when no folder for the lock can be written."""
    return try_lock(compute_lock_file())


def compute_holder() -> str:
    """The note of whoever took the compute lock last; "" when there is none."""
    try:
        return compute_lock_file().read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def compute_lock_file() -> Path:
    """The first folder that can be written, always outside the projects; the name tells machines with one home apart."""
    given = os.environ.get("LEHRLING_LOCKS")
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    folders = [Path(given).expanduser()] if given else [
        Path.home() / ".cache" / "lehrling", *([Path(runtime) / "lehrling"] if runtime else [])]
    for folder in folders:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK):
            return folder / f"compute-{platform.node() or 'local'}.lock"
    raise StorageError(f"The lock for computing cannot be made: {' and '.join(map(str, folders))} cannot be written.",
                       "Name a folder that can, outside the projects, in the variable LEHRLING_LOCKS.", code="lock_folder")
