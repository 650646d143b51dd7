"""What single services do beyond the contract: forms of a request, addresses, contexts, the list of services."""

from __future__ import annotations

import json

import httpx
import pytest

from phases.shared.errors import SettingError
from phases.shared.llm.address import service_url
from phases.shared.llm.failures import LONGEST_QUOTE, Service, status_failure
from phases.shared.llm.ollama import context_size
from phases.shared.llm.openai_compatible import OpenAICompatible
from phases.shared.llm.openrouter import OpenRouter
from phases.shared.llm.provider import CompletionRequest, ServiceError
from phases.shared.llm.retry import Retry
from phases.shared.llm.services import SERVICES, missing_key, open_service
from tests.services.llm_server import KEY, MODELS, chat_completion, language_model_service

REQUEST = CompletionRequest(MODELS[0], [{"role": "user", "content": "Say something."}], {"type": "object"})


@pytest.mark.parametrize(("mode", "requests"), [("no_schema", 2), ("no_format", 3), ("new_words", 3)])
def test_a_plainer_form_is_tried_once_and_remembered(mode: str, requests: int) -> None:
    with language_model_service(mode) as service:
        provider = OpenAICompatible(service.openai_url, KEY, retry=Retry(0))
        provider.complete(REQUEST)
        assert len(service.completions) == requests
        provider.complete(REQUEST)
        assert len(service.completions) == requests + 1
        provider.close()


def test_a_request_that_no_form_mends_keeps_its_form() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        if len(body["messages"][0]["content"]) > 100:
            return httpx.Response(400, json={"error": {"message": "too long for this model"}})
        assert body["response_format"]["type"] == "json_schema"
        return httpx.Response(200, json=chat_completion(body, "{}"))

    provider = OpenAICompatible("http://127.0.0.1:1", transport=httpx.MockTransport(answer), retry=Retry(0))
    with pytest.raises(ServiceError) as caught:
        provider.complete(CompletionRequest(MODELS[0], [{"role": "user", "content": "x" * 101}], {"type": "object"}))
    assert caught.value.code == "provider_request" and "too long for this model" in caught.value.sentence
    assert provider.complete(REQUEST).text == "{}"


def test_openrouter_asks_for_hosts_that_know_every_parameter() -> None:
    bodies = []

    def answer(request: httpx.Request) -> httpx.Response:
        bodies.append(json.loads(request.content))
        if bodies[-1].get("response_format", {}).get("type") == "json_schema":
            return httpx.Response(404, json={"error": {"message": "No endpoints found that can handle the requested parameters."}})
        content = chat_completion(bodies[-1], "{}")
        content["usage"]["cost"] = 0.0003
        return httpx.Response(200, json=content)

    provider = OpenRouter(key=KEY, transport=httpx.MockTransport(answer), retry=Retry(0))
    assert provider.complete(REQUEST).cost == 0.0003
    assert [body["response_format"]["type"] for body in bodies] == ["json_schema", "json_object"]
    assert bodies[0]["provider"] == {"require_parameters": True}


def test_a_failure_inside_of_a_200_is_a_failure() -> None:
    transport = httpx.MockTransport(lambda request: httpx.Response(200, json={"error": {"code": 429, "message": "slow down"}}))
    with pytest.raises(ServiceError) as caught:
        OpenRouter(key=KEY, transport=transport, retry=Retry(0)).complete(REQUEST)
    assert caught.value.code == "provider_busy"


@pytest.mark.parametrize(("typed", "url"), [
    ("localhost", "http://localhost:11434/v1"), ("127.0.0.1:8000/", "http://127.0.0.1:8000/v1"),
    ("https://example.org", "https://example.org/v1"), (" http://[::1]:8000/v1/ ", "http://[::1]:8000/v1"),
    ("https://example.org/api", "https://example.org/api")])
def test_addresses_as_people_type_them(typed: str, url: str) -> None:
    assert service_url(typed, default_port=11434, default_path="/v1") == url


def test_context_holds_prompt_and_answer() -> None:
    def request(letters: int) -> CompletionRequest:
        return CompletionRequest("m", [{"role": "user", "content": "x" * letters}], max_tokens=1000)

    assert context_size(request(300)) == 4096
    assert context_size(request(30_000)) == 16384


def test_retry_after_may_be_a_date() -> None:
    error = status_failure(Service("S", "http://x", "K"), 429, "", "m", "Wed, 21 Oct 2015 07:28:00 GMT")
    assert error.retry_after == 0.0
    assert status_failure(Service("S", "http://x", "K"), 429, "", "m", "soon").retry_after is None


def test_a_key_at_the_edge_of_a_long_complaint_is_not_quoted_in_part() -> None:
    service = Service("S", "http://x", "K", (KEY,))
    assert KEY[:6] not in status_failure(service, 401, "x" * (LONGEST_QUOTE - 8) + KEY, "m").sentence
    assert KEY not in repr(service)


def test_a_pause_of_hours_is_not_waited_for() -> None:
    def ask() -> None:
        error = ServiceError("busy", code="provider_busy")
        error.retry_after = 7200
        raise error

    pauses: list[float] = []
    with pytest.raises(ServiceError):
        Retry(3, wait=pauses.append).call(ask)
    assert pauses == []


def test_pauses_grow() -> None:
    pauses: list[float] = []

    def ask() -> None:
        raise ServiceError("broken", code="provider_broken")

    with pytest.raises(ServiceError):
        Retry(3, pause=1, wait=pauses.append).call(ask)
    assert len(pauses) == 3 and pauses[0] < pauses[1] < pauses[2]


def test_list_of_services() -> None:
    for name in SERVICES:
        open_service(name, "http://127.0.0.1:9", {}).close()
    with pytest.raises(SettingError):
        open_service("clay tablets", "", {})
    assert missing_key("openrouter", "", {}) == "OPENROUTER_API_KEY"
    assert missing_key("openai", "http://127.0.0.1:9", {}) == ""
    assert missing_key("ollama", "", {}) == ""
