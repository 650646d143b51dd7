"""The lines of a PDF page with their place and type size.

In: the text of a PDFium page. Out: `Line` records in reading order. Size and weight are looked up for the first and last letter of a
line only: asking PDFium for every letter would take several times as long as the text itself.
"""

from __future__ import annotations

import ctypes
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import pypdfium2
from pypdfium2 import raw

from phases.rag_data.clean import safe_text, tidy_line

LINE = re.compile("(?:(?!\r\n)[^\ufffe])+\ufffe?")
HYPHEN_MARK = "\ufffe"  # PDFium puts it where a word was parted at the end of a line
LIGATURES = {"\ufb00": "ff", "\ufb01": "fi", "\ufb02": "fl", "\ufb03": "ffi", "\ufb04": "ffl", "\ufb05": "st",
             "\ufb06": "st"}
LIGATURE = re.compile("[\ufb00-\ufb06]")
BOLD_NAME = re.compile(r"bold|black|heavy|semibold|demi|CMBX|-Bd", re.IGNORECASE)
BOLD_WEIGHT = 600


@dataclass(frozen=True)
class Line:
    """One line: its text, left and right end, base line and type size in points from the page's lower left corner.

    `level` is the depth of a heading, 0 for other lines.
    """

    text: str
    x0: float
    x1: float
    y: float
    size: float
    bold: bool = False
    level: int = 0


@dataclass(frozen=True)
class Table:
    """A table at its place between the lines. `edges` are the left ends of its columns."""

    rows: tuple[tuple[str, ...], ...]
    edges: tuple[float, ...] = ()
    text: str = ""


@dataclass(frozen=True)
class Page:
    """Lines and tables in reading order. `is_picture`: no text, but a picture, as in a scan. `is_broken`: not loadable."""

    items: tuple[Line | Table, ...]
    height: float = 0.0
    is_picture: bool = False
    is_broken: bool = False

    def keeping(self, keep: Callable[[int], bool]) -> Page:
        """The page with those items only whose index is kept."""
        return replace(self, items=tuple(one for index, one in enumerate(self.items) if keep(index)))


def page_lines(letters: pypdfium2.PdfTextPage) -> list[Line]:
    """The lines of a page in the order in which the file holds them, which is reading order in nearly all files."""
    text = letters.get_text_range()
    page = _Letters(letters.raw)
    lines = [_line(page, text, match.start(), match.end()) for match in LINE.finditer(text)]
    return [line for line in lines if line is not None]


def plain(text: str) -> str:
    """A line's text without control characters, ligatures and double blanks."""
    text = text.strip()
    if text.isascii() and text.isprintable() and "  " not in text:  # as most lines are: what follows would change nothing
        return text
    text = LIGATURE.sub(lambda match: LIGATURES[match[0]], text.replace("\r", " ").replace("\n", " "))
    return tidy_line(safe_text(text))


def _line(page: _Letters, text: str, start: int, end: int) -> Line | None:
    words = text[start:end].replace(HYPHEN_MARK, "-")
    content = plain(words)
    if not content:
        return None
    first = start + len(words) - len(words.lstrip())
    last = max(first, start + len(words.rstrip().rstrip("-")) - 1)
    opening, closing_letter = page.letter(first), page.letter(last)
    bold = page.is_bold(opening) and page.is_bold(closing_letter)
    x, y = page.origin(opening)
    size = max(page.size(opening), page.size(closing_letter))
    return Line(content, x, page.right(closing_letter), y, size, bold)


class _Letters:
    """What PDFium knows of single letters. It is asked several times for each line, so the room for its answers is kept."""

    def __init__(self, page: Any) -> None:
        self._page = page
        self._matrix, self._name, self._flags = raw.FS_MATRIX(), ctypes.create_string_buffer(128), ctypes.c_int()
        self._box = tuple(ctypes.c_double() for _ in range(4))

    def letter(self, place: int) -> int:
        """PDFium numbers letters on the page otherwise than letters of its text."""
        return max(raw.FPDFText_GetCharIndexFromTextIndex(self._page, place), 0)

    def origin(self, letter: int) -> tuple[float, float]:
        x, y = self._box[:2]
        raw.FPDFText_GetCharOrigin(self._page, letter, x, y)
        return x.value, y.value

    def right(self, letter: int) -> float:
        left, right, bottom, top = self._box
        if not raw.FPDFText_GetCharBox(self._page, letter, left, right, bottom, top):
            raise pypdfium2.PdfiumError("Failed to get charbox.")
        return right.value

    def size(self, letter: int) -> float:
        """Type size as it appears: many programs set size 1 and enlarge it by the text matrix."""
        raw.FPDFText_GetMatrix(self._page, letter, self._matrix)
        scale = math.hypot(self._matrix.c, self._matrix.d) or 1.0
        return round(raw.FPDFText_GetFontSize(self._page, letter) * scale, 1)

    def is_bold(self, letter: int) -> bool:
        raw.FPDFText_GetFontInfo(self._page, letter, self._name, len(self._name), self._flags)
        return _names_bold(self._name.value) or raw.FPDFText_GetFontWeight(self._page, letter) >= BOLD_WEIGHT


@lru_cache(1000)
def _names_bold(font: bytes) -> bool:
    return bool(BOLD_NAME.search(font.decode("utf-8", errors="replace")))
