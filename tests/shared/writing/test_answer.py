"""What models write around their JSON, and what is said when there is none."""

from __future__ import annotations

import pytest

from phases.shared.writing.answer import AnswerRejected, data_from, json_in

SCHEMA = {"type": "object", "properties": {"answer": {"type": "string"}}, "required": ["answer"], "additionalProperties": False}


@pytest.mark.parametrize("text", [
    '{"answer": "yes"}',
    '  {"answer": "yes"}\n\n',
    '```json\n{"answer": "yes"}\n```',
    '```\n{"answer": "yes"}\n```\nI hope that helps.',
    '<think>Perhaps {"answer": "no"}?</think>{"answer": "yes"}',
    '<think>a</think>\n<think>{"answer": "no"}</think>\n```json\n{"answer": "yes"}\n```',
    'The template opened it. {"answer": "no"}</think>{"answer": "yes"}',
    'Sure {smile}: {"answer": "yes"} as you asked.',
    '<THINKING>{"answer": "no"}</THINKING>Here: {"answer": "yes"}',
])
def test_json_is_found(text: str) -> None:
    assert data_from(text, SCHEMA) == {"answer": "yes"}


@pytest.mark.parametrize("text", ["", "no idea", '{"answer": "ye', '<think>{"answer": "no"}</think>', "```json\n```", "{" * 5000])
def test_no_json(text: str) -> None:
    with pytest.raises(AnswerRejected) as caught:
        json_in(text)
    assert str(caught.value) == "The answer holds no whole JSON object."


@pytest.mark.parametrize("text", ['{"a": "yes"}', '{"answer": 7}', '["answer"]', "7"])
def test_another_shape(text: str) -> None:
    with pytest.raises(AnswerRejected) as caught:
        data_from(text, SCHEMA)
    assert "does not fit the schema" in str(caught.value)


def test_more_keys_do_no_harm() -> None:
    assert data_from('{"answer": "yes", "confidence": 1}', SCHEMA)["answer"] == "yes"
