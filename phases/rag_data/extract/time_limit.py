"""How long a parser may take for a file: seconds of the processor, so that a busy machine refuses no healthy file.

In: the child and the limit. Out: whether it is over. Beside the processor's time, the clock has a word: a child that stood still for the
whole limit (it waits for something that does not come), or took `PATIENCE` times as long, is over it too.
"""

from __future__ import annotations

import time

from phases.rag_data.extract.parser_process import ParserProcess

PATIENCE = 10


class TimeLimit:
    """Begins to run when it is made. `allowed` in processor seconds may be raised on the way."""

    def __init__(self, child: ParserProcess, allowed: float) -> None:
        self.allowed = allowed
        self._child = child
        self._began = self._used = child.processor_seconds()
        self._start = self._moved = time.monotonic()

    def is_over(self) -> bool:
        """Ask often: it is also seen here when the child last moved."""
        now, used = time.monotonic(), self._child.processor_seconds()
        if used > self._used:
            self._used, self._moved = used, now
        return used - self._began > self.allowed or now - self._moved > self.allowed or now - self._start > PATIENCE * self.allowed
