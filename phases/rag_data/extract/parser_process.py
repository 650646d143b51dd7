"""The processes that read files: started one by one, or forked from one that has loaded the libraries already.

In: the memory that a parser may hold. Out: a `ParserProcess` with a stream of JSON lines to it and from it (see parser_child.py).
What a parser needs takes half a second to load, of which the text splitter takes the most. An import pays that once: a `ForkServer` loads it
while the job itself still starts, and gives a parser in milliseconds, also in place of one that died. The processes get no keys
in their environment, and end when the process that started them does.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from typing import Any

import psutil

from phases.shared.project import PROGRAM_ROOT

PASSED_ON = {"PATH", "LANG", "LC_ALL", "HOME", "TMPDIR", "PYTHONPATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"}
ONE_THREAD = {"TOKENIZERS_PARALLELISM": "false", "OPENBLAS_NUM_THREADS": "1"}
MESSAGE_BYTES = 1 << 16
PATIENCE_SECONDS = 60.0  # for loading its libraries from a slow disk
FORKS = sys.platform == "linux"  # the libraries of other systems may not be used in a fork


class ParserProcess:
    """A process that reads files, at the other end of `stream`."""

    def __init__(self, pid: int, stream: socket.socket, reap: Callable[[], int]) -> None:
        """`reap` waits for the process, which has been killed, and gives its exit status."""
        self.pid = pid
        self.stream = stream
        self._process = psutil.Process(pid)  # knows it from a later one of the same number
        self._reap = reap

    def is_alive(self) -> bool:
        """Whether it has not ended; its number is its own until `end`."""
        try:
            return self._process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    def processor_seconds(self) -> float:
        """What it has used of the processor since it was started; 0 when it has ended."""
        try:
            times = self._process.cpu_times()
        except psutil.Error:
            return 0.0
        return times.user + times.system

    def memory(self) -> int:
        """Bytes that it holds; 0 when it has ended."""
        try:
            return self._process.memory_info().rss
        except psutil.Error:
            return 0

    def kill(self) -> None:
        """Have it ended, also from another thread; `end` is still to be called."""
        with suppress(psutil.NoSuchProcess):
            self._process.kill()

    def end(self) -> int:
        """End it and close its stream. Returns its exit status: -N for one that signal N ended, also before."""
        self.kill()
        self.stream.close()
        return self._reap()


def start_parser(memory: int) -> ParserProcess:
    """A parser of its own, which loads its libraries itself; `memory` is what it may hold, in bytes."""
    ours, theirs = socket.socketpair()
    process = _spawned("parser_child", theirs, str(memory))
    return ParserProcess(process.pid, ours, process.wait)


class ForkServer:
    """The process that parsers are forked from. A context manager; at its end it ends, and with it the parsers that are left.

    Where it is not there, because the system does not fork (`forks`), it was killed or does not answer, each parser is started by itself.
    """

    def __init__(self, *, forks: bool = FORKS) -> None:
        self._control: socket.socket | None = None
        if forks:
            self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            self._control.settimeout(PATIENCE_SECONDS)
            self._process = _spawned("fork_server", theirs)
        self._turn = threading.Lock()
        self._parsers: dict[int, ParserProcess] = {}
        self._closed = False

    def __enter__(self) -> ForkServer:
        return self

    def __exit__(self, *_: object) -> None:
        self._closed = True
        if self._control is None:
            return
        for parser in list(self._parsers.values()):
            parser.kill()
        self._process.kill()
        self._process.wait()
        with self._turn:
            self._control.close()

    def load(self, media: Iterable[str]) -> None:
        """Have the libraries of these formats loaded before the first parser is forked."""
        if self._control is not None:
            with suppress(OSError):
                self._control.send(json.dumps({"load": sorted(media)}).encode())

    def start(self, memory: int) -> ParserProcess:
        """A parser that has its libraries; `memory` is what it may hold, in bytes."""
        ours, theirs = socket.socketpair()
        with theirs:
            answer = self._asked({"start": memory}, theirs.fileno())
        if answer is None:
            ours.close()
            if self._closed:
                raise BrokenPipeError("the import is over")
            return start_parser(memory)
        self._parsers[answer["pid"]] = parser = ParserProcess(answer["pid"], ours, partial(self._reaped, answer["pid"]))
        return parser

    def _reaped(self, pid: int) -> int:
        self._parsers.pop(pid, None)
        answer = self._asked({"reap": pid})
        return answer["status"] if answer else -signal.SIGKILL

    def _asked(self, request: dict[str, Any], *descriptors: int) -> dict[str, Any] | None:
        """The server's answer, which comes at once unless it still loads; None when it is gone."""
        if self._control is None:
            return None
        with self._turn:
            try:
                socket.send_fds(self._control, [json.dumps(request).encode()], descriptors)
                answer = self._control.recv(MESSAGE_BYTES)
            except OSError:  # it was killed, or hangs: it is not asked again
                self._process.kill()
                return None
        return json.loads(answer) if answer else None


def _spawned(module: str, control: socket.socket, *arguments: str) -> subprocess.Popen[bytes]:
    """A process of this package with the socket as its standard input."""
    environment = {**ONE_THREAD, **{name: value for name, value in os.environ.items() if name in PASSED_ON}}
    with control:
        return subprocess.Popen([sys.executable, "-m", f"phases.rag_data.extract.{module}", *arguments], cwd=PROGRAM_ROOT, env=environment,
                                stdin=control)
