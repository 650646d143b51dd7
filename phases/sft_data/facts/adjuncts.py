"""What follows a verb: an object and phrases of time, place, agent, means or measure.

In: the words after the verb. Out: `Phrases`: the object, and every phrase with its sort and the question word that asks for it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from phases.sft_data.facts.lexicon import COLOURS, MONTHS, PARTICLES, PLACES, PREPOSITIONS
from phases.sft_data.facts.naming import Naming
from phases.sft_data.facts.values import DATE, DAY, MONTH, TIME, YEAR, is_measured, is_role, read_quantity

QUANTITY_NOUNS = {"bar": "pressure", "mbar": "pressure", "°c": "temperature", "°f": "temperature", "degrees": "temperature", "hertz": "frequency",
                  "kilohertz": "frequency", "megahertz": "frequency", "hz": "frequency", "khz": "frequency", "mhz": "frequency",
                  "knots": "speed", "volts": "voltage"}


@dataclass(frozen=True)
class Phrase:
    """A phrase: its preposition, the words after it, and its sort.

    `sort`: "time", "agent", "often", "measure", "bound" (asked with the preposition at the end), "place" or "other".
    `wh` asks for it; `answer` is the short answer.
    """

    preposition: str
    words: str
    sort: str = "other"
    wh: str = ""
    answer: str = ""

    @property
    def text(self) -> str:
        return f"{self.preposition} {self.words}"


@dataclass(frozen=True)
class Phrases:
    """An object (perhaps empty), a particle ("up"), and the phrases in their order."""

    direct: str
    particle: str
    phrases: tuple[Phrase, ...]


def read_phrases(rest: str, naming: Naming) -> Phrases:
    """Cut the words after a verb into object and phrases."""
    words, particle = rest.split(), ""
    if words and words[0] in PARTICLES and (len(words) == 1 or words[1] in PREPOSITIONS):
        particle = words.pop(0)
    direct: list[str] = []
    parts: list[list[str]] = []
    for word in words:
        starts = word.lower() in PREPOSITIONS and word not in {"of", "than", "per"} and not (word == "to" and _inside_span(parts, direct))
        if starts or (word == "of" and not parts and not direct):
            parts.append([word])
        elif parts:
            parts[-1].append(word)
        else:
            direct.append(word)
    phrases = [Phrase(part[0], " ".join(part[1:])) for part in _with_nested_places(parts)]
    return Phrases(" ".join(direct), particle, tuple(_sorted(phrase, naming) for phrase in phrases))


def _inside_span(parts: list[list[str]], direct: list[str]) -> bool:
    before = parts[-1] if parts else direct
    return bool(before) and bool(re.fullmatch(r"\d[\d.,:]*", before[-1]))


def _with_nested_places(parts: list[list[str]]) -> list[list[str]]:
    """A place inside a place is one phrase ("in a pipe at the west landing")."""
    merged: list[list[str]] = []
    for part in parts:
        last = merged[-1] if merged else []
        plain = last and not _is_time(" ".join(last[1:])) and not read_quantity(" ".join(last[1:]))
        if plain and last[0] in PLACES | {"from", "with", "by"} and part[0] in PLACES - {"to"} and not _is_time(" ".join(part[1:])) \
                and not read_quantity(" ".join(part[1:])):
            last.extend(part)
        else:
            merged.append(list(part))
    return merged


def _sorted(phrase: Phrase, naming: Naming) -> Phrase:
    preposition, words = phrase.preposition, phrase.words
    if not words:
        return phrase
    for sort in (_as_time, _as_often, _as_measure, _as_agent, _as_bound, _as_place):
        found = sort(preposition, words, naming)
        if found:
            return Phrase(preposition, words, *found)
    return phrase


def _is_time(words: str) -> bool:
    return any(pattern.fullmatch(words) for pattern in (YEAR, DATE, TIME, DAY, MONTH)) or words in {"spring", "summer", "autumn", "winter"}


def _as_time(preposition: str, words: str, _: Naming) -> tuple[str, str, str] | None:
    words = re.sub(r"^the year ", "", words)
    if preposition in {"in", "on", "since", "around"} and (YEAR.fullmatch(words) or DATE.fullmatch(words)):
        return "time", "since when" if preposition == "since" else "when", words
    if preposition in {"at", "before", "until", "after", "by"} and TIME.fullmatch(words):
        return "time", f"{preposition} what time", words
    if preposition == "on" and DAY.fullmatch(words):
        return "time", "on which day" if " and " not in words else "on which days", words
    if preposition == "in" and MONTH.fullmatch(words):
        return "time", "in which month" if " and " not in words else "in which months", words
    if preposition == "in" and words in {"spring", "summer", "autumn", "winter"}:
        return "time", "in which season", words
    return None


def _as_often(preposition: str, words: str, _: Naming) -> tuple[str, str, str] | None:
    often = re.fullmatch(rf"(?:(?:\d+|two|three|four|five|six|other) )?(?:second|minute|hour|day|week|month|year|morning|evening|night|"
                         rf"spring|summer|autumn|winter|{MONTHS}|\w+day)s?", words)
    return ("often", "how often", f"{preposition} {words}") if preposition in {"every", "each"} and often else None


def _as_measure(preposition: str, words: str, _: Naming) -> tuple[str, str, str] | None:
    quantity = read_quantity(words)
    if not quantity or quantity[0] != words or preposition not in {"at", "for", "to", "after", "within", "with", "before"}:
        return None
    unit = quantity[1].lower()
    if preposition == "for" and is_measured(unit):
        return "measure", "for how long", words
    if preposition == "at" and unit.split()[-1] in QUANTITY_NOUNS:
        return "measure", f"at what {QUANTITY_NOUNS[unit.split()[-1]]}", words
    return "measure", f"{preposition} how many {quantity[1]}", words


def _as_agent(preposition: str, words: str, naming: Naming) -> tuple[str, str, str] | None:
    if preposition != "by" or words.split()[0].endswith("ing"):
        return None
    named = words[:1].isupper() and all(word[:1].isupper() or word in {"and", "of", "the", "de", "van", "von", "&"} for word in words.split())
    if named and naming.is_name(words.split()[0]):
        return "agent", "who", words
    if words.startswith(("the ", "a ")) and (is_role(words) or re.match(r"the (?:yard|firm|company|house|family|workshop) of [A-Z]", words)):
        return "agent", "who", words
    return None


def _as_bound(preposition: str, words: str, _: Naming) -> tuple[str, str, str] | None:
    vague = {"more", "less", "most", "no", "its", "their", "his", "her", "this", "that", "these", "those", "each", "care", "respect"}
    if preposition not in {"with", "of"} or len(words.split()) > 6 or words.split()[0].endswith("ing") or words.split()[0].lower() in vague:
        return None
    return "bound", "what", words


def _as_place(preposition: str, words: str, naming: Naming) -> tuple[str, str, str] | None:
    first = words.split()[0]
    capital = first[:1].isupper() and naming.is_name(first)
    if preposition == "from" and (capital or (first in {"the", "a"} and re.search(r"\b(?:in|at|of) [A-Z]", words))):
        return "place", "from where", words
    if preposition not in PLACES or len(words.split()) > 8 or first.lower().endswith("ing") or set(words.lower().split()) & (COLOURS | {"same"}):
        return None
    if preposition == "to" and not re.search(r"north|south|east|west|[A-Z]", words):
        return None
    if capital or (first in {"the", "a", "an"} and len(words.split()) > 1):
        return "place", "where", f"{preposition} {words}"
    return None
