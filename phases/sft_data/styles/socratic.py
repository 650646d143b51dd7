"""Socratic: the answer leads the learner with a hint and a question of its own, then confirms the fact."""

from __future__ import annotations

from collections.abc import Sequence

from phases.sft_data.facts import FoundFact
from phases.sft_data.facts.values import is_person, kind_of
from phases.sft_data.styles.style import USER_TEMPLATE, Style, always, capital

REQUESTS = ("Help me to find the answer myself. {}", "Guide me with a hint: {}", "Lead me to the answer step by step. {}", "As my tutor, give a hint first. {}")
HINTS = {"quantity": "a figure with its unit", "number": "a figure", "year": "a year", "date": "a date", "time": "a time of day", "day": "a day of the week",
         "month": "a month", "colour": "a colour", "name": "a name", "code": "a code", "quoted": "a title"}


def question(question: str, fact: FoundFact, siblings: Sequence[FoundFact], place: int) -> str:
    return REQUESTS[place % len(REQUESTS)].format(question)


def answer(fact: FoundFact, siblings: Sequence[FoundFact], place: int) -> str:
    """A hint at the kind of the answer, the guiding question, the fact."""
    hint = "a person's name" if is_person(fact.answer) and fact.asking.wh in {"who", "by whom"} else HINTS.get(kind_of(fact.answer), "a short description")
    guiding = f"So {fact.asking.wh} {fact.asking.inverted}?"
    return f"Think of {fact.subject} first. Here is a hint: the answer is {hint}. {guiding} {capital(fact.asking.statement)}"


SOCRATIC = Style(
    name="socratic", label="Socratic",
    system_prompt="You write questions of a learner and answers of a tutor who teaches by asking: the answer first gives a hint from the text, then asks a "
                  "guiding question, and at last confirms the fact itself.",
    user_template=USER_TEMPLATE, question=question, answer=answer, missing=always)
