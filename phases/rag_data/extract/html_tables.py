"""The cells of a web page's table, each in its column.

In: the cells of each row as the page lists them, with how many columns and rows each takes. Out: rows of texts; a cell that takes several places
stands in the first of them, and the others are empty.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Cell:
    """A cell's text, and how many columns and rows it takes."""

    text: str
    columns: int = 1
    rows: int = 1


def placed(rows: Sequence[Sequence[Cell]]) -> list[list[str]]:
    """Rows of texts: a row skips the columns that a cell from above reaches down into (HTML, section 4.9.12.1)."""
    reaching: dict[int, int] = {}  # column: rows that a cell from above still takes
    return [list(_row(row, reaching)) for row in rows]


def _row(cells: Sequence[Cell], reaching: dict[int, int]) -> Iterator[str]:
    taken = {column for column, rows in reaching.items() if rows > 0}
    for column in taken:
        reaching[column] -= 1
    place = 0
    for cell in cells:
        while place in taken:
            yield ""
            place += 1
        yield cell.text
        yield from [""] * (cell.columns - 1)
        if cell.rows > 1:
            reaching |= dict.fromkeys(range(place, place + cell.columns), cell.rows - 1)
        place += cell.columns
