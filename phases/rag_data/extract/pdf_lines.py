"""The lines of a PDF page with their place and type size.

In: the letters of a page. Out: `Line` records in reading order. Size and weight are looked up for the first and last letter of a line only:
asking PDFium for every letter would take several times as long as the text itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from phases.rag_data.clean import safe_text, tidy_line
from phases.rag_data.extract.pdf_accents import GONE
from phases.rag_data.extract.pdf_letters import Letters

LINE = re.compile("(?:[^\r\ufffe]+|\r(?!\n))+\ufffe?")
BLANKS = f" \t\r\n\u00a0{GONE}"
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
MONO_PARTS = 5  # of a line, between which a sign is looked at
WIDE_GAP = 1.15  # type sizes between two cells
Span = tuple[int, int]  # begin and end in the text of a page


@dataclass(frozen=True)
class Cell:
    """A part of a line between two wide gaps, with its left and right end."""

    text: str
    x0: float
    x1: float


@dataclass(frozen=True)
class Line:
    """One line: its text, left and right end, base line and type size in points from the page's lower left corner.

    `level` is the depth of a heading, 0 for other lines. `mono`: all its signs are equally wide, as in programs. `is_note`: a small raised number stands before it, as before a footnote. `cells` are its parts where it has wide gaps. `span` is where its letters stand in
    the page's text.
    """

    text: str
    x0: float
    x1: float
    y: float
    size: float
    bold: bool = False
    level: int = 0
    cells: tuple[Cell, ...] = ()
    span: Span = (0, 0)
    is_note: bool = False
    mono: bool = False


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


def pieces_of(letters: Letters) -> list[Line]:
    """What PDFium gives as lines, in the order in which the file holds them, which is reading order in nearly all files."""
    found = (_line(letters, *match.span()) for match in LINE.finditer(letters.text))
    return [line for line in found if line is not None]


def with_cells(items: Sequence[Line | Table], letters: Letters) -> Iterator[Line | Table]:
    """The lines that seem to have wide gaps, and those beside them, cut at their gaps."""
    loose = [isinstance(one, Line) and one.x1 - one.x0 > GAP_SHARE * one.size * len(one.text) for one in items]
    for place, one in enumerate(items):
        beside = isinstance(one, Line) and any(loose[max(place - 1, 0):place + 2])
        yield replace(one, cells=tuple(_cells(letters, one.span, one.size))) if beside else one


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


def _line(letters: Letters, start: int, end: int) -> Line | None:
    words = letters.text[start:end].replace(HYPHEN_MARK, "-")
    content = plain(words)
    if not content:
        return None
    mark = MARK.match(words)  # list marks and drop capitals are often set larger
    outer = start + len(words) - len(words.lstrip(BLANKS))
    first = start + mark.end() if mark else outer
    last = max(first, start + len(words.rstrip(BLANKS).rstrip("-")) - 1)
    opening, closing = letters.letter(first), letters.letter(last)
    (size, bold, mono), (last_size, last_bold, last_mono) = letters.style(opening), letters.style(closing)
    x, y = letters.origin(letters.letter(outer) if mark else opening)
    return Line(content, x, letters.ends(closing)[1], y, max(size, last_size), bold and last_bold, span=(start, end),
                mono=mono and last_mono and _all_mono(letters, first, last))


def _all_mono(letters: Letters, first: int, last: int) -> bool:
    """Whether signs between the first and the last one are of such a font too; a line of text may begin and end with a name."""
    places = [first + (last - first) * part // MONO_PARTS for part in range(1, MONO_PARTS)]
    return all(letters.style(letters.letter(place))[2] for place in places if letters.text[place] not in BLANKS)


def _cells(letters: Letters, span: Span, size: float) -> Iterator[Cell]:
    """The parts of a line between wide gaps."""
    parts: list[tuple[int, int, float, float]] = []  # begin and end in the text, left and right end on the page
    for word in WORD.finditer(letters.text, *span):
        begin, end = word.span()
        left, right = letters.ends(letters.letter(begin))[0], letters.ends(letters.letter(end - 1))[1]
        if parts and left - parts[-1][3] <= WIDE_GAP * size:
            parts[-1] = (parts[-1][0], end, parts[-1][2], max(right, parts[-1][3]))
        else:
            parts.append((begin, end, left, right))
    return (Cell(plain(letters.text[begin:end].replace(HYPHEN_MARK, "-")), left, max(left, right)) for begin, end, left, right in parts)  # an accent may end it further left
