"""Conversational: a friendly answer in a full sentence."""

from __future__ import annotations

from collections.abc import Sequence

from phases.sft_data.facts import FoundFact
from phases.sft_data.styles.style import USER_TEMPLATE, Style, always

GREETINGS = ("", "Hi! ", "Hello, a quick one: ", "I was wondering: ", "")
OPENINGS = ("Sure! {}", "Of course: {}", "{} I hope that helps!", "Good question! {}", "Gladly. {}")


def question(question: str, fact: FoundFact, siblings: Sequence[FoundFact], place: int) -> str:
    return f"{GREETINGS[place % len(GREETINGS)]}{question}"


def answer(fact: FoundFact, siblings: Sequence[FoundFact], place: int) -> str:
    return OPENINGS[place % len(OPENINGS)].format(fact.asking.statement)


CONVERSATIONAL = Style(
    name="conversational", label="Conversational",
    system_prompt="You write dialogues between a person who asks in everyday words and a friendly expert who answers in one or two full, warm sentences. "
                  "The answer names what it is about, so that it can be understood alone.",
    user_template=USER_TEMPLATE, question=question, answer=answer, missing=always)
