"""One slot and a model: ask, check the shape of the answer, and say what was wrong when asking again.

In: a provider and a request with a schema. Out: `Written(data, tokens)`, or `Unanswered` with the reason.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from phases.shared.llm.provider import CompletionRequest, Provider
from phases.shared.writing.answer import AnswerRejected, data_from

QUOTED_BACK = 4000


@dataclass(frozen=True)
class Spent:
    """What the service charged for: tokens, and dollars where it says so."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float = 0.0

    def __add__(self, other: Spent) -> Spent:
        return Spent(self.prompt_tokens + other.prompt_tokens, self.completion_tokens + other.completion_tokens, self.cost + other.cost)


@dataclass(frozen=True)
class Written:
    """Data that fits the schema, and what all the tries took."""

    data: Any
    spent: Spent


@dataclass(frozen=True)
class Unanswered:
    """No usable answer after all tries; `reason` is the last complaint."""

    reason: str
    spent: Spent


def ask_for_data(provider: Provider, request: CompletionRequest, tries: int, check: Callable[[Any], str] | None = None) -> Written | Unanswered:
    """Ask until the answer fits the request's schema and `check` has no complaint, `tries` times at most.

    Raises ServiceError when the service fails. `check` returns "" or what is wrong with the data.
    """
    spent, reason, messages = Spent(), "", list(request.messages)
    for _ in range(tries):
        completion = provider.complete(replace(request, messages=messages))
        spent += Spent(completion.prompt_tokens, completion.completion_tokens, completion.cost)
        try:
            data = data_from(completion.text, request.schema or {})
            reason = check(data) if check else ""
        except AnswerRejected as rejection:
            reason = "The answer was cut off: it is longer than the job allows." if completion.cut else str(rejection)
        if not reason:
            return Written(data, spent)
        messages = [*request.messages, {"role": "assistant", "content": completion.text[-QUOTED_BACK:]},
                    {"role": "user", "content": f"That cannot be used. {reason} Answer again, with the corrected JSON object only."}]
    return Unanswered(reason, spent)
