"""Ruled tables of a PDF page.

In: a page and its lines. Out: a `Page` in which the lines of each table are replaced by the table, every cell once.
pdfplumber finds the cells by the lines around them; PDFium gives the cells' text. A table whose cells do not hold the very
letters of the lines that they would replace is left as lines.
"""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Any

import pypdfium2
from pypdfium2 import raw

from phases.rag_data.extract.pdf_lines import Line, Page, Table, plain

FEWEST_PATHS = 3
MOST_PATHS = 3_000  # beyond that it is a drawing, and looking for cells takes minutes
MISSING_SHARE = 0.02


class PageTables:
    """Opens the file a second time only when a page has ruled lines."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._pdf: Any = None

    def __enter__(self) -> PageTables:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._pdf is not None:
            self._pdf.close()

    def taken_out(self, number: int, page: pypdfium2.PdfPage, lines: list[Line]) -> Page:
        """The page with its tables in place of their lines."""
        kinds = Counter(one.type for one in page.get_objects(max_depth=3))
        picture = not lines and kinds[raw.FPDF_PAGEOBJ_IMAGE] > 0
        items: list[Line | Table] = list(lines)
        if lines and FEWEST_PATHS <= kinds[raw.FPDF_PAGEOBJ_PATH] <= MOST_PATHS and page.get_rotation() == 0:
            for found in self._found(number):
                items = _replaced(items, found, page)
        return Page(tuple(items), picture)

    def _found(self, number: int) -> list[Any]:
        """pdfplumber's tables of a page, in the order in which they stand; none where it cannot read the page."""
        import pdfplumber

        try:
            if self._pdf is None:
                self._pdf = pdfplumber.open(self._path)
            with closing(self._pdf.pages[number]) as page:
                origin = page.mediabox[0] == 0 and page.mediabox[1] == 0
                return page.find_tables() if origin else []
        except Exception:  # a second parser's trouble with a page that the first one has read costs the table only
            return []


def _replaced(items: list[Line | Table], found: Any, page: pypdfium2.PdfPage) -> list[Line | Table]:
    left, top, right, bottom = found.bbox
    height = page.get_height()
    inside = [index for index, one in enumerate(items) if isinstance(one, Line)
              and left - 1 <= one.x0 <= right and height - bottom <= one.y + one.size / 3 <= height - top]
    if not inside:
        return items
    rows = _cell_texts(found, page)
    wanted = Counter("".join(items[index].text for index in inside).replace(" ", ""))
    held = Counter("".join(cell for row in rows for cell in row).replace(" ", ""))
    differing = sum((wanted - held).values()) + sum((held - wanted).values())
    if not _is_table(rows) or differing > MISSING_SHARE * sum(wanted.values()):
        return items
    edges = tuple(sorted({round(cell[0]) for row in found.rows for cell in row.cells if cell}))
    table = Table(tuple(tuple(row) for row in rows), edges)
    taken = set(inside)
    return [table if index == inside[0] else one for index, one in enumerate(items)
            if index == inside[0] or index not in taken]


def _cell_texts(found: Any, page: pypdfium2.PdfPage) -> list[list[str]]:
    height = page.get_height()
    with closing(page.get_textpage()) as letters:
        return [[_cell_text(letters, cell, height) if cell else "" for cell in row.cells] for row in found.rows]


def _cell_text(letters: pypdfium2.PdfTextPage, cell: tuple[float, float, float, float], height: float) -> str:
    left, top, right, bottom = cell
    text = letters.get_text_bounded(left=left, bottom=height - bottom, right=right, top=height - top)
    return plain(text.replace("\ufffe\r\n", "-").replace("\ufffe", "-"))


def _is_table(rows: list[list[str]]) -> bool:
    """At least two rows and two columns with something in them; a frame around text is none."""
    filled = [[bool(cell) for cell in row] for row in rows]
    columns = [any(row[index] for row in filled if index < len(row)) for index in range(max(map(len, filled), default=0))]
    cells = sum(map(sum, filled))
    return sum(map(any, filled)) >= 2 and sum(columns) >= 2 and cells >= 0.4 * sum(map(len, filled)) and cells >= 4
