"""Several files at a time: one parser for each worker, results in the order in which they were asked for.

In: files as (path, name), and how parsers are made. Out: for each a future of `Parser.read`, and what is being read now.
The parsers are processes; a thread for each waits for its answers.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType
from typing import Any, TypeVar

import psutil

from phases.rag_data.extract.document import Document
from phases.rag_data.extract.parser import MEMORY_BYTES, Parser
from phases.shared.jobs.process import usable_cores

T, B = TypeVar("T"), TypeVar("B")
Read = tuple[Document, list[dict[str, Any]]]


class ParsePool:
    """A context manager: at its end the children end, and files that were still being read are given up."""

    def __init__(self, workers: int, make_parser: Callable[[], Parser]) -> None:
        self._parsers = [make_parser() for _ in range(workers)]
        self._idle: SimpleQueue[Parser] = SimpleQueue()
        for parser in self._parsers:
            self._idle.put(parser)
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="parser")

    def __enter__(self) -> ParsePool:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        for parser in self._parsers:
            parser.close()
        self._threads.shutdown()

    def start(self, path: Path, source: str) -> Future[Read]:
        """Read a file as soon as a parser is idle; the future raises FileRejected."""
        return self._threads.submit(self._read, path, source)

    def _read(self, path: Path, source: str) -> Read:
        parser = self._idle.get()
        try:
            return parser.read(path, source)
        finally:
            self._idle.put(parser)

    def reading(self) -> list[dict[str, Any]]:
        """The files that are being read now, the longest at work first: {"file", "seconds", "step", "done", "total"}."""
        now = [one.now for one in self._parsers]
        busy = sorted((one for one in now if one is not None), key=lambda one: one.since)
        return [{"file": one.source, "seconds": round(time.monotonic() - one.since, 1), "step": one.step, "done": one.done,
                 "total": one.total} for one in busy]


def begin_ahead(items: Iterable[T], begin: Callable[[T], B], most: int) -> Iterator[tuple[T, B]]:
    """Each item with what `begin` gave for it, in their order; `most` are begun before the first is handed out."""
    begun: deque[tuple[T, B]] = deque()
    for item in items:
        begun.append((item, begin(item)))
        if len(begun) == most:
            yield begun.popleft()
    while begun:
        yield begun.popleft()


def worker_count(wanted: int, files: int) -> int:
    """How many files are read at a time: as many as wanted, else as many as there are cores and memory for."""
    room = int(psutil.virtual_memory().available // MEMORY_BYTES)
    return max(1, min(files, wanted or min(usable_cores(), room)))
