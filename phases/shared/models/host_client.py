"""The window's side of the model host: one child process that holds the models for chat and for search.

In: a model's folder and messages, a question to embed, or texts to rerank. Out: the answer's text, piece by piece, a vector,
or scores. The process starts with the first question, is spoken to over a socket in a private folder, and ends with its owner.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

import numpy as np

from phases.shared.errors import LehrlingError, ModelError
from phases.shared.project import PROGRAM_ROOT
from phases.shared.settings import hub_keys_if_readable

START_SECONDS = 60.0
SECRET_ENDINGS = ("_API_KEY", "_TOKEN", "_SECRET")


@dataclass(frozen=True)
class Sampling:
    """How tokens are drawn: temperature 0 is greedy; top_k 0 takes all tokens."""

    max_new_tokens: int = 256
    temperature: float = 0.7
    top_p: float = 0.9
    top_k: int = 50


class ModelHost:
    """Owner of the host process. Safe to share between threads: the host lets questions to one model wait for each other."""

    def __init__(self) -> None:
        self._starting = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._folder: Path | None = None

    def __enter__(self) -> ModelHost:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    @property
    def pid(self) -> int | None:
        """The host's process id while it runs."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def generate(self, model: Path | str, messages: Sequence[Mapping[str, str]], sampling: Sampling) -> Iterator[str]:
        """Pieces of the answer. Leaving the iterator early stops the generation.

        Raises ModelError when the model cannot be loaded or the process ended, with the reason.
        """
        request = {"op": "generate", "model": str(model), "messages": list(messages), "sampling": asdict(sampling)}
        with self._asked(request) as answers:
            yield from _pieces(answers)

    def embed(self, model: Path | str, model_hash: str, text: str) -> np.ndarray:
        """The vector of a question, float32, shape (dim,), length 1.

        Args:
            model_hash: of the files that made the vectors it is compared with (`folder_hash`).

        Raises:
            ModelError: the model cannot be loaded, was replaced, or the process ended, with the reason.
        """
        event = self._event({"op": "embed", "model": str(model), "model_hash": model_hash, "text": text})
        return np.array(event["vector"], dtype=np.float32)

    def rerank(self, model: Path | str, query: str, texts: Sequence[str]) -> list[float]:
        """How well each text answers the question, 0 to 1.

        Raises ModelError when the model cannot be loaded or the process ended, with the reason.
        """
        event = self._event({"op": "rerank", "model": str(model), "query": query, "texts": list(texts)})
        return list(event["scores"])

    def _event(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The one answer to a request."""
        with self._asked(request) as answers:
            event: dict[str, Any] = json.loads(answers.readline() or "{}")
        if event.get("event") == "error":
            raise _error_of(event["error"])
        if not event:
            raise _ended()
        return event

    @contextmanager
    def _asked(self, request: Mapping[str, Any]) -> Iterator[TextIO]:
        """The lines that answer a request; leaving the block closes the connection."""
        with self._connected() as connection:
            connection.sendall((json.dumps(request) + "\n").encode("utf-8"))
            with connection.makefile("r", encoding="utf-8") as answers:
                yield answers

    def close(self) -> None:
        """End the process and remove its socket."""
        if self._process is not None:
            if self._process.stdin:
                self._process.stdin.close()  # the host leaves when its owner's pipe closes
            try:
                self._process.wait(timeout=3)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def _connected(self) -> socket.socket:
        with self._starting:
            if self.pid is None:
                self.close()
                self._start()
        assert self._folder is not None
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                connection.connect(str(self._folder / "host"))
                return connection
            except OSError:
                if self.pid is None or time.monotonic() > deadline:
                    connection.close()
                    raise ModelError("The process that holds the model did not start.", "Look at the terminal that the "
                                     "program runs in for its reason.", code="host_start") from None
                time.sleep(0.05)

    def _start(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="lehrling-"))  # made for the owner alone, mode 0700
        self._process = subprocess.Popen(
            [sys.executable, "-m", "phases.shared.models.host", str(self._folder / "host")],
            cwd=PROGRAM_ROOT, stdin=subprocess.PIPE, start_new_session=True, env=_clean_environment())
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # one that is gone already is noticed when it is connected to
            self._process.stdin.write((json.dumps(hub_keys_if_readable()) + "\n").encode())
            self._process.stdin.flush()


def _clean_environment() -> dict[str, str]:
    """The environment without keys: those that a process which runs a model needs come by its standard input."""
    kept = {name: value for name, value in os.environ.items() if not name.upper().endswith(SECRET_ENDINGS)}
    return {**kept, "HF_HUB_DISABLE_TELEMETRY": "1", "TOKENIZERS_PARALLELISM": "false"}


def _pieces(answers: Iterator[str]) -> Iterator[str]:
    for line in answers:
        event: dict[str, Any] = json.loads(line)
        if event["event"] == "text":
            yield event["text"]
        elif event["event"] == "done":
            return
        elif event["event"] == "error":
            raise _error_of(event["error"])
    raise _ended()


def _ended() -> ModelError:
    return ModelError("The process that holds the model ended in the middle of the answer.",
                      "Often memory ran out: choose a smaller model, or close other programs, and ask again.", code="host_ended")


def _error_of(record: Mapping[str, str]) -> LehrlingError:
    return ModelError(record["sentence"], record["advice"], subject=record["subject"], code=record["code"])
