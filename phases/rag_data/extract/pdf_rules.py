"""The ruled lines of a PDF page and the cells between them.

In: a PDFium page. Out: what is drawn on it, and of that the rows of cells of each table, in points from the page's lower left corner.
The lines come from PDFium; pdfplumber's table functions join them to cells (the method of Anssi Nurminen's thesis, "Algorithmic
Extraction of Data in Tables in PDF Documents", 2013). pdfplumber's own parser is not used: it takes many times as long.
"""

from __future__ import annotations

import ctypes
import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import pypdfium2
from pypdfium2 import raw

from phases.rag_data.extract.pdf_letters import Box

TOLERANCE = 3.0
SHORTEST = 4.0
STRAIGHT = 1.0
MOST_PATHS = 5_000  # beyond that it is a drawing
MOST_EDGES = 600
THICKEST = 1.5  # of a rule, in points


def drawn_paths(page: pypdfium2.PdfPage) -> list[pypdfium2.PdfObject]:
    """What is drawn on a page, up to one more than is looked at."""
    return list(itertools.islice(_paths(page), MOST_PATHS + 1))


def thin_rules(paths: Sequence[pypdfium2.PdfObject]) -> Iterator[Box]:
    """The boxes around what is no higher than a rule; none of a drawing."""
    left, bottom, right, top = sides = [ctypes.c_float() for _ in range(4)]
    for path in paths if len(paths) <= MOST_PATHS else ():
        if raw.FPDFPageObj_GetBounds(path.raw, *sides) and top.value - bottom.value <= THICKEST:
            yield left.value, bottom.value, right.value, top.value


def ruled_tables(paths: Sequence[pypdfium2.PdfObject]) -> list[list[list[Box | None]]]:
    """Tables from top to bottom: rows of cells; None where a cell of another row or column reaches over the place."""
    if not 2 < len(paths) <= MOST_PATHS and not any(_segments(path) > 5 for path in paths[:3]):
        return []
    from pdfplumber import table as cells_of

    edges = cells_of.merge_edges([edge for path in paths for edge in _edges(path)], *[TOLERANCE] * 4)
    if len(edges) > MOST_EDGES or len({edge["orientation"] for edge in edges}) < 2:
        return []
    edges = cells_of.merge_edges([*edges, *_open_sides(edges)], *[TOLERANCE] * 4)
    corners = cells_of.edges_to_intersections(edges, TOLERANCE, TOLERANCE)
    found = cells_of.cells_to_tables(cells_of.intersections_to_cells(corners))
    return [[[_box(cell) for cell in row.cells] for row in cells_of.Table(None, cells).rows] for cells in found]


def _paths(page: pypdfium2.PdfPage) -> Iterator[pypdfium2.PdfObject]:
    """The drawn paths; most objects of a page are text, and making a Python object of each takes long."""
    for index in range(raw.FPDFPage_CountObjects(page.raw)):
        found = raw.FPDFPage_GetObject(page.raw, index)
        if raw.FPDFPageObj_GetType(found) == raw.FPDF_PAGEOBJ_PATH:
            yield pypdfium2.PdfObject(found, page=page, pdf=page.pdf)


def _box(cell: Sequence[float] | None) -> Box | None:
    """pdfplumber measures down from the top: here `top` is the negative height above the lower edge."""
    if cell is None:
        return None
    left, top, right, bottom = cell
    return left, -bottom, right, -top


def _segments(path: pypdfium2.PdfObject) -> int:
    return raw.FPDFPath_CountSegments(path.raw)


def _edges(path: pypdfium2.PdfObject) -> Iterator[dict[str, Any]]:
    for (x0, y0), (x1, y1) in _straight_parts(path):
        left, right, low, high = min(x0, x1), max(x0, x1), min(y0, y1), max(y0, y1)
        if high - low <= STRAIGHT and right - left >= SHORTEST:
            yield {"orientation": "h", "x0": left, "x1": right, "top": -high, "bottom": -high, "width": right - left,
                   "height": 0.0}
        elif right - left <= STRAIGHT and high - low >= SHORTEST:
            yield {"orientation": "v", "x0": left, "x1": left, "top": -high, "bottom": -low, "width": 0.0,
                   "height": high - low}


def _open_sides(edges: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Left and right ends of rows that have lines above, below and between their cells, but none at the sides."""
    across = sorted((one for one in edges if one["orientation"] == "h"), key=lambda one: one["top"])
    upright = [one for one in edges if one["orientation"] == "v"]
    for upper, lower in itertools.pairwise(across):
        if abs(upper["x0"] - lower["x0"]) > TOLERANCE or abs(upper["x1"] - lower["x1"]) > TOLERANCE:
            continue
        top, bottom = upper["top"], lower["top"]
        if any(one["top"] <= top + TOLERANCE and one["bottom"] >= bottom - TOLERANCE
               and upper["x0"] <= one["x0"] <= upper["x1"] for one in upright):
            for x in (upper["x0"], upper["x1"]):
                yield {"orientation": "v", "x0": x, "x1": x, "top": top, "bottom": bottom, "width": 0.0,
                       "height": bottom - top}


def _straight_parts(path: pypdfium2.PdfObject) -> Iterator[tuple[tuple[float, float], tuple[float, float]]]:
    """The straight strokes of a path, in page coordinates; the one that closes it, too."""
    matrix = path.get_matrix()
    start = last = None
    for index in range(_segments(path)):
        segment = raw.FPDFPath_GetPathSegment(path.raw, index)
        x, y = ctypes.c_float(), ctypes.c_float()
        raw.FPDFPathSegment_GetPoint(segment, x, y)
        point = matrix.on_point(x.value, y.value)
        kind = raw.FPDFPathSegment_GetType(segment)
        if kind == raw.FPDF_SEGMENT_MOVETO:
            start = point
        elif kind == raw.FPDF_SEGMENT_LINETO and last is not None:
            yield last, point
        last = point
        if raw.FPDFPathSegment_GetClose(segment) and start is not None:
            yield last, start
            last = start
