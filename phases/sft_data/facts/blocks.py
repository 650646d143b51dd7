"""A document's text cut into headings, tables, list items and sentences, each with its place.

In: Markdown-like text. Out: `Block` records whose offsets point into it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

HEADING = re.compile(r"#{1,6} +(.+)")
NUMBERING = re.compile(r"^(?:(?:chapter|section|part|appendix|kapitel|teil|abschnitt) )?(?:\d+(?:\.\d+)*\.?|[A-Z]\.(?:\d+\.?)*|[IVX]+\.)\s+", re.IGNORECASE)
ITEM = re.compile(r"\s*[-*+•] +(.+)")
NUMBERED = re.compile(r"\s*\d+[.)] +.+")
SENTENCE_END = re.compile(r"(?<=[.!?])[\"”)]?\s+(?=[\"“(]?[A-ZÄÖÜ0-9])|;\s+")
ABBREVIATION = re.compile(r"(?:\b(?:e\.g|i\.e|etc|vs|cf|Mr|Mrs|Ms|Dr|Prof|St|No|Fig|approx|ca|bzw|z\.B|usw|Nr|Inc|Ltd|Co|Jr|Sr|Vol|pp|Sec|resp)|\b[A-Z])\.$")


@dataclass(frozen=True)
class Block:
    """One block. `kind`: "heading", "row", "item" or "prose"; `text` is the document's text from `start` on."""

    kind: str
    text: str
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.text)


def read_blocks(text: str) -> Iterator[Block]:
    """The blocks in their order; fenced code is left out, wrapped lines of one paragraph belong together."""
    paragraph: tuple[int, int] | None = None
    fenced = False
    for match in re.finditer(r"[^\n]*\n?", text):
        line = match[0].rstrip("\n")
        kind = _kind_of_line(line)
        fenced ^= kind == "fence"
        continues = kind == "prose" and not fenced
        if paragraph and not continues:
            yield Block("prose", text[slice(*paragraph)], paragraph[0])
            paragraph = None
        if fenced or kind in {"fence", "blank", "skipped"}:
            continue
        if continues:
            paragraph = (paragraph[0] if paragraph else match.start(), match.start() + len(line))
        else:
            yield Block(kind, line, match.start())
    if paragraph:
        yield Block("prose", text[slice(*paragraph)], paragraph[0])


def _kind_of_line(line: str) -> str:
    if not line.strip():
        return "blank"
    if line.lstrip().startswith(("```", "~~~")):
        return "fence"
    if HEADING.match(line):
        return "heading"
    if line.lstrip().startswith("|"):
        return "row"
    if ITEM.match(line):
        return "item"
    return "skipped" if NUMBERED.match(line) or line.startswith(("    ", "\t", ">")) else "prose"


def heading_text(block: Block) -> str:
    """A heading without its marks and numbering."""
    match = HEADING.match(block.text)
    return NUMBERING.sub("", match[1].strip(" #")) if match else block.text


def sentences(block: Block) -> Iterator[Block]:
    """The sentences of a paragraph; a semicolon parts them too."""
    start = 0
    ends = [*SENTENCE_END.finditer(block.text), None]
    for end in ends:
        stop = end.start() if end else len(block.text)
        if end and ABBREVIATION.search(block.text[start:stop]):
            continue
        piece = block.text[start:stop]
        inner = len(piece) - len(piece.lstrip())
        if piece.strip():
            yield Block("sentence", piece.strip(), block.start + start + inner)
        start = end.end() if end else stop
