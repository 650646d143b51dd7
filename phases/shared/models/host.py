"""The model host: a process of its own that holds one model for chat and those for search, spoken to over a local socket.

    python -m phases.shared.models.host SOCKET

In: one JSON line a connection, {"op": "generate", "model", "messages", "sampling"}. Out: JSON lines {"event": "loading"},
{"event": "text", "text"} ..., {"event": "done", "tokens", "finish_reason"} or {"event": "error", "error"}.
In: {"op": "embed", "model", "model_hash", "text"}. Out: {"event": "vector", "vector"} or {"event": "error", "error"}.
In: {"op": "rerank", "model", "query", "texts"}. Out: {"event": "scores", "scores"} or {"event": "error", "error"}.
Every connection is served by a thread of its own, so a search does not wait for an answer that streams; questions to one
model wait for each other. The owner's first line on standard input is a JSON object with the hub's keys. A closed connection stops the generation. A model is freed after IDLE_SECONDS; the process ends
when its owner's pipe (standard input) closes. torch lives here and never in the window.
A question is embedded on one core: it is over in milliseconds, and cores that wait for each other that often lose more than
they win, most of all beside a search or a training that wants them too. Chat and reranking use all of them.
"""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from phases.shared.errors import LehrlingError, ModelError
from phases.shared.models.base import fetch_base
from phases.shared.models.cores import compute_on, torch_cores
from phases.shared.models.folder import base_under
from phases.shared.models.search_models import folder_hash, folder_state
from phases.shared.settings import hub_key

IDLE_SECONDS = 600.0


class LoadedModel:
    """The one model of its purpose in memory; another one replaces it. One thread at a time has it.

    Args:
        load: what is kept for a folder or hub id.
        state: differs after the folder was published or replaced; the model is then loaded anew.
        loading: held while any model loads: the libraries are imported then.
    """

    def __init__(self, load: Callable[[str], Any], state: Callable[[str], object], loading: threading.Lock) -> None:
        self._load, self._state, self._loading = load, state, loading
        self._turn = threading.Lock()
        self._key: tuple[str, object] | None = None
        self._model: Any = None
        self._used = time.monotonic()

    @contextmanager
    def lent(self, model: str) -> Iterator[Any]:
        """What was loaded from a folder or hub id, for the length of the block."""
        with self._turn:
            key = (model, self._state(model))
            if self._key != key:
                self._free()
                with self._loading:
                    self._model = self._load(model)
                self._key = key
            try:
                yield self._model
            finally:
                self._used = time.monotonic()

    def free_when_idle(self) -> None:
        if time.monotonic() - self._used > IDLE_SECONDS and self._turn.acquire(blocking=False):
            self._free()
            self._turn.release()

    def _free(self) -> None:
        self._model = self._key = None


class Models:
    """What this process holds: at most one model for each purpose."""

    def __init__(self, cores: int, key: str) -> None:
        """`cores`: how many torch computes on when it may choose. `key`: of the hub, for models that must be downloaded."""
        self.cores = cores
        loading = threading.Lock()
        self.writer = LoadedModel(partial(_load_writer, key), _changed_at, loading)
        self.embedder = LoadedModel(partial(_load_embedder, key), folder_state, loading)
        self.reranker = LoadedModel(partial(_load_reranker, key), folder_state, loading)

    def free_when_idle(self) -> None:
        for one in (self.writer, self.embedder, self.reranker):
            one.free_when_idle()


def _load_writer(key: str, model: str) -> tuple[Any, Any]:
    from phases.shared.training.loading import load_model
    if base := base_under(model):
        fetch_base(base, on_download=lambda: None, key=key)
    return load_model(model)


def _load_embedder(key: str, model: str) -> tuple[Any, str]:
    """The model and the hash of the files that it was read from."""
    from phases.shared.models.embedding import load_embedder
    return load_embedder(model, key), folder_hash(model)


def _load_reranker(key: str, model: str) -> Any:
    from phases.shared.models.reranker import load_reranker
    return load_reranker(model, key)


def _changed_at(model: str) -> float:
    described = Path(model) / "model.json"
    return described.stat().st_mtime if described.exists() else 0.0


def main(path: str) -> None:
    """Serve connections until the owner leaves."""
    key = hub_key(json.loads(sys.stdin.buffer.readline() or b"{}"))
    threading.Thread(target=_leave_with_owner, daemon=True).start()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind(path)
        server.listen()
        server.settimeout(5.0)
        models = Models(torch_cores(), key)
        while True:
            try:
                connection, _ = server.accept()
            except TimeoutError:
                models.free_when_idle()
                continue
            threading.Thread(target=_serve, args=(connection, models), daemon=True).start()


def _leave_with_owner() -> None:
    sys.stdin.buffer.read()
    import os
    os._exit(0)  # the main thread may be deep in a generation


def _serve(connection: socket.socket, models: Models) -> None:
    with connection:
        _answer(connection, models)


def _answer(connection: socket.socket, models: Models) -> None:
    connection.settimeout(None)
    try:
        request = json.loads(connection.makefile("r", encoding="utf-8").readline())
        if request["op"] == "embed":
            with models.embedder.lent(request["model"]) as loaded:
                compute_on(1)
                _embed(connection, *loaded, request)
        elif request["op"] == "rerank":
            with models.reranker.lent(request["model"]) as model:
                compute_on(models.cores)
                _rerank(connection, model, request)
        else:
            _send(connection, {"event": "loading"})
            with models.writer.lent(request["model"]) as loaded:
                _generate(connection, *loaded, request, models.cores)
    except (BrokenPipeError, ConnectionResetError):
        return  # the asker left
    except LehrlingError as error:
        _send(connection, {"event": "error", "error": error.as_record()})
    except Exception as problem:  # the border of this process: every failure reaches the asker in words
        error = ModelError(f"The model could not answer: {type(problem).__name__}: {problem}.",
                           "If memory ran out, choose a smaller model or a shorter answer.", code="generation")
        _send(connection, {"event": "error", "error": error.as_record()})


def _send(connection: socket.socket, event: Mapping[str, Any]) -> None:
    try:
        connection.sendall((json.dumps(event, ensure_ascii=False) + "\n").encode("utf-8"))
    except OSError:
        raise BrokenPipeError from None


def _embed(connection: socket.socket, model: Any, model_hash: str, request: Mapping[str, Any]) -> None:
    from phases.shared.models.embedding import embed_texts
    if model_hash != request["model_hash"]:
        raise ModelError(f"The embedding model '{request['model']}' was replaced since the chunks were embedded with it.",
                         "Press Embed chunks in tab 1.", subject=request["model"], code="model_replaced")
    vector = embed_texts(model, [request["text"]], query=True)[0]
    _send(connection, {"event": "vector", "vector": [float(one) for one in vector]})


def _rerank(connection: socket.socket, model: Any, request: Mapping[str, Any]) -> None:
    from phases.shared.models.reranker import rerank_texts
    scores = rerank_texts(model, request["query"], request["texts"])
    _send(connection, {"event": "scores", "scores": [float(one) for one in scores]})


def _generate(connection: socket.socket, model: Any, tokenizer: Any, request: Mapping[str, Any], cores: int) -> None:
    from transformers import TextIteratorStreamer
    inputs = tokenizer.apply_chat_template(request["messages"], add_generation_prompt=True, return_tensors="pt", return_dict=True)
    inputs = {name: tensor.to(model.device) for name, tensor in inputs.items() if name != "token_type_ids"}
    streamer = TextIteratorStreamer(tokenizer, skip_prompt=True, skip_special_tokens=True)
    left, outcome = threading.Event(), {}
    arguments = {**inputs, **_drawing(request["sampling"], model, inputs["input_ids"].shape[1]), "streamer": streamer,
                 "pad_token_id": tokenizer.pad_token_id, "stopping_criteria": _stop_when(left)}
    worker = threading.Thread(target=_run, args=(model, arguments, cores, streamer, outcome), daemon=True)
    worker.start()
    try:
        for piece in streamer:
            if piece:
                _send(connection, {"event": "text", "text": piece})
    finally:
        left.set()
        worker.join()
    if "problem" in outcome:
        raise outcome["problem"]
    new = int(outcome["ids"].shape[1] - inputs["input_ids"].shape[1])
    ended = int(outcome["ids"][0, -1]) in _end_tokens(model)
    _send(connection, {"event": "done", "tokens": new, "finish_reason": "stop" if ended else "length"})


def _run(model: Any, arguments: dict[str, Any], cores: int, streamer: Any, outcome: dict[str, Any]) -> None:
    import torch
    try:
        compute_on(cores)
        with torch.inference_mode():
            outcome["ids"] = model.generate(**arguments)
    except Exception as problem:
        outcome["problem"] = problem
        streamer.end()


def _drawing(sampling: Mapping[str, Any], model: Any, prompt_tokens: int) -> dict[str, Any]:
    """Arguments of `generate`: greedy at temperature 0, never beyond the model's context."""
    context = getattr(model.config, "max_position_embeddings", None) or 2048
    room = context - prompt_tokens
    if room < 1:
        raise ModelError(f"The conversation has {prompt_tokens} tokens; the model reads at most {context}.",
                         "Clear the chat, or ask a shorter question.", code="context_full")
    length = {"max_new_tokens": min(int(sampling["max_new_tokens"]), room)}
    if sampling["temperature"] <= 0:
        return {**length, "do_sample": False, "temperature": None, "top_p": None, "top_k": None}
    return {**length, "do_sample": True, "temperature": float(sampling["temperature"]), "top_p": float(sampling["top_p"]),
            "top_k": int(sampling["top_k"])}


def _stop_when(left: threading.Event) -> Any:
    import torch
    from transformers import StoppingCriteria, StoppingCriteriaList

    class AskerLeft(StoppingCriteria):
        def __call__(self, input_ids: Any, scores: Any, **kwargs: Any) -> Any:
            return torch.full((input_ids.shape[0],), left.is_set(), dtype=torch.bool, device=input_ids.device)

    return StoppingCriteriaList([AskerLeft()])


def _end_tokens(model: Any) -> set[int]:
    ends = model.generation_config.eos_token_id
    return set(ends) if isinstance(ends, list) else {ends}


if __name__ == "__main__":
    main(sys.argv[1])
