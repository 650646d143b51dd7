"""Asking again with the complaint, and results in order."""

from __future__ import annotations

import threading
import time

import pytest

from phases.shared.llm.ollama import Ollama
from phases.shared.llm.provider import CompletionRequest
from phases.shared.llm.retry import Retry
from phases.shared.writing.ask import Unanswered, Written, ask_for_data
from phases.shared.writing.ordered import in_order
from tests.services.llm_server import MODELS, language_model_service

SCHEMA = {"type": "object", "properties": {"question": {"type": "string"}}, "required": ["question"]}
REQUEST = CompletionRequest(MODELS[0], [{"role": "user", "content": "Question number 1.\n<text>\nThe mast is 14 metres high.\n</text>"}], SCHEMA)


def test_the_complaint_is_told_and_everything_is_counted() -> None:
    with language_model_service(["schema", "prose", "fine"]) as service:
        written = ask_for_data(Ollama(service.url, retry=Retry(0)), REQUEST, tries=3)
        last = service.completions[-1]["body"]["messages"]
    assert isinstance(written, Written) and written.data["evidence"] == "The mast is 14 metres high."
    assert [message["role"] for message in last] == ["user", "assistant", "user"]
    assert "no whole JSON object" in last[-1]["content"]
    assert written.spent.prompt_tokens > 2 * len(REQUEST.messages[0]["content"]) // 4


def test_the_last_complaint_is_the_reason() -> None:
    with language_model_service("schema") as service:
        answer = ask_for_data(Ollama(service.url, retry=Retry(0)), REQUEST, tries=2)
        assert len(service.completions) == 2
    assert isinstance(answer, Unanswered) and "'question' is a required property" in answer.reason


def test_own_checks_complain_too() -> None:
    with language_model_service() as service:
        answer = ask_for_data(Ollama(service.url, retry=Retry(0)), REQUEST, 2, check=lambda data: "It is too short.")
        assert "It is too short." in service.completions[-1]["body"]["messages"][-1]["content"]
    assert answer.reason == "It is too short."


def test_results_come_in_order_though_work_does_not() -> None:
    def work(number: int) -> int:
        time.sleep(0.03 if number % 3 == 0 else 0)
        return number * number

    assert list(in_order(iter(range(20)), work, 4, lambda under_way: True)) == [(number, number * number) for number in range(20)]


def test_no_item_is_taken_that_is_not_wanted() -> None:
    taken: list[int] = []
    items = iter(range(100))
    results = [result for _, result in in_order(items, lambda number: taken.append(number) or number, 4,
                                                 lambda under_way: len(taken) + under_way < 6)]
    assert results == list(range(len(results))) and len(taken) <= 7


def test_an_error_comes_out_and_ends_the_threads() -> None:
    def work(number: int) -> int:
        if number == 3:
            raise ValueError("three")
        return number

    before = threading.active_count()
    with pytest.raises(ValueError, match="three"):
        list(in_order(iter(range(50)), work, 3, lambda under_way: True))
    assert threading.active_count() == before
