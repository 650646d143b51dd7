"""Parsers in a process of their own, with limits: a file that hangs or kills its parser is refused, and the next one goes on.

In: a path and a name. Out: a `Document` or FileRejected. The child answers JSON lines; it gets no keys in its
environment, a limit of memory and, for each file, limits of time. Used by the import job; by hand:

    python -m phases.rag_data.extract.parser   (then one JSON line {"path", "source", "cleaning"} on stdin)
"""

from __future__ import annotations

import json
import logging
import os
import resource
import select
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psutil

from phases.rag_data.clean import Cleaning
from phases.rag_data.extract.document import Document
from phases.rag_data.extract.formats import extract_document
from phases.rag_data.extract.sniff import damaged
from phases.shared.errors import FileRejected
from phases.shared.project import PROGRAM_ROOT

SECONDS = 30.0
SECONDS_PER_MEGABYTE = 2.0
MEMORY_BYTES = 1_500_000_000
WATCH_SECONDS = 0.1
FILES_PER_CHILD = 100
DEEPEST_CALLS = 10_000  # deeply nested pages and tables
PASSED_ON = {"PATH", "LANG", "LC_ALL", "HOME", "TMPDIR", "PYTHONPATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"}


class Parser:
    """One parsing child, replaced when it dies, hangs or has read many files. Use it as a context manager.

    Args:
        cleaning: switches for all files.
        seconds: time for a file of up to a megabyte; longer ones get SECONDS_PER_MEGABYTE more for each.
        memory: bytes that the child may hold.
    """

    def __init__(self, cleaning: Cleaning, seconds: float = SECONDS, memory: int = MEMORY_BYTES) -> None:
        self.cleaning = cleaning
        self.seconds = seconds
        self.memory = memory
        self._child: subprocess.Popen[bytes] | None = None
        self._files = 0

    def __enter__(self) -> Parser:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def extract(self, path: Path, source: str) -> Document:
        """Read one file within the limits. Raises FileRejected."""
        if self._files >= FILES_PER_CHILD:
            self._end()
        fresh = self._child is None
        try:
            return self._read(path, source)
        except FileRejected as refused:
            if fresh or refused.code != "file_too_dense":
                raise
        self._end()  # files before this one may have left the child swollen
        return self._read(path, source)

    def _read(self, path: Path, source: str) -> Document:
        child = self._running()
        self._files += 1
        seconds = self.seconds + SECONDS_PER_MEGABYTE * path.stat().st_size / 1e6
        request = {"path": str(path), "source": source, "cleaning": asdict(self.cleaning), "seconds": seconds}
        try:
            child.stdin.write(json.dumps(request).encode() + b"\n")
            child.stdin.flush()
            answer = self._answer(child, seconds, source)
        except FileRejected:
            self._end()
            raise
        except BrokenPipeError:
            self._end()
            raise damaged(source, "its reader ended") from None
        if "document" in answer:
            found = answer["document"]
            return Document(**{**found, "pages": tuple(found["pages"]), "notes": tuple(found["notes"])})
        error = answer["error"]
        raise FileRejected(error["sentence"], error["advice"], subject=error["subject"], code=error["code"])

    def _running(self) -> subprocess.Popen[bytes]:
        """The child, or a new one when it has ended between two files."""
        if self._child is not None and self._child.poll() is not None:
            self._end()
        return self._child or self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        environment = {key: value for key, value in os.environ.items() if key in PASSED_ON}
        self._child = subprocess.Popen([sys.executable, "-m", "phases.rag_data.extract.parser", str(self.memory)],
                                       cwd=PROGRAM_ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._files = 0
        return self._child

    def _answer(self, child: subprocess.Popen[bytes], seconds: float, source: str) -> dict[str, Any]:
        """The child's next line, read as it comes so that time and memory are watched in between."""
        until, line = time.monotonic() + seconds, bytearray()
        while not line.endswith(b"\n"):
            if time.monotonic() > until:
                raise FileRejected(f"'{source}' was still being read after {seconds:.0f} seconds.",
                                   "Split it, or save it anew in a simpler form.", subject=source, code="file_too_slow")
            if _memory_of(child) > self.memory:
                raise _too_much_memory(source)
            if select.select([child.stdout], [], [], WATCH_SECONDS)[0]:
                part = os.read(child.stdout.fileno(), 1 << 16)
                if not part:
                    raise damaged(source, f"its reader ended with code {child.wait()}")
                line += part
        return json.loads(line)

    def _end(self) -> None:
        if self._child is not None:
            self._child.kill()
            self._child.wait()
            self._child.stdout.close()
            with suppress(BrokenPipeError):
                self._child.stdin.close()
        self._child = None


def serve() -> None:
    """The child: one request a line on stdin, one answer a line on the old stdout; stray prints go to stderr."""
    memory = int(sys.argv[1]) if len(sys.argv) > 1 else MEMORY_BYTES
    with suppress(ValueError, OSError):  # not every system can limit it; the parent watches too
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    logging.disable(logging.WARNING)
    sys.setrecursionlimit(DEEPEST_CALLS)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    for line in sys.stdin.buffer:
        answers.write(json.dumps(_served(json.loads(line))).encode() + b"\n")
        answers.flush()


def _served(request: dict[str, Any]) -> dict[str, Any]:
    source = request["source"]
    _limit_processor_time(request.get("seconds", SECONDS))
    try:
        cleaning = Cleaning(**request.get("cleaning", {}))
        return {"document": asdict(extract_document(Path(request["path"]), source, cleaning))}
    except FileRejected as refused:
        return {"error": refused.as_record()}
    except MemoryError:
        return {"error": _too_much_memory(source).as_record()}
    except Exception as problem:  # whatever a parser raises on a broken file
        logging.getLogger(__name__).exception("%s", source)
        return {"error": damaged(source, f"{type(problem).__name__}").as_record()}


def _limit_processor_time(seconds: float) -> None:
    """A parser that runs wild ends by itself, also when its parent was killed."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    limit = int(used.ru_utime + used.ru_stime + seconds) + 5
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def _memory_of(child: subprocess.Popen[bytes]) -> int:
    try:
        return psutil.Process(child.pid).memory_info().rss
    except psutil.Error:
        return 0


def _too_much_memory(source: str) -> FileRejected:
    return FileRejected(f"'{source}' needs more memory to be read than a document may take.",
                        "Split it, or save it anew in a simpler form.", subject=source, code="file_too_dense")


if __name__ == "__main__":
    serve()
