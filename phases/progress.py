"""A job's progress as a bar on stderr, for the commands that wait.

In: the job as it changes. Out: one bar for each of its phases, and below it one for each file that is being read now; plain lines,
and no bars of files, where stderr is no terminal.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from types import TracebackType
from typing import Any

from tqdm import tqdm

from phases.shared.jobs.queue import Job


class ProgressBars:
    """Call it with every new state of the job; a context manager that closes the last bar."""

    def __init__(self) -> None:
        self._bar: tqdm | None = None
        self._files: list[tqdm] = []
        self._phase = ""

    def __enter__(self) -> ProgressBars:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._close()

    def __call__(self, job: Job) -> None:
        progress = job.progress or {}
        phase = progress.get("phase") or job.state
        if phase != self._phase:
            self._close()
            self._phase = phase
        total = progress.get("total") or 0
        if not total:
            return
        if self._bar is None:
            self._bar = tqdm(desc=f"{job.kind}: {phase}", total=total, file=sys.stderr, dynamic_ncols=True,
                             mininterval=0.5 if sys.stderr.isatty() else 10, **_unit(progress))
        self._bar.total = total
        if progress.get("loss") is not None:
            self._bar.set_postfix(loss=f"{progress['loss']:.3f}", refresh=False)
        if progress.get("rejected"):
            self._bar.set_postfix(rejected=progress["rejected"], refresh=False)
        self._bar.update((progress.get("done") or 0) - self._bar.n)
        if sys.stderr.isatty():
            self._show_files(progress.get("reading") or [])

    def _show_files(self, reading: Sequence[Mapping[str, Any]]) -> None:
        """Bars below the first one: as many as there are files at a time."""
        while len(self._files) < len(reading):
            self._files.append(tqdm(total=100, position=len(self._files) + 1, leave=False, file=sys.stderr, dynamic_ncols=True,
                                    bar_format="  {desc} |{bar}|"))
        for bar, one in zip_longest(self._files, reading):
            known = one is not None and one["total"]
            bar.n = 100 * one["done"] / one["total"] if known else 0
            bar.set_description_str(f"{one['file']:<40.40} {_step(one):<16}" if one else f"{'':<57}")

    def _close(self) -> None:
        for bar in self._files:
            bar.close()
        self._files = []
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def _unit(progress: Mapping[str, Any]) -> dict[str, Any]:
    """How the bar counts: pieces of work, or bytes as KiB, MiB ..."""
    return {"unit": "iB", "unit_scale": True, "unit_divisor": 1024} if progress.get("unit") == "bytes" else {}


def _step(one: Mapping[str, Any]) -> str:
    """ "reading 3/12", "reading 4 s", "cutting": what happens to a file."""
    if one["step"] != "reading":
        return one["step"]
    return f"reading {one['done'] + 1}/{one['total']}" if one["total"] else f"reading {one['seconds']:.0f} s"
