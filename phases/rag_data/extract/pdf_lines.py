"""The lines of a PDF page with their place and type size.

In: the text of a PDFium page. Out: `Line` records in reading order. Size and weight are looked up for the first and last letter of a
line only: asking PDFium for every letter would take several times as long as the text itself.
"""

from __future__ import annotations

import ctypes
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import pypdfium2
from pypdfium2 import raw

from phases.rag_data.clean import safe_text, tidy_line

LINE = re.compile("(?:(?!\r\n)[^\ufffe])+\ufffe?")
BLANKS = " \t\r\n\u00a0"
WORD = re.compile(f"[^{BLANKS}]+")
HYPHEN_MARK = "\ufffe"  # PDFium puts it where a word was parted at the end of a line
LIGATURES = {"\ufb00": "ff", "\ufb01": "fi", "\ufb02": "fl", "\ufb03": "ffi", "\ufb04": "ffl", "\ufb05": "st",
             "\ufb06": "st"}
LIGATURE = re.compile("[\ufb00-\ufb06]")
TEX_CODES = {"\x10": "\u201c", "\x11": "\u201d", "\x12": "\u201e", "\x13": "\u00ab", "\x14": "\u00bb", "\x15": "\u2013", "\x16": "\u2014",
             "\x19": "\u0131", "\x1b": "ff", "\x1c": "fi", "\x1d": "fl", "\x1e": "ffi", "\x1f": "ffl", "\x88": "\u2022"}
TEX_CODE = re.compile("[\x10-\x16\x19\x1b-\x1f\x88]")  # of TeX's own fonts (T1, TS1), where a file does not say what they mean
MARK = re.compile(r"\s*(\(?[\w]{1,3}[.)]?|[^\w\s])[ \u00a0]+(?=\S)")
SURROGATE = re.compile("[\ud800-\udfff]")
GAP_SHARE = 0.48  # of the type size for each letter: lines wider than that have gaps
WIDE_GAP = 1.15  # type sizes between two cells
BOLD_NAME = re.compile(r"bold|black|heavy|semibold|demi|CMBX|-Bd", re.IGNORECASE)
BOLD_WEIGHT = 600


@dataclass(frozen=True)
class Cell:
    """A part of a line between two wide gaps, with its left and right end."""

    text: str
    x0: float
    x1: float


@dataclass(frozen=True)
class Line:
    """One line: its text, left and right end, base line and type size in points from the page's lower left corner.

    `level` is the depth of a heading, 0 for other lines. `cells` are its parts where it has wide gaps.
    """

    text: str
    x0: float
    x1: float
    y: float
    size: float
    bold: bool = False
    level: int = 0
    cells: tuple[Cell, ...] = ()


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
    text = with_sharp_s(_by_units(letters.get_text_range()), letters)
    page = _Letters(letters.raw)
    spans = [match.span() for match in LINE.finditer(text)]
    lines = [_line(page, text, *span) for span in spans]
    loose = [line is not None and line.x1 - line.x0 > GAP_SHARE * line.size * len(line.text) for line in lines]
    for place, (line, span) in enumerate(zip(lines, spans, strict=True)):
        if line is not None and any(loose[max(place - 1, 0):place + 2]):
            lines[place] = replace(line, cells=tuple(_cells(page, text, span, line.size)))
    return _joined([line for line in lines if line is not None])


def with_sharp_s(text: str, letters: pypdfium2.PdfTextPage) -> str:
    """\u00df where TeX's bitmap fonts, which have no name and do not say what their codes mean, seem to set \u00ff."""
    if "\u00ff" not in text:
        return text
    place = _by_units(letters.get_text_range()).find("\u00ff")
    page = _Letters(letters.raw)
    return text if page.font(page.letter(place)) else text.replace("\u00ff", "\u00df")


def _by_units(text: str) -> str:
    """A text with one sign for each 16 bits, as PDFium counts: letters of formulas and emoji are two. `plain` puts them together."""
    if text.isascii() or max(text, default="") <= "\uffff":
        return text
    units = text.encode("utf-16-le", "surrogatepass")
    return "".join(chr(units[place] | units[place + 1] << 8) for place in range(0, len(units), 2))


def _joined(lines: Sequence[Line]) -> list[Line]:
    """PDFium ends a line after a raised number; what goes on at the same height right behind it belongs to it."""
    joined: list[Line] = []
    for line in lines:
        last = joined[-1] if joined else None
        if last and abs(last.y - line.y) < 0.5 and last.size == line.size and 0 <= line.x0 - last.x1 < WIDE_GAP * line.size:
            joined[-1] = replace(last, text=f"{last.text} {line.text}", x1=line.x1, bold=last.bold and line.bold, cells=())
        else:
            joined.append(line)
    return joined


def plain(text: str) -> str:
    """A line's text without control characters, ligatures and double blanks."""
    text = text.strip()
    if text.isascii() and text.isprintable() and "  " not in text:  # as most lines are: what follows would change nothing
        return text
    if SURROGATE.search(text):
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore")
    text = TEX_CODE.sub(lambda match: TEX_CODES[match[0]], text)
    text = LIGATURE.sub(lambda match: LIGATURES[match[0]], text.replace("\r", " ").replace("\n", " "))
    return tidy_line(safe_text(text))


def _line(page: _Letters, text: str, start: int, end: int) -> Line | None:
    words = text[start:end].replace(HYPHEN_MARK, "-")
    content = plain(words)
    if not content:
        return None
    mark = MARK.match(words)  # list marks and drop capitals are often set larger
    outer = start + len(words) - len(words.lstrip(BLANKS))
    first = start + mark.end() if mark else outer
    last = max(first, start + len(words.rstrip(BLANKS).rstrip("-")) - 1)
    opening, closing_letter = page.letter(first), page.letter(last)
    bold = page.is_bold(opening) and page.is_bold(closing_letter)
    x, y = page.origin(page.letter(outer) if mark else opening)
    size = max(page.size(opening), page.size(closing_letter))
    return Line(content, x, page.ends(closing_letter)[1], y, size, bold)


def _cells(page: _Letters, text: str, span: tuple[int, int], size: float) -> Iterator[Cell]:
    """The parts of a line between wide gaps."""
    parts: list[tuple[int, int, float, float]] = []  # begin and end in the text, left and right end on the page
    for word in WORD.finditer(text, *span):
        begin, end = word.span()
        left, right = page.ends(page.letter(begin))[0], page.ends(page.letter(end - 1))[1]
        if parts and left - parts[-1][3] <= WIDE_GAP * size:
            parts[-1] = (parts[-1][0], end, parts[-1][2], right)
        else:
            parts.append((begin, end, left, right))
    return (Cell(plain(text[begin:end]), left, right) for begin, end, left, right in parts)


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

    def ends(self, letter: int) -> tuple[float, float]:
        """Left and right end."""
        left, right, bottom, top = self._box
        if not raw.FPDFText_GetCharBox(self._page, letter, left, right, bottom, top):
            raise pypdfium2.PdfiumError("Failed to get charbox.")
        return left.value, right.value

    def size(self, letter: int) -> float:
        """Type size as it appears: many programs set size 1 and enlarge it by the text matrix."""
        raw.FPDFText_GetMatrix(self._page, letter, self._matrix)
        scale = math.hypot(self._matrix.c, self._matrix.d) or 1.0
        return round(raw.FPDFText_GetFontSize(self._page, letter) * scale, 1)

    def font(self, letter: int) -> bytes:
        """The font's name."""
        raw.FPDFText_GetFontInfo(self._page, letter, self._name, len(self._name), self._flags)
        return self._name.value

    def is_bold(self, letter: int) -> bool:
        return _names_bold(self.font(letter)) or raw.FPDFText_GetFontWeight(self._page, letter) >= BOLD_WEIGHT


@lru_cache(1000)
def _names_bold(font: bytes) -> bool:
    return bool(BOLD_NAME.search(font.decode("utf-8", errors="replace")))
