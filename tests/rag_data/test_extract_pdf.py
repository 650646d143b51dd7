"""PDF files, read as a person reads them: headings, paragraphs, tables, pages."""

from __future__ import annotations

from pathlib import Path

import pytest

from phases.rag_data.clean import Cleaning
from phases.rag_data.extract.document import Document
from phases.rag_data.extract.formats import extract_document
from tests.rag_data.files import LONG, make_pdf

FIXTURES = Path(__file__).parents[1] / "fixtures" / "documents"


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Document:
    return extract_document(make_pdf(tmp_path_factory.mktemp("pdf") / "pump.pdf"), "pump.pdf")


def test_wrapped_lines_are_one_paragraph(read: Document) -> None:
    assert f"On page 1 one reads this. {LONG}\n" in read.text


def test_large_and_bold_lines_are_headings(read: Document) -> None:
    assert "# 1 Part of the work\n\nOn page 1" in read.text
    assert "\n\n## Valves of the house\n\n" in read.text
    assert read.title == "Pump House"


def test_a_ruled_table_is_a_markdown_table_once(read: Document) -> None:
    table = ("| Valve | Pressure | Colour |\n| --- | --- | --- |\n| Inlet valve | 4.5 bar | red |\n"
             "| Outlet valve | 3.1 bar | blue |\n\nAfter the table.")
    assert table in read.text
    assert read.text.count("Inlet valve") == 1


def test_list_marks_become_items(read: Document) -> None:
    assert "\n- first thing\n- second thing" in read.text


def test_page_headers_and_footers_go_and_are_counted(read: Document) -> None:
    assert "Handbook of the Pump House" not in read.text
    assert "Page 2 of 4" not in read.text
    assert read.notes == ("Left out 8 lines that return at the top or foot of the pages.",)


def test_page_headers_stay_when_switched_off(tmp_path: Path) -> None:
    kept = extract_document(make_pdf(tmp_path / "a.pdf"), "a.pdf", Cleaning(drop_repeated_lines=False))
    assert kept.text.count("Handbook of the Pump House") == 4
    assert kept.notes == ()


def test_pages_begin_where_they_begin(read: Document) -> None:
    assert len(read.pages) == 4
    for number, start in enumerate(read.pages, start=1):
        assert read.text[start:].startswith(f"# {number} Part of the work")


def test_umlauts_and_the_output_of_another_program() -> None:
    document = extract_document(FIXTURES / "libreoffice.pdf", "Prüfbericht.pdf")
    assert document.text.startswith("# Prüfbericht Wehr Ahlen\n\nDas Wehr Ahlen wurde am 3. März geprüft. Die Schützentafel")
    assert "Größe des Spalts beträgt 12 Millimeter. Die nächste" in document.text
    assert "| Südpfeiler | 4,35 m | feucht |" in document.text
    assert "1. Die Kette schmieren.\n2. Den Rechen räumen." in document.text
