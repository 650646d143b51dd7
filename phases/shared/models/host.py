"""The model host: a process of its own that holds one model for chat and one for search, spoken to over a local socket.

    python -m phases.shared.models.host SOCKET

In: one JSON line a connection, {"op": "generate", "model", "messages", "sampling"}. Out: JSON lines {"event": "loading"},
{"event": "text", "text"} ..., {"event": "done", "tokens", "finish_reason"} or {"event": "error", "error"}.
In: {"op": "embed", "model", "text"}. Out: {"event": "vector", "vector"} or {"event": "error", "error"}.
A closed connection stops the generation. A model is freed after IDLE_SECONDS; the process ends when its owner's pipe
(standard input) closes. torch lives here and never in the window.
"""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from phases.shared.errors import LehrlingError, ModelError

IDLE_SECONDS = 600.0


class LoadedModel:
    """The one model of its purpose in memory; another one replaces it."""

    def __init__(self, load: Callable[[str], Any]) -> None:
        self._load = load
        self._key: tuple[str, float] | None = None
        self._model: Any = None
        self.used = time.monotonic()

    def get(self, model: str) -> Any:
        """What was loaded from a folder or hub id; loaded anew when the folder was published anew."""
        self.used = time.monotonic()
        key = (model, _changed_at(Path(model)))
        if self._key != key or self._model is None:
            self.free()
            self._model, self._key = self._load(model), key
        return self._model

    def free(self) -> None:
        self._model = self._key = None

    def free_when_idle(self) -> None:
        if time.monotonic() - self.used > IDLE_SECONDS:
            self.free()


def _load_writer(model: str) -> tuple[Any, Any]:
    from phases.shared.training.loading import load_model
    return load_model(model)


def _load_embedder(model: str) -> Any:
    from phases.shared.models.embedding import load_embedder
    return load_embedder(model)


def _changed_at(folder: Path) -> float:
    described = folder / "model.json"
    return described.stat().st_mtime if described.exists() else 0.0


def main(path: str) -> None:
    """Serve one connection after another until the owner leaves."""
    threading.Thread(target=_leave_with_owner, daemon=True).start()
    writer, embedder = LoadedModel(_load_writer), LoadedModel(_load_embedder)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind(path)
        server.listen()
        server.settimeout(5.0)
        while True:
            try:
                connection, _ = server.accept()
            except TimeoutError:
                writer.free_when_idle()
                embedder.free_when_idle()
                continue
            with connection:
                _serve(connection, writer, embedder)


def _leave_with_owner() -> None:
    sys.stdin.buffer.read()
    import os
    os._exit(0)  # the main thread may be deep in a generation


def _serve(connection: socket.socket, writer: LoadedModel, embedder: LoadedModel) -> None:
    connection.settimeout(None)
    try:
        request = json.loads(connection.makefile("r", encoding="utf-8").readline())
        if request["op"] == "embed":
            _embed(connection, embedder, request)
        else:
            _generate(connection, writer, request)
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


def _embed(connection: socket.socket, loaded: LoadedModel, request: Mapping[str, Any]) -> None:
    from phases.shared.models.embedding import embed_texts
    vector = embed_texts(loaded.get(request["model"]), [request["text"]], query=True)[0]
    _send(connection, {"event": "vector", "vector": [float(one) for one in vector]})


def _generate(connection: socket.socket, loaded: LoadedModel, request: Mapping[str, Any]) -> None:
    from transformers import TextIteratorStreamer
    _send(connection, {"event": "loading"})
    model, tokenizer = loaded.get(request["model"])
    inputs = tokenizer.apply_chat_template(request["messages"], add_generation_prompt=True, return_tensors="pt", return_dict=True)
    inputs = {name: tensor.to(model.device) for name, tensor in inputs.items() if name != "token_type_ids"}
    streamer = TextIteratorStreamer(tokenizer, skip_prompt=True, skip_special_tokens=True)
    left, outcome = threading.Event(), {}
    arguments = {**inputs, **_drawing(request["sampling"], model, inputs["input_ids"].shape[1]), "streamer": streamer,
                 "pad_token_id": tokenizer.pad_token_id, "stopping_criteria": _stop_when(left)}
    worker = threading.Thread(target=_run, args=(model, arguments, streamer, outcome), daemon=True)
    worker.start()
    try:
        for piece in streamer:
            if piece:
                _send(connection, {"event": "text", "text": piece})
    finally:
        left.set()
        worker.join()
        loaded.used = time.monotonic()
    if "problem" in outcome:
        raise outcome["problem"]
    new = int(outcome["ids"].shape[1] - inputs["input_ids"].shape[1])
    ended = int(outcome["ids"][0, -1]) in _end_tokens(model)
    _send(connection, {"event": "done", "tokens": new, "finish_reason": "stop" if ended else "length"})


def _run(model: Any, arguments: dict[str, Any], streamer: Any, outcome: dict[str, Any]) -> None:
    import torch
    try:
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
