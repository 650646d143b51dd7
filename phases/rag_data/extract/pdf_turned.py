"""Pages whose text runs up, down or upside down, turned so that it runs from left to right.

In: a PDFium page. Out: the same page, its objects turned in memory; the file is not written. Programs set wide tables so: on a
page that the viewer turns back (/Rotate), or sideways on an upright one. PDFium would give their lines in no useful order.
"""

from __future__ import annotations

import math
from collections import Counter

import pypdfium2
from pypdfium2 import raw

SAMPLE = 16
MOST_OBJECTS = 20_000  # beyond that it is a drawing


def turn_page(page: pypdfium2.PdfPage, quarters: int) -> None:
    """Turn a page by quarters of a circle to the right, whatever the viewer is told to do with it."""
    left, bottom, right, top = page.get_mediabox()
    width, height = right - left, top - bottom
    matrix = pypdfium2.PdfMatrix(1, 0, 0, 1, -left, -bottom)
    for _ in range(quarters):  # letters that run up: (x, y) -> (y, width - x)
        matrix = matrix.multiply(pypdfium2.PdfMatrix(0, -1, 1, 0, 0, width))
        width, height = height, width
    objects = list(page.get_objects(max_depth=1)) if quarters else []
    if len(objects) > MOST_OBJECTS:
        return
    for one in objects:
        one.transform(matrix)
    if quarters:
        page.set_mediabox(0, 0, width, height)
        page.set_cropbox(0, 0, width, height)
    page.set_rotation(0)


def quarters_to_turn(letters: pypdfium2.PdfTextPage) -> int:
    """How many quarters to the right most letters must be turned; 0 for usual pages, judged by a sample."""
    count = letters.count_chars()
    places = range(0, count, max(count // SAMPLE, 1))
    angles = [raw.FPDFText_GetCharAngle(letters, place) for place in places if raw.FPDFText_GetUnicode(letters, place) > 32]
    found = Counter(-round(angle / (math.pi / 2)) % 4 for angle in angles if angle >= 0)  # PDFium's angles go to the right
    return found.most_common(1)[0][0] if found else 0
