"""Ollama through its official client and native API.

The native API and not `/v1`: `/v1` ignores `num_ctx`, and the default context depends on the graphics memory, so that long
prompts would be cut without a word. `format` is sometimes ignored silently: callers check every answer.
"""

from __future__ import annotations

import json
import math
import os
import threading
from collections.abc import Callable
from typing import TypeVar

import httpx
import ollama

from phases.shared.llm.address import is_loopback, refuse_forbidden, service_url
from phases.shared.llm.failures import Service, exception_failure, rubbish, status_failure
from phases.shared.llm.provider import Completion, CompletionRequest
from phases.shared.llm.retry import Retry

DEFAULT_URL = "http://127.0.0.1:11434"
DEFAULT_PORT = 11434
KEEP_LOADED = "15m"
SMALLEST_CONTEXT, LETTERS_PER_TOKEN = 4096, 3
Result = TypeVar("Result")


class Ollama:
    """One Ollama service. `key` is needed for ollama.com only."""

    name = "Ollama"

    def __init__(self, base_url: str = "", key: str = "", *, timeout: float = 120.0, retry: Retry | None = None,
                 transport: httpx.BaseTransport | None = None) -> None:
        url = service_url(base_url or os.environ.get("OLLAMA_HOST") or DEFAULT_URL, default_port=DEFAULT_PORT)
        self._service = Service(self.name, url, "OLLAMA_API_KEY", (key,) if key else (),
                                start="Start it with: ollama serve.", pull="ollama pull")
        self._timeout, self._retry = timeout, retry or Retry()
        self._last = threading.local()  # the client's errors carry no headers; Retry-After is one
        self._client = ollama.Client(
            url, headers={"Authorization": f"Bearer {key}"} if key else None, timeout=httpx.Timeout(timeout, connect=10.0),
            follow_redirects=False, transport=transport, trust_env=not is_loopback(url),
            event_hooks={"request": [refuse_forbidden], "response": [self._remember_headers]})

    def complete(self, request: CompletionRequest) -> Completion:
        answer = self._ask(lambda: self._client.chat(
            model=request.model, messages=list(request.messages), format=request.schema, keep_alive=KEEP_LOADED,
            options={"num_ctx": context_size(request), "temperature": request.temperature, "num_predict": request.max_tokens}),
            request.model)
        return Completion(answer.message.content or "", answer.prompt_eval_count or 0, answer.eval_count or 0,
                          cut=answer.done_reason == "length")

    def list_models(self) -> list[str]:
        return sorted(model.model for model in self._ask(self._client.list).models if model.model)

    def close(self) -> None:
        self._client.close()

    def _ask(self, call: Callable[[], Result], model: str = "") -> Result:
        return self._retry.call(lambda: self._once(call, model))

    def _once(self, call: Callable[[], Result], model: str) -> Result:
        try:
            return call()
        except ollama.ResponseError as problem:
            failure = status_failure(self._service, problem.status_code, str(problem.error), model,
                                     getattr(self._last, "retry_after", None))
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as problem:
            failure = exception_failure(self._service, problem, self._timeout)
        except (json.JSONDecodeError, ValueError, TypeError, AttributeError) as problem:
            failure = rubbish(self._service, type(problem).__name__)  # not JSON, or JSON of another shape
        raise failure  # outside of the handlers: no traceback shows the request

    def _remember_headers(self, response: httpx.Response) -> None:
        self._last.retry_after = response.headers.get("retry-after")


def context_size(request: CompletionRequest) -> int:
    """A context that holds prompt and answer, in tokens: a power of two, so that Ollama seldom loads the model anew."""
    letters = sum(len(message["content"]) for message in request.messages) + len(json.dumps(request.schema or ""))
    needed = letters // LETTERS_PER_TOKEN + request.max_tokens
    return max(SMALLEST_CONTEXT, 2 ** math.ceil(math.log2(needed)))
