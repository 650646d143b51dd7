"""Cleaning steps: pure functions from text to text, each behind its own switch of `IngestConfig`.

In: text as a parser gave it. Out: text for the knowledge base. Nothing here knows of files.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

BLANKS = re.compile(r"[ \t\f\v\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]+")
INVISIBLE = re.compile(r"[\u00ad\u200b\u2060\ufeff]")
CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]")
LINE_ENDS = re.compile(r"\r\n?|[\u2028\u2029\x85]")
HYPHEN_END = re.compile(r"(\w)[-\u2010\u00ad]$")
EDGE_LINES = 3
MIN_PAGES = 3
REPEATED_SHARE = 0.5


@dataclass(frozen=True)
class Cleaning:
    """The switches; the fields have the names of `IngestConfig`."""

    normalise_space: bool = True
    join_lines: bool = True
    join_hyphenation: bool = True
    drop_repeated_lines: bool = True


def safe_text(text: str) -> str:
    """One kind of line end, composed letters, no control characters. Not a choice: offsets and search rely on it."""
    return CONTROLS.sub("", LINE_ENDS.sub("\n", unicodedata.normalize("NFC", text).replace("\f", "\n")))


def tidy_line(text: str) -> str:
    """A line with single blanks inside, none outside, and nothing invisible."""
    return BLANKS.sub(" ", INVISIBLE.sub("", text)).strip()


def tidy_blank_lines(text: str) -> str:
    """No blanks at line ends and at most one empty line in a row."""
    return re.sub(r"\n{3,}", "\n\n", re.sub(r"[ \t]+\n", "\n", text)).strip()


def join_wrapped(lines: Sequence[str], *, hyphens: bool = True) -> str:
    """One line of the lines of a paragraph.

    With `hyphens`, "light-" + "house" becomes "lighthouse". A hyphen stays before a capital letter or digit and in a
    pair such as "on- and offshore".
    """
    joined = ""
    for line in (one.strip() for one in lines):
        if not joined:
            joined = line
        elif hyphens and HYPHEN_END.search(joined) and line[:1].islower() and not re.match(r"(and|or|und|oder)\b", line):
            joined = joined[:-1] + line
        elif joined.endswith("\u00ad"):
            joined = joined[:-1] + line
        elif HYPHEN_END.search(joined) and line[:1].isalnum() and not re.match(r"(and|or|und|oder)\b", line):
            joined += line
        else:
            joined = f"{joined} {line}" if line else joined
    return joined


def repeated_lines(pages: Sequence[Sequence[str]]) -> set[tuple[int, int]]:
    """Running headers and footers: (page, line) of lines that stand at the edge of most pages.

    Two lines are the same when they differ only in digits, so "Page 3" and "Page 4" are. Pages are lists of lines in
    reading order; only the outermost EDGE_LINES of each page are looked at, and nothing is found below MIN_PAGES pages.
    Left and right pages may have headers of their own: a line counts from half the pages of its parity on.
    """
    if len(pages) < MIN_PAGES:
        return set()
    places: dict[str, set[tuple[int, int]]] = {}
    for number, lines in enumerate(pages):
        edge = {*range(min(EDGE_LINES, len(lines))), *range(max(0, len(lines) - EDGE_LINES), len(lines))}
        for index in edge:
            if lines[index]:
                places.setdefault(_pattern(lines[index]), set()).add((number, index))
    found: set[tuple[int, int]] = set()
    for spots in places.values():
        if _on_most_pages({page for page, _ in spots}, len(pages)):
            found |= spots
    return found


def _on_most_pages(pages: set[int], total: int) -> bool:
    if len(pages) < MIN_PAGES:
        return False
    parities = Counter(page % 2 for page in pages)
    one_side = len(parities) == 1 and len(pages) >= 1.4 * REPEATED_SHARE * (total / 2)
    return len(pages) > REPEATED_SHARE * total or one_side


def _pattern(line: str) -> str:
    """A line without what changes from page to page."""
    return re.sub(r"\d+|\b[ivxlc]{1,6}\b", "#", tidy_line(line).lower())
