"""Any service that speaks OpenAI's `/v1/chat/completions`: OpenAI itself, llama.cpp, vLLM, LM Studio, `transformers serve` ...

Services differ in how much of it they know. A request that is answered with 400 is asked again in a plainer form: the schema as
`json_schema`, then only `json_object`, then nothing (the prompt says the shape in words); `max_completion_tokens` for `max_tokens`;
no temperature. What the service understood is remembered for the following requests.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import httpx

from phases.shared.llm.address import is_loopback, refuse_forbidden, service_url
from phases.shared.llm.failures import Service, exception_failure, rubbish, status_failure
from phases.shared.llm.provider import Completion, CompletionRequest, ServiceError
from phases.shared.llm.retry import Retry
from phases.shared.sizes import size

OPENAI_URL = "https://api.openai.com/v1"
FORMATS = ("json_schema", "json_object", "text")
NOT_UNDERSTOOD = (400, 422)
LARGEST_ANSWER = 16 * 1024**2


@dataclass(frozen=True)
class Form:
    """The form of a request: how the answer's shape is asked for, the word for its length, and whether a temperature is given."""

    answer: str = FORMATS[0]
    length_word: str = "max_tokens"
    temperature: bool = True

    def plainer(self, complaint: str, request: CompletionRequest) -> Form | None:
        """The next form to try after a complaint; None when there is nothing left to leave out."""
        complaint = complaint.lower()
        if "max_completion_tokens" in complaint and self.length_word == "max_tokens":
            return replace(self, length_word="max_completion_tokens")
        if "temperature" in complaint and self.temperature:
            return replace(self, temperature=False)
        if request.schema is not None and self.answer != FORMATS[-1]:
            return replace(self, answer=FORMATS[FORMATS.index(self.answer) + 1])
        return None


class OpenAICompatible:
    """One service. `extra` is added to every request's body, `key` is sent as a bearer token."""

    name = "The OpenAI-compatible service"
    key_name = "OPENAI_API_KEY"
    extra: Mapping[str, Any] = {}

    def __init__(self, base_url: str = "", key: str = "", *, timeout: float = 120.0, retry: Retry | None = None,
                 transport: httpx.BaseTransport | None = None) -> None:
        url = service_url(base_url or self.default_url(), default_path="/v1")
        self._service = Service(self.name, url, self.key_name, (key,) if key else ())
        self._timeout, self._retry = timeout, retry or Retry()
        self._form = Form()
        self._client = httpx.Client(
            headers={"Authorization": f"Bearer {key}"} if key else None, timeout=httpx.Timeout(timeout, connect=10.0),
            follow_redirects=False, transport=transport, trust_env=not is_loopback(url),
            event_hooks={"request": [refuse_forbidden]})

    @classmethod
    def default_url(cls) -> str:
        return OPENAI_URL

    def complete(self, request: CompletionRequest) -> Completion:
        return self._retry.call(lambda: self._complete_in_some_form(request))

    def list_models(self) -> list[str]:
        answer = self._retry.call(lambda: self._send("GET", "/models"))
        try:
            return sorted(str(model["id"]) for model in answer["data"])
        except (KeyError, TypeError):
            raise rubbish(self._service, "a list of models of another shape") from None

    def close(self) -> None:
        self._client.close()

    def _complete_in_some_form(self, request: CompletionRequest) -> Completion:
        form: Form | None = self._form
        while form is not None:
            try:
                completion = self._completion(self._send("POST", "/chat/completions", self._body(request, form), request.model))
            except ServiceError as problem:
                refusal = problem
                form = form.plainer(problem.sentence, request) if problem.code == "provider_form" else None
            else:
                self._form = form
                return completion
        refusal.code = "provider_request" if refusal.code == "provider_form" else refusal.code
        raise refusal

    def _body(self, request: CompletionRequest, form: Form) -> dict[str, Any]:
        body: dict[str, Any] = {"model": request.model, "messages": list(request.messages), **self.extra,
                                form.length_word: request.max_tokens}
        if form.temperature:
            body["temperature"] = request.temperature
        if request.schema is not None and form.answer == "json_schema":
            body["response_format"] = {"type": "json_schema",
                                       "json_schema": {"name": "answer", "strict": True, "schema": request.schema}}
        elif request.schema is not None and form.answer == "json_object":
            body["response_format"] = {"type": "json_object"}
        return body

    def _completion(self, answer: Mapping[str, Any]) -> Completion:
        if isinstance(answer.get("error"), dict):  # some services answer 200 and put the failure inside
            raise self._failure_inside(answer["error"])
        try:
            choice, usage = answer["choices"][0], answer.get("usage") or {}
            text = choice["message"]["content"]
            if not isinstance(text, str):
                raise TypeError
            return Completion(text, int(usage.get("prompt_tokens") or 0), int(usage.get("completion_tokens") or 0),
                              cut=choice.get("finish_reason") == "length", cost=float(usage.get("cost") or 0))
        except (KeyError, IndexError, TypeError, ValueError, AttributeError):
            raise rubbish(self._service, "a completion of another shape") from None

    def _failure_inside(self, error: Mapping[str, Any]) -> ServiceError:
        status = error.get("code")
        return status_failure(self._service, status if isinstance(status, int) and status >= 400 else 500,
                              str(error.get("message", "")), "")

    def _send(self, method: str, path: str, body: Any = None, model: str = "") -> dict[str, Any]:
        try:
            with self._client.stream(method, self._service.url + path, json=body) as response:
                content = self._read(response)
            if response.is_success:
                answer = json.loads(content)
                failure = None if isinstance(answer, dict) else rubbish(self._service, "JSON, but no object")
            else:
                failure = self._refusal(response, content, model)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as problem:
            failure = exception_failure(self._service, problem, self._timeout)
        except ValueError:
            failure = rubbish(self._service, "no JSON")
        if failure is not None:
            raise failure  # outside of the handlers: no traceback shows the request
        return answer

    def _read(self, response: httpx.Response) -> bytes:
        content = b""
        for piece in response.iter_bytes():
            content += piece
            if len(content) > LARGEST_ANSWER:
                raise rubbish(self._service, f"more than {size(LARGEST_ANSWER)}")
        return content

    def _refusal(self, response: httpx.Response, content: bytes, model: str) -> ServiceError:
        text = content.decode("utf-8", "replace")
        failure = status_failure(self._service, response.status_code, text, model, response.headers.get("retry-after"))
        if response.status_code in NOT_UNDERSTOOD or self.misses_a_parameter(response.status_code, text):
            failure.code = "provider_form"
        return failure

    def misses_a_parameter(self, status: int, text: str) -> bool:
        """Whether a status other than 400 means that the form of the request is not supported."""
        return False
