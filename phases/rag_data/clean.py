"""Cleaning steps: pure functions from text to text, each behind its own switch of `IngestConfig`.

In: text as a parser gave it. Out: text for the knowledge base. Nothing here knows of files.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

BLANKS = re.compile(r"[ \t\f\v\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]+")
INVISIBLE = re.compile(r"[\u00ad\u200b\u2060\ufeff]")
CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]")
LINE_ENDS = re.compile(r"\r\n?|[\u2028\u2029\x85]")
HYPHEN_END = re.compile(r"(\w)[-\u2010\u00ad]$")
PAIR = re.compile(r"(and|or|und|oder|bis|to)\b")
EDGE_LINES = 3
MIN_PAGES = 3
REPEATED_SHARE = 0.5
SAME_HEIGHT = 3.0


@dataclass(frozen=True)
class EdgeLine:
    """A line near the edge of a page, with its height on the page in points."""

    text: str
    height: float


@dataclass(frozen=True)
class Cleaning:
    """The switches; the fields have the names of `IngestConfig`.

    template: how records read; "" makes sections of fields. labels: what their fields are called, by the name of the
    `metadata/schema.json` that says so. head: read only so many records, and as JSON: for a preview.
    """

    normalise_space: bool = True
    join_lines: bool = True
    join_hyphenation: bool = True
    drop_repeated_lines: bool = True
    template: str = ""
    labels: Mapping[str, Mapping[str, Mapping[str, str]]] = field(default_factory=dict)
    head: int = 0


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


def repeated_lines(edges: Sequence[Sequence[EdgeLine]]) -> set[tuple[int, int]]:
    """Running headers or footers: (page, place in its list) of lines that return at one edge of the pages.

    Two lines are the same when they stand at the same height and differ only in numbers, as "Page 3" and "Page 4" do. They
    count on most pages (or most left, or most right ones), on three pages close to each other (the running head of a
    chapter), or as bare numbers that grow with the pages. A line counts only if all those further out do.

    Args:
        edges: for each page its lines near one edge of the paper, the outermost first.
    """
    groups: dict[str, list[tuple[int, int]]] = {}
    for page, lines in enumerate(edges):
        for place, line in enumerate(lines[:EDGE_LINES]):
            text = tidy_line(line.text)
            kind = f"number {int(text) - page}" if re.fullmatch(r"\d{1,6}", text) else _pattern(text)
            groups.setdefault(kind, []).append((page, place))
    found: set[tuple[int, int]] = set()
    for spots in groups.values():
        height = median(edges[page][place].height for page, place in spots)
        level = {spot for spot in spots if abs(edges[spot[0]][spot[1]].height - height) <= SAME_HEIGHT}
        found |= level if _on_most_pages({page for page, _ in level}, len(edges)) else _runs(level)
    return {(page, place) for page, place in found if all((page, outer) in found for outer in range(place))}


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
