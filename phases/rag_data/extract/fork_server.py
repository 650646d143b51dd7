"""The process that parsers are forked from: it loads what they all need, once.

In: messages on standard input, a socket, each a JSON object: {"load": [media, ...]}, {"start": memory in bytes} with the descriptor of the
parser's stream, {"reap": pid}. Out: answers to the last two: {"pid"}, {"status"}. At the end of the messages it ends its parsers and leaves.
Started by `parser_process.py`. (multiprocessing's own server takes over the environment, which may hold keys, and imports the
program's main module into each process.)
"""

from __future__ import annotations

import gc
import json
import os
import signal
import socket
from collections.abc import Iterable
from contextlib import suppress
from importlib import import_module

from phases.rag_data.extract.formats import FORMATS
from phases.rag_data.extract.parser_child import serve, taken_stream
from phases.rag_data.extract.parser_process import MESSAGE_BYTES
from phases.rag_data.language import identifier

FOR_ALL = ("tokenizers", "langchain_text_splitters")  # what every text is cut with


def answer_requests(control: socket.socket) -> None:
    """Fork parsers until nobody asks any more."""
    children: set[int] = set()
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, MESSAGE_BYTES, 1)
        if not message:
            break
        request = json.loads(message)
        if "load" in request:
            load_formats(request["load"])
        elif "start" in request:
            pid = _forked(control, descriptors[0], request["start"])
            children.add(pid)
            control.send(json.dumps({"pid": pid}).encode())
        else:
            children.discard(request["reap"])
            control.send(json.dumps({"status": _ended(request["reap"])}).encode())
    for pid in children:
        _ended(pid)


def load_for_all() -> None:
    """What a text of any format needs."""
    for module in FOR_ALL:
        import_module(module)
    identifier()


def load_formats(media: Iterable[str]) -> None:
    """What files of these formats need; a library that cannot be loaded is left to the parser, which says so."""
    for one in media:
        kind = FORMATS[one]
        for module in (kind.function.partition(":")[0], *kind.libraries):
            with suppress(ImportError):
                import_module(module)


def _forked(control: socket.socket, descriptor: int, memory: int) -> int:
    """The number of a new parser, which never returns from here."""
    gc.freeze()  # what is loaded stays shared between the processes
    pid = os.fork()
    if pid == 0:
        try:
            control.close()
            serve(socket.socket(fileno=descriptor), memory)
        finally:
            os._exit(0)
    os.close(descriptor)
    return pid


def _ended(pid: int) -> int:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


if __name__ == "__main__":
    asked = taken_stream()
    load_for_all()
    answer_requests(asked)
