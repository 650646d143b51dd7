"""Facts of sentences: each is read as one clause and given to the rules for its verb.

In: one sentence. Out: the facts that it states.
"""

from __future__ import annotations

from collections.abc import Iterator

from phases.sft_data.facts.active import find_active
from phases.sft_data.facts.being import find_being
from phases.sft_data.facts.blocks import Block
from phases.sft_data.facts.clauses import read_clause
from phases.sft_data.facts.having import find_having
from phases.sft_data.facts.lexicon import BE
from phases.sft_data.facts.naming import Naming
from phases.sft_data.facts.record import FoundFact


def find_in_sentence(document: int, sentence: Block, naming: Naming) -> Iterator[FoundFact]:
    """The facts of one sentence; none for a sentence that the grammar cannot read."""
    clause = read_clause(document, sentence, naming)
    if clause is None:
        return
    if clause.verb in BE:
        yield from find_being(clause)
    elif clause.verb in {"has", "have", "had"}:
        yield from find_having(clause)
    else:
        yield from find_active(clause)
