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
PAIR = re.compile(r"(and|or|und|oder|bis|to)\b")
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
        parted = HYPHEN_END.search(joined) and line and not PAIR.match(line)
        if joined.endswith("\u00ad") or (hyphens and parted and line[0].islower()):
            joined = joined[:-1] + line
        elif parted and line[0].isalnum():
            joined += line
        else:
            joined = f"{joined} {line}".strip()
    return joined


def repeated_lines(pages: Sequence[Sequence[str]]) -> set[tuple[int, int]]:
    """Running headers and footers: (page, line) of lines that return at the edge of the pages.

    Two lines are the same when they differ only in numbers, so "Page 3" and "Page 4" are. A line counts when it stands
    among the EDGE_LINES outermost of most pages (or most left, or most right ones), when it is the very first or last of
    three pages close to each other (the running head of a chapter), or when it is a bare number that grows with the pages.
    Nothing is found below MIN_PAGES pages.
    """
    if len(pages) < MIN_PAGES:
        return set()
    edge: dict[str, set[tuple[int, int]]] = {}
    outermost: dict[str, set[tuple[int, int]]] = {}
    for page, lines in enumerate(pages):
        for index, line in enumerate(lines):
            inner = min(index, len(lines) - 1 - index)
            if not line or inner >= EDGE_LINES:
                continue
            edge.setdefault(_pattern(line), set()).add((page, index))
            if inner == 0:
                kind = f"number {int(line) - page}" if re.fullmatch(r"\d{1,6}", line) else _pattern(line)
                outermost.setdefault(kind, set()).add((page, index))
    found: set[tuple[int, int]] = set()
    for spots in edge.values():
        found |= spots if _on_most_pages({page for page, _ in spots}, len(pages)) else set()
    for kind, spots in outermost.items():
        found |= spots if kind.startswith("number ") and len(spots) >= MIN_PAGES else _runs(spots)
    return found


def _on_most_pages(pages: set[int], total: int) -> bool:
    parities = Counter(page % 2 for page in pages)
    one_side = len(parities) == 1 and len(pages) >= 0.7 * (total / 2)
    return len(pages) >= MIN_PAGES and (len(pages) > REPEATED_SHARE * total or one_side)


def _runs(spots: set[tuple[int, int]]) -> set[tuple[int, int]]:
    """Those of at least MIN_PAGES pages of which each is at most two after the one before."""
    kept, run = set(), []
    for spot in [*sorted(spots), (1 << 40, 0)]:
        if run and spot[0] - run[-1][0] > 2:
            kept |= set(run) if len({page for page, _ in run}) >= MIN_PAGES else set()
            run = []
        run.append(spot)
    return kept


def _pattern(line: str) -> str:
    """A line without what changes from page to page."""
    return re.sub(r"\d+|\b[ivxlc]{1,6}\b", "#", tidy_line(line).lower())
