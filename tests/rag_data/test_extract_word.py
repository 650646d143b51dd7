"""Word files: the order of the document, headings by style, lists, tables."""

from __future__ import annotations

from pathlib import Path

import docx
import pytest
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls

from phases.rag_data.extract.formats import extract_document
from tests.rag_data.files import make_docx

FIXTURES = Path(__file__).parents[1] / "fixtures" / "documents"


def test_blocks_keep_their_order_and_kind(tmp_path: Path) -> None:
    document = extract_document(make_docx(tmp_path / "a.docx"), "a.docx")
    assert document.text == (
        "# The Pump House\n\n## Machines\n\nTwo pumps stand in the cellar.\n\n- check the oil\n- check the belt\n\n"
        "1. open the valve\n2. start the pump\n\n"
        "| Valve | Pressure | Colour |\n| --- | --- | --- |\n| Inlet valve | 4.5 bar | red |\n"
        "| Outlet valve | 3.1 bar | blue matt; since 1990 |\n\n### Öffnungszeiten\n\nTäglich außer montags.")
    assert document.title == "The Pump House"


@pytest.mark.parametrize("name", ["libreoffice.docx", "pandoc.docx"])
def test_files_of_other_programs(name: str) -> None:
    text = extract_document(FIXTURES / name, name).text
    assert "Messwerte\n\n| Stelle | Höhe | Zustand |\n| --- | --- | --- |\n| Nordpfeiler | 4,20 m | trocken |" in text
    assert "1. Die Kette schmieren.\n2. Den Rechen räumen.\n\n- Öl nachfüllen\n- Lampe tauschen" in text


def test_text_that_the_library_passes_over_is_read(tmp_path: Path) -> None:
    file = docx.Document()
    paragraph = file.add_paragraph("Kept ")._p
    paragraph.append(parse_xml(f'<w:ins {nsdecls("w")}><w:r><w:t>and inserted</w:t></w:r></w:ins>'))
    paragraph.append(parse_xml(f'<w:del {nsdecls("w")}><w:r><w:delText>deleted</w:delText></w:r></w:del>'))
    file.element.body.insert(0, parse_xml(
        f'<w:sdt {nsdecls("w")}><w:sdtContent><w:p><w:r><w:t>In a content control.</w:t></w:r></w:p></w:sdtContent></w:sdt>'))
    file.save(str(tmp_path / "a.docx"))
    assert extract_document(tmp_path / "a.docx", "a.docx").text == "In a content control.\n\nKept and inserted"
