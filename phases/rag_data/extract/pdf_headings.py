"""Which lines of a PDF are headings, and how deep they lie.

In: pages of lines with place and type size, and the file's bookmarks. Out: the pages, each heading line with its level. A line is a heading when it is set
larger than the body, when it is a short bold line on its own, or when the bookmarks name it. A bold line whose explanation stands indented below
it, as each option's does in a manual, is none, nor is one that is set off in the middle of a sentence.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from phases.rag_data.clean import tidy_line
from phases.rag_data.extract.pdf_lines import Line, Page, Table

BULLET = re.compile(r"[\u2022\u2023\u25aa\u25cf\u25cb\u25a0\u25e6\u2043\u2219\u00b7\uf0b7\uf0a7\uf0d8*\u2013-](\s+|$)")
NUMBERED = re.compile(r"(\(?\d{1,3}[.)]|\(?[a-z][.)])\s+\S")
SECTION = re.compile(r"(?:\d{1,2}\.)*\d{1,2}\.?\s+")
OPTION = re.compile(r"-{1,2}\w")
LEADERS = re.compile(r"(\s?\.){4,}\s*(\d+|[ivxlc]+)?$")
WORD = re.compile(r"[^\W\d_]{2}")
FULL_STOP = re.compile(r"[.!?\u2026\u3002][\"'\u201d\u2019\u00bb)\u300d\u300f\uff09]?$")
LARGER = 1.12
SIZE_STEP = 0.75
MOST_SIZES = 4
HEADING_CHARS = 160
BOLD_WORDS = 14
TIGHT = 1.05  # of the body's distance from line to line
INDENT = 1.8  # type sizes; first lines of paragraphs are indented by less
EDGE_SHARE = 0.05  # of the body's letters stand in lines that begin at its left edge, at least
FEWEST_TERMS = 3
NEAR = 8  # lines before and after that show how wide the column is
LINES_BELOW = 4  # of a term, that are looked at
SENTENCE_END = re.compile(r"[.!?:\u2026\u3002\uff01\uff1f\uff1a][\"'\u201d\u2019\u00bb)\u300d\u300f\uff09]?$")


@dataclass(frozen=True)
class BodyStyle:
    """The type size of most text, its distance from line to line in points, whether it is bold, and whether all its signs are equally wide."""

    size: float
    pitch: float
    bold: bool
    mono: bool


def body_style(pages: Sequence[Page]) -> BodyStyle:
    """What most letters of the document look like."""
    lines = [line for page in pages for line in page.items if isinstance(line, Line)]
    sizes, bold, mono = Counter(), 0, 0
    for line in lines:
        sizes[line.size] += len(line.text)
        bold += len(line.text) if line.bold else 0
        mono += len(line.text) if line.mono else 0
    size = max(sizes, key=lambda one: (sizes[one], one)) if sizes else 10.0
    gaps = [one.y - two.y for page in pages for one, two in zip(page.items, page.items[1:], strict=False)
            if isinstance(one, Line) and isinstance(two, Line) and abs(one.size - size) < 0.3 > abs(two.size - size)]
    close = sorted(gap for gap in gaps if 0.9 * size < gap < 2.5 * size)
    pitch = close[len(close) // 4] if close else 1.2 * size  # gaps between paragraphs are the larger ones
    half = sum(sizes.values()) / 2
    return BodyStyle(size, pitch, bold > half, mono > half)


def mark_headings(pages: Sequence[Page], style: BodyStyle, outline: Mapping[str, int]) -> list[Page]:
    """Give heading lines their level: by bookmark, else by the rank of their size, bold lines of about the body's size last."""
    ranks = _ranks({line.size for page in pages for line in page.items if isinstance(line, Line) and _is_large(line, style)})
    bold = _bold_headings(pages, style)
    bold_ranks = _ranks({pages[number].items[index].size for number, index in bold})
    lowest = min(max(ranks.values(), default=0), MOST_SIZES)
    lower = _shift(pages, ranks, style, outline)

    def level(number: int, index: int, is_contents: bool) -> int:
        page, line = pages[number], pages[number].items[index]
        if isinstance(line, Table) or not (line.bold or line.size > style.size):  # as most lines are
            return 0
        if not _can_be_heading(line) or _continues_item(page.items, index) or (is_contents and line.text[-1].isdigit()):
            return 0
        if _is_large(line, style):
            return min(ranks[line.size], MOST_SIZES)
        named = _outline_level(line, outline)
        if named and (line.bold or line.size > style.size):
            return min(named + lower, 6)
        return min(lowest + bold_ranks[line.size], 6) if (number, index) in bold else 0

    def marked(number: int, page: Page) -> Iterator[Line | Table]:
        is_contents = _is_contents(page)
        for index, one in enumerate(page.items):
            depth = level(number, index, is_contents)
            yield replace(one, level=depth) if depth else one

    return [replace(page, items=tuple(marked(number, page))) for number, page in enumerate(pages)]


def _ranks(sizes: Collection[float]) -> dict[float, int]:
    """Each size's rank from 1; sizes that are about the same share one."""
    ranks: dict[float, int] = {}
    for size in sorted(sizes, reverse=True):
        above = min(ranks, default=None)
        ranks[size] = 1 if above is None else ranks[above] + (1 if above - size > SIZE_STEP else 0)
    return ranks


def _bold_headings(pages: Sequence[Page], style: BodyStyle) -> set[tuple[int, int]]:
    """Page and index of the bold lines that are headings, though hardly larger than the body."""
    bold = [(number, index) for number, page in enumerate(pages) for index, one in enumerate(page.items)
            if isinstance(one, Line) and one.bold and not _is_large(one, style)]
    left = _left_edge(pages, style) if len(bold) >= FEWEST_TERMS else 0.0
    terms = {place for place in bold if _is_term(pages[place[0]].items, place[1], style, left)}
    terms = terms if len(terms) >= FEWEST_TERMS else set()
    return {(number, index) for number, index in bold if (number, index) not in terms
            and _stands_bold(pages[number].items, index, style, above_term=(number, index + 1) in terms)}


def _left_edge(pages: Sequence[Page], style: BodyStyle) -> float:
    """Where the body's lines begin. First and last lines of pages may be heads and feet."""
    edges: Counter[int] = Counter()
    for line in (one for page in pages for one in page.items[1:-1] if isinstance(one, Line) and one.size == style.size and not one.bold):
        edges[round(line.x0)] += len(line.text)
    return float(min((edge for edge, count in edges.items() if count >= EDGE_SHARE * edges.total()), default=0))


def _is_term(items: Sequence[Line | Table], index: int, style: BodyStyle, left: float) -> bool:
    """A bold line in the body's column whose explanation stands right below it, all of it indented."""
    line, text = items[index], list(_paragraph_below(items, index, style))
    return (bool(text) and line.x0 > left - 1 and not NUMBERED.match(line.text) and not BULLET.match(text[0].text) and not NUMBERED.match(text[0].text)
            and all(one.x0 > line.x0 + INDENT * style.size for one in text))


def _paragraph_below(items: Sequence[Line | Table], index: int, style: BodyStyle) -> Iterator[Line]:
    """The first lines that follow without a gap."""
    for before, line in pairwise(items[index:index + 1 + LINES_BELOW]):
        if not isinstance(line, Line) or line.bold or not 0 < before.y - line.y <= TIGHT * style.pitch:
            return
        yield line


def _continues_item(items: Sequence[Line | Table], index: int) -> bool:
    """The next line of a list item, in slides set as large as their headings."""
    for line, before in zip(items[index:0:-1], items[index - 1::-1], strict=False):
        alike = isinstance(before, Line) and isinstance(line, Line) and before.size == line.size and before.bold == line.bold
        if not alike or not 0 < before.y - line.y <= 1.5 * line.size or line.x0 < before.x0 - 1:
            return False
        if BULLET.match(before.text):
            return True
    return False


def _outline_level(line: Line, outline: Mapping[str, int]) -> int:
    """What the bookmarks say; many leave out the numbers of sections."""
    words = line.text.casefold()
    return outline.get(words) or outline.get(SECTION.sub("", words), 0)


def _shift(pages: Sequence[Page], ranks: Mapping[float, int], style: BodyStyle, outline: Mapping[str, int]) -> int:
    """How much deeper headings lie by their size than by their bookmarks, as below a title that has none."""
    lines = [line for page in pages for line in page.items if isinstance(line, Line) and line.size in ranks and _is_large(line, style)] if outline else []
    found = Counter(ranks[line.size] - named for line in lines if (named := _outline_level(line, outline)))
    return max(found.most_common(1)[0][0], 0) if found else 0


def _can_be_heading(line: Line | Table) -> bool:
    return (isinstance(line, Line) and len(line.text) <= HEADING_CHARS and not leads_to_page(line.text)
            and sum(map(str.isalpha, line.text)) >= 3 and WORD.search(line.text) is not None and not BULLET.match(line.text) and not OPTION.match(line.text))


def _is_contents(page: Page) -> bool:
    """A page of a table of contents: most lines lead to a page number."""
    return sum(bool(leads_to_page(one.text)) for one in page.items) > 0.3 * len(page.items)


def leads_to_page(text: str) -> re.Match[str] | None:
    """Dots that lead to a page number; nearly all texts are told from those by what stands before their last dot, without a search."""
    last = text.rfind(".")
    return LEADERS.search(text) if "." in text[max(last - 2, 0):max(last, 0)] else None


def _is_large(line: Line, style: BodyStyle) -> bool:
    return line.size >= LARGER * style.size and _can_be_heading(line)


def _stands_bold(items: Sequence[Line | Table], index: int, style: BodyStyle, *, above_term: bool) -> bool:
    """A short bold line that is no sentence, with a gap above, and a table or text that is not as bold and large below."""
    line = items[index]
    after = items[index + 1] if index + 1 < len(items) else None
    before = items[index - 1] if index else None
    if style.bold or len(line.text.split()) > BOLD_WORDS or re.search(r"[.,;:]$", tidy_line(line.text)):
        return False
    if line.size < 0.95 * style.size or after is None or (_goes_on_bold(line, after) and not above_term):
        return False
    if not isinstance(before, Line) or _is_above(before, line):
        return True
    return not 0 < before.y - line.y <= TIGHT * style.pitch and not _is_display(items, index, style)


def _goes_on_bold(line: Line, after: Line | Table) -> bool:
    """The line below seems to be as much of a heading."""
    return isinstance(after, Line) and after.bold and _can_be_heading(after) and after.y != line.y and not _is_above(line, after)


def _is_above(line: Line, below: Line) -> bool:
    """A heading over a smaller one."""
    return line.bold and line.size - below.size > SIZE_STEP


def _is_display(items: Sequence[Line | Table], index: int, style: BodyStyle) -> bool:
    """Set off in the middle of a sentence, as commands are; what stands in the middle of the column may be a heading."""
    before, line, after = items[index - 1:index + 2]
    if not isinstance(after, Line) or before.bold or after.bold or not before.y > line.y > after.y or FULL_STOP.search(before.text):
        return False
    if abs(before.x0 - after.x0) > 1 or line.x0 <= before.x0 + INDENT * style.size:
        return False
    right = max(one.x1 for one in items[max(index - NEAR, 0):index + NEAR] if isinstance(one, Line))
    return abs(line.x0 + line.x1 - before.x0 - right) / 2 > INDENT * style.size
