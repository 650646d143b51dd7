"""What a parser hands over: a document as one Markdown text with the places where its pages begin.

In: blocks in reading order. Out: `Document`. Headings are "# Heading" lines, tables are Markdown tables, list items begin
with "- " or "1. ", everything else is one line a paragraph; blank lines part the blocks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from phases.rag_data.clean import tidy_line
from phases.rag_data.clean.edits import FENCE
from phases.rag_data.clean.steps import UNSEEN

POOR_TITLE = re.compile(r"untitled|unbenannt|^word document$|^word-dokument$|^enscript output$|^microsoft word|^powerpoint presentation$|^präsentation$|\.(docx?|pptx?|xlsx?|odt|rtf|pdf|indd|tex|qxd|dvi|html?)$", re.IGNORECASE)


@dataclass(frozen=True)
class Document:
    """An extracted document.

    `media` is a key of `phases.rag_data.extract.formats.FORMATS`. `pages` are the offsets in `text` where each page begins, empty for formats
    without pages. `notes` are sentences on what was left out or repaired. `cleaning` is what each step changed (see
    `phases.rag_data.clean`), `columns` what stands in each column of a file of records.
    """

    source: str
    media: str
    text: str
    title: str = ""
    pages: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()
    cleaning: Mapping[str, Any] = field(default_factory=dict)
    columns: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True)
class Extracted:
    """What one format's function returns; `phases.rag_data.extract.formats` makes a `Document` of it."""

    text: str
    title: str = ""
    pages: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()
    columns: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True)
class Block:
    """One block of text. `tight` items follow the block before without a blank line, as items of a list do."""

    text: str
    page: int = 0
    tight: bool = False


def assemble(blocks: Iterable[Block], page_count: int = 0) -> tuple[str, tuple[int, ...]]:
    """The whole text, and where each page begins in it."""
    text, starts = "", []
    for block in blocks:
        if not block.text.strip():
            continue
        if text:
            text += "\n" if block.tight else "\n\n"
        while page_count and len(starts) < block.page:
            starts.append(len(text))
        text += block.text
    starts += [len(text)] * (page_count - len(starts))
    return text, tuple(starts)


CODE = "```"
PICTURE = re.compile(r"!\[[^\[\]]*\]\([^()\s]*(?:\s[^()]*)?\)")
LINK = re.compile(r"\[([^\[\]]*)\]\([^()\s]*[/#.:][^()\s]*(?:\s[^()]*)?\)")
NO_HEADING = re.compile(f"^(?=(?:{UNSEEN.pattern})?#{{1,6}} )", re.MULTILINE)  # what is not seen may be removed later


def paragraph(text: str) -> str:
    """Text that is no heading, also where a line of it begins with "#" as one does."""
    return NO_HEADING.sub(" ", text) if "#" in text else text


def closed_code(text: str) -> str:
    """Text whose last fence is closed, so that code which was cut off ends where the text does."""
    fence = ""
    for line in text.split("\n"):
        mark = FENCE.match(line)
        if mark and fence in ("", mark[1]):
            fence = "" if fence else mark[1]
    return f"{text}\n{fence}" if fence else text


def code(lines: str) -> str:
    """Lines of a program, fenced."""
    return f"{CODE}\n{lines}\n{CODE}"


def joined_code(blocks: Iterable[Block]) -> Iterator[Block]:
    """Blocks of code that follow each other, as one: some programs make each line a paragraph."""
    held: Block | None = None
    for block in blocks:
        if held and held.text.startswith(CODE) and block.text.startswith(CODE):
            held = Block(held.text.removesuffix(CODE) + block.text.removeprefix(f"{CODE}\n"), held.page, held.tight)
            continue
        if held:
            yield held
        held = block
    if held:
        yield held


def heading(level: int, text: str) -> str:
    """A heading line."""
    return f"{'#' * min(max(level, 1), 6)} {tidy_line(text)}"


def markdown_table(rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table whose first row is the head; empty rows and columns are left out.

    What has a single column is no table but a frame around text: its cells become lines.
    """
    cells = [[tidy_line(re.sub(r"\s*\n\s*", " ", cell or "")).replace("|", "\\|") for cell in row] for row in rows]
    width = max((len(row) for row in cells), default=0)
    cells = [row + [""] * (width - len(row)) for row in cells if any(row)]
    used = [column for column in range(width) if any(row[column] for row in cells)]
    cells = [[row[column] for column in used] for row in cells]
    if len(used) < 2:
        return "\n".join(row[0].replace("\\|", "|") for row in cells)
    lines = [f"| {' | '.join(row)} |" for row in cells]
    return "\n".join([lines[0], "|" + " --- |" * len(used), *lines[1:]])


def note_on_covered(count: int) -> tuple[str, ...]:
    """What to say of texts in cells that a merged cell covers: no program shows those, and most repeat what it holds."""
    return (f"Left out {count:,} texts in cells that a merged cell covers.",) if count else ()


def usable_title(title: str) -> str:
    """A title field's content, or "" where a program left a file name or its own words in it."""
    title = tidy_line(title)
    poor = len(title) < 4 or POOR_TITLE.search(title)
    return "" if poor else title


def title_of(text: str) -> str:
    """The first heading of a text, for files that carry no title of their own."""
    match = re.search(r"^#{1,6} +(.+)$", text, re.MULTILINE)
    return heading_words(match[1]) if match else ""


def heading_words(title: str) -> str:
    """A heading without the addresses of its links and pictures, such as the badges of a program's page."""
    words = LINK.sub(r"\1", PICTURE.sub("", title)) if "](" in title else title
    return tidy_line(words) or title.strip()
