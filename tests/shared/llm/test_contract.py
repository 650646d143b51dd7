"""One contract for all services: what works, and what is said when it does not. Over real sockets."""

from __future__ import annotations

import json
import logging
import socket
import traceback
from collections.abc import Callable

import httpx
import pytest

from phases.shared.llm import provider as contract
from phases.shared.llm.ollama import Ollama
from phases.shared.llm.openai_compatible import OpenAICompatible
from phases.shared.llm.openrouter import OpenRouter
from phases.shared.llm.provider import CompletionRequest, Provider, ServiceError
from phases.shared.llm.retry import Retry
from tests.services.llm_server import KEY, MODELS, LanguageModelService, language_model_service

KINDS = {"ollama": Ollama, "openai": OpenAICompatible, "openrouter": OpenRouter}
SCHEMA = {"type": "object", "properties": {"question": {"type": "string"}}, "required": ["question"]}
PROMPT = "This is question number 1; add 4 further phrasings.\n<text>\nThe fog horn sounds every 95 seconds.\n</text>"
REQUEST = CompletionRequest(MODELS[0], [{"role": "user", "content": PROMPT}], SCHEMA, max_tokens=300)
Open = Callable[..., Provider]


@pytest.fixture
def service():
    with language_model_service() as running:
        yield running


@pytest.fixture(params=KINDS)
def open_provider(request: pytest.FixtureRequest, service: LanguageModelService):
    """Opens the service under test, by default against the running server and without pauses."""
    opened: list[Provider] = []

    def open_it(url: str = "", key: str = KEY, **settings) -> Provider:
        url = url or (service.url if request.param == "ollama" else service.openai_url)
        opened.append(KINDS[request.param](url, key, **{"retry": Retry(2, pause=0.01), "timeout": 5, **settings}))
        return opened[-1]

    yield open_it
    for one in opened:
        one.close()


def failure_of(provider: Provider) -> ServiceError:
    with pytest.raises(ServiceError) as caught:
        provider.complete(REQUEST)
    return caught.value


def test_completes_with_schema_and_counts_tokens(open_provider: Open, service: LanguageModelService) -> None:
    completion = open_provider().complete(REQUEST)
    assert json.loads(completion.text)["evidence"] == "The fog horn sounds every 95 seconds."
    assert completion.prompt_tokens > 0 and completion.completion_tokens > 0 and not completion.cut
    sent = service.completions[0]["body"]
    schema = sent.get("format") or sent["response_format"]["json_schema"]["schema"]
    assert schema == SCHEMA
    assert service.completions[0]["headers"]["authorization"] == f"Bearer {KEY}"


def test_lists_models_and_says_that_it_answers(open_provider: Open) -> None:
    assert open_provider().list_models() == sorted(MODELS)
    assert "2 models" in contract.try_service(open_provider())
    assert MODELS[0] in contract.try_service(open_provider(), MODELS[0])


def test_no_key_sends_no_key(open_provider: Open, service: LanguageModelService) -> None:
    open_provider(key="").complete(REQUEST)
    assert "authorization" not in service.completions[0]["headers"]


def test_down(open_provider: Open) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        error = failure_of(open_provider(f"http://127.0.0.1:{closed.getsockname()[1]}"))
    assert error.code == "provider_down" and error.passing
    assert "cannot be reached at http://127.0.0.1" in error.sentence and error.advice


@pytest.mark.parametrize(("mode", "code", "tries"), [
    ("refused", "provider_refused", 1), ("redirect", "provider_redirect", 1), ("broken", "provider_broken", 3),
    ("busy", "provider_busy", 3), ("half", "provider_cut", 3), ("rubbish", "provider_rubbish", 3), ("wrong_shape", "provider_rubbish", 3)])
def test_failures_have_a_kind_a_sentence_and_a_number_of_tries(open_provider: Open, service: LanguageModelService, mode: str,
                                                               code: str, tries: int) -> None:
    service.mode = mode
    provider = open_provider()
    error = failure_of(provider)
    assert (error.code, len(service.completions)) == (code, tries)
    assert provider.name in error.sentence and error.advice.endswith(".")


@pytest.mark.parametrize("mode", ["busy_once", "broken_once"])
def test_what_passes_is_asked_again(open_provider: Open, service: LanguageModelService, mode: str) -> None:
    service.mode = mode
    assert open_provider().complete(REQUEST).text
    assert len(service.completions) == 2


def test_retry_after_is_obeyed(open_provider: Open, service: LanguageModelService) -> None:
    service.mode = "busy_once"
    pauses: list[float] = []
    open_provider(retry=Retry(2, pause=50, wait=pauses.append)).complete(REQUEST)
    assert pauses == [0.2]


def test_slow(open_provider: Open, service: LanguageModelService) -> None:
    service.mode, service.seconds = "slow", 1.0
    error = failure_of(open_provider(timeout=0.2, retry=Retry(0)))
    assert error.code == "provider_timeout" and "0.2 seconds" in error.sentence


def test_unknown_model(open_provider: Open) -> None:
    provider = open_provider()
    with pytest.raises(ServiceError) as caught:
        provider.complete(CompletionRequest("no-such-model", REQUEST.messages))
    assert "has no model 'no-such-model'" in caught.value.sentence and caught.value.sentence.endswith("not found.")
    assert ("ollama pull no-such-model" in caught.value.advice) == isinstance(provider, Ollama)


def test_key_shows_nowhere(open_provider: Open, service: LanguageModelService, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    service.mode = "refused"  # the service repeats the key in its complaint
    provider = open_provider()
    error = failure_of(provider)
    shown = "".join(traceback.TracebackException.from_exception(error, capture_locals=False).format())
    assert "[key]" in error.sentence
    for text in (str(error), json.dumps(error.as_record()), shown, repr(provider), repr(vars(provider)), caplog.text):
        assert KEY not in text


@pytest.mark.parametrize("url", ["http://169.254.169.254/latest", "http://[fe80::1]:8000/v1", "http://[::ffff:169.254.169.254]/v1",
                                 "http://2852039166/v1", "http://[64:ff9b::a9fe:a9fe]/v1"])
def test_forbidden_addresses_are_never_asked(open_provider: Open, url: str) -> None:
    def reached(request: httpx.Request) -> httpx.Response:
        raise AssertionError(f"asked {request.url}")

    error = failure_of(open_provider(url, transport=httpx.MockTransport(reached)))
    assert error.code == "provider_address"


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/", "http://", "http://user:secret@127.0.0.1:1", "http://127.0.0.1:notaport"])
def test_addresses_that_are_none(open_provider: Open, url: str) -> None:
    with pytest.raises(ServiceError) as caught:
        open_provider(url)
    assert caught.value.code == "provider_address" and caught.value.advice


def test_transport_can_be_given(open_provider: Open) -> None:
    unusable = httpx.MockTransport(lambda request: httpx.Response(503, text="closed for today"))
    assert "closed for today" in failure_of(open_provider(transport=unusable)).sentence
