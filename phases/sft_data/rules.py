"""The built-in question writer as a writer of drafts: the same slots, sets and records as a language model, without one.

In: the frozen facts. Out: a Draft a slot. Facts that were asked about in a style, kept or rejected, are not asked about again: the
rules would write the same words.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from phases.sft_data.check import check_pair
from phases.sft_data.config import WriteConfig
from phases.sft_data.facts import FoundFact
from phases.sft_data.frozen import Inputs
from phases.sft_data.ledger import AskedFact, Draft, Phrasing
from phases.sft_data.question_writer import write_pairs
from phases.shared.writing.slots import Slot, plan_slots


@dataclass
class RuleWriter:
    """Writes drafts by rules. The `index` of a slot is the fact's place among those of its chunk."""

    config: WriteConfig
    inputs: Inputs
    stopping: Callable[[], bool]
    workers: int = 1

    def close(self) -> None:
        """There is nothing to free."""

    def slots(self) -> list[Slot]:
        """A slot for each fact and style that was not asked about before."""
        rounds = {chunk: len(facts) for chunk, facts in self.facts.items()}
        planned = plan_slots(rounds, list(self.inputs.styles), self.config.seed)
        return [slot for slot in planned if self._place(self.facts[slot.chunk][slot.index], slot.style) not in self._asked]

    def draft(self, slot: Slot) -> Draft:
        if self.stopping():
            return Draft(skipped=True)
        fact = self.facts[slot.chunk][slot.index]
        written = write_pairs(fact, slot.style, self._siblings[fact.attribute])
        if written.held_out is None:
            return Draft(failure=written.reason)
        if written.held_out is None:
            return Draft(failure=written.reason)
        chunk = self.inputs.chunks[slot.chunk].content
        train = [self._checked(one.instruction, one.output, fact, chunk) for one in written.train[:self.config.phrasings]]
        held_out = self._checked(written.held_out.instruction, written.held_out.output, fact, chunk)
        asked = AskedFact(fact.document, fact.start, fact.end, fact.subject, fact.attribute, fact.answer)
        return Draft(asked, tuple(train), held_out)

    @cached_property
    def facts(self) -> dict[int, list[FoundFact]]:
        """The facts of each chunk in the order of the text."""
        facts: dict[int, list[FoundFact]] = {}
        for fact in self.inputs.facts:
            facts.setdefault(fact.chunk, []).append(fact)
        return facts

    @cached_property
    def _siblings(self) -> dict[str, list[FoundFact]]:
        siblings: dict[str, list[FoundFact]] = {}
        for fact in self.inputs.facts:
            siblings.setdefault(fact.attribute, []).append(fact)
        return siblings

    @cached_property
    def _asked(self) -> set[tuple[int, int, int, str, str, str]]:
        return {(pair.document, pair.start, pair.end, pair.subject, pair.attribute, pair.style) for pair in self.inputs.asked}

    def _place(self, fact: FoundFact, style: str) -> tuple[int, int, int, str, str, str]:
        return (fact.document, fact.start, fact.end, fact.subject, fact.attribute, style)

    def _checked(self, instruction: str, output: str, fact: FoundFact, chunk: str) -> Phrasing:
        return Phrasing(instruction, output, check_pair(instruction, output, fact.sentence, chunk))
