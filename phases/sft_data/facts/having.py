"""Sentences with "has": counted parts, and nouns with their value.

In: a clause whose verb is a form of "have". Out: its facts.

    The dwelling house has 9 rooms.    The horn has a range of 6.5 nautical miles.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from phases.sft_data.facts.clauses import Clause, as_sentence, joined
from phases.sft_data.facts.lexicon import NOUNS_OF_ATTRIBUTES, PREPOSITIONS
from phases.sft_data.facts.nouns import noun_asking
from phases.sft_data.facts.record import Asking, FoundFact
from phases.sft_data.facts.values import is_measured, kind_of, read_quantity

NOUN_AND_VALUE = re.compile(r"an? ([a-z][\w -]{2,40}?) of (.+)")


def find_having(clause: Clause) -> Iterator[FoundFact]:
    """The facts of a clause with "has", "have" or "had"."""
    named = NOUN_AND_VALUE.match(clause.rest)
    quantity = read_quantity(clause.rest)
    if named:
        yield from _find_value(clause, named[1], named[2])
    elif quantity and not is_measured(quantity[1]):
        yield from _find_count(clause, *quantity)


def _find_value(clause: Clause, label: str, value: str) -> Iterator[FoundFact]:
    quantity = read_quantity(value)
    value = quantity[0] if quantity and not value[len(quantity[0]):].strip() else value
    clear = quantity is not None or kind_of(value) in {"year", "date", "time", "colour", "number"} or \
        (label.split()[-1] in NOUNS_OF_ATTRIBUTES and len(value.split()) <= 4)
    if clear and len(label.split()) <= 3:
        topic = f"the {label} of {clause.subject}"
        yield from clause.fact(label, value, "noun", noun_asking(topic, "was" if clause.verb == "had" else "is", value, label))


def _find_count(clause: Clause, quantity: str, counted: str) -> Iterator[FoundFact]:
    tail = clause.rest[len(quantity):].strip()
    if tail and (tail.split()[0] not in PREPOSITIONS - {"of"} or len(tail.split()) > 5):
        if not re.fullmatch(r"[A-Z]\w+ [a-z]+s", tail):
            return
        quantity, counted, tail = f"{quantity} {tail}", joined(counted, tail), ""
    auxiliary = "did" if clause.verb == "had" else "do" if clause.verb == "have" else "does"
    yield from clause.fact(f"number of {counted}", quantity, "count", Asking(
        f"how many {counted}", joined(auxiliary, clause.subject, "have", tail), joined(clause.subject, clause.verb, tail),
        as_sentence(clause.subject, clause.verb, quantity, tail), f"the number of {counted} of {clause.subject}"))
