"""Tables without ruled lines: rows whose cells are held apart by white space only, as TeX and price lists set them.

In: the lines of a page, those with wide gaps cut into cells. Out: the lines, with `Table` records in place of runs of rows.
A run is taken for a table only if its cells stand in columns that no cell of another column reaches into, and its rows are no lines of a
table of contents and no items of a list.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from phases.rag_data.clean import join_wrapped
from phases.rag_data.extract.pdf_headings import BULLET, leads_to_page
from phases.rag_data.extract.pdf_lines import Cell, Line, Table

FEWEST_ROWS = 3
LONGEST_CELL = 45  # characters on average; more is text in columns
APART = 3.2  # type sizes between the base lines of rows
WRAPPED = 1.5  # and of lines of one cell
ALIGNED = 2.0  # points


def with_aligned_tables(items: Sequence[Line | Table]) -> list[Line | Table]:
    """Runs of rows as tables; everything else as it was."""
    return [one for run in _runs(items) for one in _as_table(run)]


def _runs(items: Sequence[Line | Table]) -> Iterator[list[Line | Table]]:
    """Rows below each other, and lines that go on in the last cell of the row above them."""
    run: list[Line | Table] = []
    last: Cell | None = None
    for item in items:
        if run and not _follows(run[-1], item, last):
            yield run
            run, last = [], None
        run.append(item)
        last = item.cells[-1] if isinstance(item, Line) and len(item.cells) > 1 else last
    if run:
        yield run


def _follows(before: Line | Table, item: Line | Table, last: Cell | None) -> bool:
    """`last`: the last cell of the row above, if there is one."""
    if last is None or not isinstance(before, Line) or not isinstance(item, Line):
        return False
    below = before.y - item.y
    if len(item.cells) > 1:
        return 0 < below < APART * item.size
    return abs(item.x0 - last.x0) < ALIGNED and item.size == before.size and 0 < below < WRAPPED * item.size


def _rows(run: Sequence[Line]) -> list[list[Cell]]:
    """The cells of each row, with what was wrapped in the last one."""
    rows: list[list[Cell]] = []
    for line in run:
        if len(line.cells) > 1:
            rows.append(list(line.cells))
        else:
            cell = rows[-1][-1]
            rows[-1][-1] = Cell(join_wrapped([cell.text, line.text]), cell.x0, max(cell.x1, line.x1))
    return rows


def _as_table(run: list[Line | Table]) -> list[Line | Table]:
    rows = _rows(run) if isinstance(run[0], Line) and len(run[0].cells) > 1 else []
    if len(rows) < FEWEST_ROWS or any(leads_to_page(one.text) for one in run) or all(BULLET.fullmatch(row[0].text) for row in rows):
        return run
    cells = [cell for row in rows for cell in row]
    columns = _columns(cells)
    placed = [[_column_of(cell, columns) for cell in row] for row in rows]
    fits = len(columns) > 1 and all(len(set(own)) == len(own) for own in placed)
    if not fits or sum(len(cell.text) for cell in cells) > LONGEST_CELL * len(cells):
        return run
    table = [[""] * len(columns) for _ in rows]
    for line, row, own in zip(table, rows, placed, strict=True):
        for cell, column in zip(row, own, strict=True):
            line[column] = cell.text
    return [Table(tuple(map(tuple, table)), tuple(round(left) for left, _ in columns))]


def _columns(cells: Sequence[Cell]) -> list[tuple[float, float]]:
    """Left and right ends of the columns: cells that overlap stand in one."""
    found: list[tuple[float, float]] = []
    for cell in sorted(cells, key=lambda one: one.x0):
        if found and cell.x0 <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], cell.x1))
        else:
            found.append((cell.x0, cell.x1))
    return found


def _column_of(cell: Cell, columns: Sequence[tuple[float, float]]) -> int:
    return next(place for place, (left, right) in enumerate(columns) if left <= cell.x0 <= right)
