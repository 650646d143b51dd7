"""PDF files, read as a person reads them: headings, paragraphs, tables, pages."""

from __future__ import annotations

from pathlib import Path

import pytest
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas

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


def page_of(path: Path, *pages: dict[tuple[float, float], str]) -> Path:
    """A PDF of A4 pages with words at their places, in points from the lower left corner."""
    canvas = Canvas(str(path), invariant=1)
    for words in pages:
        canvas.setFont("Helvetica", 10)
        for (x, y), text in {(72, 700): "The pump house stands beside the lower weir.", **words}.items():
            canvas.drawString(x, y, text)
        canvas.showPage()
    canvas.save()
    return path


@pytest.mark.parametrize(("pages", "gone"), [
    ([{(290, 30): "1"}], ["1"]), ([{(290, 30): "- 1 -"}], ["- 1 -"]), ([{(290, 30): "Seite 7"}], ["Seite 7"]), ([{(290, 30): "1/1"}], ["1/1"]),
    ([{(290, 30): "Page 1 of 2"}, {(290, 30): "Page 2 of 2"}], ["Page 1 of 2", "Page 2 of 2"]), ([{(290, 30): "36"}, {(290, 30): "37"}], ["36", "37"]),
    ([{}, {(290, 30): "2"}], ["2"]), ([{(290, 810): "1"}, {(290, 810): "2"}], ["1", "2"])])
def test_page_numbers_go_from_one_page_and_from_two(pages: list[dict], gone: list[str], tmp_path: Path) -> None:
    path = page_of(tmp_path / "a.pdf", *pages)
    document = extract_document(path, "a.pdf")
    assert document.text.split("\n\n") == ["The pump house stands beside the lower weir."] * len(pages)
    assert document.notes == (f"Left out {len(gone)} page numbers.",)
    assert document.cleaning["drop_repeated_lines"] == {"count": len(gone), "examples": [[one, ""] for one in gone]}
    assert all(one in extract_document(path, "a.pdf", Cleaning(drop_repeated_lines=False)).text for one in gone)


@pytest.mark.parametrize("pages", [
    [{(290, 30): "2024"}], [{(290, 30): "3/4"}], [{(72, 42): "Bolts in the box:", (72, 30): "1"}], [{(290, 300): "1"}],
    [{(290, 30): "12"}, {(290, 30): "40"}], [{(72, 30): "Turn 1 of 2"}]])
def test_other_numbers_at_the_foot_of_a_page_stay(pages: list[dict], tmp_path: Path) -> None:
    document = extract_document(page_of(tmp_path / "a.pdf", *pages), "a.pdf")
    assert document.notes == ()
    assert all(text in document.text for words in pages for text in words.values())


def test_a_head_whose_title_changes_with_the_chapter_goes_by_its_number(tmp_path: Path) -> None:
    heads = ["", "2 Weirs", "Weirs 3", "4 Weirs", "", "6 Pumps", "7 Pumps", "8 Pumps", "9 Pumps", "", "Chapter 3: Mills and more 11", "12 Mills"]
    pages = [{(72, 600): f"On page {number} stands {number} more."} for number in range(len(heads))]
    for number, (page, head) in enumerate(zip(pages, heads, strict=True), start=1):
        page |= {(72, 810): head} if head else {(290, 30): str(number)}
    document = extract_document(page_of(tmp_path / "a.pdf", *pages), "a.pdf")
    text = document.text
    assert not any(head in text for head in heads if head)
    assert document.notes == ("Left out 12 lines that return at the top or foot of the pages.",)
    assert "On page 3 stands 3 more." in text


def test_an_accent_that_tex_sets_over_a_letter_is_part_of_it(tmp_path: Path) -> None:
    """As its older fonts do: the accent is a sign of its own, before a small letter, and raised over a capital one."""
    canvas = Canvas(str(tmp_path / "a.pdf"), invariant=1)
    line = canvas.beginText(72, 700)
    line.setFont("Helvetica", 10)
    line._code.append(r"[(Herr M) -110 (\250) 443 (uller said: it\264s the old ) -200] TJ 2.5 Ts [(\250) 533] TJ 0 Ts (Ubung) Tj")
    line.setTextOrigin(72, 600)
    line.textOut("After that comes `code` and \u00a8 alone.")
    canvas.drawText(line)
    canvas.save()
    assert extract_document(tmp_path / "a.pdf", "a.pdf").text == (
        "Herr M\u00fcller said: it\u00b4s the old \u00dcbung\n\nAfter that comes `code` and \u00a8 alone.")


def test_a_table_row_that_ends_in_an_accent_further_left_is_read(tmp_path: Path) -> None:
    """Its last cell seems to end before it begins."""
    canvas = Canvas(str(tmp_path / "a.pdf"), invariant=1)
    canvas.setFont("Helvetica", 10)
    for row in range(5):
        for column, text in enumerate(("Al Niessner", "Felipe Nievinski", "Rick Niles")):
            canvas.drawString((71.5 if row == 3 else 72) + 150 * column, 700 - 14 * row, f"{text} {row}")
        if row == 3:
            canvas.drawString(150, 703 - 14 * row, "\u00a8")
    canvas.save()
    assert "| Al Niessner 3 | Felipe Nievinski 3 | Rick Niles 3 \u00a8 |" in extract_document(tmp_path / "a.pdf", "a.pdf").text


def test_lines_of_contents_are_no_table_where_their_numbers_stand_apart(tmp_path: Path) -> None:
    heads = ["3.5 Storing the value . . . . . . .", "4 Efficient software", "4.1 Mapping of bits . . . . . . . ."]
    words = {(x, 600 - 14 * row): text for row, head in enumerate(heads) for x, text in ((72, head), (300, str(row + 6)))}
    text = extract_document(page_of(tmp_path / "a.pdf", words), "a.pdf").text
    assert "|" not in text
    assert "3.5 Storing the value ... 6" in text


def test_an_underscore_that_is_drawn_as_a_rule_is_one(tmp_path: Path) -> None:
    """As TeX does for names outside its typewriter fonts; blanks without a rule, and rules elsewhere, stay what they are."""
    canvas = Canvas(str(tmp_path / "a.pdf"), invariant=1)
    canvas.setFont("Helvetica", 10)
    canvas.setLineWidth(0.4)
    for x, text in ((72, "The name ret"), (72 + canvas.stringWidth("The name ret", "Helvetica", 10) + 4, "len is not the name ret"), (240, "len of old.")):
        canvas.drawString(x, 700, text)
    left = 72 + canvas.stringWidth("The name ret", "Helvetica", 10)
    canvas.line(left + 0.5, 699.5, left + 3.5, 699.5)
    canvas.line(100, 690, 104, 690)
    canvas.save()
    assert extract_document(tmp_path / "a.pdf", "a.pdf").text == "The name ret_len is not the name ret len of old."


def test_an_underscore_that_is_drawn_in_a_ruled_cell_is_one(tmp_path: Path) -> None:
    """Two names in a cell, one of them without an underscore."""
    canvas = Canvas(str(tmp_path / "a.pdf"), invariant=1)
    canvas.setFont("Helvetica", 10)
    canvas.setLineWidth(0.4)
    canvas.grid([72, 200, 330], [660, 680, 700])
    for x, y, text in ((75, 686, "function"), (203, 686, "what it gives"), (203, 666, "the tag length")):
        canvas.drawString(x, y, text)
    x = 75.0
    for part in ("tag", "len", "or tag len"):
        canvas.drawString(x, 666, part)
        x += canvas.stringWidth(part, "Helvetica", 10) + 4
        if part == "tag":
            canvas.line(x - 3.5, 665.5, x - 0.5, 665.5)
    canvas.save()
    assert extract_document(tmp_path / "a.pdf", "a.pdf").text == "| function | what it gives |\n| --- | --- |\n| tag_len or tag len | the tag length |"


PROGRAM = ["for gate in [one for one in gates if one.is_known and not one.locked]:", "gate.open(river.level, mark, keeper, watch, the_other_keeper, weather)",
           "print('It is open and seen by the keeper, and by all who come along.')", "return [gate.name for gate in gates if gate.is_open or gate.is_known]"]


def test_lines_of_a_program_stay_lines(tmp_path: Path) -> None:
    """Full lines too, which would be joined in text."""
    canvas = Canvas(str(tmp_path / "a.pdf"), invariant=1)
    rows = [("Helvetica", 10, f"Sentence {number}: {LONG[:70]}") for number in range(6)] + [("Courier", 9, line) for line in PROGRAM]
    for row, (font, size, line) in enumerate(rows):
        canvas.setFont(font, size)
        canvas.drawString(72, 700 - 12 * row, line)
    canvas.save()
    assert "\n".join(PROGRAM) in extract_document(tmp_path / "a.pdf", "a.pdf").text


def test_japanese_paragraphs_are_told_by_their_short_last_lines(tmp_path: Path) -> None:
    """Nothing else parts them, and no blank stands where a line ends."""
    pdfmetrics.registerFont(UnicodeCIDFont("HeiseiMin-W3"))
    canvas = Canvas(str(tmp_path / "a.pdf"), invariant=1)
    canvas.setFont("HeiseiMin-W3", 10)
    for row, text in enumerate(("門は川が高いときに開き、水が下がると再び閉じます。番人は毎", "日それを書きます。", "橋は石で作られ、古い道がその上を通ります。毎年春には祭りが", "あります。")):
        canvas.drawString(72, 700 - 14 * row, text)
    canvas.save()
    assert extract_document(tmp_path / "a.pdf", "a.pdf").text.split() == [
        "門は川が高いときに開き、水が下がると再び閉じます。番人は毎日それを書きます。", "橋は石で作られ、古い道がその上を通ります。毎年春には祭りがあります。"]


def rows_of(path: Path, rows: list[tuple[str, ...]]) -> str:
    """The text of a page with these cells, in columns 60 points apart."""
    words = {(72 + 60 * column, 600 - 12 * number): cell for number, row in enumerate(rows) for column, cell in enumerate(row) if cell}
    return extract_document(page_of(path, words), "a.pdf").text


def test_what_is_wrapped_in_the_last_column_belongs_to_its_row(tmp_path: Path) -> None:
    rows = [("-v", "Prints the lines."), ("-x", "Prints commands that the pump un-"), ("", "derstands, as they run."), ("-D", "Prints strings."), ("-q", "Is quiet.")]
    text = rows_of(tmp_path / "a.pdf", rows)
    assert "| -v | Prints the lines. |\n| --- | --- |\n| -x | Prints commands that the pump understands, as they run. |\n| -D | Prints strings. |\n| -q | Is quiet. |" in text


def test_items_of_a_list_are_no_table_however_far_their_marks_stand_away(tmp_path: Path) -> None:
    text = rows_of(tmp_path / "a.pdf", [("\u2022", "oil the chain"), ("\u2022", "clear the rake"), ("\u2022", "read the gauge")])
    assert "- oil the chain\n- clear the rake\n- read the gauge" in text


def test_heads_that_name_chapter_and_section_go(tmp_path: Path) -> None:
    """As in books that show both on right pages; the section changes from page to page."""
    pages = [{(72, 600): f"On page {number} stands {number} more."} for number in range(8)]
    for number in (1, 3, 5, 7):
        pages[number][72, 810] = f"KAPITEL {number // 2}. {'DIE MÜHLE' if number < 4 else 'DAS WEHR'} {number // 2}.{number}. WIE {'ABCDE'[number // 2] * 5} MAHLT"
    pages[4][72, 810] = "Part of it stands above."
    text = extract_document(page_of(tmp_path / "a.pdf", *pages), "a.pdf").text
    assert "KAPITEL" not in text
    assert "Part of it stands above." in text
    assert "On page 3 stands 3 more." in text
