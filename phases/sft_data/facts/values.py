"""What kind of thing a short value is: a year, a date, a time, a quantity, a name, a colour.

In: the value as it stands in the document. Out: its kind, and the wh-word that asks for it.
"""

from __future__ import annotations

import re

from phases.sft_data.facts.lexicon import (
    CLAUSES,
    COLOURS,
    LENGTHS,
    MODALS,
    MONTHS,
    NUMBER_WORDS,
    PERSON_ROLES,
    PREPOSITIONS,
    SHAPE_WORDS,
    TIME_UNITS,
    UNITS,
    WEEKDAYS,
)

YEAR = re.compile(r"(?:1[0-9]|20)\d\d")
DATE = re.compile(rf"\d{{1,2}}(?:st|nd|rd|th)? (?:{MONTHS})(?:,? \d{{4}})?|(?:{MONTHS}) \d{{1,2}}(?:st|nd|rd|th)?(?:, \d{{4}})?|"
                  rf"(?:early |late |mid-)?(?:{MONTHS}) \d{{4}}|\d{{4}}-\d\d-\d\d")
TIME = re.compile(r"\d{1,2}[:.]\d\d(?: ?[ap]\.?m\.?| hours| o'clock)?|\d{1,2} ?(?:[ap]\.?m\.?|o'clock)|noon|midnight|sunrise|sunset", re.IGNORECASE)
DAY = re.compile(rf"(?:{WEEKDAYS})s?(?: and (?:{WEEKDAYS})s?)?")
MONTH = re.compile(rf"(?:{MONTHS})(?: and (?:{MONTHS}))?")
NUMBER = re.compile(rf"(?:about |around |some |up to |at least |at most )?(?:[€$£] ?)?(?:[-+−]?\d+(?:[.,]\d+)*|(?:{NUMBER_WORDS})\b)"
                    r"(?:(?: to |–|-)\d+(?:[.,]\d+)*)?", re.IGNORECASE)
NAME_WORD = r"(?:[A-ZÄÖÜÉ][\w'’.-]*|\d+|de|da|van|von|di|la|le|of|and|&)"
NAME = re.compile(rf"[A-ZÄÖÜÉ][\w'’.-]*(?: {NAME_WORD})*")
QUOTED = re.compile(r"[\"“„'‘][^\"”“]{2,60}[\"”“'’]")
CODE = re.compile(r"(?=\S*\d)(?=\S*[A-Za-z])[\w./+-]{2,20}")
LONGEST_ANSWER = 60
MOST_WORDS = 8


def read_quantity(text: str) -> tuple[str, str] | None:
    """The quantity that a text begins with ("27 litres"), and its unit or counted thing ("litres"); None for other texts."""
    number = NUMBER.match(text)
    if not number or re.match(r"[:/]\d|\w", text[number.end():]):
        return _glued_quantity(text)
    unit, end = [], number.end()
    for word in re.finditer(r"\S+", text[number.end():]):
        bare = word[0].rstrip(".,;:)")
        lower = bare.lower()
        known = lower in UNITS or lower in SHAPE_WORDS or lower == "per" or bare.startswith("°")
        if not bare or (not known and (lower in PREPOSITIONS | CLAUSES | MODALS | LENGTHS or not bare.isalpha() or bare[0].isupper())):
            break
        unit.append(bare)
        end = number.end() + word.start() + len(bare)
        after_per = len(unit) > 1 and unit[-2].lower() == "per"
        follows_per = re.match(r" (per|hours\b)", text[end:])
        if bare != word[0] or len(unit) >= 4 or after_per or (lower in UNITS and not follows_per):
            break
    if not unit or unit[-1].lower() in {"per", "more", "less", "other", "different", "of"}:
        return None
    return text[:end], " ".join(unit)


def _glued_quantity(text: str) -> tuple[str, str] | None:
    glued = re.match(r"([-+−]?\d+(?:[.,]\d+)*)(%|°C|°F|[a-zA-Z]{1,3})\b|([-+−]?\d+(?:[.,]\d+)*)(%)", text)
    if not glued or (glued[2] or glued[4]).lower() not in UNITS:
        return None
    return glued[0], glued[2] or glued[4]


def is_measured(unit: str) -> bool:
    """Whether a unit measures ("litres") rather than counts ("rooms")."""
    return unit.split()[-1].lower() in UNITS or " per " in f" {unit} "


def is_duration(unit: str) -> bool:
    return unit.split()[-1].lower() in TIME_UNITS and " per " not in f" {unit} "


def kind_of(value: str) -> str:
    """One of: year, date, time, day, month, quantity, number, colour, quoted, name, code, words."""
    tests = (("year", YEAR), ("date", DATE), ("time", TIME), ("day", DAY), ("month", MONTH), ("number", NUMBER))
    for kind, pattern in tests:
        if pattern.fullmatch(value):
            return kind
    quantity = read_quantity(value)
    if quantity and quantity[0] == value:
        return "quantity"
    if set(value.lower().replace("-", " ").split()) & COLOURS and value.islower() and len(value.split()) <= 4:
        return "colour"
    if QUOTED.fullmatch(value):
        return "quoted"
    if NAME.fullmatch(value):
        return "name"
    return "code" if CODE.fullmatch(value) else "words"


def is_person(value: str) -> bool:
    """Whether a value looks like a person's name: two or three capitalised words without figures."""
    words = value.split()
    return 2 <= len(words) <= 4 and kind_of(value) == "name" and value.replace(" ", "").replace(".", "").isalpha() and "and" not in words


def is_role(noun: str) -> bool:
    """Whether a noun phrase is headed by a person's role ("the second keeper")."""
    words = noun.lower().split(" of ")[0].split()
    return bool(words) and words[-1] in PERSON_ROLES


def asks_for(attribute: str, value: str) -> str:
    """The wh-word for a value under a noun: "who" for persons and makers, else "what"."""
    return "who" if is_role(attribute) and kind_of(value) == "name" else "what"


def is_short(value: str) -> bool:
    """Whether a value can be a short answer."""
    return 0 < len(value) <= LONGEST_ANSWER and len(value.split()) <= MOST_WORDS
