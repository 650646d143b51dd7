"""How long a parser may take for a file: seconds of the processor, so that a busy machine refuses no healthy file.

In: the child's process and the limit. Out: whether it is over. Beside the processor's time, the clock has a word: a child that stood still for the
whole limit (it waits for something that does not come), or took `PATIENCE` times as long, is over it too.
"""

from __future__ import annotations

import subprocess
import time

import psutil

PATIENCE = 10


class TimeLimit:
    """Begins to run when it is made. `allowed` in processor seconds may be raised on the way."""

    def __init__(self, child: subprocess.Popen[bytes], allowed: float) -> None:
        self.allowed = allowed
        self._child = child
        self._began = self._used = _processor_seconds(child)
        self._start = self._moved = time.monotonic()

    def is_over(self) -> bool:
        """Ask often: it is also seen here when the child last moved."""
        now, used = time.monotonic(), _processor_seconds(self._child)
        if used > self._used:
            self._used, self._moved = used, now
        return used - self._began > self.allowed or now - self._moved > self.allowed or now - self._start > PATIENCE * self.allowed


def _processor_seconds(child: subprocess.Popen[bytes]) -> float:
    """What a child has used of the processor since it was started; 0 for one that has ended."""
    try:
        times = psutil.Process(child.pid).cpu_times()
    except psutil.Error:
        return 0.0
    return times.user + times.system
