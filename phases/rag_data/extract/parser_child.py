"""The process that reads files: it extracts the text of each and cuts it into chunks, within limits.

In: one JSON line a file on its stream, {"path", "source", "cleaning", "seconds", "cutting"}; "cutting" is null, or {"config", "name",
"tokenizer"}. Out: JSON lines on the same stream: any number of {"step", "done", "total"}, then {"document", "chunks"} or {"error"}.
The stream is a socket: the standard input of `python -m phases.rag_data.extract.parser_child MEMORY_BYTES`, or what
`fork_server.py` was given for it.
"""

from __future__ import annotations

import json
import logging
import os
import resource
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psutil

from phases.rag_data.chunk import chunk_document
from phases.rag_data.clean import Cleaning
from phases.rag_data.config import IngestConfig
from phases.rag_data.extract.document import Document
from phases.rag_data.extract.formats import extract_document
from phases.rag_data.extract.long_lines import check_tokens
from phases.rag_data.extract.parser import cutting_seconds, too_much_memory
from phases.rag_data.extract.reading import listening
from phases.rag_data.extract.sniff import damaged
from phases.rag_data.language import guess_language, sample_length
from phases.shared.database.chunks import NewChunk
from phases.shared.errors import FileRejected
from phases.shared.models.tokenizer import load_counter, remembering
from phases.shared.options import resolve

DEEPEST_CALLS = 10_000  # deeply nested pages and tables
TELL_SECONDS = 0.25

Say = Callable[[dict[str, Any]], None]
CountTokens = Callable[[str], int]


class Teller:
    """Passes on how far a step is, a few times a second at most."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self._told = time.monotonic()

    def __call__(self, step: str, done: int, total: int, *, always: bool = False) -> None:
        if always or time.monotonic() - self._told >= TELL_SECONDS:
            self._told = time.monotonic()
            self._say({"step": step, "done": done, "total": total})


def serve(stream: socket.socket, memory: int) -> None:
    """One request a line, one answer a line, until the other side closes the stream."""
    _limit_memory(memory)
    logging.disable(logging.WARNING)
    sys.setrecursionlimit(DEEPEST_CALLS)
    counters: dict[str, CountTokens] = {}

    def say(content: dict[str, Any]) -> None:
        stream.sendall(json.dumps(content).encode() + b"\n")

    for line in stream.makefile("rb"):
        say(_answer(json.loads(line), counters, Teller(say)))


def taken_stream() -> socket.socket:
    """The socket that stands on standard input, in whose place nothing is left; stray prints of libraries go to stderr."""
    stream = socket.socket(fileno=os.dup(0))
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return stream


def _answer(request: dict[str, Any], counters: dict[str, CountTokens], tell: Teller) -> dict[str, Any]:
    source = request["source"]
    _limit_processor_time(request["seconds"])
    try:
        with listening(lambda done, total: tell("reading", done, total)):
            document = extract_document(Path(request["path"]), source, Cleaning(**request["cleaning"]))
        return {"document": asdict(document), "chunks": _chunks(document, request, counters, tell)}
    except FileRejected as refused:
        return {"error": refused.as_record()}
    except MemoryError:
        return {"error": too_much_memory(source).as_record()}
    except Exception as problem:  # whatever a parser raises on a broken file
        logging.getLogger(__name__).exception("%s", source)
        return {"error": damaged(source, f"{type(problem).__name__}").as_record()}


def _chunks(document: Document, request: dict[str, Any], counters: dict[str, CountTokens], tell: Teller) -> list[dict[str, Any]]:
    """The document's chunks as records; none when nobody asked for them."""
    cutting = request["cutting"]
    if cutting is None:
        return []
    length = len(document.text)
    _limit_processor_time(request["seconds"] + cutting_seconds(length))
    tell("cutting", length, length, always=True)
    if cutting["name"] not in counters:
        counters[cutting["name"]] = remembering(load_counter(cutting["name"], Path(cutting["tokenizer"])))
    check_tokens(document.text, document.source, counters[cutting["name"]])
    found = chunk_document(document, resolve(IngestConfig, cutting["config"]), counters[cutting["name"]])
    enough = sample_length(len(found))
    return [vars(NewChunk(one.content, one.start, one.end, one.tokens, one.held_out, one.metadata, guess_language([one.content[:enough]])))
            for one in found]


def _limit_memory(bytes_more: int) -> None:
    """Address space beyond what the libraries take; not every system can limit it, and the parent watches too."""
    with suppress(ValueError, OSError):
        limit = psutil.Process().memory_info().vms + bytes_more
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def _limit_processor_time(seconds: float) -> None:
    """A parser that runs wild ends by itself, also when its parent was killed."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    limit = int(used.ru_utime + used.ru_stime + seconds) + 5
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.getrlimit(resource.RLIMIT_CPU)[1]))


if __name__ == "__main__":
    serve(taken_stream(), int(sys.argv[1]))
