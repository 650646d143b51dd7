"""Underscores that a PDF draws as short rules, as TeX does outside its typewriter fonts: "error desc" -> "error_desc".

In: the text of a page, what PDFium knows of its letters, and the thin rules drawn on the page. Out: the text, as long as before: an underscore for each
blank between two words under whose gap such a rule lies. The names that hold one can be listed, for those who ask PDFium for the text in a part of the page.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from phases.rag_data.extract.pdf_accents import Places
from phases.rag_data.extract.pdf_letters import Box

GAP = re.compile(r"(?<=\w) (?=\w)")
NAME = re.compile(r"\w+")
SHORTEST, LONGEST = 1.0, 9.0  # of the rule, in points
ROOM = 2.5  # points between the rule and the letters beside it
DEEPEST = 4.0  # points from the base line


def with_underscores(text: str, places: Places, rules: Iterable[Box]) -> str:
    """`rules` are the boxes around the thin ones of the page."""
    rules = [one for one in rules if SHORTEST < one[2] - one[0] < LONGEST]
    if not rules:
        return text
    letters = list(text)
    for place in [match.start() for match in GAP.finditer(text)]:
        left, right, base = places.place_ends(place - 1)[1], places.place_ends(place + 1)[0], places.place_base(place + 1)
        if any(abs(rule[0] - left) < ROOM and abs(right - rule[2]) < ROOM and abs(rule[1] - base) < DEEPEST for rule in rules):
            letters[place] = "_"
    return "".join(letters)


def underscored_names(before: str, after: str) -> list[tuple[int, str, str]]:
    """Where names with such an underscore begin, and each before and after: (12, "error desc", "error_desc")."""
    names = (match.span() for match in NAME.finditer(after)) if before != after else ()
    return [(start, before[start:end], after[start:end]) for start, end in names if before[start:end] != after[start:end]]
