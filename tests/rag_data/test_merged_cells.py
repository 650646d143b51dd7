"""Cells of tables that span several columns or rows: their text stands once, and the others keep their places."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import docx
import pptx
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls

from phases.rag_data.extract.formats import extract_document
from tests.rag_data.test_extract_office import FIXTURES, replaced

COVERED = ("Left out 1 texts in cells that a merged cell covers.",)


def test_what_a_merged_cell_covers_is_not_written_twice_in_slides(tmp_path: Path) -> None:
    file = pptx.Presentation()
    slide = file.slides.add_slide(file.slide_layouts[5])
    table = slide.shapes.add_table(2, 2, 0, 0, 100, 100).table
    for cell, text in zip(table.iter_cells(), ("wide", "", "a", "b"), strict=True):
        cell.text = text
    table.cell(0, 0).merge(table.cell(0, 1))
    table.cell(0, 1).text = "wide"
    file.save(str(tmp_path / "a.pptx"))
    document = extract_document(tmp_path / "a.pptx", "a.pptx")
    assert (document.text, document.notes) == ("# Slide 1\n\n| wide |  |\n| --- | --- |\n| a | b |", COVERED)


def test_what_a_merged_cell_covers_is_not_written_twice_in_word(tmp_path: Path) -> None:
    """As older programs merge cells of a row, with a mark in each."""
    file = docx.Document()
    table = file.add_table(2, 2)
    for cell, text in zip(table._cells, ("wide", "wide", "a", "b"), strict=True):
        cell.text = text
    for cell, value in zip(table._cells[:2], ("restart", "continue"), strict=True):
        cell._tc.get_or_add_tcPr().append(parse_xml(f'<w:hMerge {nsdecls("w")} w:val="{value}"/>'))
    file.save(str(tmp_path / "a.docx"))
    document = extract_document(tmp_path / "a.docx", "a.docx")
    assert (document.text, document.notes) == ("| wide |  |\n| --- | --- |\n| a | b |", COVERED)


def test_what_a_merged_cell_covers_is_not_written_twice_in_an_opendocument_text(tmp_path: Path) -> None:
    with zipfile.ZipFile(FIXTURES / "libreoffice.odt") as archive:
        content = archive.read("content.xml").decode()
    cells = re.findall("<table:table-cell.*?</table:table-cell>", content)
    covered = cells[0].replace("table:table-cell", "table:covered-table-cell")
    path = replaced(tmp_path / "a.odt", FIXTURES / "libreoffice.odt", "content.xml", (cells[1], covered))
    document = extract_document(path, "a.odt")
    assert "| Stelle |  | Zustand |" in document.text
    assert document.notes == COVERED


def test_a_cell_that_spans_rows_moves_those_beside_it(tmp_path: Path) -> None:
    rows = ("<tr><th>Port</th><th>Tide</th><th>Time</th></tr><tr><td rowspan=2>Emmer</td><td>high</td><td rowspan='3'>noon</td></tr><tr><td>low</td></tr>"
            "<tr><td colspan=2>all others</td></tr><tr><td>Larn</td><td>none</td><td>never</td></tr>")
    (tmp_path / "a.html").write_text(f"<table>{rows}</table>")
    assert extract_document(tmp_path / "a.html", "a.html").text == (
        "| Port | Tide | Time |\n| --- | --- | --- |\n| Emmer | high | noon |\n|  | low |  |\n| all others |  |  |\n| Larn | none | never |")
