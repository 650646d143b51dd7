"""A job's progress as a bar on stderr, for the commands that wait.

In: the job as it changes. Out: one bar for each of its phases; plain lines where stderr is no terminal.
"""

from __future__ import annotations

import sys
from types import TracebackType

from tqdm import tqdm

from phases.shared.jobs.queue import Job


class ProgressBars:
    """Call it with every new state of the job; a context manager that closes the last bar."""

    def __init__(self) -> None:
        self._bar: tqdm | None = None
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
                             mininterval=0.5 if sys.stderr.isatty() else 10)
        self._bar.total = total
        if progress.get("loss") is not None:
            self._bar.set_postfix(loss=f"{progress['loss']:.3f}", refresh=False)
        self._bar.update((progress.get("done") or 0) - self._bar.n)

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None
