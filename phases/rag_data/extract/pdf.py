"""PDF -> text: lines by PDFium, tables by their ruled lines or aligned columns, headings by their size.

In: a PDF file. Out: one line a paragraph, "# Heading" lines, Markdown tables, and where each page begins.
PDFium gives the text and is several times faster than the alternatives; it is not thread-safe, so each process reads one
file at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from itertools import takewhile
from pathlib import Path

import pypdfium2
from pypdfium2 import raw

from phases.rag_data.clean import MIN_PAGES, Cleaning, EdgeLine, page_numbers, repeated_lines
from phases.rag_data.extract import pdf_groff
from phases.rag_data.extract.document import Extracted, assemble
from phases.rag_data.extract.pdf_columns import with_aligned_tables
from phases.rag_data.extract.pdf_headings import LARGER, BodyStyle, body_style, mark_headings
from phases.rag_data.extract.pdf_layout import blocks_of
from phases.rag_data.extract.pdf_letters import Letters
from phases.rag_data.extract.pdf_lines import Line, Page, pieces_of
from phases.rag_data.extract.pdf_rules import drawn_paths, thin_rules
from phases.rag_data.extract.pdf_tables import page_with_tables
from phases.rag_data.extract.pdf_turned import quarters_to_turn, turn_page
from phases.rag_data.extract.pdf_underscores import underscored_names, with_underscores
from phases.rag_data.extract.reading import tell_read
from phases.rag_data.extract.sniff import damaged
from phases.shared.errors import FileRejected

EDGE_SHARE = 0.15  # of the page's height


def extract_pdf(path: Path, source: str, cleaning: Cleaning) -> Extracted:
    """Read a PDF. Raises FileRejected when it is encrypted, damaged, or a scan without text."""
    with closing(_open(path, source)) as pdf:
        title = pdf.get_metadata_value("Title").strip()
        pages = _read_pages(pdf)
        outline = _outline(pdf)
    if all(page.is_broken for page in pages):
        raise damaged(source, "none of its pages can be loaded")
    if not any(page.items for page in pages):
        raise FileRejected(f"'{source}' holds pictures of pages, but no text: it is a scan.",
                           "Run text recognition (OCR) over it, for example with ocrmypdf, then add the result.",
                           subject=source, code="file_scan")
    notes = list(_notes_on_losses(pages))
    style = body_style(pages)
    if cleaning.drop_repeated_lines:
        pages, dropped = _without_repeated(pages, style)
        cleaning.tally.add("drop_repeated_lines", len(dropped), ((line, "") for line in dropped))
        what = "lines that return at the top or foot of the pages" if len(pages) >= MIN_PAGES else "page numbers"
        notes += [f"Left out {len(dropped)} {what}."] if dropped else []
    pages = mark_headings([replace(page, items=tuple(with_aligned_tables(page.items))) for page in pages], style, outline)
    text, starts = assemble(blocks_of(pages, style, cleaning), len(pages))
    return Extracted(text, title, starts, tuple(notes))


def _open(path: Path, source: str) -> pypdfium2.PdfDocument:
    try:
        pdf = pypdfium2.PdfDocument(path)
        if pdf.get_metadata_value("Producer").startswith(pdf_groff.PRODUCER):
            pdf.close()
            pdf = pypdfium2.PdfDocument(pdf_groff.with_blanks_kept(path.read_bytes()))
    except pypdfium2.PdfiumError as problem:
        if problem.err_code in {raw.FPDF_ERR_PASSWORD, raw.FPDF_ERR_SECURITY}:
            raise FileRejected(f"'{source}' is encrypted: it opens with a password only.",
                               "Save a copy without the password, then add that.", subject=source,
                               code="file_encrypted") from None
        raise damaged(source) from None
    if len(pdf) == 0:
        raise damaged(source, "it has no pages")
    return pdf


def _read_pages(pdf: pypdfium2.PdfDocument) -> list[Page]:
    pages = []
    for number in range(len(pdf)):
        tell_read(number, len(pdf))
        try:
            with closing(pdf[number]) as page:
                pages.append(_read_page(page))
        except pypdfium2.PdfiumError:
            pages.append(Page((), is_broken=True))
    return pages


def _read_page(page: pypdfium2.PdfPage) -> Page:
    """Lines and ruled tables; a page whose text does not run from left to right is turned first."""
    with closing(page.get_textpage()) as letters:
        quarters = quarters_to_turn(letters)
        if not quarters and not page.get_rotation():
            return _lines_and_tables(page, Letters(letters))
    turn_page(page, quarters)
    with closing(page.get_textpage()) as letters:
        return _lines_and_tables(page, Letters(letters))


def _lines_and_tables(page: pypdfium2.PdfPage, letters: Letters) -> Page:
    paths = drawn_paths(page) if letters.text else []
    mended = with_underscores(letters.text, letters, thin_rules(paths))
    letters.mend(mended, underscored_names(letters.text, mended))
    return page_with_tables(page, letters, pieces_of(letters), paths)


def _outline(pdf: pypdfium2.PdfDocument) -> dict[str, int]:
    """Titles of the bookmarks with their depth from 1; a broken outline is as good as none."""
    found: dict[str, int] = {}
    try:
        for mark in pdf.get_toc():
            found.setdefault(" ".join((mark.get_title() or "").split()).casefold(), mark.level + 1)
    except pypdfium2.PdfiumError:
        return {}
    return found


def _notes_on_losses(pages: list[Page]) -> Iterator[str]:
    for words, lost in (("are pictures without text", [page.is_picture for page in pages]),
                        ("are damaged", [page.is_broken for page in pages])):
        numbers = [str(number) for number, is_lost in enumerate(lost, start=1) if is_lost]
        if numbers:
            shown = ", ".join(numbers[:10]) + (" ..." if len(numbers) > 10 else "")
            yield f"{len(numbers)} of {len(pages)} pages {words} and could not be read: {shown}."


def _without_repeated(pages: list[Page], style: BodyStyle) -> tuple[list[Page], list[str]]:
    """The pages without running headers, footers and page numbers, and what those were."""
    find = repeated_lines if len(pages) >= MIN_PAGES else page_numbers
    dropped: set[tuple[int, int]] = set()
    for outermost_first in (-1, 1):
        edges = [_edge(page, style, outermost_first) for page in pages]
        lines = [[EdgeLine(page.items[index].text, page.items[index].y) for index in edge]
                 for page, edge in zip(pages, edges, strict=True)]
        dropped |= {(number, edges[number][place]) for number, place in find(lines)}
    kept = [page.keeping(lambda index, number=number: (number, index) not in dropped) for number, page in enumerate(pages)]
    return kept, [pages[number].items[index].text for number, index in sorted(dropped)]


def _edge(page: Page, style: BodyStyle, sign: int) -> list[int]:
    """Lines near the top (sign -1) or foot (1) of a page, outermost first, up to the first one set as a heading."""
    limit = page.height * (1 - EDGE_SHARE if sign < 0 else EDGE_SHARE)
    near = [index for index, one in enumerate(page.items) if isinstance(one, Line) and sign * one.y < sign * limit]
    near.sort(key=lambda index: sign * round(page.items[index].y))
    return list(takewhile(lambda index: page.items[index].size <= LARGER * style.size, near))
