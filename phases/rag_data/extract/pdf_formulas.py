"""The lines of a page, made of the pieces that PDFium gives: it ends a line wherever the base line moves, as it does in formulas.

In: what PDFium gives as lines, and tables between them. Out: lines and tables; what follows right behind another piece, a little higher or lower, is on one line with it: "Ci =", a large
union sign, "j Ci(j)". So are the limits above and below a large sign, and the two parts of a fraction behind a piece. Nothing is said of what was
raised; no letter goes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from phases.rag_data.extract.pdf_lines import WIDE_GAP, Line, Table, plain

SAME = 0.5  # points between base lines that are one
SMALL = 0.85  # of a type size: set smaller, as what is raised or lowered
SYMBOL = 3  # letters, at most, of a large sign, a bracket, or a part of a fraction
OVERLAP = 0.3  # type sizes that a piece may begin before the one before it ends
RAISED = 0.6  # type sizes between the base lines of pieces of any length
ODD = 0.95  # and of a sign, or of what is set smaller: lines of text are farther apart
FAR = 2.8  # and of a large sign and its limits
WIDEST_PART = 6.0  # type sizes of what stands above or below another piece


def joined(items: Iterable[Line | Table], text: str) -> list[Line | Table]:
    """Tables, and lines made of the pieces between them. `text` is the page's: two pieces belong together only if a table took nothing between them."""
    groups: list[list[Line] | Table] = []
    for item in items:
        if isinstance(item, Table):
            groups.append(item)
        elif groups and isinstance(groups[-1], list) and not _is_next_line(groups[-1], item) and _goes_on(groups[-1][-2:], item) and not plain(text[groups[-1][-1].span[1]:item.span[0]]):
            groups[-1].append(item)
        else:
            groups.append([item])
    return [group if isinstance(group, Table) else group[0] if len(group) == 1 else _as_one(group) for group in groups]


def _is_next_line(group: Sequence[Line], line: Line) -> bool:
    """As nearly all are: told apart quickly from what may be a piece."""
    last = group[0]
    return line.x0 <= last.x0 and line.size == last.size and len(group) == 1 and len(last.text) > SYMBOL


def _goes_on(before: Sequence[Line], line: Line) -> bool:
    """Whether a piece belongs to the one or two before it."""
    last = before[-1]
    size, height = max(last.size, line.size), abs(last.y - line.y)
    if height > FAR * size or line.x0 < last.x0 - size:
        return False
    gap = line.x0 - max(one.x1 for one in before)
    if height < SAME:
        return last.size == line.size and 0 <= gap < WIDE_GAP * size or len(before) > 1 and -OVERLAP * size <= gap < WIDE_GAP * size
    if -OVERLAP * size <= gap < WIDE_GAP * size:
        return height <= RAISED * size or _is_odd(last, line) and (len(before) > 1 or height <= ODD * min(last.size, line.size))
    return _are_limits(last, line) or len(before) > 1 and (_is_lowered(last, line) or _is_fraction(*before, line))


def _is_odd(last: Line, line: Line) -> bool:
    """One of both is smaller than the other, or hardly more than a sign."""
    return min(last.size, line.size) <= SMALL * max(last.size, line.size) or min(len(last.text), len(line.text)) <= SYMBOL


def _are_limits(sign: Line, line: Line) -> bool:
    """What stands small below or above a large sign."""
    return line.size <= SMALL * sign.size and len(sign.text) <= SYMBOL and line.x0 < sign.x1 and line.x1 - line.x0 < WIDEST_PART * sign.size


def _is_lowered(raised: Line, line: Line) -> bool:
    """What begins lowered, right below what is raised behind a piece."""
    small = raised.size <= SMALL * line.size or len(raised.text) <= SYMBOL
    return small and 0 < raised.y - line.y < line.size and raised.x0 - OVERLAP * line.size < line.x0 < raised.x1


def _is_fraction(before: Line, above: Line, line: Line) -> bool:
    """The lower part of a fraction behind a piece on whose base line its middle stands."""
    return (above.y > before.y > line.y and abs((above.y + line.y) / 2 - before.y) < OVERLAP * above.size
            and before.x1 - OVERLAP * line.size < line.x0 < above.x1 and line.x1 - line.x0 < WIDEST_PART * line.size)


def _as_one(lines: Sequence[Line]) -> Line:
    """A line with the height and type of its longest piece."""
    main, first = max(lines, key=lambda one: len(one.text)), lines[0]
    is_note = first.text.isdecimal() and first.size <= SMALL * main.size and first.y > main.y
    return replace(main, text=" ".join(one.text for one in lines), x0=min(one.x0 for one in lines), x1=max(one.x1 for one in lines),
                   bold=all(one.bold for one in lines), mono=all(one.mono for one in lines), span=(first.span[0], lines[-1].span[1]), is_note=is_note)
