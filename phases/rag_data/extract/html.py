"""HTML -> text: headings, lists, tables as Markdown tables, code; without menus, side bars and scripts.

In: an HTML file in any usual encoding. Out: Markdown text. A page that names its main part (<main>, <article>) is read from
there. Otherwise trafilatura tells text from what surrounds it; where it keeps too little or loses tables, as it does on
small pages, the whole body is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import lxml.html
from lxml.etree import ParserError
from lxml.html import HtmlElement

from phases.rag_data.clean import Cleaning, tidy_line
from phases.rag_data.extract.document import Block, Extracted, assemble, code, heading, markdown_table, paragraph
from phases.rag_data.extract.formulas import formula_text
from phases.rag_data.extract.html_breaks import without_breaks
from phases.rag_data.extract.html_clutter import (
    FEWEST_CHARS,
    is_left_out,
    is_never_read,
    letters_of,
    main_part,
    with_steps_named,
    without_frame,
    without_hidden,
    without_languages,
)
from phases.rag_data.extract.html_tables import Cell, placed
from phases.rag_data.extract.sniff import damaged
from phases.rag_data.extract.text import decode, join_paragraphs
from phases.shared.errors import FileRejected

CHARSET = re.compile(rb"""<(?:meta[^>]+?charset|\?xml[^>]+?encoding)\s*=\s*["']?\s*([\w.:-]+)""", re.IGNORECASE)
DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
PARTING = {"p", "div", "section", "article", "main", "blockquote", "figure", "figcaption", "ul", "ol", "dl", "dt", "dd",
           "body", "html", "center", "address", "fieldset", "details", "summary", "hgroup", "header", "footer", "aside",
           "form", "tbody", "tr", "td", "th", "hr", "caption"}
BULLET = re.compile(r"[\u00b7\u2022\u25aa]\s+(?=\S)")
NOTE_MARKS = re.compile(r"\b(footnote-ref|(doc-)?noteref|sdfootnoteanc|sdfootnotesym)\b")
EPUB_TYPE = "{http://www.idpf.org/2007/ops}type"
KEPT_SHARE = 0.4
MOST_MARKUP = 50  # characters of a page for each one of its text
LAYOUT_CELL_CHARS = 1500
APART = {"table", "pre", "br", "img", "h1", "h2", "h3", "h4", "h5", "h6"}
LINE_CHARS = 200
MOST_SPANNED = 100
MOST_LINKS = 4  # in one line; more are a menu


def extract_html(path: Path, source: str, cleaning: Cleaning) -> Extracted:
    """Read a web page. Raises FileRejected when it is not HTML at all."""
    page = DECLARATION.sub("", cleaning.safe(decode_page(path.read_bytes())), count=1)
    try:
        parser = lxml.html.HTMLParser(huge_tree=True)
        root = lxml.html.document_fromstring(page, parser=parser)
    except (ParserError, ValueError) as problem:
        raise damaged(source, type(problem).__name__) from None
    if any(one.type_name == "ERR_RESOURCE_LIMIT" for one in parser.error_log):  # the rest of the page is missing then
        raise FileRejected(f"'{source}' is nested too deep to be read whole.", "Open it in a browser, print it to PDF, and add that.",
                           subject=source, code="file_too_dense")
    title = tidy_line(root.findtext(".//title") or "")
    hidden = without_hidden(root)
    languages = without_languages(root)
    changed = any([without_frame(root), hidden, languages, with_steps_named(root), without_breaks(root, page)])
    text, notes = _read(root, lxml.html.tostring(root, encoding="unicode") if changed else page, cleaning)
    notes += [f"Left out {hidden:,} characters that the page does not show."] if hidden else []
    notes += ["Left out the links to this page in other languages."] if languages else []
    if len(text) < FEWEST_CHARS and len(page) > MOST_MARKUP * max(len(text), 1):
        notes.append(f"This page holds hardly any text to read ({len(text):,} characters): it builds what it shows by scripts. "
                     "Print it to PDF or export its text, and add that.")
    return Extracted(text, title, notes=tuple(notes))


def _read(root: HtmlElement, page: str, cleaning: Cleaning) -> tuple[str, list[str]]:
    """The page's text, and a note of what was left out around it."""
    main = main_part(root)
    walked = walk_page(main if main is not None else root, bare=main is None)
    note = ["Left out menus, page headers and footers around the main text."]
    if main is not None:
        return walked, note if len(walked) < 0.9 * letters_of(root) else []
    found = _main_text(page, cleaning)
    return (found, note) if _is_enough(found, walked) else (walked, [])


def decode_page(data: bytes) -> str:
    """By UTF-8 or byte order mark, else by the page's own word, else by guess."""
    named = CHARSET.search(data[:4096])
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    if named and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        name = named[1].decode("ascii", errors="ignore").lower()
        try:
            return data.decode("cp1252" if name in {"iso-8859-1", "latin1", "us-ascii"} else name)
        except (LookupError, UnicodeDecodeError):
            pass
    return decode(data)


def _main_text(page: str, cleaning: Cleaning) -> str:
    import trafilatura

    found = trafilatura.extract(page, output_format="markdown", include_comments=False, include_tables=True,
                                include_formatting=False, favor_recall=True)
    return "\n".join(join_paragraphs((found or "").split("\n"), cleaning.fresh()))  # its lines are not the page's: not counted


def _is_enough(found: str, walked: str) -> bool:
    """Whether trafilatura kept most of the page, its tables, its code and its headings."""
    tables = [len(re.findall(r"^\|(?: ?-{3,} ?\|)+$", text, re.MULTILINE)) for text in (found, walked)]
    titles = [len(re.findall(r"^#{1,6} ", text, re.MULTILINE)) for text in (found, walked)]
    long_enough = len(found) >= FEWEST_CHARS and len(found) >= KEPT_SHARE * len(walked)
    fences = [len(re.findall(r"^```", text, re.MULTILINE)) for text in (found, walked)]
    return long_enough and tables[0] >= tables[1] and fences[0] >= fences[1] and titles[0] >= 0.7 * titles[1]


def walk_page(root: HtmlElement, *, bare: bool = False) -> str:
    """The text of an element and all below it. `bare`: a page that names no main part, so menus must be guessed."""
    walk = _Walk(bare)
    walk.visit(root)
    walk.flush()
    return assemble(walk.blocks)[0]


@dataclass
class _Walk:
    """Collects inline text until a block element ends it."""

    bare: bool
    blocks: list[Block] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    mark: str = ""
    tight: bool = False

    def flush(self) -> None:
        """Make a block of the inline text so far."""
        lines = [tidy_line(line) for line in "".join(self.words).split("\n")]
        text = "\n".join(line for line in lines if line)
        self.words = []
        if not self.mark and (bullet := BULLET.match(text)):  # Word's pages write list marks as text
            text, self.mark = text[bullet.end():], "- "
        if text:
            self.blocks.append(Block(self.mark + text.replace("\n", " ") if self.mark else paragraph(text), tight=self.tight))
            self.tight = bool(self.mark)
            self.mark = ""

    def visit(self, element: HtmlElement) -> None:
        """Element and tail in document order."""
        if isinstance(element.tag, str) and not is_left_out(element, bare=self.bare):
            self._enter(element)

    def _children(self, element: HtmlElement) -> None:
        self._say(element.text)
        for child in element:
            self.visit(child)
            self._say(child.tail)

    def _say(self, text: str | None) -> None:
        if text:
            self.words.append(re.sub(r"\s+", " ", text))

    def _enter(self, element: HtmlElement) -> None:
        tag = element.tag
        if re.fullmatch(r"h[1-6]", tag):
            self._apart()
            text = tidy_line(_inline(element))
            self.blocks += [Block(heading(int(tag[1]), text))] if text else []
        elif tag == "table":
            self._apart()
            self._table(element)
        elif tag == "pre":
            self._apart()
            lines = "".join(element.itertext()).strip("\n")
            self.blocks += [Block(code(lines))] if lines.strip() else []
        elif tag in {"ul", "ol"}:
            self._list(element)
        elif tag == "br":
            self.words.append("\n")
        elif tag == "math":
            self.words.append(formula_text(element))
        elif _is_note_mark(element):
            self.words.append(_note_mark(element))
        elif tag == "tr" and _is_one_line(element):
            self.flush()
            self.words.append(_inline(element))
            self.flush()
        elif tag in PARTING:
            self.flush()
            self._children(element)
            self.flush()
            self.tight = False if tag not in {"p", "div"} else self.tight
        else:
            self._children(element)

    def _apart(self) -> None:
        self.flush()
        self.tight = False

    def _list(self, element: HtmlElement) -> None:
        """Items one below another, nested ones indented."""
        depth = sum(1 for above in element.iterancestors("ul", "ol"))
        self.flush()
        self.tight = depth > 0
        for number, item in enumerate(element.iterchildren("li"), start=1):
            self.flush()
            self.mark = "  " * depth + (f"{number}. " if element.tag == "ol" else "- ")
            self._children(item)
            self.flush()
            self.mark = ""
        self.tight = depth > 0

    def _table(self, element: HtmlElement) -> None:
        rows = placed([_cells(row) for row in element.iter("tr") if next(row.iterancestors("table")) is element])
        width = max((len(row) for row in rows), default=0)
        nested = element.xpath(".//table|.//h1|.//h2|.//h3|.//ul[count(li)>3]|.//pre")
        long = any(len(cell) > LAYOUT_CELL_CHARS for row in rows for cell in row)
        if nested or long or width < 2 or element.get("role") == "presentation":
            self._children(element)
            self._apart()
            return
        for caption in element.iterchildren("caption"):
            self.blocks.append(Block(tidy_line(_inline(caption))))
        self.blocks.append(Block(markdown_table(rows)))


def _is_one_line(row: HtmlElement) -> bool:
    """A row of a table that is no table of data, whose cells are words of one line, as Doxygen lists the parts of a structure."""
    inside = [one.tag for cell in row for one in cell.iter() if one is not cell]
    return len(row) > 1 and inside.count("a") <= MOST_LINKS and not any(tag in PARTING or tag in APART for tag in inside) and len(row.text_content()) < LINE_CHARS


def _is_note_mark(element: HtmlElement) -> bool:
    """The number of a footnote, which leads to it."""
    names = f"{element.get('class')} {element.get('role')} {element.get('epub:type')} {element.get(EPUB_TYPE)}"
    return element.tag == "a" and bool(NOTE_MARKS.search(names))


def _note_mark(element: HtmlElement) -> str:
    """ " [1]", or "[1] " at the foot."""
    mark = f"[{''.join(_texts(element)).strip('[] ')}]"
    return f"{mark} " if "sdfootnotesym" in element.get("class", "") else f" {mark}"


def _cells(row: HtmlElement) -> list[Cell]:
    return [Cell(_inline(cell), _span(cell, "colspan"), _span(cell, "rowspan")) for cell in row.iterchildren("td", "th")]


def _span(cell: HtmlElement, way: str) -> int:
    """How many columns or rows a cell takes; one, where the page says nothing of use."""
    number = cell.get(way, "").strip()
    return min(max(int(number), 1), MOST_SPANNED) if number.isascii() and number.isdecimal() else 1


def _inline(element: HtmlElement) -> str:
    """All visible text of an element in one line."""
    return re.sub(r"\s+", " ", "".join(_texts(element)))


def _texts(element: HtmlElement) -> Iterator[str]:
    yield element.text or ""
    for child in element:
        if is_never_read(child):
            pass
        elif child.tag == "math":
            yield formula_text(child)
        elif _is_note_mark(child):
            yield _note_mark(child)
        else:
            yield from _texts(child)
            yield " " if child.tag in PARTING or child.tag in {"br", "li"} else ""
        yield child.tail or ""
