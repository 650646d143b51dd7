"""The service that the other tests ask: its answers are what the official clients expect."""

from __future__ import annotations

import httpx
import ollama
import pytest
from openai import OpenAI
from openai.types import Model
from openai.types.chat import ChatCompletion

from tests.services.llm_server import (
    KEY,
    MODELS,
    LanguageModelService,
    chat_completion,
    chat_response,
    language_model_service,
    model_list,
    tags,
)

MESSAGES = [{"role": "user", "content": "Question number 1, 4 further phrasings.\n<text>\nThe mast is 14 metres high.\n</text>"}]


@pytest.fixture
def service():
    with language_model_service() as running:
        yield running


def test_answers_fit_the_clients_types_strictly() -> None:
    body = {"model": MODELS[0], "messages": MESSAGES}
    ChatCompletion.model_validate(chat_completion(body, "yes"), strict=True)
    for model in model_list()["data"]:
        Model.model_validate(model, strict=True)
    assert ollama.ChatResponse(**chat_response(body, "yes")).message.content == "yes"
    assert {model.model for model in ollama.ListResponse(**tags()).models} == set(MODELS)


def test_official_openai_client_reads_it(service: LanguageModelService) -> None:
    client = OpenAI(base_url=service.openai_url, api_key=KEY, max_retries=0)
    answer = client.chat.completions.create(model=MODELS[0], messages=MESSAGES)
    assert "14 metres high" in answer.choices[0].message.content
    assert {model.id for model in client.models.list()} == set(MODELS)


def test_half_an_answer_is_half_an_answer(service: LanguageModelService) -> None:
    service.mode = "half"
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.post(f"{service.url}/api/chat", json={"model": MODELS[0], "messages": MESSAGES}, trust_env=False)
