"""Multiple choice: four options, the wrong ones from facts with the same attribute; the answer is "B) 23 bar"."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from phases.sft_data.facts import FoundFact
from phases.sft_data.facts.values import kind_of
from phases.sft_data.styles.style import USER_TEMPLATE, Style

LETTERS = "ABCD"
REQUESTS = ("{}", "{} Choose one.", "Pick the right option. {}", "{} Answer with the letter and the option.")


def question(question: str, fact: FoundFact, siblings: Sequence[FoundFact], place: int) -> str:
    options = "\n".join(f"{letter}) {option}" for letter, option in zip(LETTERS, options_of(fact, siblings, place), strict=True))
    return f"{REQUESTS[place % len(REQUESTS)].format(question)}\n{options}"


def answer(fact: FoundFact, siblings: Sequence[FoundFact], place: int) -> str:
    return f"{LETTERS[options_of(fact, siblings, place).index(fact.answer)]}) {fact.answer}"


def missing(fact: FoundFact, siblings: Sequence[FoundFact]) -> str:
    found = len(_wrong_options(fact, siblings))
    return "" if found >= len(LETTERS) - 1 else "There are fewer than three wrong options of the same kind in the documents."


def options_of(fact: FoundFact, siblings: Sequence[FoundFact], place: int) -> list[str]:
    """Four options in an order that depends on the fact and the phrasing, so that no letter is right more often."""
    wrong = sorted(_wrong_options(fact, siblings), key=lambda option: _order(fact, option))
    return sorted([fact.answer, *wrong[:len(LETTERS) - 1]], key=lambda option: _order(fact, f"{place}{option}"))


def _wrong_options(fact: FoundFact, siblings: Sequence[FoundFact]) -> list[str]:
    kind = kind_of(fact.answer)
    other = [one.answer for one in siblings if one.attribute == fact.attribute and one.answer.casefold() != fact.answer.casefold()]
    alike = [answer for answer in other if kind_of(answer) == kind]
    return list(dict.fromkeys(alike if len(set(alike)) >= len(LETTERS) - 1 else other))


def _order(fact: FoundFact, text: str) -> str:
    return hashlib.sha256("\n".join((*fact.key, text)).encode("utf-8")).hexdigest()


MULTIPLE_CHOICE = Style(
    name="multiple_choice", label="Multiple choice",
    system_prompt="You write multiple choice questions with four options, A) to D), one of them right; the wrong ones are of the same kind and not true by the "
                  "text. The options stand under the question, a line each. The answer is the letter and the option, for example: B) 23 bar",
    user_template=USER_TEMPLATE, question=question, answer=answer, missing=missing)
