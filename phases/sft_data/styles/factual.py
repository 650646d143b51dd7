"""Factual: a short, bare answer, exactly as it stands in the document."""

from __future__ import annotations

from collections.abc import Sequence

from phases.sft_data.facts import FoundFact
from phases.sft_data.styles.style import USER_TEMPLATE, Style, always, plain_question


def answer(fact: FoundFact, siblings: Sequence[FoundFact], place: int) -> str:
    return fact.answer


FACTUAL = Style(
    name="factual", label="Factual",
    system_prompt="You write questions about single facts of a text: a name, a figure with its unit, a date, a place, a property. The answer is as "
                  "short as possible, copied from the text, without a full sentence and without a full stop.",
    user_template=USER_TEMPLATE, question=plain_question, answer=answer, missing=always)
