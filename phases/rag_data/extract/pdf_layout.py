"""Lines of pages -> headings, paragraphs, lists and tables.

In: pages of lines with place and type size, headings with their level. Out: blocks in reading order. Lines belong to one
paragraph unless a gap, an indent, a list mark, another size, or a line that had room for the next word parts them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from phases.rag_data.clean import Cleaning, join_wrapped
from phases.rag_data.clean.lines import UNSPACED_SIGN
from phases.rag_data.extract.document import Block, heading, markdown_table, paragraph
from phases.rag_data.extract.pdf_headings import BULLET, LEADERS, NEAR, NUMBERED, SENTENCE_END, BodyStyle, leads_to_page
from phases.rag_data.extract.pdf_lines import Line, Page, Table

BARE_NUMBER = re.compile(r"\(?\d{1,3}[.)]")
LONGEST_MARK = 5  # letters of such a number
PARAGRAPH_SIGN = re.compile(r"§ ?\d")
GAP = 1.3
MARK_SPACE = 5  # type sizes between a list mark and its item


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
    return 0 < gap <= GAP * style.pitch and (before[-1].mono and group[0].mono or not SENTENCE_END.search(before[-1].text))


def _parts(group: Sequence[Line], items: Sequence[Line | Table], index: int, style: BodyStyle) -> bool:
    """Whether the line at `index` begins a new block after the lines of `group`."""
    last, line = group[-1], items[index]
    gap = last.y - line.y
    if last.level or line.level:
        return last.level != line.level or last.size != line.size or not 0 < gap <= 1.7 * line.size
    if last.mono and line.mono and not style.mono:  # lines of a program
        return True
    if line.is_note or _is_item(line) or leads_to_page(last.text) or leads_to_page(line.text):
        return True
    if PARAGRAPH_SIGN.match(line.text) and SENTENCE_END.search(last.text):
        return True
    if abs(last.size - line.size) > 0.15 * style.size:
        return True
    if gap <= 0 or gap > 10 * style.pitch:  # next page or column
        return bool(SENTENCE_END.search(last.text)) or not (line.text[:1].islower() or UNSPACED_SIGN.match(line.text))
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
    text = items[index].text
    word = text[0] if UNSPACED_SIGN.match(text) else text.split(" ", 1)[0]
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
