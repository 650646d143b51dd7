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
from phases.rag_data.extract.sniff import damaged
from phases.rag_data.extract.text import decode, join_paragraphs
from phases.shared.errors import FileRejected

CHARSET = re.compile(rb"""<(?:meta[^>]+?charset|\?xml[^>]+?encoding)\s*=\s*["']?\s*([\w.:-]+)""", re.IGNORECASE)
DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
DROPPED = {"script", "style", "noscript", "template", "svg", "nav", "iframe", "select", "button", "head", "form",
           "object", "video", "audio", "canvas"}
AROUND = {"header", "footer", "aside"}
PARTING = {"p", "div", "section", "article", "main", "blockquote", "figure", "figcaption", "ul", "ol", "dl", "dt", "dd",
           "body", "html", "center", "address", "fieldset", "details", "summary", "hgroup", "header", "footer", "aside",
           "form", "tbody", "tr", "td", "th", "hr", "caption"}
MENU_CLASSES = re.compile(r"\b(headerlink|nav|navbar|sidebar|breadcrumbs?|menu|cookie|toc|related|skip-?link|footnote-back(?:ref)?|doc-backlink|mw-editsection|mw-cite-backlink|mw-jump-link|"
                          r"pagination|pager|advert(?:isement)?|promo|share|social|newsletter)\b", re.IGNORECASE)
UNREAD_CLASSES = re.compile(r"\b(headerlink|footnote-back(?:ref)?|doc-backlink|mw-editsection|mw-cite-backlink|mw-jump-link)\b")
BULLET = re.compile(r"[\u00b7\u2022\u25aa]\s+(?=\S)")
NOTE_MARKS = re.compile(r"\b(footnote-ref|(doc-)?noteref|sdfootnoteanc|sdfootnotesym)\b")
EPUB_TYPE = "{http://www.idpf.org/2007/ops}type"
KEPT_SHARE = 0.4
MOST_MARKUP = 50  # characters of a page for each one of its text
FEWEST_CHARS = 300
LAYOUT_CELL_CHARS = 1500


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
    hidden = _without_hidden(root)
    text, notes = _read(root, lxml.html.tostring(root, encoding="unicode") if hidden else page, cleaning)
    notes += [f"Left out {hidden:,} characters that the page does not show."] if hidden else []
    if len(text) < FEWEST_CHARS and len(page) > MOST_MARKUP * max(len(text), 1):
        notes.append(f"This page holds hardly any text to read ({len(text):,} characters): it builds what it shows by scripts. "
                     "Print it to PDF or export its text, and add that.")
    return Extracted(text, title, notes=tuple(notes))


def _read(root: HtmlElement, page: str, cleaning: Cleaning) -> tuple[str, list[str]]:
    """The page's text, and a note of what was left out around it."""
    main = _main_part(root)
    walked = walk_page(main if main is not None else root, bare=main is None)
    note = ["Left out menus, page headers and footers around the main text."]
    if main is not None:
        return walked, note if len(walked) < 0.9 * _length(root) else []
    found = _main_text(page, cleaning)
    return (found, note) if _is_enough(found, walked) else (walked, [])


def _without_hidden(root: HtmlElement) -> int:
    """Remove what a page's own marks hide; returns how many letters that were. A page that is hidden whole is kept."""
    letters = 0
    for one in root.xpath("//body//*[@hidden or contains(translate(@style, ' ', ''), 'display:none')]"):
        if one.tag not in DROPPED and one.getparent() is not None and one.tag != "main":
            letters += _length(one)
            one.drop_tree()
    return letters


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


def _main_part(root: HtmlElement) -> HtmlElement | None:
    """The element that the page itself calls its main part, if it holds a fair share of the text."""
    for path in ("//main", "//*[@role='main']", "//article"):
        found = root.xpath(path)
        if len(found) == 1 and _length(found[0]) > max(0.2 * _length(root), 50):
            return found[0]
    return None


def _length(element: HtmlElement) -> int:
    """Letters of visible text."""
    return sum(len(text.strip()) for text in element.xpath(".//text()[not(ancestor::script or ancestor::style)]"))


def _main_text(page: str, cleaning: Cleaning) -> str:
    import trafilatura

    found = trafilatura.extract(page, output_format="markdown", include_comments=False, include_tables=True,
                                include_formatting=False, favor_recall=True)
    return "\n".join(join_paragraphs((found or "").split("\n"), cleaning.fresh()))  # its lines are not the page's: not counted


def _is_enough(found: str, walked: str) -> bool:
    """Whether trafilatura kept most of the page, its tables and its headings."""
    tables = [len(re.findall(r"^\|(?: ?-{3,} ?\|)+$", text, re.MULTILINE)) for text in (found, walked)]
    titles = [len(re.findall(r"^#{1,6} ", text, re.MULTILINE)) for text in (found, walked)]
    long_enough = len(found) >= FEWEST_CHARS and len(found) >= KEPT_SHARE * len(walked)
    return long_enough and tables[0] >= tables[1] and titles[0] >= 0.7 * titles[1]


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
        if isinstance(element.tag, str) and not self._is_left_out(element):
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
        rows = [_cells(row) for row in element.iter("tr") if next(row.iterancestors("table")) is element]
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

    def _is_left_out(self, element: HtmlElement) -> bool:
        names = f"{element.get('class', '')} {element.get('role', '')}"
        if element.tag in DROPPED - ({"form"} if _length(element) > FEWEST_CHARS else set()) or element.get("hidden") is not None:
            return True
        if element.tag in {"a", "div", "ul", "span", "section", "p", "aside"} and MENU_CLASSES.search(names):
            return element.tag == "a" or _link_share(element) > 0.6
        if element.tag == "div" and element.get("title") in {"header", "footer"}:  # LibreOffice's page headers
            return True
        if not self.bare:
            return False
        return element.tag in AROUND and _link_share(element) > 0.3 or element.tag in {"ul", "ol", "td"} and _is_menu(element)


def _is_note_mark(element: HtmlElement) -> bool:
    """The number of a footnote, which leads to it."""
    names = f"{element.get('class')} {element.get('role')} {element.get('epub:type')} {element.get(EPUB_TYPE)}"
    return element.tag == "a" and bool(NOTE_MARKS.search(names))


def _note_mark(element: HtmlElement) -> str:
    """ " [1]", or "[1] " at the foot."""
    mark = f"[{''.join(_texts(element)).strip('[] ')}]"
    return f"{mark} " if "sdfootnotesym" in element.get("class", "") else f" {mark}"


def is_contents(root: HtmlElement) -> bool:
    """A page that is a list of links: a book's table of contents."""
    headings = sum(len(tidy_line(one.text_content())) for one in root.iter("h1", "h2", "title", "style"))
    length = len(tidy_line(re.sub(r"\s+", " ", root.text_content()))) - headings
    links = root.findall(".//a")
    return len(links) > 2 and sum(len(tidy_line(one.text_content())) for one in links) > 0.7 * length


def _is_menu(element: HtmlElement) -> bool:
    return len(element) > 3 and _link_share(element) > 0.9


def _link_share(element: HtmlElement) -> float:
    """How much of an element's text is links."""
    links = sum(len(tidy_line(one.text_content())) for one in element.iter("a"))
    return links / max(len(tidy_line(re.sub(r"\s+", " ", element.text_content()))), 1)


def _cells(row: HtmlElement) -> list[str]:
    cells = []
    for cell in row.iterchildren("td", "th"):
        span = cell.get("colspan", "1")
        cells += [_inline(cell), *[""] * (min(int(span) if span.isdecimal() else 1, 100) - 1)]
    return cells


def _inline(element: HtmlElement) -> str:
    """All visible text of an element in one line."""
    return re.sub(r"\s+", " ", "".join(_texts(element)))


def _texts(element: HtmlElement) -> Iterator[str]:
    yield element.text or ""
    for child in element:
        if not isinstance(child.tag, str) or child.tag in DROPPED or UNREAD_CLASSES.search(f"{child.get('class')} {child.get('role')}"):
            pass
        elif child.tag == "math":
            yield formula_text(child)
        elif _is_note_mark(child):
            yield _note_mark(child)
        else:
            yield from _texts(child)
            yield " " if child.tag in PARTING or child.tag in {"br", "li"} else ""
        yield child.tail or ""
