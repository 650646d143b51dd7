"""The child's side of a job: progress, records, log, and whether somebody asked for a stop.

In: the project and the job's id. Out: files in runs/JOB/ that the worker reads:

    progress.json     {"phase", "done", "total", "time", ...figures}: replaced, at most twice a second
    records.jsonl     {"sequence": n, ...}: appended and synced; the worker turns each into rows
    log.txt           what the child prints
    outcome.json      {"state": "done" | "stopped" | "failed", "result", "error"}: written last, by child.py
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO

from phases.shared.files import append_json_line, read_json_lines
from phases.shared.project import Project
from phases.shared.settings import redact

PROGRESS_FILE, RECORDS_FILE, LOG_FILE = "progress.json", "records.jsonl", "log.txt"
STOP_FILE, OUTCOME_FILE = "stop", "outcome.json"
PROGRESS_SECONDS = 0.5
BLOCK_BYTES = 1 << 16


class JobStopped(Exception):
    """Raised by a job's `run` after a stop was asked for and its state is saved; `result` is what it reached."""

    def __init__(self, result: dict[str, Any] | None = None) -> None:
        super().__init__("stopped on request")
        self.result = result or {}


class JobContext:
    """What a job's `run` may know and say. Safe to use from several threads of the child."""

    def __init__(self, project: Project, job_id: str, attempt: int = 1, keys: Mapping[str, str] | None = None,
                 rank: int = 0) -> None:
        """`rank` numbers the processes that work on the job together; all but the first (0) are silent."""
        self.project = project
        self.job_id = job_id
        self.attempt = attempt
        self.rank = rank
        self.keys: Mapping[str, str] = MappingProxyType(dict(keys or {}))
        self.job_dir = project.job_dir(job_id)
        self.inputs = self.job_dir / "inputs"
        self._lock = threading.RLock()
        self._phase = "starting"
        self._written = 0.0
        self._sequence: int | None = None

    def phase(self, name: str) -> None:
        """Say what the job does now ("loading", "training", "saving" ...); its count begins anew."""
        with self._lock:
            self._phase = name
            self._written = 0.0
            self.progress(0, 0)

    def progress(self, done: int, total: int, **figures: Any) -> None:
        """How far the phase is, with figures (loss=, tokens_per_second=, text=). Cheap: most calls write nothing."""
        with self._lock:
            last = 0 < total <= done
            if self.rank or (not last and time.monotonic() - self._written < PROGRESS_SECONDS):
                return
            self._written = time.monotonic()
            content = {"phase": self._phase, "done": done, "total": total, "time": time.time(), **figures}
            _replace(self.job_dir / PROGRESS_FILE, redact(json.dumps(content, ensure_ascii=False), self.keys))

    def stop_requested(self) -> bool:
        return (self.job_dir / STOP_FILE).exists()

    def record(self, record: Mapping[str, Any]) -> int:
        """Append a record; it is on the disk when the call returns. Gives its sequence number, which goes on after a resume."""
        with self._lock:
            path = self.job_dir / RECORDS_FILE
            if self._sequence is None:
                cut_torn_line(path)
                self._sequence = max((one["sequence"] for one in read_json_lines(path)), default=0)
            line = {**record, "sequence": self._sequence + 1}
            append_json_line(path, json.loads(redact(json.dumps(line, ensure_ascii=False), self.keys)) if self.keys else line)
            self._sequence += 1
            return self._sequence

    def records(self) -> list[dict[str, Any]]:
        """The records that this job wrote already, in all its attempts."""
        return list(read_json_lines(self.job_dir / RECORDS_FILE))

    def log(self, text: str) -> None:
        """A line in log.txt."""
        if self.rank:
            return
        with self._lock, (self.job_dir / LOG_FILE).open("a", encoding="utf-8") as file:
            file.write(f"{time.strftime('%H:%M:%S')} {redact(text, self.keys)}\n")


def cut_torn_line(path: Path) -> None:
    """Remove a last line that a kill cut off, so that the next one does not continue it."""
    if not path.exists():
        return
    with path.open("r+b") as file:
        whole = _end_of_last_line(file)
        if whole < file.seek(0, os.SEEK_END):
            file.truncate(whole)
            file.flush()
            os.fsync(file.fileno())


def _end_of_last_line(file: BinaryIO) -> int:
    """Where the last whole line ends, found from the back: the file may be large."""
    end = file.seek(0, os.SEEK_END)
    while end:
        start = max(0, end - BLOCK_BYTES)
        file.seek(start)
        found = file.read(end - start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0


def _replace(path: Path, content: str) -> None:
    """Replace a file that need not survive a power cut, without waiting for the disk."""
    beside = path.with_name(f".{path.name}")
    beside.write_text(content, encoding="utf-8")
    beside.replace(path)
