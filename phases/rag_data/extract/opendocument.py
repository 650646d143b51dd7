"""ODT -> text: headings, lists, tables as Markdown tables, text boxes and footnotes, all in the order of the document.

In: an OpenDocument text. Out: Markdown text. The content part is walked as XML (OASIS OpenDocument 1.3, part 3): it is plain
enough, and the libraries for it only mirror its elements. Page headers, comments and tables of contents are left out.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from phases.rag_data.clean import Cleaning, tidy_line
from phases.rag_data.extract.document import (
    Block,
    Extracted,
    assemble,
    code,
    heading,
    joined_code,
    markdown_table,
    note_on_covered,
    paragraph,
)
from phases.rag_data.extract.formulas import MATHML, formula_text
from phases.rag_data.extract.packages import xml_part

SPACES = {name: f"{{urn:oasis:names:tc:opendocument:xmlns:{name}:1.0}}" for name in ("office", "text", "table", "drawing", "style")}
TEXT, TABLE, DRAW = SPACES["text"], SPACES["table"], SPACES["drawing"]
LIST, ITEMS = f"{TEXT}list", (f"{TEXT}list-item", f"{TEXT}list-header")
CONTENTS = {f"{TEXT}{name}" for name in ("table-of-content", "illustration-index", "table-index", "alphabetical-index")}
UNREAD = {f"{TEXT}tracked-changes", f"{SPACES['office']}annotation", f"{SPACES['office']}annotation-end", f"{TEXT}ruby-text"} | CONTENTS
HREF = "{http://www.w3.org/1999/xlink}href"
TITLE = "{http://purl.org/dc/elements/1.1/}title"
CODE_STYLES = {"Preformatted_20_Text", "Source_20_Code", "Source_20_Text"}
HEADING_STYLE = re.compile(r"Heading_20_(\d)")
MOST_REPEATED = 100
MOST_NESTED = 20


def extract_odt(path: Path, source: str, cleaning: Cleaning) -> Extracted:
    """Read an OpenDocument text. Raises FileRejected when its parts cannot be read."""
    with zipfile.ZipFile(path) as archive:
        names = set(archive.namelist())
        content = xml_part(archive, "content.xml", source)
        styles = xml_part(archive, "styles.xml", source) if "styles.xml" in names else None
        about = xml_part(archive, "meta.xml", source) if "meta.xml" in names else None
        places = {_place(one) for one in content.iter(f"{DRAW}object")}
        objects = {place: xml_part(archive, f"{place}/content.xml", source) for place in places if f"{place}/content.xml" in names}
    body = content.find(f"{SPACES['office']}body/{SPACES['office']}text")
    if body is None:
        return Extracted("")
    formulas = {place: formula_text(root) for place, root in objects.items() if root.tag.startswith(MATHML)}
    reader = _Reader([one for one in (styles, content) if one is not None], body, formulas)
    text = assemble(joined_code(reader.blocks(body)))[0]
    title = about.findtext(f".//{TITLE}") if about is not None else ""
    left_out = next(body.iter(*CONTENTS), None) is not None
    return Extracted("\n\n".join(filter(None, (text, "\n".join(reader.notes)))), title or "",
                     notes=(*(("Left out the table of contents; its headings stand in the text.",) if left_out else ()), *note_on_covered(reader.covered)))


class _Reader:
    """Walks the document once and gathers its footnotes."""

    def __init__(self, parts: list[Any], body: Any, formulas: Mapping[str, str]) -> None:
        self.notes: list[str] = []
        self.covered = 0
        self._formulas = formulas
        self._parents: dict[str, str] = {}
        self._numbered: set[tuple[str, int]] = set()
        for root in parts:
            self._parents |= {_get(one, "style", "name"): _get(one, "style", "parent-style-name")
                              for one in root.iter(f"{SPACES['style']}style")}
            for style in root.iter(f"{TEXT}list-style"):
                self._numbered |= {(_get(style, "style", "name"), int(_get(one, "text", "level") or 1))
                                   for one in style.iter(f"{TEXT}list-level-style-number") if _get(one, "style", "num-format")}
        self._below_title = int(any(self._is_title(one) for one in body.iter(f"{TEXT}p")))

    def blocks(self, parent: Any, depth: int = 0) -> Iterator[Block]:
        """Headings, paragraphs, lists and tables below an element, in order."""
        for child in parent:
            if child.tag in UNREAD or not isinstance(child.tag, str):
                continue
            if child.tag in {f"{TEXT}h", f"{TEXT}p"}:
                yield from self._paragraph(child, depth)
            elif child.tag == LIST:
                yield from self._list(child, _get(child, "text", "style-name"), 1)
            elif child.tag == f"{TABLE}table":
                yield Block(markdown_table(list(self._rows(child, depth))))
            elif depth < MOST_NESTED:  # sections, frames, text boxes
                yield from self.blocks(child, depth + 1)

    def _paragraph(self, element: Any, depth: int) -> Iterator[Block]:
        text = "\n".join(line for line in map(tidy_line, self._text(element).split("\n")) if line)
        if element.tag == f"{TEXT}h":
            level = _number(_get(element, "text", "outline-level"), 1)
            yield Block(heading(level + self._below_title, text.replace("\n", " ")) if text else "")
        else:
            level = 1 if self._is_title(element) else self._style_level(element)
            if text and not level and CODE_STYLES & set(self._style_names(element)):
                yield Block(code(self._text(element)))
            else:
                yield Block(heading(level, text.replace("\n", " ")) if text and level else paragraph(text))
        if depth < MOST_NESTED:
            for box in element.iter(f"{DRAW}text-box"):
                yield from self.blocks(box, depth + 1)

    def _is_title(self, element: Any) -> bool:
        return "Title" in self._style_names(element)

    def _style_level(self, element: Any) -> int:
        """The level of a paragraph that looks like a heading by its style alone, else 0."""
        found = next(filter(None, map(HEADING_STYLE.fullmatch, self._style_names(element))), None)
        return int(found[1]) + self._below_title if found else 0

    def _style_names(self, element: Any) -> list[str]:
        """A paragraph's style and those that it is based on."""
        names: list[str] = []
        name = _get(element, "text", "style-name")
        while name and name not in names:
            names.append(name)
            name = self._parents.get(name, "")
        return names

    def _list(self, element: Any, style: str, level: int) -> Iterator[Block]:
        """Items one below another, nested ones indented. Headings that a numbered outline keeps in a list stay headings."""
        number, first = 0, level == 1
        for item in element.iterchildren(*ITEMS):
            number += item.tag == ITEMS[0]
            mark = "  " * (level - 1) + (f"{number}. " if (style, level) in self._numbered else "- ")
            for child in item:
                if child.tag == LIST and level < MOST_NESTED:
                    yield from self._list(child, _get(child, "text", "style-name") or style, level + 1)
                elif child.tag == f"{TEXT}p" and (words := tidy_line(self._text(child).replace("\n", " "))):
                    yield Block(mark + words, tight=not first)
                    mark, first = " " * len(mark), False
                elif child.tag == f"{TEXT}h":
                    yield from self._paragraph(child, level)

    def _rows(self, table: Any, depth: int) -> Iterator[list[str]]:
        """Cell texts by row; covered cells of a merged one are empty."""
        for row in _inside(table):
            cells: list[str] = []
            for cell in row.iterchildren(f"{TABLE}table-cell", f"{TABLE}covered-table-cell"):
                words = self._cell(cell, depth)
                if cell.tag == f"{TABLE}covered-table-cell":
                    self.covered += bool(words)
                    words = ""
                cells += [words] * min(_number(_get(cell, "table", "number-columns-repeated"), 1), MOST_REPEATED)
            yield from [cells] * min(_number(_get(row, "table", "number-rows-repeated"), 1), MOST_REPEATED if any(cells) else 1)

    def _cell(self, cell: Any, depth: int) -> str:
        """All text of a cell in one line; a table inside it gives its cells, parted by semicolons."""
        parts = []
        for child in cell:
            if child.tag == f"{TABLE}table" and depth < MOST_NESTED:
                parts += ["; ".join(filter(None, row)) for row in self._rows(child, depth + 1)]
            elif depth < MOST_NESTED:
                parts += [block.text.strip().removeprefix("- ") for block in self.blocks([child], depth + 1)]
        return " ".join(filter(None, parts)).replace("\n", " ")

    def _text(self, element: Any) -> str:
        """The visible text of a paragraph, with "[1]" where a footnote stands."""
        parts = [element.text or ""]
        for child in element:
            parts += [self._inline(child), child.tail or ""]
        return "".join(parts)

    def _inline(self, child: Any) -> str:
        if not isinstance(child.tag, str) or child.tag in UNREAD or child.tag.startswith(DRAW):
            return " ".join(self._formulas.get(_place(one), "") for one in child.iter(f"{DRAW}object")) if child.tag == f"{DRAW}frame" else ""
        if child.tag in {f"{TEXT}s", f"{TEXT}tab"}:
            return " " * min(_number(_get(child, "text", "c"), 1), MOST_REPEATED)
        if child.tag == f"{TEXT}line-break":
            return "\n"
        if child.tag == f"{TEXT}note":
            words = " ".join(self._text(one) for one in child.iter(f"{TEXT}p"))
            self.notes.append(f"[{len(self.notes) + 1}] {tidy_line(words)}")
            return f" [{len(self.notes)}]"
        return self._text(child)


def _inside(table: Any) -> Iterator[Any]:
    """The rows of a table, also those in its head and in row groups."""
    for child in table:
        if child.tag == f"{TABLE}table-row":
            yield child
        elif child.tag in {f"{TABLE}table-header-rows", f"{TABLE}table-rows", f"{TABLE}table-row-group"}:
            yield from _inside(child)


def _place(element: Any) -> str:
    """The folder inside the file that an embedded object lies in."""
    return element.get(HREF, "").removeprefix("./").strip("/")


def _get(element: Any, space: str, name: str) -> str:
    return element.get(f"{SPACES[space]}{name}", "")


def _number(text: str, default: int) -> int:
    return int(text) if text.isdecimal() else default
