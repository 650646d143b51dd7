"""DOCX -> text: headings by style, lists, tables as Markdown tables, all in the order of the document.

In: a DOCX file. Out: Markdown text. The document's XML is walked here, because python-docx leaves out what stands in
content controls, text boxes, tracked insertions and footnotes. Page headers and footers are left out on purpose, and so is hidden text, with a note.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docx
from docx.document import Document as WordFile
from docx.oxml import parse_xml
from docx.oxml.ns import qn

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
from phases.rag_data.extract.formulas import WORD_MATH, formula_text
from phases.rag_data.extract.sniff import damaged

PARAGRAPH, TABLE, ROW, CELL = qn("w:p"), qn("w:tbl"), qn("w:tr"), qn("w:tc")
TEXT_BOX = qn("w:txbxContent")
FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
UNREAD = {qn("w:del"), qn("w:moveFrom"), qn("w:instrText"), FALLBACK}
WRAPPERS = {qn(f"w:{name}") for name in ("sdt", "sdtContent", "ins", "moveTo", "customXml", "smartTag")}
BREAKS = {qn("w:tab"): " ", qn("w:br"): "\n", qn("w:cr"): "\n", qn("w:noBreakHyphen"): "-", qn("w:ptab"): " "}
NUMBER = "number"  # of a note, set while reading
NOTE_MARKS = {qn("w:footnoteReference"), qn("w:endnoteReference")}
HEADING_STYLE = re.compile(r"(?:heading|überschrift|titre|título|titolo|kop|rubrik|nagłówek|заголовок|标题) (\d)", re.IGNORECASE)
TITLE_STYLES = {"title", "titel", "título", "titolo", "tytuł"}
CODE_STYLES = {"source code", "html preformatted", "preformatted text", "quelltext", "code"}
LIST_STYLE = re.compile(r"List (?:Bullet|Number)(?: (\d))?$")
ITEM = re.compile(r"( *)(-|\d+)\.? ")
MOST_NESTED = 20


def extract_docx(path: Path, source: str, cleaning: Cleaning) -> Extracted:
    """Read a Word document. Raises FileRejected when its parts cannot be read."""
    try:
        file = docx.Document(str(path))
    except (KeyError, ValueError, docx.opc.exceptions.PackageNotFoundError, SyntaxError) as problem:
        raise damaged(source, type(problem).__name__) from None
    reader = _Reader(file)
    text, _ = assemble(joined_code(reader.blocks(file.element.body)))
    footnotes = "\n".join(reader.notes())
    hidden = sum(map(_is_hidden, file.element.body.iter(qn("w:r"))))
    return Extracted("\n\n".join(part for part in (text, footnotes) if part), (file.core_properties.title or "").strip(),
                     notes=(*((f"Left out {hidden} pieces of hidden text.",) if hidden else ()), *note_on_covered(reader.covered)))


class _Reader:
    """Walks the document once; holds the counters of numbered lists."""

    def __init__(self, file: WordFile) -> None:
        self._file = file
        self.covered = 0
        self._styles = {one.style_id: one for one in file.styles}
        self._counters: dict[tuple[str, int], int] = {}
        self._formats = dict(_number_formats(file))
        for number, mark in enumerate(file.element.body.iter(*NOTE_MARKS), start=1):
            mark.set(NUMBER, str(number))
        self._below_title = int(any(self._is_title(one) for one in file.element.body.iter(PARAGRAPH)))

    def blocks(self, parent: Any, depth: int = 0) -> Iterator[Block]:
        """Paragraphs and tables below an element, in order, with text boxes after the paragraph that anchors them."""
        before = ""
        for child in parent:
            if child.tag == PARAGRAPH:
                for block in self._paragraph(child, before):
                    before = block.text
                    yield block
                for box in _text_boxes(child):
                    if depth < MOST_NESTED:
                        yield from self.blocks(box, depth + 1)
            elif child.tag == TABLE:
                before = ""
                yield Block(markdown_table(list(self._rows(child, depth))))
            elif child.tag in WRAPPERS:
                yield from self.blocks(child, depth)

    def notes(self) -> Iterator[str]:
        """Footnotes and endnotes as "[1] text" lines, numbered as they come in the text."""
        texts = dict(self._note_texts())
        for mark in self._file.element.body.iter(*NOTE_MARKS):
            text = texts.get((mark.tag, mark.get(qn("w:id"))))
            if text:
                yield f"[{mark.get(NUMBER)}] {text}"

    def _note_texts(self) -> Iterator[tuple[tuple[str, str], str]]:
        """((kind of mark, id), text) of all notes that a person wrote."""
        for part in self._file.part.package.iter_parts():
            kind = {"/word/footnotes.xml": "w:footnoteReference", "/word/endnotes.xml": "w:endnoteReference"}.get(str(part.partname))
            for note in parse_xml(part.blob) if kind else ():
                if isinstance(note.tag, str) and note.get(qn("w:type")) is None:
                    yield (qn(kind), note.get(qn("w:id"))), tidy_line(" ".join(_text(one) for one in note.iter(PARAGRAPH)))

    def _paragraph(self, element: Any, before: str) -> Iterator[Block]:
        text = "\n".join(line for line in map(tidy_line, _text(element).split("\n")) if line)
        if not text:
            return
        level = self._heading_level(element)
        if level:
            yield Block(heading(level, text.replace("\n", " ")))
            return
        mark = self._list_mark(element)
        if mark is None and any((style.name or "").lower() in CODE_STYLES for style in self._style_chain(element)):
            yield Block(code(_text(element)))
        elif mark is None:
            yield Block(paragraph(text))
        else:
            item = mark + text.replace("\n", " ")
            yield Block(item, tight=_is_next_item(before, item))

    def _heading_level(self, element: Any) -> int:
        """Depth of a heading, 0 for other paragraphs; below a title, the headings lie one deeper."""
        if self._is_title(element):
            return 1
        level = self._outline_level(element)
        return min(level + self._below_title, 6) if level else 0

    def _is_title(self, element: Any) -> bool:
        return any((style.name or "").lower() in TITLE_STYLES for style in self._style_chain(element))

    def _outline_level(self, element: Any) -> int:
        """By the paragraph's own outline level, else by its style or a style that this one is based on."""
        own = _level_of(element)
        if own is not None:
            return own
        for style in self._style_chain(element):
            match = HEADING_STYLE.match(style.name or "")
            level = int(match[1]) if match else _level_of(style.element)
            if level is not None:
                return level
        return 0

    def _style_chain(self, element: Any) -> Iterator[Any]:
        named = element.find(f"{qn('w:pPr')}/{qn('w:pStyle')}")
        style, seen = self._styles.get(named.get(qn("w:val"))) if named is not None else None, set()
        while style is not None and style.style_id not in seen:
            seen.add(style.style_id)
            yield style
            style = getattr(style, "base_style", None)

    def _list_mark(self, element: Any) -> str | None:
        """ "- " or "3. " with the indent of its depth; None for what is no list item."""
        named = next(filter(None, (LIST_STYLE.match(style.name or "") for style in self._style_chain(element))), None)
        indent = "  " * (int(named[1] or 1) - 1) if named else ""
        for place in (element, *(style.element for style in self._style_chain(element))):
            numbers = place.find(f"{qn('w:pPr')}/{qn('w:numPr')}")
            if numbers is not None:
                mark = self._mark_of(numbers)
                return mark and indent + mark
        return f"{indent}- " if named and named[0].startswith("List Bullet") else None

    def _mark_of(self, numbers: Any) -> str | None:
        found = {name: numbers.find(qn(f"w:{name}")) for name in ("numId", "ilvl")}
        number = found["numId"].get(qn("w:val")) if found["numId"] is not None else "0"
        depth = int(found["ilvl"].get(qn("w:val"))) if found["ilvl"] is not None else 0
        if number == "0":
            return None
        indent = "  " * depth
        if self._formats.get((number, depth), "bullet") in {"bullet", "none"}:
            return f"{indent}- "
        self._counters = {key: value for key, value in self._counters.items() if key[0] != number or key[1] <= depth}
        self._counters[number, depth] = self._counters.get((number, depth), 0) + 1
        return f"{indent}{self._counters[number, depth]}. "

    def _rows(self, table: Any, depth: int) -> Iterator[list[str]]:
        """Cell texts by row; a cell that spans columns stands in the first, one that spans rows in the topmost."""
        for row in _inside(table, ROW):
            cells: list[str] = []
            before = row.find(f"{qn('w:trPr')}/{qn('w:gridBefore')}")
            cells += [""] * (int(before.get(qn("w:val"), 0)) if before is not None else 0)
            for cell in _inside(row, CELL):
                span = cell.find(f"{qn('w:tcPr')}/{qn('w:gridSpan')}")
                merges = [cell.find(f"{qn('w:tcPr')}/{qn(name)}") for name in ("w:vMerge", "w:hMerge")]
                is_covered = any(one is not None and one.get(qn("w:val")) != "restart" for one in merges)
                text = self._cell_text(cell, depth)
                self.covered += is_covered and bool(text)
                cells.append("" if is_covered else text)
                cells += [""] * (min(int(span.get(qn("w:val"), 1)), 100) - 1 if span is not None else 0)
            yield cells

    def _cell_text(self, cell: Any, depth: int) -> str:
        """All text of a cell in one line; a table inside it gives its cells, parted by semicolons."""
        parts = []
        for child in cell:
            if child.tag == TABLE and depth < MOST_NESTED:
                rows = [[text for text in row if text] for row in self._rows(child, depth + 1)]
                parts += ["; ".join(row) for row in rows if row]
            elif child.tag == PARAGRAPH:
                mark = self._list_mark(child)
                parts.append(("" if mark in {None, "- "} else mark.strip() + " ") + _text(child))
                parts += [block.text for box in _text_boxes(child) for block in self.blocks(box, depth + 1)]
            elif child.tag in WRAPPERS:
                parts.append(self._cell_text(child, depth))
        return " ".join(part.strip() for part in parts if part.strip())


def _is_next_item(before: str, item: str) -> bool:
    """Whether both are items of one list: marked alike, or one of them nested."""
    first, second = ITEM.match(before), ITEM.match(item)
    return bool(first and second) and (first[2].isdigit() == second[2].isdigit() or first[1] != second[1])


def _level_of(element: Any) -> int | None:
    """The outline level from 1 that a paragraph or style sets; 0 for body text; None when it says nothing."""
    found = element.find(f"{qn('w:pPr')}/{qn('w:outlineLvl')}")
    if found is None:
        return None
    level = int(found.get(qn("w:val"), 9)) + 1
    return level if level <= 9 else 0


def _inside(parent: Any, tag: str) -> Iterator[Any]:
    """Children of one kind, also inside content controls and tracked insertions."""
    for child in parent:
        if child.tag == tag:
            yield child
        elif child.tag in WRAPPERS:
            yield from _inside(child, tag)


def _text(element: Any) -> str:
    """The visible text of a paragraph as it reads now: with insertions and links, without deletions and text boxes."""
    parts: list[str] = []
    for child in element:
        if child.tag in UNREAD or child.tag == TEXT_BOX or not isinstance(child.tag, str):
            continue
        if child.tag == qn("w:t"):
            parts.append(child.text or "")
        elif child.tag in BREAKS:
            parts.append(BREAKS[child.tag])
        elif child.tag in NOTE_MARKS:
            parts.append(f" [{child.get(NUMBER)}]")
        elif child.tag.startswith(WORD_MATH):
            parts.append(formula_text(child))
        elif child.tag != qn("w:pPr") and not _is_hidden(child):
            parts.append(_text(child))
    return "".join(parts)


def _is_hidden(run: Any) -> bool:
    """Whether Word hides a run: neither shown nor printed."""
    mark = run.find(f"{qn('w:rPr')}/{qn('w:vanish')}")
    return mark is not None and mark.get(qn("w:val")) not in {"0", "false", "off"}


def _text_boxes(paragraph: Any) -> Iterator[Any]:
    """Text boxes anchored in a paragraph, each once: older readers' copies (Fallback) are passed over."""
    for child in paragraph:
        if child.tag == TEXT_BOX:
            yield child
        elif child.tag not in UNREAD and isinstance(child.tag, str):
            yield from _text_boxes(child)


def _number_formats(file: WordFile) -> Iterator[tuple[tuple[str, int], str]]:
    """((list number, depth), "bullet", "decimal", ...) from the numbering part."""
    try:
        root = file.part.numbering_part.element
    except (KeyError, NotImplementedError):
        return
    kinds = {one.get(qn("w:abstractNumId")): one for one in root.iter(qn("w:abstractNum"))}
    for number in root.iter(qn("w:num")):
        kind = kinds.get(number.find(qn("w:abstractNumId")).get(qn("w:val")))
        for level in kind.iter(qn("w:lvl")) if kind is not None else ():
            form = level.find(qn("w:numFmt"))
            yield (number.get(qn("w:numId")), int(level.get(qn("w:ilvl")))), form.get(qn("w:val")) if form is not None else ""
