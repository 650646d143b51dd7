"""Parsers in processes of their own, with limits: a file that hangs or kills its parser is refused, and the next one goes on.

In: a path and a name. Out: what was read, or FileRejected. The child (`parser_child.py`) answers JSON lines; it gets a limit of memory
and, for each file, limits of time. Used by the import job, one for each of its workers, and by previews.
"""

from __future__ import annotations

import json
import select
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from phases.rag_data.clean import Cleaning
from phases.rag_data.extract.document import Document
from phases.rag_data.extract.parser_process import ParserProcess, start_parser
from phases.rag_data.extract.sniff import damaged
from phases.rag_data.extract.time_limit import TimeLimit
from phases.shared.errors import FileRejected

SECONDS = 30.0  # of the processor
CUTTING_PER_MILLION = 1.0  # such seconds for a million characters of text that was read in time
MEMORY_BYTES = 900_000_000
SWOLLEN_BYTES = 400_000_000  # a child that holds so much between two files is replaced
WATCH_SECONDS = 0.1
READ_BYTES = 1 << 20


@dataclass(frozen=True)
class Reading:
    """The file that is being read now: its name, since when (monotonic), and how far it is ("reading", 3 of 12 pages)."""

    source: str
    since: float
    step: str = "reading"
    done: int = 0
    total: int = 0


class Parser:
    """One parsing child, replaced when it dies, hangs or has swollen. Use it as a context manager.

    Args:
        cleaning: switches for all files.
        seconds: of the processor, for reading a file; for cutting its text there is more, by its length.
        memory: bytes that the child may hold.
        cutting: how texts are cut, {"config", "name", "tokenizer"} as in `parser_child.py`; None reads only.
        start: makes the child.
    """

    def __init__(self, cleaning: Cleaning, seconds: float = SECONDS, memory: int = MEMORY_BYTES,
                 cutting: Mapping[str, Any] | None = None, start: Callable[[int], ParserProcess] = start_parser) -> None:
        self.cleaning = cleaning
        self.seconds = seconds
        self.memory = memory
        self.cutting = cutting
        self.now: Reading | None = None
        self._start = start
        self._child: ParserProcess | None = None
        self._closed = False

    def __enter__(self) -> Parser:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the child, also from another thread: a file that is being read is given up."""
        self._closed = True
        if self._child is not None:
            self._child.kill()
        if self.now is None:
            self._end()

    def extract(self, path: Path, source: str) -> Document:
        """Read one file within the limits. Raises FileRejected."""
        return self.read(path, source)[0]

    def read(self, path: Path, source: str) -> tuple[Document, list[dict[str, Any]]]:
        """Read one file within the limits, and cut it: the chunks are the fields of `NewChunk`. Raises FileRejected."""
        fresh = self._child is None
        try:
            return self._read(path, source)
        except FileRejected as refused:
            if fresh or refused.code != "file_too_dense" or self._closed:
                raise
        self._end()  # files before this one may have left the child swollen
        return self._read(path, source)

    def _read(self, path: Path, source: str) -> tuple[Document, list[dict[str, Any]]]:
        self.now = Reading(source, time.monotonic())
        try:
            answer = self._asked({"path": str(path), "source": source, "cleaning": self.cleaning.switches(), "seconds": self.seconds,
                                  "cutting": self.cutting}, source)
        except (FileRejected, ConnectionError) as problem:
            self._end()
            raise problem if isinstance(problem, FileRejected) else damaged(source, "its reader ended") from None
        finally:
            self.now = None
        if "error" in answer:
            error = answer["error"]
            raise FileRejected(error["sentence"], error["advice"], subject=error["subject"], code=error["code"])
        found = answer["document"]
        return Document(**{**found, "pages": tuple(found["pages"]), "notes": tuple(found["notes"])}), answer["chunks"]

    def _asked(self, request: dict[str, Any], source: str) -> dict[str, Any]:
        """The child's answer, read as it comes so that time and memory are watched in between."""
        child = self._running()
        limit = TimeLimit(child, self.seconds)
        child.stream.sendall(json.dumps(request).encode() + b"\n")
        for line in self._lines(child, source):
            if line is not None:
                content = json.loads(line)
                if "step" not in content:
                    return content
                if content["step"] == "cutting":
                    limit.allowed += cutting_seconds(content["total"])
                self.now = Reading(source, self.now.since, **content)
            elif limit.is_over():
                raise FileRejected(f"'{source}' was still being read after {time.monotonic() - self.now.since:.0f} seconds.",
                                   "Split it, or save it anew in a simpler form.", subject=source, code="file_too_slow")
            elif child.memory() > self.memory:
                raise too_much_memory(source)
        raise damaged(source, f"its reader ended with code {self._end()}")

    def _lines(self, child: ParserProcess, source: str) -> Iterator[bytearray | None]:
        """The child's lines until it ends; None whenever it is time to look after it."""
        pending, looked = bytearray(), time.monotonic()
        while True:
            if time.monotonic() - looked >= WATCH_SECONDS:
                looked = time.monotonic()
                yield None
            if not select.select([child.stream], [], [], WATCH_SECONDS)[0]:
                continue
            part = child.stream.recv(READ_BYTES)
            if not part:
                return
            pending += part
            if b"\n" in part:
                *lines, pending = pending.split(b"\n")
                yield from lines

    def _running(self) -> ParserProcess:
        """The child, or a new one when it has ended between two files or holds too much memory."""
        if self._child is not None and (not self._child.is_alive() or self._child.memory() > SWOLLEN_BYTES):
            self._end()
        if self._child is None:
            self._child = self._start(self.memory)
            if self._closed:
                self._child.kill()
        return self._child

    def _end(self) -> int | None:
        """The child's exit status; None without one."""
        child, self._child = self._child, None
        return child and child.end()


def cutting_seconds(characters: int) -> float:
    """Processor time that a text of this length may take to be cut."""
    return CUTTING_PER_MILLION * characters / 1e6


def too_much_memory(source: str) -> FileRejected:
    return FileRejected(f"'{source}' needs more memory to be read than a document may take.",
                        "Split it, or save it anew in a simpler form.", subject=source, code="file_too_dense")
