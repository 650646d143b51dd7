"""The sample project's documents: what they hold, and that they come anew from their sources.

    python -m pytest tests/test_sample_documents.py
"""

import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import docx
import pypdfium2
import pypdfium2.raw as pdfium
import pytest
import yaml
from docx.table import Table

ROOT = Path(__file__).parents[1]
SAMPLE = ROOT / "projects" / "sample"
DOCUMENTS = SAMPLE / "documents"
SOURCES = ROOT / "tests" / "fixtures" / "sample"
PDF = "tarn_skerry_station_handbook.pdf"
DOCX = "tarn_skerry_maintenance_manual.docx"
MARKDOWN = "tarn_skerry_logbook.md"
PAGE_HEADER = "Ostrell Lights Service \u00b7 Tarn Skerry Station Handbook"


def read_pdf_pages(path: Path) -> list[str]:
    with pypdfium2.PdfDocument(path) as document:
        return [page.get_textpage().get_text_bounded().replace("\r\n", "\n") for page in document]


def read_docx_text(path: Path) -> str:
    parts = []
    for block in docx.Document(str(path)).iter_inner_content():
        if isinstance(block, Table):
            parts += [" ".join(cell.text for cell in row.cells) for row in block.rows]
        else:
            parts.append(block.text)
    return "\n".join(parts)


def read_texts(folder: Path) -> dict[str, str]:
    return {
        PDF: "\n".join(read_pdf_pages(folder / PDF)),
        DOCX: read_docx_text(folder / DOCX),
        MARKDOWN: (folder / MARKDOWN).read_text(encoding="utf-8"),
    }


def read_source_tables(source: Path) -> list[list[list[str]]]:
    """Tables of a Markdown text as rows of cells, without the rule below the header."""
    tables = re.findall(r"(?:^\|.*\n?)+", source.read_text(encoding="utf-8"), flags=re.MULTILINE)
    rows = [[[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()] for table in tables]
    return [[table[0], *table[2:]] for table in rows]


def count_words(text: str) -> int:
    return sum(bool(re.search(r"\w", word)) for word in text.replace("|", " ").split())


def test_the_sample_project_holds_three_documents_and_its_settings() -> None:
    assert sorted(path.name for path in DOCUMENTS.iterdir()) == sorted([PDF, DOCX, MARKDOWN])
    settings = yaml.safe_load((SAMPLE / "project.yaml").read_text(encoding="utf-8"))
    assert (settings["name"], settings["language"], settings["domain"], settings["base_model"]) == ("sample", "en", "technical", "builtin")
    assert all(settings["settings"][kind]["preset"] == "small" for kind in ("cpt", "sft-data", "sft"))


def test_together_the_documents_hold_as_many_words_as_a_demo_can_learn() -> None:
    assert 6500 <= sum(count_words(text) for text in read_texts(DOCUMENTS).values()) <= 8500


def test_each_pdf_page_has_the_running_header_and_its_number() -> None:
    pages = read_pdf_pages(DOCUMENTS / PDF)
    assert 8 <= len(pages) <= 14
    for number, page in enumerate(pages, start=1):
        assert page.count(PAGE_HEADER) == 1
        assert re.search(rf"^Page {number}$", page, flags=re.MULTILINE)


def test_pdf_headings_are_larger_and_bold() -> None:
    headings = re.findall(r"^#+ (.+)$", (SOURCES / "handbook.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    large_lines = []
    with pypdfium2.PdfDocument(DOCUMENTS / PDF) as document:
        for page in document:
            for piece in page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_TEXT], textpage=page.get_textpage()):
                if piece.get_font_size() > 12:
                    assert "Bold" in piece.get_font().get_base_name()
                    large_lines.append(piece.extract())
    assert " ".join(line.strip() for line in large_lines) == " ".join(headings)


def test_pdf_tables_come_out_row_by_row() -> None:
    lines = "\n".join(read_pdf_pages(DOCUMENTS / PDF)).splitlines()
    tables = read_source_tables(SOURCES / "handbook.md")
    assert len(tables) >= 2
    for table in tables:
        for row in table:
            assert " ".join(row) in lines


def test_docx_has_real_headings_lists_and_tables() -> None:
    document = docx.Document(str(DOCUMENTS / DOCX))
    styles = [paragraph.style.name for paragraph in document.paragraphs]
    assert styles[0] == "Title"
    assert styles.count("Heading 1") >= 5
    assert styles.count("Heading 2") >= 10
    tables = [[[cell.text for cell in row.cells] for row in table.rows] for table in document.tables]
    assert tables == read_source_tables(SOURCES / "maintenance.md")
    bullets = [paragraph.text for paragraph in document.paragraphs if paragraph.style.name == "List Bullet"]
    assert len(bullets) >= 10
    assert all(re.fullmatch(r"[A-Z][\w ]+: \S.*", bullet) for bullet in bullets)


def test_each_numbered_list_of_the_docx_counts_from_one() -> None:
    document = docx.Document(str(DOCUMENTS / DOCX))
    runs = defaultdict(list)
    for position, paragraph in enumerate(document.paragraphs):
        if paragraph.style.name == "List Number":
            runs[paragraph._p.pPr.numPr.numId.val].append(position)
    assert len(runs) == 2
    assert all(positions == list(range(positions[0], positions[0] + len(positions))) for positions in runs.values())


def test_no_table_gives_one_thing_two_values() -> None:
    values = defaultdict(set)
    for source in sorted(SOURCES.glob("*.md")):
        for header, *rows in read_source_tables(source):
            for row in rows:
                assert len(row) == len(header)
                for attribute, value in zip(header[1:], row[1:], strict=True):
                    assert 1 <= len(value.split()) <= 4
                    values[row[0], attribute].add(value)
    assert len(values) >= 200
    assert {key: found for key, found in values.items() if len(found) > 1} == {}


def test_sections_are_short_enough_to_be_held_out_whole() -> None:
    sections = [
        section for source in sorted(SOURCES.glob("*.md"))
        for section in re.split(r"^(?=#)", source.read_text(encoding="utf-8"), flags=re.MULTILINE) if section.startswith("##")
    ]  # fmt: skip
    assert len(sections) >= 60
    assert all(75 <= count_words(section) <= 200 for section in sections)


@pytest.fixture(scope="module")
def made_anew(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample") / "documents"
    subprocess.run([sys.executable, str(SOURCES / "make_sample.py"), str(folder)], check=True)
    return folder


def test_made_anew_the_documents_read_the_same(made_anew: Path) -> None:
    assert read_texts(made_anew) == read_texts(DOCUMENTS)


def test_made_twice_the_documents_have_the_same_bytes(made_anew: Path, tmp_path: Path) -> None:
    subprocess.run([sys.executable, str(SOURCES / "make_sample.py"), str(tmp_path)], check=True)
    for name in (PDF, DOCX, MARKDOWN):
        assert (tmp_path / name).read_bytes() == (made_anew / name).read_bytes()
