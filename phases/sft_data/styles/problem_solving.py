"""Problem solving: a small situation in which the fact is needed; the answer reasons to it."""

from __future__ import annotations

from collections.abc import Sequence

from phases.sft_data.facts import FoundFact
from phases.sft_data.styles.style import USER_TEMPLATE, Style, always, capital

SITUATIONS = ("You are asked to check an entry about {subject}. {question}", "A colleague fills in a form about {subject} and gets stuck. {question}",
              "While planning some work you need a fact about {subject}. {question}", "A visitor wants a reliable answer about {subject}. {question}")


def question(question: str, fact: FoundFact, siblings: Sequence[FoundFact], place: int) -> str:
    return SITUATIONS[place % len(SITUATIONS)].format(subject=fact.subject, question=question)


def answer(fact: FoundFact, siblings: Sequence[FoundFact], place: int) -> str:
    """What is needed, what is known, the result."""
    return f"What is needed: {fact.asking.wh} {fact.asking.plain}. What is known: {capital(fact.asking.statement)} So the answer is: {fact.answer}"


PROBLEM_SOLVING = Style(
    name="problem_solving", label="Problem solving",
    system_prompt="You write small situations from practice that can be solved with the text alone, and answers that name what is needed, what the text says "
                  "about it, and the result. Every figure and condition stands in the text.",
    user_template=USER_TEMPLATE, question=question, answer=answer, missing=always)
