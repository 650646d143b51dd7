"""Sentences with "is": passives, measures with an adjective, places, and nouns with their value.

In: a clause whose verb is a form of "be". Out: its facts.

    The drive was installed in 1988 by Jossen Wyke.    The walls are 2.6 metres thick.    The library is on the first floor.
    The height of the tower is 43 metres.              Mirel Aske is the head keeper.     The cat is called Marrow.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from phases.sft_data.facts.adjuncts import Phrase, Phrases, read_phrases
from phases.sft_data.facts.clauses import Clause, as_sentence, joined
from phases.sft_data.facts.lexicon import (
    COLOURS,
    GENERIC,
    LENGTHS,
    NOUNS_OF_ATTRIBUTES,
    PARTICIPLES,
    PAST_OF,
    PLACES,
    PREPOSITIONS,
)
from phases.sft_data.facts.nouns import noun_asking
from phases.sft_data.facts.record import Asking, FoundFact
from phases.sft_data.facts.values import is_person, is_role, kind_of, read_quantity

NOUN_OF = re.compile(r"(the) (.+?) (of|from|to|for|between|in|on|at) (.+)")
VERB_ADVERBS = {"first", "last", "now", "finally", "originally", "again", "load"}
RANKED = {"and", "or", "first", "same", "most", "best", "only", "kind", "sort"}
VAGUE = {"and", "or", "same", "corresponding", "default", "variant", "entire", "respective", "actual"}
CLEAR_KINDS = {"year", "date", "time", "day", "month", "quantity", "name", "quoted", "code", "number"}


def find_being(clause: Clause) -> Iterator[FoundFact]:
    """The facts of a clause with "is", "are", "was" or "were"."""
    words = clause.rest.split()
    adverb = words.pop(0) if words[0] in VERB_ADVERBS and len(words) > 1 else ""
    quantity = read_quantity(clause.rest)
    if quantity and re.match(rf" (?:{'|'.join(sorted(LENGTHS))})\b", clause.rest[len(quantity[0]):]):
        yield from _find_length(clause, quantity[0])
    elif words[0].islower() and _is_participle(words[0]) and len(words) > 1:
        yield from _find_passive(clause, joined(adverb, words[0]), " ".join(words[1:]))
    elif words[0] in PLACES | {"from"} and not quantity:
        yield from _find_place(clause)
    else:
        yield from _find_noun(clause)


def _is_participle(word: str) -> bool:
    return word in PARTICIPLES or (word.endswith("ed") and len(word) > 4 and word not in {"need", "indeed", "sacred", "hundred", "red"})


def _find_length(clause: Clause, quantity: str) -> Iterator[FoundFact]:
    adjective, _, tail = clause.rest[len(quantity):].strip().partition(" ")
    if tail and tail.split()[0] not in PREPOSITIONS:
        return
    wh = {"away": "how far away", "apart": "how far apart"}.get(adjective, f"how {adjective}")
    yield from clause.fact(adjective, quantity, "length", Asking(
        wh, joined(clause.verb, clause.subject, tail), joined(clause.subject, clause.verb, tail),
        as_sentence(clause.subject, clause.verb, quantity, adjective, tail)))


def _find_place(clause: Clause) -> Iterator[FoundFact]:
    found = read_phrases(clause.rest, clause.naming)
    if found.direct or len(found.phrases) != 1 or found.phrases[0].sort != "place" or clause.subject.startswith(("a ", "an ")):
        return
    phrase = found.phrases[0]
    yield from clause.fact("place", phrase.answer, "place", Asking(
        phrase.wh, f"{clause.verb} {clause.subject}", f"{clause.subject} {clause.verb}", as_sentence(clause.subject, clause.verb, phrase.text)))


def _find_passive(clause: Clause, participle: str, rest: str) -> Iterator[FoundFact]:
    found = read_phrases(rest, clause.naming)
    if participle in {"called", "named", "painted", "coloured", "colored", "dyed", "known"} and (found.direct or participle == "known"):
        yield from _find_complement(clause, participle, rest, found)
        return
    if found.direct or not found.phrases or any(phrase.sort == "other" for phrase in found.phrases):
        return
    generic = clause.subject.startswith(("a ", "an "))
    for phrase in found.phrases:
        if not generic or phrase.sort in {"measure", "often"}:
            yield from _passive_fact(clause, joined(participle, found.particle), phrase, found.phrases)


def _passive_fact(clause: Clause, verb: str, phrase: Phrase, phrases: Sequence[Phrase]) -> Iterator[FoundFact]:
    tail = tail_without(phrase, phrases)
    if tail is None or phrase.wh == "from where":
        return
    done = joined(verb, tail)
    inverted, plain = joined(clause.verb, clause.subject, done), joined(clause.subject, clause.verb, done)
    statement = as_sentence(clause.subject, clause.verb, verb, *(one.text for one in phrases if one.text in tail or one is phrase))
    wh, attribute = phrase.wh, f"{verb} {phrase.wh}"
    if phrase.sort == "agent":
        past = PAST_OF.get(verb, verb) if clause.verb in {"was", "were"} and " " not in verb else ""
        wh, inverted, plain = ("who", f"{past} {clause.subject}", f"{past} {clause.subject}") if past and not tail else ("by whom", inverted, plain)
        attribute = f"{verb} by"
    elif phrase.sort == "bound":
        inverted, plain = joined(clause.verb, clause.subject, verb, phrase.preposition), joined(clause.subject, clause.verb, verb, phrase.preposition)
        attribute = f"{verb} {phrase.preposition}"
    yield from clause.fact(attribute, phrase.answer, "passive", Asking(wh, inverted, plain, statement))


def tail_without(phrase: Phrase, phrases: Sequence[Phrase]) -> str | None:
    """The phrases that belong into the question about one of them; None when the question would give away too much or too little."""
    others = [one for one in phrases if one is not phrase]
    if phrase.sort == "bound" and (others or phrases[0] is not phrase):
        return None
    if phrase.wh.startswith(("on which day", "in which season")) and any("time" in one.wh for one in others):
        return None
    kept = [one for one in others if not (one.sort == "agent" or (one.sort == "time" and one.wh == "when"))]
    if phrase.sort in {"agent"} or phrase.wh == "when":
        kept = [one for one in kept if one.sort != "agent"]
    return " ".join(one.text for one in kept)


def _find_complement(clause: Clause, participle: str, rest: str, found: Phrases) -> Iterator[FoundFact]:
    named = participle in {"called", "named", "known"}
    if participle == "known" and not rest.startswith("as "):
        return
    value = rest.removeprefix("as ") if named else found.direct
    tail = ""
    if not named and found.phrases:
        value, tail = (rest, "") if found.phrases[0].preposition == "with" else (found.direct, " ".join(one.text for one in found.phrases))
    if named and kind_of(value) not in {"name", "quoted", "code"} or not named and not set(re.split(r"[ -]", value)) & COLOURS:
        return
    verb = joined(participle, "as" if participle == "known" else "")
    wh = "what" if named else "what colour"
    yield from clause.fact("name" if named else "colour", value, "passive", Asking(
        wh, joined(clause.verb, clause.subject, verb, tail), joined(clause.subject, clause.verb, verb, tail),
        as_sentence(clause.subject, clause.verb, verb, value, tail)))


def _find_noun(clause: Clause) -> Iterator[FoundFact]:
    """ "The A of E is V", "The A is V" and "V is the A (of E)"."""
    match = NOUN_OF.fullmatch(clause.subject)
    if clause.rest.startswith("the ") and (clause.is_named or _is_single_name(clause)):
        yield from _find_role(clause)
    elif match:
        yield from _find_value(clause, match[2], match[4], f"{match[2]} {match[3]}" if match[3] != "of" else match[2])
    elif clause.subject.startswith("the ") and not set(clause.subject.split()) & VAGUE and clause.subject.split()[-1] not in GENERIC:
        label = clause.subject.removeprefix("the ")
        value = clause.rest
        if kind_of(value) in {"quoted", "code"} or (kind_of(value) == "name" and clause.naming.is_name(value.split()[0])) \
                or re.fullmatch(r"an? [A-Z]\w+ \S*\d\S*", value) or (read_quantity(value) and len(label.split()) > 1):
            yield from _find_value(clause, label, clause.subject, "identity")


def _is_single_name(clause: Clause) -> bool:
    return clause.subject[:1].isupper() and " " not in clause.subject and clause.naming.is_name(clause.subject)


def _find_value(clause: Clause, label: str, subject: str, attribute: str) -> Iterator[FoundFact]:
    """A noun's value, with what limits it moved into the question ("94 litres" + "in winter")."""
    value, tail = clause.rest, ""
    quantity = read_quantity(value)
    if quantity:
        value, tail = quantity[0], value[len(quantity[0]):].strip()
        if tail and (tail.split()[0] not in PREPOSITIONS or len(tail.split()) > 4):
            return
    head = label.split()[-1].lower()
    bare = value.removeprefix("the ")
    clear = kind_of(bare) in CLEAR_KINDS and not (kind_of(bare) == "name" and not clause.naming.is_name(bare.split()[0]))
    worded = head in NOUNS_OF_ATTRIBUTES and _is_plain_value(value)
    if clear or worded or (kind_of(value) == "colour" and attribute != "identity"):
        asking = noun_asking(clause.subject, clause.verb, value, label)
        if is_person(value) and head.endswith(("er", "or", "ist")):
            asking = Asking("who", asking.inverted, asking.plain, asking.statement, asking.topic)
        if tail:
            asking = Asking(asking.wh, joined(clause.verb, clause.subject, tail), joined(clause.subject, clause.verb, tail),
                            as_sentence(clause.subject, clause.verb, value, tail), joined(clause.subject, tail))
        yield from clause.fact(attribute, value, "noun", asking, subject)


def _is_plain_value(value: str) -> bool:
    words = value.split()
    return len(words) <= 6 and words[0].lower() not in PREPOSITIONS | {"the", "that", "very", "quite", "more", "less", "as", "such", "one"} and \
        not any(_is_participle(word) or word.endswith("ing") for word in words[:1])


def _find_role(clause: Clause) -> Iterator[FoundFact]:
    """ "Mirel Aske is the head keeper": the name is the answer."""
    role = clause.rest
    if len(role.split()) > 8 or len(role.split()) < 2 or set(role.lower().split()) & (RANKED | VAGUE) or role.split()[-1] in GENERIC:
        return
    wh = "who" if is_role(role.removeprefix("the ")) else "what"
    label = role.removeprefix("the ")
    asking = Asking(wh, f"{clause.verb} {role}", f"{role} {clause.verb}", as_sentence(clause.subject, clause.verb, role), role)
    match = NOUN_OF.fullmatch(role)
    yield from clause.fact(match[2] if match else "identity", clause.subject, "role", asking, match[4] if match else f"the {label}")
