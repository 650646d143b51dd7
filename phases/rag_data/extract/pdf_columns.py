"""Tables without ruled lines: rows whose cells are held apart by white space only, as TeX and price lists set them.

In: the lines of a page, those with wide gaps cut into cells. Out: the lines, with `Table` records in place of runs of rows.
A run is taken for a table only if its cells stand in columns that no cell of another column reaches into, and none of its rows is a line of a
table of contents.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from phases.rag_data.extract.pdf_layout import leads_to_page
from phases.rag_data.extract.pdf_lines import Cell, Line, Table

FEWEST_ROWS = 3
LONGEST_CELL = 45  # characters on average; more is text in columns
APART = 3.2  # type sizes between the base lines of rows


def with_aligned_tables(items: Sequence[Line | Table]) -> list[Line | Table]:
    """Runs of rows as tables; everything else as it was."""
    return [one for run in _runs(items) for one in _as_table(run)]


def _runs(items: Sequence[Line | Table]) -> Iterator[list[Line | Table]]:
    run: list[Line | Table] = []
    for item in items:
        if run and not _follows(run[-1], item):
            yield run
            run = []
        run.append(item)
    if run:
        yield run


def _follows(before: Line | Table, item: Line | Table) -> bool:
    both = isinstance(before, Line) and isinstance(item, Line) and len(before.cells) > 1 and len(item.cells) > 1
    return both and 0 < before.y - item.y < APART * item.size


def _as_table(run: list[Line | Table]) -> list[Line | Table]:
    rows = [one.cells for one in run if isinstance(one, Line)]
    if len(run) < FEWEST_ROWS or len(rows) < len(run) or any(leads_to_page(one.text) for one in run):
        return run
    columns = _columns([cell for row in rows for cell in row])
    placed = [[_column_of(cell, columns) for cell in row] for row in rows]
    cells = [cell for row in rows for cell in row]
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
