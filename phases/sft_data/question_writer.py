"""The built-in question writer: a fact and a style become question-answer pairs, without any model.

In: a fact, the name of a style, and the facts with the same attribute. Out: `WrittenFact`: several training pairs and one that is
held out for evaluation.    python app.py sft-data NAME --provider builtin --style factual
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from phases.sft_data.facts import FoundFact
from phases.sft_data.styles import STYLES
from phases.sft_data.wordings import reserved_question, train_questions


@dataclass(frozen=True)
class WrittenPair:
    """A question and its answer."""

    instruction: str
    output: str


@dataclass(frozen=True)
class WrittenFact:
    """What was written about a fact. Without pairs, `reason` says why."""

    train: tuple[WrittenPair, ...]
    held_out: WrittenPair | None
    reason: str = ""


def write_pairs(fact: FoundFact, style: str, siblings: Sequence[FoundFact]) -> WrittenFact:
    """All training pairs of a fact in a style, the most different ones first, and its held-out pair.

    Args:
        siblings: facts with the same attribute, this one among them or not; multiple choice takes its wrong options there.
    """
    chosen = STYLES[style]
    reason = chosen.missing(fact, siblings)
    if reason:
        return WrittenFact((), None, reason)
    train = tuple(WrittenPair(chosen.question(question, fact, siblings, place), chosen.answer(fact, siblings, place))
                  for place, question in enumerate(train_questions(fact)))
    held_out = WrittenPair(chosen.question(reserved_question(fact), fact, siblings, 0), chosen.answer(fact, siblings, 0))
    return WrittenFact(train, held_out)
