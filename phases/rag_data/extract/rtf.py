r"""RTF -> text: headings by outline level or style, lists, tables as Markdown tables.

In: an RTF file. Out: Markdown text. striprtf decodes the text but drops all structure, so marks are put into the source
first, as escaped control characters that no document holds (\'01 to \'0f); they come back at their places in its text.
Footnotes stand at the end. Page headers and deleted text are left out.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from pathlib import Path

from striprtf.striprtf import rtf_to_text

from phases.rag_data.clean import Cleaning, tidy_line
from phases.rag_data.extract.document import Block, Extracted, assemble, heading, markdown_table, paragraph

LEVEL, DEPTH, END, CELL, ROW_END, ROW, INNER, EDGE = "\x01", "\x07", "\x02", "\x03", "\x04", "\x05", "\x06", "\x08"
NOTE, NOTE_END = "\x0e", "\x0f"
MARKS = re.compile(r"\\(?:(s|outlinelevel|ilvl|cellx)(\d{1,6})|(cell|row|trowd|nestcell)(?![a-z]))(?!\d) ?")
PLAIN_MARKS = {"cell": CELL, "row": ROW_END, "trowd": ROW, "nestcell": INNER}
STYLE = re.compile(r"\{\\s(\d+)\\[^{}]*?(?:heading (\d)|\\outlinelevel(\d)[^{}]*?|(title))\s*;\}", re.IGNORECASE)
PAGE_OF_CODES = re.compile(r"\\ansicpg(\d{3,5})")
UNREAD = re.compile(r"\{\\(?:\*\\fldinst|deleted)\b(?:[^{}]|\{[^{}]*\})*\}")  # addresses of links, and what was struck out
BOX = re.compile(r"\{(?:\\\*)?\\(?:shp|shpinst|shptxt)(?![a-z])")  # text boxes, which striprtf would leave out
FOOTNOTE = re.compile(r"\{\\(?:\*\\)?footnote(?![a-z]) ?")
BRACE = re.compile(r"\\[\\{}]|[{}]")
NOTE_TEXT = re.compile(f"{NOTE}([^{NOTE_END}]*){NOTE_END}")
TITLE = re.compile(r"\{\\title ((?:[^{}\\]|\\[^{}])*)\}")
ITEM = re.compile(r"\s*(?:(\d{1,3}|[a-z])[.)]|[\u2022\u00b7\u25aa\u25cf\u25e6\u2013\ue000-\uf8ffo-])\t\s*")

SAME_EDGE = 60  # twips, a millimetre


def extract_rtf(path: Path, source: str, cleaning: Cleaning) -> Extracted:
    """Read an RTF document."""
    data = path.read_bytes()
    found = PAGE_OF_CODES.search(data[:4096].decode("latin-1"))
    encoding = f"cp{found[1]}" if found else "cp1252"
    try:
        rtf = data.decode(encoding, errors="replace")
    except LookupError:
        rtf = data.decode("cp1252", errors="replace")
    text, footnotes = _footnotes_apart(rtf_to_text(_marked(rtf), errors="replace"))
    title = TITLE.search(rtf)
    return Extracted("\n\n".join(filter(None, (assemble(_blocks(text))[0], footnotes))),
                     rtf_to_text(f"{{\\rtf1\\ansi {title[1]}}}", encoding, errors="replace") if title else "")


def _marked(rtf: str) -> str:
    """The source with marks where headings, list depths, cells and rows begin or end."""
    found = list(STYLE.finditer(rtf))
    below_title = int(any(one[4] and len(re.findall(rf"\\s{one[1]}(?!\d)", rtf)) > 1 for one in found))
    styles = {one[1]: 1 if one[4] else int(one[2] or int(one[3]) + 1) + below_title for one in found}

    def mark(match: re.Match[str]) -> str:
        kept = match[0].rstrip()
        if match[3]:
            return _escaped(PLAIN_MARKS[match[3]])
        if match[1] in {"ilvl", "cellx"}:
            return f"{kept}{_escaped(DEPTH if match[1] == 'ilvl' else EDGE)}{match[2]}{_escaped(END)}"
        level = styles.get(match[2], 0) if match[1] == "s" else int(match[2]) + 1 + below_title
        return f"{kept}{_escaped(LEVEL)}{level}{_escaped(END)}" if 1 <= level <= 9 else match[0]

    return MARKS.sub(mark, BOX.sub(r"{\\txtbox", _with_note_marks(UNREAD.sub("", rtf))).replace("{\\pntext", "{\\listtext"))


def _with_note_marks(rtf: str) -> str:
    """The source with plain groups between marks where striprtf would leave out footnotes."""
    parts, place = [], 0
    while begin := FOOTNOTE.search(rtf, place):
        depth, end = 1, len(rtf)
        for brace in BRACE.finditer(rtf, begin.end()):
            depth += {"{": 1, "}": -1}.get(brace[0], 0)
            if not depth:
                end = brace.start()
                break
        parts += [rtf[place:begin.start()], f"{{{_escaped(NOTE)}", rtf[begin.end():end], f"{{{_escaped(NOTE_END)}}}"]
        place = end
    return "".join((*parts, rtf[place:]))


def _footnotes_apart(text: str) -> tuple[str, str]:
    """The text with " [1]" where a footnote stands, and the footnotes as lines."""
    notes: list[str] = []

    def take(match: re.Match[str]) -> str:
        notes.append(f"[{len(notes) + 1}] {_plain(match[1])}")
        return f" [{len(notes)}]"

    return NOTE_TEXT.sub(take, text), "\n".join(notes)


def _escaped(mark: str) -> str:
    return f"\\'{ord(mark):02x}"


def _blocks(text: str) -> Iterator[Block]:
    rows: list[str] = []
    for words, row in _parts(text):
        if _plain(words) and rows:
            yield Block(markdown_table(_aligned(rows)))
            rows = []
        yield from _paragraphs(words)
        rows += [] if row is None else [row]
    if rows:
        yield Block(markdown_table(_aligned(rows)))


def _aligned(rows: list[str]) -> list[list[str]]:
    """The cells of a table's rows, those after a merged one in the column where they stand.

    Rows announce the right edges of their cells, in twips; a merged cell's edge is that of the last column it covers.
    """
    cells = [[_plain(cell) for cell in row.rstrip("\n\r \t").removesuffix(CELL).split(CELL)] for row in rows]
    edges = [[int(one) for one in re.findall(f"{EDGE}(\\d+){END}", row)][:len(own)] for row, own in zip(rows, cells, strict=True)]
    if any(len(own) != len(its) or sorted(set(its)) != its for own, its in zip(cells, edges, strict=True)):
        return cells
    grid: list[int] = []
    for edge in sorted({one for its in edges for one in its}):
        if not grid or edge - grid[-1] > SAME_EDGE:
            grid.append(edge)
    placed = []
    for own, its in zip(cells, edges, strict=True):
        line = [""] * len(grid)
        for cell, left in zip(own, [-SAME_EDGE - 1, *its], strict=False):
            line[min(bisect_right(grid, left + SAME_EDGE), len(grid) - 1)] += cell
        placed.append(line)
    return placed


def _parts(text: str) -> Iterator[tuple[str, str | None]]:
    """(text before a row, the row); at the end (the rest, None)."""
    *rows, rest = text.split(ROW_END)
    for row in rows:
        place = row.find(ROW)
        if place < 0:  # a row may take its shape from the one before
            place = row.rfind("\n", 0, row.find(CELL)) + 1 if CELL in row else len(row)
        yield row[:place], row[place:].replace(ROW, "")
    yield rest.replace(ROW, ""), None


def _paragraphs(text: str) -> Iterator[Block]:
    before = ""
    for line in text.replace(CELL, " ").split("\n"):
        words = _plain(line)
        kind = ""
        if not words:
            continue
        level, item = re.search(f"{LEVEL}(\\d){END}", line), ITEM.match(_unmarked(line))
        if level and not item:
            yield Block(heading(int(level[1]), words))
        elif item:
            depth = re.search(f"{DEPTH}(\\d){END}", line)
            indent, kind = "  " * (int(depth[1]) if depth else 0), "1" if item[1] else "-"
            mark = f"{item[1]}. " if item[1] else "- "
            yield Block(indent + mark + tidy_line(_unmarked(line)[item.end():]), tight=before == kind or bool(before and indent))
        else:
            yield Block(paragraph(words))
        before = kind


def _unmarked(text: str) -> str:
    return re.sub(f"[{LEVEL}{DEPTH}{EDGE}]\\d+{END}", "", text).replace(INNER, "; ")


def _plain(text: str) -> str:
    return tidy_line(re.sub(r"\s+", " ", _unmarked(text))).removesuffix(";" if INNER in text else "")
