"""Sentences with a full verb: measures, times and places of what a thing does, and its object.

In: a clause whose verb is in the lexicon. Out: its facts.

    The hook weighs 21 kg.    The brake closes at 23 bar.    Sandrel leaves Port Emmer at 07:40.    Mirel Aske repairs clocks.
"""

from __future__ import annotations

from collections.abc import Iterator

from phases.sft_data.facts.adjuncts import Phrase, Phrases, read_phrases
from phases.sft_data.facts.being import tail_without
from phases.sft_data.facts.clauses import Clause, as_sentence, joined
from phases.sft_data.facts.lexicon import MEASURE_VERBS, PAST_VERBS, TRANSITIVE, VERBS
from phases.sft_data.facts.record import Asking, FoundFact
from phases.sft_data.facts.values import is_duration, is_measured, is_role, kind_of, read_quantity

PLACED = {"stand", "hang", "lie", "live", "sleep", "meet", "sit", "come", "rest", "run", "lead", "flow"}
BOUND = {("consist", "of"), ("come", "from"), ("listen", "on"), ("work", "on"), ("run", "on"), ("operate", "on"), ("start", "with"),
         ("begin", "with"), ("end", "with")}
MOST_OBJECT_WORDS = 5


def find_active(clause: Clause) -> Iterator[FoundFact]:
    """The facts of a clause with a full verb."""
    found = read_phrases(clause.rest, clause.naming)
    base = VERBS[clause.verb]
    quantity = read_quantity(found.direct)
    if any(phrase.sort == "other" and (base, phrase.preposition) not in BOUND for phrase in found.phrases):
        return
    if quantity and base in MEASURE_VERBS:
        yield from _find_measure(clause, base, found, *quantity)
        return
    generic = clause.subject.startswith(("a ", "an "))
    if found.direct and base in TRANSITIVE and not generic:
        yield from _find_object(clause, base, found)
    for phrase in found.phrases:
        if not generic or phrase.sort == "measure":
            yield from _find_phrase(clause, base, found, phrase)


def _auxiliary(clause: Clause) -> str:
    return "did" if clause.verb in PAST_VERBS else "does"


def _find_measure(clause: Clause, base: str, found: Phrases, quantity: str, unit: str) -> Iterator[FoundFact]:
    rest = found.direct[len(quantity):].strip()
    what = rest.removeprefix("of ") if rest.startswith("of ") else ""
    if (rest and not what) or (base == "take" and not is_duration(unit)):
        return
    if what:
        wh = f"how much {what}" if is_measured(unit) else f"how many {unit} of {what}"
    elif is_duration(unit):
        wh = "how long"
    else:
        wh = "how much" if is_measured(unit) else f"how many {unit}"
    if base == "run" and not is_duration(unit):
        return
    tail = " ".join(phrase.text for phrase in found.phrases)
    yield from clause.fact(joined(base, what), quantity, "measure", Asking(
        wh, joined(_auxiliary(clause), clause.subject, base, found.particle, tail), joined(clause.subject, clause.verb, found.particle, tail),
        as_sentence(clause.subject, clause.verb, clause.rest)))


def _find_object(clause: Clause, base: str, found: Phrases) -> Iterator[FoundFact]:
    words = found.direct.split()
    whole = " ".join(phrase.text for phrase in found.phrases)
    if len(words) > MOST_OBJECT_WORDS or whole or words[0].lower() in {"it", "them", "him", "her", "this", "that", "its", "their"}:
        return
    if words[0].endswith("ly") or kind_of(found.direct) in {"quantity", "number", "time"} or words[0].endswith("ed"):
        return
    person = is_role(found.direct) or (base in {"teach", "rescue"} and found.direct[0].isupper())
    yield from clause.fact(base, found.direct, "object", Asking(
        "whom" if person else "what", joined(_auxiliary(clause), clause.subject, base), joined(clause.subject, clause.verb),
        as_sentence(clause.subject, clause.verb, found.direct)))


def _find_phrase(clause: Clause, base: str, found: Phrases, phrase: Phrase) -> Iterator[FoundFact]:
    """A time, place or measure of what the subject does."""
    bound = (base, phrase.preposition) in BOUND and phrase.sort not in {"time", "place"}
    tail = tail_without(phrase, found.phrases)
    fits = bound or phrase.sort in {"time", "often", "measure"} or (phrase.sort == "place" and base in PLACED and not found.direct)
    if tail is None or not fits or (phrase.sort == "bound" and not bound) or phrase.sort == "agent":
        return
    if found.direct and kind_of(found.direct) == "quantity":
        return
    wh, answer, end = phrase.wh, phrase.answer, ""
    if bound:
        wh, answer, end = "what", phrase.words, phrase.preposition
    if phrase.wh == "from where":
        wh, end = "where", "from"
    if phrase.sort == "measure" and phrase.wh.startswith("for how"):
        wh = "how long"
    plain = joined(clause.subject, clause.verb, found.particle, found.direct, tail, end)
    inverted = joined(_auxiliary(clause), clause.subject, base, found.particle, found.direct, tail, end)
    yield from clause.fact(joined(base, found.particle, end, wh), answer, "action", Asking(
        wh, inverted, plain, as_sentence(clause.subject, clause.verb, clause.rest)))
