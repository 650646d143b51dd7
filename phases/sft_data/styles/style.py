"""What a style is: words for a language model, and how the built-in writer dresses a question and its answer.

In: a fact with one of its questions. Out: the question and the answer in the style.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from phases.sft_data.facts import FoundFact

USER_TEMPLATE = """Write a question and its answer from this text of {source}. Use nothing but the text: no name, figure or reason that is not in it.
{text}"""


@dataclass(frozen=True)
class Style:
    """One style.

    `system_prompt` and `user_template` go to a language model; {text}, {source}, {language} and {audience} are filled in. The
    functions serve the built-in writer: `question` and `answer` get the fact, the facts with the same attribute, and the place of
    the phrasing among the fact's; `missing` says why a fact cannot be asked in this style, "" when it can.
    """

    name: str
    label: str
    system_prompt: str
    user_template: str
    question: Callable[[str, FoundFact, Sequence[FoundFact], int], str]
    answer: Callable[[FoundFact, Sequence[FoundFact], int], str]
    missing: Callable[[FoundFact, Sequence[FoundFact]], str]


def plain_question(question: str, fact: FoundFact, siblings: Sequence[FoundFact], place: int) -> str:
    """The question as it is."""
    return question


def always(fact: FoundFact, siblings: Sequence[FoundFact]) -> str:
    """For styles that every fact fits into."""
    return ""


def capital(text: str) -> str:
    return text[:1].upper() + text[1:]
