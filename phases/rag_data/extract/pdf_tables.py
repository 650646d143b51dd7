"""Ruled tables of a PDF page, put in the place of their lines.

In: a page, its letters and its lines. Out: a `Page` in which the lines of each table are replaced by the table, every cell once. The lines that
are left are cut at their wide gaps.
A table whose cells do not hold the very letters of the lines that they would replace is left as lines.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pypdfium2
from pypdfium2 import raw

from phases.rag_data.extract.pdf_formulas import joined
from phases.rag_data.extract.pdf_letters import Box, Letters
from phases.rag_data.extract.pdf_lines import Line, Page, Table, plain, with_cells
from phases.rag_data.extract.pdf_rules import ruled_tables

DIFFERING_SHARE = 0.02
FILLED_SHARE = 0.4
FEWEST_CELLS = 4


def page_with_tables(page: pypdfium2.PdfPage, letters: Letters, lines: list[Line], paths: Sequence[pypdfium2.PdfObject]) -> Page:
    """The page's lines, with its tables in place of theirs. `paths` are what is drawn on it."""
    picture = not lines and next(page.get_objects(filter=[raw.FPDF_PAGEOBJ_IMAGE], max_depth=3), None) is not None
    items: list[Line | Table] = list(lines)
    for boxes in ruled_tables(paths) if lines else ():
        items = _replaced(items, boxes, letters)
    return Page(tuple(with_cells(joined(items, letters.text), letters)), page.get_height(), picture)


def _replaced(items: list[Line | Table], boxes: Sequence[Sequence[Box | None]], letters: Letters) -> list[Line | Table]:
    cells = [cell for row in boxes for cell in row if cell]
    left, bottom = min(cell[0] for cell in cells), min(cell[1] for cell in cells)
    right, top = max(cell[2] for cell in cells), max(cell[3] for cell in cells)
    inside = [index for index, one in enumerate(items) if isinstance(one, Line)
              and left - 1 <= one.x0 <= right and bottom <= one.y + one.size / 3 <= top]
    rows = _cell_texts(boxes, letters) if inside else []
    if not _is_table(rows) or _differ(rows, [items[index].text for index in inside]):
        return items
    table = Table(tuple(tuple(row) for row in rows), tuple(sorted({round(cell[0]) for cell in cells})))
    taken = set(inside[1:])
    return [table if index == inside[0] else one for index, one in enumerate(items) if index not in taken]


def _cell_texts(boxes: Sequence[Sequence[Box | None]], letters: Letters) -> list[list[str]]:
    return [[plain(_between(letters, cell)) if cell else "" for cell in row] for row in boxes]


def _between(letters: Letters, cell: Box) -> str:
    """A cell's text in one line; a word that was parted at a line's end is joined, as in paragraphs."""
    return letters.within(cell).replace("\ufffe\r\n", "-").replace("\ufffe", "-")


def _differ(rows: Sequence[Sequence[str]], lines: Sequence[str]) -> bool:
    wanted = Counter("".join(lines).replace(" ", ""))
    held = Counter("".join(cell for row in rows for cell in row).replace(" ", ""))
    differing = sum((wanted - held).values()) + sum((held - wanted).values())
    return differing > DIFFERING_SHARE * sum(wanted.values())


def _is_table(rows: Sequence[Sequence[str]]) -> bool:
    """At least two rows and two columns with something in them; a frame around text is none."""
    width = max(map(len, rows), default=0)
    columns = sum(any(index < len(row) and row[index] for row in rows) for index in range(width))
    filled = sum(bool(cell) for row in rows for cell in row)
    enough = filled >= max(FEWEST_CELLS, FILLED_SHARE * sum(map(len, rows)))
    return sum(map(any, rows)) >= 2 and columns >= 2 and enough
