"""EPUB -> text: the chapters in reading order (the spine), each read as a web page.

In: an EPUB 2 or 3 file without protection. Out: Markdown text. A chapter without a heading of its own gets the words that
the book's table of contents has for it. The table of contents itself is left out. What the libraries cannot read for its depth is
read without its boxes (<div>, <span>); what is too deep even so is named in a note.
"""

from __future__ import annotations

import posixpath
import re
import zipfile
from html.entities import html5
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import lxml.html
from lxml.etree import ParserError, XMLSyntaxError

from phases.rag_data.clean import Cleaning, safe_text, tidy_line
from phases.rag_data.extract.document import Extracted, heading
from phases.rag_data.extract.html import decode_page, walk_page
from phases.rag_data.extract.html_breaks import without_breaks
from phases.rag_data.extract.html_clutter import is_contents
from phases.rag_data.extract.packages import UNREADABLE_PACKED, xml_part
from phases.rag_data.extract.sniff import damaged

OPF = "{http://www.idpf.org/2007/opf}"
NCX = "{http://www.daisy.org/z3986/2005/ncx/}"
TITLE = "{http://purl.org/dc/elements/1.1/}title"
PAGES = {"application/xhtml+xml", "text/html", "application/x-dtbook+xml"}
ENTITY = re.compile(r"&(?!(?:amp|lt|gt|quot|apos);)(\w+;)")
BOXES = re.compile(r"</?(?:div|section|article|aside|header|footer|main|center)(?:\s[^<>]*)?/?>", re.IGNORECASE)
SPANS = re.compile(r"</?(?:span|font|b|i|u|em|strong|small|big|a)(?:\s[^<>]*)?/?>", re.IGNORECASE)
DOCTYPE = re.compile(r"^\s*(<\?xml[^>]*\?>)?\s*(<!DOCTYPE[^>\[]*(\[.*?\])?[^>]*>)?", re.DOTALL | re.IGNORECASE)


def extract_epub(path: Path, source: str, cleaning: Cleaning) -> Extracted:
    """Read a book. Raises FileRejected when its parts cannot be read."""
    with zipfile.ZipFile(path) as archive:
        place = next((one.get("full-path", "") for one in xml_part(archive, "META-INF/container.xml", source).iter("{*}rootfile")), "")
        book = xml_part(archive, place, source)
        parts = {one.get("id"): one for one in book.iter(f"{OPF}item")}
        labels = _labels(archive, book, parts, place, source)
        chapters, missing, cut = [], [], []
        for name in _spine(book, parts, place):
            try:
                page, whole = _page(archive.read(name))
                cut += [] if whole else [name]
                without_breaks(page, page.text_content())
                text = "" if is_contents(page) else walk_page(page)
            except KeyError:
                missing.append(name)
                continue
            except (*UNREADABLE_PACKED, ParserError) as problem:
                raise damaged(source, f"{name}: {type(problem).__name__}") from None
            if text and name in labels and not re.match(r"#{1,6} ", text):
                first, _, rest = text.partition("\n")
                text = f"{heading(1, labels[name])}\n\n{rest.lstrip() if tidy_line(first) == labels[name] else text}"
            if chapters and f"{text}\n".startswith(f"{chapters[-1]}\n"):
                chapters.pop()  # a title page that the chapter repeats
            chapters.append(text)
    notes = [f"The book names a chapter that it does not hold: {one}." for one in missing]
    notes += [f"A chapter is nested too deep; only its beginning could be read: {one}." for one in cut]
    return Extracted("\n\n".join(filter(None, chapters)), book.findtext(f".//{TITLE}") or "", notes=tuple(notes))


def _spine(book: Any, parts: dict[str, Any], place: str) -> list[str]:
    """Names of the chapters in reading order, without the table of contents."""
    found = []
    for reference in book.iter(f"{OPF}itemref"):
        item = parts.get(reference.get("idref"))
        if item is not None and item.get("media-type") in PAGES and "nav" not in item.get("properties", "").split():
            found.append(_resolved(place, item.get("href", "")))
    return found


def _resolved(base: str, address: str) -> str:
    """A name inside the book from an address that one of its parts uses."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(base), unquote(address.split("#")[0])))


def _labels(archive: zipfile.ZipFile, book: Any, parts: dict[str, Any], place: str, source: str) -> dict[str, str]:
    """What the table of contents calls each chapter, by the chapter's name in the archive."""
    found: dict[str, str] = {}
    for item in parts.values():
        name = _resolved(place, item.get("href", ""))
        if name not in archive.NameToInfo:
            continue
        if item.get("media-type") == "application/x-dtbncx+xml":
            for point in xml_part(archive, name, source).iter(f"{NCX}navPoint"):
                target, label = point.find(f"{NCX}content"), point.findtext(f"{NCX}navLabel/{NCX}text")
                if target is not None and label and "#" not in target.get("src", ""):
                    found.setdefault(_resolved(name, target.get("src", "")), tidy_line(label))
        elif "nav" in item.get("properties", "").split():
            for link in _page(archive.read(name))[0].iter("a"):
                if "#" not in link.get("href", "#"):
                    found.setdefault(_resolved(name, link.get("href")), tidy_line(link.text_content()))
    return found


def _page(data: bytes) -> tuple[Any, bool]:
    """A chapter's root element, and whether all of it was read: XHTML read as XML, since HTML readers take <title/> for the
    beginning of a title.

    The document type goes, and named letters (&auml;) become letters, so that no entity is left to resolve.
    """
    text = DOCTYPE.sub("", safe_text(decode_page(data)), count=1)
    xml = ENTITY.sub(lambda match: html5.get(match[1], match[0]).replace("&", "&amp;").replace("<", "&lt;"), text)
    try:
        root = lxml.html.document_fromstring(xml, parser=lxml.html.XHTMLParser(resolve_entities=False, no_network=True))
        lxml.html.xhtml_to_html(root)
    except (XMLSyntaxError, ParserError, ValueError):
        root, whole = _as_html(text)
        return (root, True) if whole else _as_html(SPANS.sub("", BOXES.sub("<hr>", text)))
    return root, True


def _as_html(text: str) -> tuple[Any, bool]:
    """The root element as HTML readers have it; they drop what lies deeper than they go."""
    parser = lxml.html.HTMLParser(huge_tree=True, no_network=True)
    root = lxml.html.document_fromstring(text, parser=parser)
    return root, not any(one.type_name == "ERR_RESOURCE_LIMIT" for one in parser.error_log)
