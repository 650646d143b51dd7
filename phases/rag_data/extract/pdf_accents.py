"""Letters with the accents that TeX's older fonts (OT1) set above them as signs of their own: "M\u00a8uller" -> "M\u00fcller".

In: the text of a page and what PDFium knows of its letters. Out: the text, as long as before: the letter takes its accent in, and `GONE` stands where
that was. Only an accent that stands over its letter on the page is taken in: the one of "it\u00b4s" stands beside.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Protocol

MARKS = {"\u00a8": "\u0308", "\u00b4": "\u0301", "`": "\u0300", "\u02c6": "\u0302", "\u02dc": "\u0303", "\u02c7": "\u030c", "\u02da": "\u030a",
         "\u00af": "\u0304", "\u02d8": "\u0306", "\u02dd": "\u030b", "\u00b8": "\u0327", "\u02d9": "\u0307", "\u02db": "\u0328"}
ACCENT = re.compile(f"[{''.join(MARKS)}]")
GONE = "\0"
AROUND = 400  # letters of the text: accents of capital letters often come after the whole line
RAISED = 6.0  # points that an accent stands higher above a capital letter than above a small one, in the largest type


class Places(Protocol):
    """What must be known of a letter, by its place in the text."""

    def place_ends(self, place: int) -> tuple[float, float]: ...

    def place_base(self, place: int) -> float: ...


def with_accents(text: str, places: Places) -> tuple[str, dict[str, str]]:
    """The text, and what became of letters with an accent right beside them, {"\u00a8u": "\u00fc"}."""
    letters, pairs = list(text), {}
    for place in [match.start() for match in ACCENT.finditer(text)]:
        base = _under(text, place, places)
        if base is not None:
            letters[base], letters[place] = _composed(text[base], text[place]), GONE
            if abs(base - place) == 1:
                pairs[text[min(base, place):max(base, place) + 1]] = letters[base]
    return "".join(letters), pairs


def _under(text: str, place: int, places: Places) -> int | None:
    """The place of the letter that an accent stands over: beside it in the text, or near by."""
    left, right = places.place_ends(place)
    middle, line = (left + right) / 2, places.place_base(place)
    for one in (place + step for near in range(1, AROUND) for step in (near, -near)):
        if 0 <= one < len(text) and text[one].isalpha() and len(_composed(text[one], text[place])) == 1:
            begin, end = places.place_ends(one)
            if begin <= middle <= end and -1 < line - places.place_base(one) < RAISED:
                return one
    return None


def _composed(letter: str, accent: str) -> str:
    """One sign, where Unicode has one for both."""
    return unicodedata.normalize("NFC", letter.replace("\u0131", "i") + MARKS[accent])
