"""A language model service for tests: a real HTTP server that speaks Ollama's and OpenAI's protocols, with a rule as its model.

    with language_model_service() as service: ...    service.url, service.openai_url, service.mode = "rubbish"
    python -m tests.services.llm_server --port 11435 --mode fine

The rule: the text between <text> and </text> of the last message is cut into sentences, and the one that the request's number
points at becomes question, answer and evidence. The same request gets the same answer. `tests/shared/llm/test_server.py` checks
what it answers against the types of the official clients.

Modes: fine, fenced (<think> and a code fence around the JSON), invented (evidence that the text does not hold), schema (JSON of
another shape), prose (no JSON), rubbish (a web page), wrong_shape (JSON that is not the protocol), half (closes the connection
after half of the body), slow, busy_once (429 with Retry-After, then fine), busy, broken_once (500, then fine), broken, refused
(401), no_schema (400 to json_schema), no_format (400 to every response_format), new_words (400 to max_tokens and temperature),
redirect. A list of modes is used up one request at a time, its last one stays.
"""

from __future__ import annotations

import argparse
import json
import re
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MODELS = ("tiny-writer:latest", "other-writer:latest")
KEY = "sk-test-0123456789abcdef"
FAILING = {"broken": 500, "broken_once": 500, "busy": 429, "busy_once": 429, "refused": 401, "redirect": 307}


class LanguageModelService(ThreadingHTTPServer):
    """The server; `requests` keeps what was asked (path, headers, body), `mode` may be changed while it runs."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, port: int = 0, mode: str | Sequence[str] = "fine", seconds: float = 0.0) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.mode: str | Sequence[str] = mode
        self.seconds = seconds
        self.requests: list[dict[str, Any]] = []
        self._lock = threading.Lock()
        self._used = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def openai_url(self) -> str:
        return f"{self.url}/v1"

    @property
    def completions(self) -> list[dict[str, Any]]:
        """The requests that asked for a text."""
        return [one for one in self.requests if one["path"] in ("/api/chat", "/v1/chat/completions")]

    def note(self, request: dict[str, Any]) -> str:
        """Remember a request; returns the mode that it is answered in."""
        with self._lock:
            self.requests.append(request)
            if isinstance(self.mode, str):
                asked = len([one for one in self.requests if one["path"] == request["path"]])
                return "fine" if self.mode.endswith("_once") and asked > 1 else self.mode
            self._used += 1
            return self.mode[min(self._used, len(self.mode)) - 1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is not worth a traceback."""


class Handler(BaseHTTPRequestHandler):
    server: LanguageModelService
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:  # noqa: N802 (the name that http.server calls)
        mode = self._noted(None)
        if not self._failed(mode):
            answers = {"/api/tags": tags, "/v1/models": model_list, "/api/version": lambda: {"version": "0.12.0"}}
            self._answer(200, answers[self.path]()) if self.path in answers else self._answer(404, {"error": "not found"})

    def do_POST(self) -> None:  # noqa: N802
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        mode = self._noted(body)
        time.sleep(self.server.seconds if mode == "slow" else 0)
        if self._failed(mode):
            return
        native = self.path == "/api/chat"
        if not native and self.path != "/v1/chat/completions":
            self._answer(404, {"error": "not found"})
        elif body["model"] not in MODELS:
            said = f"model '{body['model']}' not found"
            self._answer(404, {"error": said if native else {"message": said, "type": "invalid_request_error", "code": "model_not_found"}})
        elif complaint := refusal(mode, body):
            self._answer(400, {"error": {"message": complaint, "type": "invalid_request_error"}})
        else:
            text = written(body, mode)
            self._answer(200, chat_response(body, text) if native else chat_completion(body, text), half=mode == "half")

    def _noted(self, body: Any) -> str:
        return self.server.note({"path": self.path, "headers": {name.lower(): value for name, value in self.headers.items()}, "body": body})

    def _failed(self, mode: str) -> bool:
        if mode in FAILING:
            said = f"Incorrect API key provided: {self.headers.get('Authorization', 'none')}" if mode == "refused" else f"mode {mode}"
            headers = {"Retry-After": "0.2"} if FAILING[mode] == 429 else {"Location": "http://127.0.0.1:1/"} if mode == "redirect" else {}
            error = {"message": said, "type": mode}
            self._answer(FAILING[mode], {"error": said if self.path.startswith("/api") else error}, headers)
        elif mode == "rubbish":
            self._send(200, b"<html><body>Welcome to the router's settings</body></html>", {"Content-Type": "text/html"})
        elif mode == "wrong_shape":
            self._answer(200, {"message": 7, "choices": "none", "models": 3, "data": 4})
        else:
            return False
        return True

    def _answer(self, status: int, content: Any, headers: Mapping[str, str] | None = None, *, half: bool = False) -> None:
        self._send(status, json.dumps(content).encode(), {"Content-Type": "application/json", **(headers or {})}, half=half)

    def _send(self, status: int, data: bytes, headers: Mapping[str, str], *, half: bool = False) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data[:len(data) // 2] if half else data)
        self.close_connection = self.close_connection or half

    def log_message(self, format: str, *words: Any) -> None:
        """Tests read `requests` instead of a log."""


def refusal(mode: str, body: Mapping[str, Any]) -> str:
    """What a service that does not know a parameter says about it."""
    kind = body.get("response_format", {}).get("type")
    if (mode == "no_schema" and kind == "json_schema") or (mode == "no_format" and kind):
        return f"response_format of type {kind} is not supported"
    if mode == "new_words" and "max_tokens" in body:
        return "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
    if mode == "new_words" and "temperature" in body:
        return "Unsupported value: 'temperature' does not support 0.6 with this model."
    return ""


def written(body: Mapping[str, Any], mode: str) -> str:
    """What the model writes: a question about one sentence of the text, in the mode's manner."""
    prompt = next(one["content"] for one in reversed(body["messages"]) if "<text>" in one["content"] or one is body["messages"][0])
    if mode == "prose" or "<text>" not in prompt:
        return "ready"
    answer = question_about(prompt)
    if mode == "invented":
        answer["evidence"] = "The moon over the harbour is made of green cheese."
    if mode == "schema":
        answer = {"q": answer["question"], "a": answer["answer"]}
    text = json.dumps(answer)
    return f"<think>The text says {{much}}.</think>\nHere it is:\n```json\n{text}\n```" if mode == "fenced" else text


def question_about(prompt: str) -> dict[str, Any]:
    """Question, answer, evidence and phrasings for the sentence that the request's number points at."""
    text = re.search(r"<text>\n(.*)\n</text>", prompt, re.DOTALL).group(1)
    number = re.search(r"question number (\d+)", prompt, re.IGNORECASE)
    sentences = [one for one in re.split(r"(?<=[.!?])\s+|\n+", text) if len(one.split()) >= 4] or [text]
    evidence = sentences[(int(number.group(1)) - 1 if number else 0) % len(sentences)]
    begin, end = " ".join(evidence.split()[:6]), " ".join(evidence.split()[-3:])
    phrasings = [f"{start} '{begin}'?" for start in ("How goes the sentence on that begins", "What follows after the words", "Which words end the line",
                                                     "What do you read at the end of", "How does this line end:", "Complete the line")]
    count = re.search(r"(\d+) further", prompt)
    return {"question": f"What does the text say after '{begin}'?", "answer": end.rstrip("."), "evidence": evidence,
            "phrasings": phrasings[:int(count.group(1)) if count else 4]}


def chat_response(body: Mapping[str, Any], text: str) -> dict[str, Any]:
    """Ollama's answer to POST /api/chat with stream false."""
    return {"model": body["model"], "created_at": "2026-01-05T10:00:00.000000Z", "message": {"role": "assistant", "content": text},
            "done": True, "done_reason": "stop", "total_duration": 5_000_000, "load_duration": 1_000_000, "prompt_eval_count": _tokens(body),
            "prompt_eval_duration": 1_000_000, "eval_count": len(text) // 4, "eval_duration": 3_000_000}


def chat_completion(body: Mapping[str, Any], text: str) -> dict[str, Any]:
    """OpenAI's answer to POST /v1/chat/completions."""
    prompt, written_tokens = _tokens(body), len(text) // 4
    return {"id": "chatcmpl-1", "object": "chat.completion", "created": 1767607200, "model": body["model"],
            "choices": [{"index": 0, "finish_reason": "stop", "logprobs": None,
                         "message": {"role": "assistant", "content": text, "refusal": None}}],
            "usage": {"prompt_tokens": prompt, "completion_tokens": written_tokens, "total_tokens": prompt + written_tokens}}


def tags() -> dict[str, Any]:
    """Ollama's answer to GET /api/tags."""
    details = {"parent_model": "", "format": "gguf", "family": "llama", "families": ["llama"], "parameter_size": "6M", "quantization_level": "Q8_0"}
    return {"models": [{"name": name, "model": name, "modified_at": "2026-01-05T10:00:00Z", "size": 12_000_000, "digest": "ab" * 32,
                        "details": details} for name in MODELS]}


def model_list() -> dict[str, Any]:
    """OpenAI's answer to GET /v1/models."""
    return {"object": "list", "data": [{"id": name, "object": "model", "created": 1767607200, "owned_by": "tests"} for name in MODELS]}


def _tokens(body: Mapping[str, Any]) -> int:
    return sum(len(message["content"]) for message in body["messages"]) // 4


@contextmanager
def language_model_service(mode: str | Sequence[str] = "fine", *, seconds: float = 0.0, port: int = 0) -> Iterator[LanguageModelService]:
    """The service in a thread of its own, gone at the end of the block."""
    service = LanguageModelService(port, mode, seconds)
    thread = threading.Thread(target=service.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield service
    finally:
        service.shutdown()
        service.server_close()
        thread.join()


def main() -> None:
    parser = argparse.ArgumentParser(description="A language model service for tests.")
    parser.add_argument("--port", type=int, default=11435)
    parser.add_argument("--mode", default="fine")
    parser.add_argument("--seconds", type=float, default=0.0)
    given = parser.parse_args()
    service = LanguageModelService(given.port, given.mode, given.seconds)
    print(service.url, flush=True)
    with suppress(KeyboardInterrupt):
        service.serve_forever()


if __name__ == "__main__":
    main()
