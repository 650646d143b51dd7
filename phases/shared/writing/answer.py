"""From what a model wrote to checked data: <think> blocks and code fences off, JSON out, its shape checked.

In: a completion's text and a JSON schema. Out: the data, or AnswerRejected with a complaint that the model can act on.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import jsonschema

THINKING = re.compile(r"<(think|thinking|reasoning)>.*?</\1>", re.DOTALL | re.IGNORECASE)
OPEN_THINKING = re.compile(r"^.*</(think|thinking|reasoning)>", re.DOTALL | re.IGNORECASE)  # the template wrote the opening tag
FENCE = re.compile(r"```[\w-]*\s*\n(.*?)```", re.DOTALL)


class AnswerRejected(Exception):
    """An answer that cannot be used. The message is a sentence that says why, for the model and for a person."""


def data_from(text: str, schema: Mapping[str, Any]) -> Any:
    """The JSON value in an answer, checked against the schema. Raises AnswerRejected. More keys than asked for do no harm."""
    data = json_in(text)
    tolerant = {key: value for key, value in schema.items() if key != "additionalProperties"}
    problems = sorted(jsonschema.Draft202012Validator(tolerant).iter_errors(data), key=lambda problem: list(map(str, problem.path)))
    if problems:
        place = "/".join(map(str, problems[0].path))
        raise AnswerRejected(f"The JSON does not fit the schema: {place + ': ' if place else ''}{_shortened(problems[0].message)}.")
    return data


def json_in(text: str) -> Any:
    """The first JSON object in the text that is whole; thinking is never searched."""
    text = OPEN_THINKING.sub("", THINKING.sub("", text)).strip()
    for candidate in (text, *FENCE.findall(text)):
        try:
            return json.loads(candidate)
        except ValueError:
            continue
    decoder = json.JSONDecoder(strict=False)
    for place in re.finditer(r"\{", text):
        try:
            return decoder.raw_decode(text, place.start())[0]
        except (ValueError, RecursionError):
            continue
    raise AnswerRejected("The answer holds no whole JSON object.")


def _shortened(message: str) -> str:
    return message if len(message) <= 200 else message[:200] + " ..."
