"""PPTX -> text: each slide a heading and a page, its text, lists, tables, charts and the speaker's notes.

In: a PPTX file. Out: Markdown text whose pages are the slides. A slide without a title is "Slide 3". Shapes come in the
order in which the file keeps them, which is the order that screen readers follow.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import pptx
from lxml.etree import LxmlError
from pptx.enum.shapes import PP_PLACEHOLDER
from pptx.exc import PackageNotFoundError, PythonPptxError
from pptx.oxml import parse_xml

from phases.rag_data.clean import Cleaning, safe_text, tidy_line
from phases.rag_data.extract.document import (
    Block,
    Extracted,
    assemble,
    heading,
    markdown_table,
    note_on_covered,
    paragraph,
)
from phases.rag_data.extract.sniff import damaged

LISTS = {PP_PLACEHOLDER.BODY, PP_PLACEHOLDER.OBJECT, PP_PLACEHOLDER.VERTICAL_BODY, PP_PLACEHOLDER.VERTICAL_OBJECT}
LEFT_OUT = {PP_PLACEHOLDER.DATE, PP_PLACEHOLDER.FOOTER, PP_PLACEHOLDER.HEADER, PP_PLACEHOLDER.SLIDE_NUMBER}
MOST_NESTED = 20
DIAGRAM = "{http://schemas.openxmlformats.org/drawingml/2006/diagram}"
RELATIONS = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
DRAWING = "{http://schemas.openxmlformats.org/drawingml/2006/main}"


def extract_pptx(path: Path, source: str, cleaning: Cleaning) -> Extracted:
    """Read a presentation. Raises FileRejected when its parts cannot be read."""
    try:
        file = pptx.Presentation(str(path))
        slides = list(file.slides)
    except (KeyError, ValueError, AttributeError, BadZipFile, PackageNotFoundError, PythonPptxError, LxmlError) as problem:
        raise damaged(source, type(problem).__name__) from None
    blocks = [block for number, slide in enumerate(slides, start=1) for block in _slide(slide, number)]
    if all(block.text.startswith(f"# Slide {block.page}") for block in blocks):
        return Extracted("")  # pictures only
    text, pages = assemble(blocks, len(slides))
    hidden = [str(number) for number, slide in enumerate(slides, start=1) if slide._element.get("show") in {"0", "false"}]
    notes = (f"Slides that are hidden in the presentation were read too: {', '.join(hidden)}.",) if hidden else ()
    covered = sum(cell.is_spanned and bool(cell.text_frame.text.strip()) for slide in slides for shape in _shapes(slide.shapes)
                  if getattr(shape, "has_table", False) for cell in shape.table.iter_cells())
    return Extracted(text, safe_text(file.core_properties.title or "").strip(), pages, (*notes, *note_on_covered(covered)))


def _slide(slide: Any, number: int) -> Iterator[Block]:
    title = slide.shapes.title
    words = tidy_line(_line(title.text_frame.text)) if title is not None else ""
    yield Block(heading(1, words or f"Slide {number}"), number)
    for shape in _shapes(slide.shapes):
        if title is None or shape.shape_id != title.shape_id:
            yield from _shape(shape, number)
    notes = slide.notes_slide.notes_text_frame if slide.has_notes_slide else None
    if notes is not None and notes.text.strip():
        yield Block("Notes: " + "\n".join(filter(None, (tidy_line(_line(one.text)) for one in notes.paragraphs))), number)


def _shapes(shapes: Any, depth: int = 0) -> Iterator[Any]:
    """Shapes in order, those of groups in the place of the group."""
    for shape in shapes:
        if hasattr(shape, "shapes") and depth < MOST_NESTED:
            yield from _shapes(shape.shapes, depth + 1)
        else:
            yield shape


def _shape(shape: Any, number: int) -> Iterator[Block]:
    kind = shape.placeholder_format.type if shape.is_placeholder else None
    if kind in LEFT_OUT:
        return
    if getattr(shape, "has_table", False):
        yield Block(markdown_table([[_cell(cell) for cell in row.cells] for row in shape.table.rows]), number)
    elif getattr(shape, "has_chart", False):
        yield Block(_chart(shape.chart), number)
    elif (places := shape._element.find(f".//{DIAGRAM}relIds")) is not None:
        yield Block("\n".join(_diagram(shape.part, places)), number)
    elif shape.has_text_frame:
        yield from _paragraphs(shape.text_frame, number, as_list=kind in LISTS)


def _paragraphs(frame: Any, number: int, *, as_list: bool) -> Iterator[Block]:
    """Paragraphs of a text box; those of a content box are list items unless it holds a single one."""
    paragraphs = [one for one in frame.paragraphs if one.text.strip()]
    counters: dict[int, int] = {}
    before = False
    for one in paragraphs:
        words, mark = tidy_line(_line(one.text)), _mark(one, as_list and len(paragraphs) > 1, counters)
        yield Block(safe_text(mark + words if mark else paragraph(words)), number, tight=before and bool(mark))
        before = bool(mark)


def _mark(paragraph: Any, as_list: bool, counters: dict[int, int]) -> str:
    """ "- " or "2. " with the indent of the paragraph's level; "" for plain text."""
    about = paragraph._p.pPr
    has = {one.tag.removeprefix(DRAWING) for one in about} if about is not None else set()
    level = paragraph.level
    if "buAutoNum" in has:
        counters[level] = counters.get(level, 0) + 1
        return f"{'  ' * level}{counters[level]}. "
    counters.pop(level, None)
    if "buNone" in has:
        return ""
    return "  " * level + "- " if as_list or "buChar" in has else ""


def _cell(cell: Any) -> str:
    return "" if cell.is_spanned else safe_text(_line(cell.text_frame.text))


def _chart(chart: Any) -> str:
    """A chart's numbers as a table: categories down, series across."""
    title = tidy_line(chart.chart_title.text_frame.text) if chart.has_title and chart.chart_title.has_text_frame else ""
    plot = next(iter(chart.plots), None)
    series = list(plot.series) if plot is not None else []
    names = [str(one) for one in plot.categories] if plot is not None else []
    rows = [["", *(one.name or "" for one in series)]]
    values = [list(one.values) for one in series]
    for place, name in enumerate(names):
        rows.append([name, *("" if place >= len(one) or one[place] is None else f"{one[place]:.12g}" for one in values)])
    table = safe_text(markdown_table(rows)) if names and series else ""
    return "\n\n".join(filter(None, (safe_text(title), table)))


def _diagram(slide: Any, places: Any) -> Iterator[str]:
    """The texts of a SmartArt drawing as list items; they stand in a part of their own."""
    part = slide.rels.get(places.get(f"{RELATIONS}dm"))
    if part is None or part.is_external:
        return
    for point in parse_xml(part.target_part.blob).iter(f"{DIAGRAM}pt"):
        words = tidy_line(" ".join(one.text or "" for one in point.iter(f"{DRAWING}t")))
        if words:
            yield safe_text(f"- {words}")


def _line(text: str) -> str:
    """One line; python-pptx gives line breaks as vertical tabs."""
    return safe_text(text.replace("\v", " ").replace("\n", " "))
