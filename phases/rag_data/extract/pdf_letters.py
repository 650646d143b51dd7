"""The letters of a PDF page: its text, and what PDFium knows of single letters.

In: a PDFium text page. Out: the text with one sign for each 16 bits, as PDFium counts, and for a place in it the letter there, its type size,
weight and ends. Each answer is a call into PDFium: ask for few letters of a line.
"""

from __future__ import annotations

import ctypes
import math
import re
from collections.abc import Iterable
from functools import lru_cache

import pypdfium2
from pypdfium2 import raw

from phases.rag_data.extract.pdf_accents import ACCENT, with_accents

Style = tuple[float, bool, bool]  # type size, bold, all signs equally wide
Box = tuple[float, float, float, float]  # left, bottom, right, top

BOLD_NAME = re.compile(r"bold|black|heavy|semibold|demi|CMBX|-Bd", re.IGNORECASE)
MONO_NAME = re.compile(r"courier|mono|consol|menlo|typewriter|inconsolata|LMTT|CMTT|CMSLTT|CMITT|SFTT|ECTT|^tctt|NimbusMon", re.IGNORECASE)
BOLD_WEIGHT = 600
ROOM = 4  # units for a letter in a part of a page: its own two, and a line end


class Letters:
    """The text of a page and its letters. PDFium is asked several times for each line, so the room for its answers is kept."""

    def __init__(self, page: pypdfium2.PdfTextPage) -> None:
        self._page = page.raw
        self._matrix, self._name, self._flags = raw.FS_MATRIX(), ctypes.create_string_buffer(128), ctypes.c_int()
        self._box = tuple(ctypes.c_double() for _ in range(4))
        self._styles: dict[int, Style] = {}
        count = page.count_chars()
        text = _by_units(page.get_text_range())
        self._none_left_out = len(text) == count
        self._room = ROOM * (count + 1)
        self._sets_sharp_s = "\u00ff" in text and not self._font(self.letter(text.find("\u00ff")))
        self.text, self._accented = with_accents(self._with_sharp_s(text), self) if ACCENT.search(text) else (self._with_sharp_s(text), {})

        self._names: list[tuple[tuple[float, float], str, str]] = []

    def mend(self, text: str, names: Iterable[tuple[int, str, str]]) -> None:
        """Take a mended text, as long as before, and the names in it that PDFium gives otherwise: place, as it gives them, as they are."""
        self.text = text
        self._names = [(self.origin(self.letter(place)), given, name) for place, given, name in names]

    def _with_sharp_s(self, text: str) -> str:
        """\u00df where TeX's bitmap fonts, which have no name and do not say what their codes mean, seem to set \u00ff."""
        return text.replace("\u00ff", "\u00df") if self._sets_sharp_s else text

    def within(self, box: Box) -> str:
        """The text in a part of the page."""
        left, bottom, right, top = box
        units = (ctypes.c_ushort * self._room)()
        count = raw.FPDFText_GetBoundedText(self._page, left, top, right, bottom, units, self._room)
        text = self._with_sharp_s(bytes(memoryview(units)[:count]).decode("utf-16-le", "ignore").rstrip("\0"))
        for apart, letter in self._accented.items():
            text = text.replace(apart, letter)
        for (x, y), given, name in self._names:
            if left <= x <= right and bottom <= y <= top:
                text = text.replace(given, name, 1)
        return text

    def letter(self, place: int) -> int:
        """PDFium numbers letters on the page otherwise than letters of its text, if it leaves any of them out there."""
        return place if self._none_left_out else max(raw.FPDFText_GetCharIndexFromTextIndex(self._page, place), 0)

    def place_ends(self, place: int) -> tuple[float, float]:
        """Left and right end of the letter at a place in the text; nowhere for a line's end, which PDFium makes up."""
        try:
            return self.ends(self.letter(place))
        except pypdfium2.PdfiumError:
            return 0.0, -1.0

    def place_base(self, place: int) -> float:
        """The base line of the letter at a place in the text."""
        return self.origin(self.letter(place))[1]

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

    def style(self, letter: int) -> Style:
        """Type size as it appears, whether it is bold, and whether all signs are equally wide; the letters of one object of the page share them."""
        shown_by = raw.FPDFText_GetTextObject(self._page, letter)
        if not shown_by:  # PDFium's own letter
            return self._size(letter), *self._kind(letter)
        name = ctypes.addressof(shown_by.contents)
        if name not in self._styles:
            self._styles[name] = self._size(letter), *self._kind(letter)
        return self._styles[name]

    def _size(self, letter: int) -> float:
        """Many programs set size 1 and enlarge it by the text matrix."""
        raw.FPDFText_GetMatrix(self._page, letter, self._matrix)
        scale = math.hypot(self._matrix.c, self._matrix.d) or 1.0
        return round(raw.FPDFText_GetFontSize(self._page, letter) * scale, 1)

    def _font(self, letter: int) -> bytes:
        """The font's name."""
        raw.FPDFText_GetFontInfo(self._page, letter, self._name, len(self._name), self._flags)
        return self._name.value

    def _kind(self, letter: int) -> tuple[bool, bool]:
        bold, mono = _named_kind(self._font(letter))
        return bold or raw.FPDFText_GetFontWeight(self._page, letter) >= BOLD_WEIGHT, mono


def _by_units(text: str) -> str:
    """A text with one sign for each 16 bits: letters of formulas and emoji are two. `plain` puts them together."""
    if text.isascii() or max(text, default="") <= "\uffff":
        return text
    units = text.encode("utf-16-le", "surrogatepass")
    return "".join(chr(units[place] | units[place + 1] << 8) for place in range(0, len(units), 2))


@lru_cache(1000)
def _named_kind(font: bytes) -> tuple[bool, bool]:
    """What a font's name says: whether it is bold, and whether all its signs are equally wide."""
    name = font.decode("utf-8", errors="replace")
    return bool(BOLD_NAME.search(name)), bool(MONO_NAME.search(name))
