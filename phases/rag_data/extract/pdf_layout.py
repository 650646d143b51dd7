"""Lines of pages -> headings, paragraphs, lists and tables.

In: pages of lines with place and type size. Out: blocks in reading order. A line is a heading when it is set larger than
the body, when it is a short bold line on its own, or when the file's bookmarks name it. Lines belong to one paragraph
unless a gap, an indent, a list mark, another size, or a line that had room for the next word parts them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from phases.rag_data.clean import Cleaning, join_wrapped, tidy_line
from phases.rag_data.extract.document import Block, heading, markdown_table, paragraph
from phases.rag_data.extract.pdf_lines import Line, Page, Table

BULLET = re.compile(r"[\u2022\u2023\u25aa\u25cf\u25cb\u25a0\u25e6\u2043\u2219\u00b7\uf0b7\uf0a7\uf0d8*\u2013-](\s+|$)")
NUMBERED = re.compile(r"(\(?\d{1,3}[.)]|\(?[a-z][.)])\s+\S")
BARE_NUMBER = re.compile(r"\(?\d{1,3}[.)]")
LONGEST_MARK = 5  # letters of such a number
SECTION = re.compile(r"(?:\d{1,2}\.)*\d{1,2}\.?\s+")
PARAGRAPH_SIGN = re.compile(r"§ ?\d")
OPTION = re.compile(r"-{1,2}\w")
LEADERS = re.compile(r"(\s?\.){4,}\s*(\d+|[ivxlc]+)?$")
SENTENCE_END = re.compile(r"[.!?:\u2026][\"'\u201d\u2019\u00bb)]?$")
LARGER = 1.12
SIZE_STEP = 0.75
GAP = 1.3
MOST_SIZES = 4
HEADING_CHARS = 160
BOLD_WORDS = 14
MARK_SPACE = 5  # type sizes between a list mark and its item
NEAR = 8  # lines before and after that show how wide the column is


@dataclass(frozen=True)
class BodyStyle:
    """The type size of most text, its distance from line to line in points, and whether it is bold."""

    size: float
    pitch: float
    bold: bool


def body_style(pages: Sequence[Page]) -> BodyStyle:
    """What most letters of the document look like."""
    lines = [line for page in pages for line in page.items if isinstance(line, Line)]
    sizes, bold = Counter(), 0
    for line in lines:
        sizes[line.size] += len(line.text)
        bold += len(line.text) if line.bold else 0
    size = max(sizes, key=lambda one: (sizes[one], one)) if sizes else 10.0
    gaps = [one.y - two.y for page in pages for one, two in zip(page.items, page.items[1:], strict=False)
            if isinstance(one, Line) and isinstance(two, Line) and abs(one.size - size) < 0.3 > abs(two.size - size)]
    close = sorted(gap for gap in gaps if 0.9 * size < gap < 2.5 * size)
    pitch = close[len(close) // 4] if close else 1.2 * size  # gaps between paragraphs are the larger ones
    return BodyStyle(size, pitch, bold > sum(sizes.values()) / 2)


def mark_headings(pages: Sequence[Page], style: BodyStyle, outline: Mapping[str, int]) -> list[Page]:
    """Give heading lines their level: by bookmark, else by the rank of their size, bold lines of body size last."""
    large = sorted({line.size for page in pages for line in page.items
                    if isinstance(line, Line) and _is_large(line, style)}, reverse=True)
    ranks: dict[float, int] = {}
    for size in large:
        above = min(ranks, default=None)
        ranks[size] = 1 if above is None else ranks[above] + (1 if above - size > SIZE_STEP else 0)
    lowest = min(max(ranks.values(), default=0), MOST_SIZES)
    lower = _shift(pages, ranks, style, outline)

    def level(page: Page, index: int, is_contents: bool) -> int:
        line = page.items[index]
        if isinstance(line, Table) or not (line.bold or line.size > style.size):  # as most lines are
            return 0
        if not _can_be_heading(line) or _continues_item(page.items, index) or (is_contents and line.text[-1].isdigit()):
            return 0
        if _is_large(line, style):
            return min(ranks[line.size], MOST_SIZES)
        named = _outline_level(line, outline)
        if named and (line.bold or line.size > style.size):
            return min(named + lower, 6)
        return lowest + 1 if _stands_bold(page.items, index, style) else 0

    def marked(page: Page) -> Iterator[Line | Table]:
        is_contents = _is_contents(page)
        for index, one in enumerate(page.items):
            depth = level(page, index, is_contents)
            yield replace(one, level=depth) if depth else one

    return [replace(page, items=tuple(marked(page))) for page in pages]


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


def blocks_of(pages: Sequence[Page], style: BodyStyle, cleaning: Cleaning) -> Iterator[Block]:
    """The blocks of all pages; a paragraph or table may run on over a page's end."""
    groups: list[tuple[int, list[Line] | Table]] = []
    for number, page in enumerate(pages, start=1):
        items = _bullets_joined(page.items)
        for index, item in enumerate(items):
            before = groups[-1][1] if groups else None
            if isinstance(item, Table):
                if isinstance(before, Table) and before.edges == item.edges:
                    groups[-1] = (groups[-1][0], _continued(before, item))
                else:
                    groups.append((number, item))
            elif isinstance(before, list) and not _parts(before, items, index, style):
                before.append(item)
            else:
                groups.append((number, [item]))
    for (_, before), (number, group) in zip([(0, None), *groups], groups, strict=False):
        yield _block(before, group, number, style, cleaning)


def _block(before: list[Line] | Table | None, group: list[Line] | Table, page: int, style: BodyStyle,
           cleaning: Cleaning) -> Block:
    if isinstance(group, Table):
        return Block(markdown_table(group.rows), page)
    texts = [line.text for line in group]
    if group[0].level:
        return Block(heading(group[0].level, join_wrapped(texts)), page)
    text = cleaning.join(texts) if cleaning.join_lines else "\n".join(texts)
    if leads_to_page(text):
        text = LEADERS.sub(lambda match: f" ... {match[2]}" if match[2] else " ...", text)
    return Block(BULLET.sub("- ", text, count=1) if BULLET.match(text) else paragraph(text), page, _is_tight(before, group, style))


def _is_tight(before: list[Line] | Table | None, group: list[Line], style: BodyStyle) -> bool:
    """Items of a list, and lines that were ended on purpose without a gap, follow each other without a blank line."""
    if not isinstance(before, list) or before[0].level or group[0].level:
        return False
    if leads_to_page(before[-1].text) and leads_to_page(group[-1].text):
        return True
    if _is_item(group[0]) or _is_item(before[0]):
        return _is_item(group[0]) and _is_item(before[0])
    gap = before[-1].y - group[0].y
    return 0 < gap <= GAP * style.pitch and not SENTENCE_END.search(before[-1].text)


def _parts(group: Sequence[Line], items: Sequence[Line | Table], index: int, style: BodyStyle) -> bool:
    """Whether the line at `index` begins a new block after the lines of `group`."""
    last, line = group[-1], items[index]
    gap = last.y - line.y
    if last.level or line.level:
        return last.level != line.level or last.size != line.size or not 0 < gap <= 1.7 * line.size
    if _is_item(line) or leads_to_page(last.text) or leads_to_page(line.text):
        return True
    if PARAGRAPH_SIGN.match(line.text) and SENTENCE_END.search(last.text):
        return True
    if abs(last.size - line.size) > 0.15 * style.size:
        return True
    if gap <= 0 or gap > 10 * style.pitch:  # next page or column
        return bool(SENTENCE_END.search(last.text)) or not line.text[:1].islower()
    if gap > GAP * style.pitch * max(line.size / style.size, 1):
        return True
    step = line.x0 - last.x0
    if len(group) > 1 and step > 0.8 * line.size or step < -0.8 * line.size and len(group) > 1:
        return True
    if len(group) == 1 and step > 0.8 * line.size and not _is_item(last):
        return True
    return _had_room(last, items, index)


def _had_room(last: Line, items: Sequence[Line | Table], index: int) -> bool:
    """The first word of the line at `index` would have fitted: the line before was ended on purpose."""
    letter = (last.x1 - last.x0) / max(len(last.text), 1)
    word = items[index].text.split(" ", 1)[0]
    return not last.text.endswith("-") and _reaches(items, index, last.x1 + letter * (len(word) + 1) + 1.5 * last.size)


def _reaches(items: Sequence[Line | Table], index: int, right: float) -> bool:
    """Whether the column that a line stands in goes on beyond `right`, shown by the lines around it."""
    here = items[index]
    return here.x1 > right or any(isinstance(one, Line) and one.x1 > right and not one.level and abs(one.x0 - here.x0) < 40
                                  and one.size > 0.85 * here.size  # not of page numbers, which are smaller
                                  for one in items[max(0, index - NEAR):index + NEAR + 1])


def _bullets_joined(items: Sequence[Line | Table]) -> list[Line | Table]:
    """A list mark that the file sets on a line of its own, before its item or after all of them, put before its item."""
    joined = list(items)
    for mark in [one for one in items if len(one.text) <= LONGEST_MARK and isinstance(one, Line) and _is_mark(one.text)]:
        beside = [index for index, one in enumerate(joined) if isinstance(one, Line) and one is not mark
                  and abs(one.y - mark.y) < 0.5 * one.size and 0 < one.x0 - mark.x0 < MARK_SPACE * one.size]
        if beside:
            index = min(beside, key=lambda index: joined[index].x0)
            joined[index] = replace(joined[index], text=f"{mark.text} {joined[index].text}", x0=mark.x0)
            joined = [one for one in joined if one is not mark]
    return joined


def _is_mark(text: str) -> bool:
    return bool(BULLET.fullmatch(text) or BARE_NUMBER.fullmatch(text))


def _continued(table: Table, more: Table) -> Table:
    """A table that runs on over a page's end; a repeated head is left out."""
    rows = more.rows[1:] if more.rows[0] == table.rows[0] else more.rows
    return replace(table, rows=(*table.rows, *rows))


def _is_item(line: Line) -> bool:
    return bool(BULLET.match(line.text) or NUMBERED.match(line.text))


def _can_be_heading(line: Line | Table) -> bool:
    return (isinstance(line, Line) and len(line.text) <= HEADING_CHARS and not leads_to_page(line.text)
            and sum(map(str.isalpha, line.text)) >= 3 and not BULLET.match(line.text) and not OPTION.match(line.text))


def _is_contents(page: Page) -> bool:
    """A page of a table of contents: most lines lead to a page number."""
    return sum(bool(leads_to_page(one.text)) for one in page.items) > 0.3 * len(page.items)


def leads_to_page(text: str) -> re.Match[str] | None:
    """Dots that lead to a page number; nearly all texts are told from those by what stands before their last dot, without a search."""
    last = text.rfind(".")
    return LEADERS.search(text) if "." in text[max(last - 2, 0):max(last, 0)] else None


def _is_large(line: Line, style: BodyStyle) -> bool:
    return line.size >= LARGER * style.size and _can_be_heading(line)


def _stands_bold(items: Sequence[Line | Table], index: int, style: BodyStyle) -> bool:
    """A short bold line that is no sentence, with a gap above, and a table or text that is not bold below."""
    line = items[index]
    after = items[index + 1] if index + 1 < len(items) else None
    before = items[index - 1] if index else None
    after_is_bold = isinstance(after, Line) and after.bold and _can_be_heading(after)
    if not line.bold or style.bold or len(line.text.split()) > BOLD_WORDS or re.search(r"[.,;:]$", tidy_line(line.text)):
        return False
    if line.size < 0.95 * style.size or after is None or (after_is_bold and after.y != line.y):
        return False
    return not isinstance(before, Line) or not 0 < before.y - line.y <= 1.05 * style.pitch
