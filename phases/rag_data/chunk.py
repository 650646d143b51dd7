"""Cut a document into chunks.

In: a `Document`, the settings and a function that counts tokens. Out: chunks whose content is an exact span of the
document's text. Headings stay with what follows them, a table that fits is not cut, and one that does not is cut between
rows. Some whole sections are held out for perplexity: no other chunk overlaps them.
"""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from phases.rag_data.config import IngestConfig
from phases.rag_data.extract.document import Document, heading_words

HEADING = re.compile(r"(#{1,6}) +(.+)")
FENCE = re.compile(r"\s{0,3}(```|~~~)")
SEPARATORS = [r"\n\n(?=# )", r"\n\n(?=## )", r"\n\n(?=#{3,6} )", r"\n\n", r"\n", r"(?<=[.!?\u2026]) |(?<=[\u3002\uff01\uff1f])", " ", r"[^\n]{1,8}", ""]
GLUE = "\x1e"  # stands for a line end that must not be cut at; documents hold no control characters
MIN_SECTIONS = 10
MIN_HELD_OUT_CHARS = 200
GROUP_CHARS = 1200
COUNTS_KEPT = 200_000
SHORT_PIECE = 200  # characters; of such pieces most return
LONG_TOKEN = 64  # characters; only rows of one sign have tokens as long


@dataclass(frozen=True)
class Heading:
    """A heading line: where it begins, how deep it lies, its words."""

    start: int
    level: int
    title: str


@dataclass(frozen=True)
class Section:
    """A heading with the text up to the next one, as offsets in the document's text."""

    start: int
    end: int


@dataclass(frozen=True)
class Chunk:
    """One chunk. `page` counts from 1 (None without pages); `headings` is the path to where it begins."""

    content: str
    start: int
    end: int
    page: int | None
    headings: tuple[str, ...]
    tokens: int
    held_out: bool = False

    @property
    def metadata(self) -> dict[str, Any]:
        """What stands in the `metadata` column."""
        page = {} if self.page is None else {"page": self.page}
        return {**page, "headings": list(self.headings), "start": self.start, "end": self.end}


@dataclass(frozen=True)
class _Cutter:
    text: str
    count: Callable[[str], int]
    size: int
    headings: Sequence[Heading]
    pages: Sequence[int]
    glued: str = field(default="")

    def chunk(self, start: int, end: int, held_out: bool) -> Chunk:
        content = self.text[start:end]
        page = sum(1 for one in self.pages if one <= start) or 1 if self.pages else None
        return Chunk(content, start, end, page, heading_path(self.headings, start), self.count(content), held_out)

    def cut(self, start: int, end: int, overlap: int, held_out: bool) -> Iterator[Chunk]:
        """Chunks of one stretch of text; only within it do they overlap."""
        place = start - 1
        for piece in self._pieces(start, end, overlap):
            place = self.glued.index(piece, place + 1)
            yield self.chunk(place, place + len(piece), held_out)

    def _pieces(self, start: int, end: int, overlap: int) -> list[str]:
        from langchain_text_splitters import RecursiveCharacterTextSplitter

        splitter = RecursiveCharacterTextSplitter(separators=SEPARATORS, is_separator_regex=True, chunk_size=self.size,
                                                  chunk_overlap=overlap, length_function=_remembering(self._length))
        return splitter.split_text(self.glued[start:end])

    def _length(self, text: str) -> int:
        """Tokens of a piece; at least those of a chunk for one that is longer by far.

        The splitter asks at each of its levels for the length of all that it may have to cut, and wants to know of long
        pieces only that they are. A token is at most a word, so a piece of many words needs no counting; nor does one of very
        many letters, which would take a tokenizer long.
        """
        if len(text) > LONG_TOKEN * self.size:
            return len(text) // LONG_TOKEN + 1
        words = text.count(" ") + 1
        if words > self.size and len(text.split()) > self.size:
            return words
        return self.count(text.replace(GLUE, "\n"))


def _remembering(length: Callable[[str], int]) -> Callable[[str], int]:
    """The splitter asks for the length of each word several times."""
    known = lru_cache(COUNTS_KEPT)(length)
    return lambda text: known(text) if len(text) <= SHORT_PIECE else length(text)


def chunk_document(document: Document, config: IngestConfig, count_tokens: Callable[[str], int]) -> list[Chunk]:
    """All chunks of a document in reading order; for each, `content == document.text[start:end]`."""
    text = document.text
    headings = find_headings(text)
    parts = sections(document)
    held = held_out_sections(text, parts, config.holdout_percent)
    cutter = _Cutter(text, lru_cache(COUNTS_KEPT)(count_tokens), config.chunk_size, headings, document.pages,
                     _glue_headings(text, headings))
    chunks: list[Chunk] = []
    for start, end, held_out in _stretches(parts, held):
        chunks += cutter.cut(start, end, 0 if held_out else config.chunk_overlap, held_out)
    return chunks


def sections(document: Document) -> list[Section]:
    """The document's sections, without a gap; text without headings is cut into groups of paragraphs."""
    text = document.text
    starts = [one.start for one in find_headings(text)]
    if len(starts) < 2:
        starts = _paragraph_groups(text)
    if not starts or text[:starts[0]].strip():
        starts.insert(0, 0)
    starts[0] = 0
    return [Section(start, end) for start, end in zip(starts, [*starts[1:], len(text)], strict=True)]


def held_out_sections(text: str, parts: Sequence[Section], percent: float) -> frozenset[Section]:
    """Sections kept for perplexity: chosen by the hash of their text, never more than `percent` of the document.

    Nothing but the text itself decides, so the same document always keeps the same sections, whatever it says.
    """
    if len(parts) < MIN_SECTIONS:
        return frozenset()
    room = len(text) * percent / 100
    held: set[Section] = set()
    for part in sorted(parts, key=lambda one: hashlib.sha256(text[one.start:one.end].strip().encode()).digest()):
        length = part.end - part.start
        if MIN_HELD_OUT_CHARS <= length <= room:
            held.add(part)
            room -= length
    return frozenset(held)


def find_headings(text: str) -> list[Heading]:
    """Heading lines ("## Brakes"), leaving out lines inside fenced code."""
    found, place, fence = [], 0, ""
    for line in text.splitlines(keepends=True):
        mark = FENCE.match(line) if "```" in line or "~~~" in line else None
        if mark and (not fence or mark[1] == fence):
            fence = "" if fence else mark[1]
        elif line[0] == "#" and not fence and (match := HEADING.fullmatch(line.rstrip())):
            found.append(Heading(place, len(match[1]), heading_words(match[2].strip().rstrip("#"))))
        place += len(line)
    return found


def heading_path(headings: Sequence[Heading], place: int) -> tuple[str, ...]:
    """Titles from the topmost heading down to the one that `place` stands under."""
    path: list[Heading] = []
    for one in reversed(headings[:bisect_right(headings, place, key=lambda one: one.start)]):
        if not path or one.level < path[-1].level:
            path.append(one)
        if one.level == 1:
            break
    return tuple(one.title for one in reversed(path))


def headings_behind(text: str, start: int, content: str, place: int, known: Sequence[str]) -> tuple[str, ...]:
    """The titles that a part of a chunk stands under which begins at `place` of its content.

    Args:
        text: the document's text.
        start: where the chunk begins in it.
        content: the chunk's text, edited or not.
        known: the titles that the chunk stands under; its part does so too unless a heading stands between.
    """
    found = find_headings(text)
    if not text.startswith(content, start):
        inside = [replace(one, start=start + one.start) for one in find_headings(content)]
        found = [one for one in found if one.start < start] + inside
    if not any(start < one.start <= start + place for one in found):
        return tuple(known)
    return heading_path(found, start + place)


def _stretches(parts: Sequence[Section], held: frozenset[Section]) -> Iterator[tuple[int, int, bool]]:
    """Held-out sections one by one; the sections between them joined."""
    begin = None
    for part in parts:
        if part in held:
            if begin is not None:
                yield begin, part.start, False
            begin = None
            yield part.start, part.end, True
        elif begin is None:
            begin = part.start
    if begin is not None:
        yield begin, parts[-1].end, False


def _paragraph_groups(text: str) -> list[int]:
    starts = [0]
    for gap in re.finditer(r"\n\n+", text):
        if gap.end() - starts[-1] >= GROUP_CHARS:
            starts.append(gap.end())
    return starts


def _glue_headings(text: str, headings: Sequence[Heading]) -> str:
    """The text with the line ends after headings masked, letter for letter, so that no cut parts them from their text."""
    letters = list(text)
    for one in headings:
        place = text.find("\n", one.start)
        while 0 <= place < len(text) and text[place] == "\n":
            letters[place] = GLUE
            place += 1
    return "".join(letters)
