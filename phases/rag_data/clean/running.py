"""Running headers and footers: lines that return at one edge of the pages of a document; and page numbers where too few pages show
what returns.

In: for each page its lines near one edge. Out: which of them are no part of the text. Switch: `drop_repeated_lines`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from phases.rag_data.clean.lines import tidy_line

EDGE_LINES = 3
MIN_PAGES = 3
REPEATED_SHARE = 0.5
SAME_HEIGHT = 3.0
APART = 24.0  # points between a page number and the text: two lines
HEAD_NUMBER = re.compile(r"(\d{1,4})\b(?![.,)]).*[^\W\d_]{3}|.*[^\W\d_]{3}.*?(?<![.,\d])(\d{1,4})", re.DOTALL)  # beside a title
CHAPTER = re.compile(r"(?:kapitel|chapter|chapitre|cap[ií]tulo|capitolo|hoofdstuk|teil|part|abschnitt|section|anhang|appendix) [\divxlc]+\b.*[^\W\d_]{3}", re.IGNORECASE)
PAGE_WORD = r"(?:page|seite|página|pagina|pág\.|pag\.|strona|sida|side|sivu|oldal|страница|стр\.)"
PAGE_NUMBER = re.compile(rf"[-\u2013\u2014|]?\s*(?P<word>{PAGE_WORD})?\s*(?P<number>\d{{1,4}})\s*"
                         r"(?:(?:/|of|von|sur|de|di|av|af|z|из)\s*(?P<total>\d{1,4}))?\s*[-\u2013\u2014|]?", re.IGNORECASE)


@dataclass(frozen=True)
class EdgeLine:
    """A line near the edge of a page, with its height on the page in points."""

    text: str
    height: float


def repeated_lines(edges: Sequence[Sequence[EdgeLine]]) -> set[tuple[int, int]]:
    """Running headers or footers: (page, place in its list) of lines that return at one edge of the pages.

    Two lines are the same when they stand at the same height and differ only in numbers, as "Page 3" and "Page 4" do. They
    count on most pages (or most left, or most right ones), on three pages close to each other (the running head of a
    chapter), as numbers that grow with the pages, bare or beside a title that changes with the chapter, or as the names of chapters
    with those of sections. A line counts only if all those further out do.

    Args:
        edges: for each page its lines near one edge of the paper, the outermost first.
    """
    groups: dict[str, list[tuple[int, int]]] = {}
    for page, lines in enumerate(edges):
        for place, line in enumerate(lines[:EDGE_LINES]):
            text = tidy_line(line.text)
            kind = f"number {int(text) - page}" if re.fullmatch(r"\d{1,6}", text) else _pattern(text)
            groups.setdefault(kind, []).append((page, place))
            if beside := HEAD_NUMBER.fullmatch(text):
                groups.setdefault(f"beside {int(beside[1] or beside[2]) - page}", []).append((page, place))
            if CHAPTER.match(text):
                groups.setdefault("beside a chapter's number", []).append((page, place))
    found: set[tuple[int, int]] = set()
    for kind, spots in groups.items():
        height = median(edges[page][place].height for page, place in spots)
        level = {spot for spot in spots if abs(edges[spot[0]][spot[1]].height - height) <= SAME_HEIGHT}
        found |= level if _is_running(kind, level, len(edges)) else set() if kind.startswith("beside ") else _runs(level)
    return {(page, place) for page, place in found if all((page, outer) in found for outer in range(place))}


def _is_running(kind: str, spots: set[tuple[int, int]], total: int) -> bool:
    """Bare numbers that grow with the pages need not be on most: the first pages of chapters have theirs at the foot."""
    pages = {page for page, _ in spots}
    return len(pages) >= MIN_PAGES if kind.startswith("number ") else _on_most_pages(pages, total)


def page_numbers(edges: Sequence[Sequence[EdgeLine]]) -> set[tuple[int, int]]:
    """Outermost lines that number the pages of a document of one page or two: (page, 0).

    "Page 3" is one by its word, "1 / 2" where it counts right, and a bare number where it stands apart from the text and is the
    page's own or grows from the first page to the second at the same height.

    Args:
        edges: as for `repeated_lines`.
    """
    read = {page: match for page, lines in enumerate(edges) if lines and (match := PAGE_NUMBER.fullmatch(tidy_line(lines[0].text)))}
    numbers = {page: int(match["number"]) for page, match in read.items()}
    in_step = len(read) == 2 and numbers[1] == numbers[0] + 1 and abs(edges[0][0].height - edges[1][0].height) <= SAME_HEIGHT
    found = set()
    for page, match in read.items():
        own = numbers[page] == page + 1
        apart = len(edges[page]) < 2 or abs(edges[page][1].height - edges[page][0].height) >= APART
        if match["total"]:
            is_number = bool(match["word"]) or (own and int(match["total"]) == len(edges))
        else:
            is_number = bool(match["word"]) or (apart and (own or in_step))
        found |= {(page, 0)} if is_number else set()
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
