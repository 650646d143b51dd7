"""Slides, sheets, OpenDocument, RTF and books: headings, cells and order of files that other programs wrote."""

from __future__ import annotations

import zipfile
from pathlib import Path

import openpyxl
import pptx
import pytest
from pptx.util import Inches

from phases.rag_data.clean import Cleaning
from phases.rag_data.extract.formats import extract_document
from phases.rag_data.extract.parser import Parser
from phases.shared.errors import FileRejected

FIXTURES = Path(__file__).parents[1] / "fixtures" / "documents"
TABLE = "| Stelle | Höhe | Zustand |\n| --- | --- | --- |\n| Nordpfeiler | 4,20 m | trocken |\n| Südpfeiler | 4,35 m | feucht |"
REPORT = ("Das Wehr Ahlen wurde am 3. März geprüft. Die Schützentafel läuft ohne Geräusch, und die Größe des Spalts beträgt "
          f"12 Millimeter. Die nächste Prüfung ist im Oktober fällig.\n\n## Messwerte\n\n{TABLE}\n\n## Arbeiten\n\n"
          "1. Die Kette schmieren.\n2. Den Rechen räumen.\n\n- Öl nachfüllen\n- Lampe tauschen\n\nUnterschrift: Jörg Weiß")
ENTITY = '<!DOCTYPE a [<!ENTITY x SYSTEM "{}"><!ENTITY y "expanded">]>'


@pytest.mark.parametrize("name", ["libreoffice.odt", "libreoffice.rtf", "pandoc.odt", "pandoc.rtf", "pandoc.epub"])
def test_a_report_reads_the_same_from_every_program(name: str) -> None:
    document = extract_document(FIXTURES / name, name)
    assert document.title == "Prüfbericht Wehr Ahlen"
    text = document.text.replace("# Prüfbericht Wehr Ahlen\n\n## Prüf", "# Prüf").replace("\n###", "\n##")  # a title above the heading
    assert text.removeprefix("Prüfbericht Wehr Ahlen\n\n") == f"# Prüfbericht Wehr Ahlen\n\n{REPORT}"


def test_slides_are_pages_with_headings_lists_tables_charts_and_notes() -> None:
    document = extract_document(FIXTURES / "slides.pptx", "slides.pptx")
    assert document.text == (
        "# Wehr Ahlen\n\nPrüfung im März\n\n# Arbeiten\n\n- Öl nachfüllen\n  - nur Bioöl\n- Lampe tauschen\n\n"
        f"Notes: Die Größe des Spalts nennen.\n\n# Messwerte\n\n{TABLE}\n\n# Slide 4\n\nUnterschrift: Jörg Weiß\n\n"
        "|  | Abfluss |\n| --- | --- |\n| Januar | 1.5 |\n| Februar | 1234567 |")
    assert [document.text[start:].split("\n")[0] for start in document.pages] == [
        "# Wehr Ahlen", "# Arbeiten", "# Messwerte", "# Slide 4"]


def test_grouped_shapes_are_read_and_slides_of_pictures_hold_no_text(tmp_path: Path) -> None:
    deck = pptx.Presentation()
    group = deck.slides.add_slide(deck.slide_layouts[6]).shapes.add_group_shape()
    group.shapes.add_textbox(Inches(1), Inches(1), Inches(1), Inches(1)).text_frame.text = "in a group"
    deck.save(str(tmp_path / "a.pptx"))
    assert extract_document(tmp_path / "a.pptx", "a.pptx").text == "# Slide 1\n\nin a group"
    deck = pptx.Presentation()
    deck.slides.add_slide(deck.slide_layouts[6])
    deck.save(str(tmp_path / "b.pptx"))
    with pytest.raises(FileRejected, match="no text"):
        extract_document(tmp_path / "b.pptx", "b.pptx")


def test_sheets_are_headings_and_their_cells_tables() -> None:
    document = extract_document(FIXTURES / "sheets.xlsx", "sheets.xlsx")
    assert document.text == (
        f"# Messwerte\n\nMessung im März\n\n{TABLE}\n\n| Tag | Abfluss | Anteil | Summe |\n| --- | --- | --- | --- |\n"
        "| 2024-03-03 | 1.5 | 25 % | =B7*2 |\n\n# Geräte\n\n| Gerät | Zahl |\n| --- | --- |\n| Schützentafel | 2 |\n"
        "| Rechen \\| grob | 1 |")
    assert document.notes == ("1 cells hold a formula without its result; the formula is shown.",)


def test_a_workbook_with_far_too_many_cells_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from phases.rag_data.extract import sheets

    monkeypatch.setattr(sheets, "MOST_CELLS", 5)
    with pytest.raises(FileRejected, match="more than 5 cells"):
        extract_document(FIXTURES / "sheets.xlsx", "sheets.xlsx")


def epub(path: Path, chapters: dict[str, str], extra: str = "") -> Path:
    items = "".join(f'<item id="c{n}" href="{name}" media-type="application/xhtml+xml"/>' for n, name in enumerate(chapters))
    spine = "".join(f'<itemref idref="c{n}"/>' for n in range(len(chapters)))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/epub+zip")
        archive.writestr("META-INF/container.xml", '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
                         '<rootfile full-path="OPS/book.opf"/></rootfiles></container>')
        archive.writestr("OPS/book.opf", f'<package xmlns="http://www.idpf.org/2007/opf"><manifest>{items}</manifest>'
                         f"<spine>{spine}</spine></package>")
        for name, page in chapters.items():
            archive.writestr(f"OPS/{name}", page)
        if extra:
            archive.writestr("META-INF/encryption.xml", extra)
    return path


def test_chapters_come_in_the_order_of_the_spine(tmp_path: Path) -> None:
    page = '<html xmlns="http://www.w3.org/1999/xhtml"><head><title/></head><body><h1>{0}</h1><p>Gr&uuml;&szlig;e &amp; {0}</p></body></html>'
    made = epub(tmp_path / "a.epub", {"z.xhtml": page.format("Eins"), "a.xhtml": page.format("Zwei")})
    assert extract_document(made, "a.epub").text == "# Eins\n\nGrüße & Eins\n\n# Zwei\n\nGrüße & Zwei"


def test_chapters_without_headings_take_those_of_the_table_of_contents(tmp_path: Path) -> None:
    page = '<html xmlns="http://www.w3.org/1999/xhtml"><body>{0}</body></html>'
    made = epub(tmp_path / "a.epub", {"text/one.xhtml": page.format("<p>Erste Worte.</p>"),
                                      "nav.xhtml": page.format('<nav><ol><li><a href="text/one.xhtml">Über das Wehr</a></li></ol></nav>')})
    path = replaced(tmp_path / "b.epub", made, "OPS/book.opf", ('href="nav.xhtml"', 'href="nav.xhtml" properties="nav"'))
    assert extract_document(path, "b.epub").text == "# Über das Wehr\n\nErste Worte."


def test_a_book_that_lacks_a_chapter_says_so(tmp_path: Path) -> None:
    made = epub(tmp_path / "a.epub", {"one.xhtml": "<html><body><p>words</p></body></html>"})
    path = replaced(tmp_path / "b.epub", made, "OPS/book.opf", (
        "</manifest><spine>", '<item id="x" href="gone.xhtml" media-type="application/xhtml+xml"/></manifest><spine><itemref idref="x"/>'))
    document = extract_document(path, "b.epub")
    assert (document.text, document.notes) == ("words", ("The book names a chapter that it does not hold: OPS/gone.xhtml.",))


@pytest.mark.parametrize("depth", [200, 900, 5000])
def test_a_deeply_nested_chapter_is_read_to_its_end(depth: int, tmp_path: Path) -> None:
    deep = f"{'<div><span>' * depth}<p>middle</p>{'</span></div>' * depth}"
    made = epub(tmp_path / "a.epub", {"one.xhtml": f"<html><body><h1>Eins</h1>{deep}<h2>Zwei</h2><p>the end</p></body></html>"})
    with Parser(Cleaning()) as parser:
        document = parser.extract(made, "a.epub")
    assert (document.text, document.notes) == ("# Eins\n\nmiddle\n\n## Zwei\n\nthe end", ())


def test_a_chapter_that_is_too_deep_even_so_is_named(tmp_path: Path) -> None:
    deep = f"<html><body><p>before</p>{'<ul><li>' * 3000}deep{'</li></ul>' * 3000}<p>after</p></body></html>"
    with Parser(Cleaning()) as parser:
        document = parser.extract(epub(tmp_path / "a.epub", {"one.xhtml": deep}), "a.epub")
    assert "before" in document.text
    assert document.notes == ("A chapter is nested too deep; only its beginning could be read: OPS/one.xhtml.",)


def test_rtf_of_word_with_styles_code_page_and_footnotes(tmp_path: Path) -> None:
    path = tmp_path / "a.rtf"
    path.write_bytes(
        rb"{\rtf1\ansi\ansicpg1252\deff0{\fonttbl{\f0\fcharset0 Times;}}{\stylesheet{\s0 Normal;}{\s1\b\sbasedon0 heading 1;}{\s15\qc Title;}}"
        rb"{\header\pard running header\par}\pard\s15 Pr\'fcfung\par\pard\s1\b Gr\'f6\'dfe\par\pard\plain Text{\footnote small print} \u8364? 5\par"
        rb"{\listtext\'b7\tab}\ilvl0 eins\par{\listtext o\tab}\ilvl1 zwei\par"
        rb"\trowd\cellx100\cellx200\intbl a{\super\chftn{\*\footnote\chftn\pard\plain\s1{\b F\'fcr} \{a\}\par und mehr\par}}\cell b\par c\cell\row\intbl d\cell e\cell\row\pard Ende\par}")
    document = extract_document(path, "a.rtf")
    assert document.text == ("# Prüfung\n\n## Größe\n\nText [1] € 5\n\n- eins\n  - zwei\n\n| a [2] | b c |\n| --- | --- |\n| d | e |\n\nEnde\n\n"
                             "[1] small print\n[2] Für {a} und mehr")
    assert document.notes == ()


def test_cells_after_a_merged_one_stand_in_their_column(tmp_path: Path) -> None:
    path = tmp_path / "a.rtf"
    path.write_bytes(rb"{\rtf1\trowd\cellx2000\cellx3000 wide\cell last\cell\row"
                     rb"\trowd\cellx1000\cellx2010\cellx3000 a\cell b\cell c\cell\row\pard end\par}")
    assert extract_document(path, "a.rtf").text == "| wide |  | last |\n| --- | --- | --- |\n| a | b | c |\n\nend"


def test_an_opendocument_text_with_nested_lists_notes_boxes_and_merged_cells(tmp_path: Path) -> None:
    body = ('<text:table-of-content><text:p>Contents</text:p></text:table-of-content>'
            '<text:h text:outline-level="1">Wehr<text:note><text:note-body><text:p>small print</text:p></text:note-body></text:note></text:h>'
            '<text:list><text:list-item><text:p>eins</text:p><text:list><text:list-item><text:p>zwei</text:p></text:list-item></text:list>'
            '</text:list-item><text:list-item><text:p>drei</text:p></text:list-item></text:list>'
            '<text:p>a<text:s text:c="3"/>b<text:line-break/>c<draw:frame><draw:text-box><text:p>boxed</text:p></draw:text-box></draw:frame></text:p>'
            '<table:table><table:table-row><table:table-cell table:number-columns-spanned="2"><text:p>wide</text:p></table:table-cell>'
            '<table:covered-table-cell/></table:table-row><table:table-row table:number-rows-repeated="1000000"><table:table-cell/>'
            '</table:table-row><table:table-row><table:table-cell table:number-columns-repeated="2"><text:p>x</text:p></table:table-cell>'
            '</table:table-row></table:table>')
    spaces = " ".join(f'xmlns:{short}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for short, name in (
        ("office", "office"), ("text", "text"), ("table", "table"), ("draw", "drawing")))
    path = tmp_path / "a.odt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("content.xml", f"<office:document-content {spaces}><office:body><office:text>{body}</office:text></office:body>"
                         "</office:document-content>")
    document = extract_document(path, "a.odt")
    assert document.text == ("# Wehr [1]\n\n- eins\n  - zwei\n- drei\n\na b\nc\n\nboxed\n\n"
                             "| wide |  |\n| --- | --- |\n| x | x |\n\n[1] small print")
    assert document.notes == ("Left out the table of contents; its headings stand in the text.",)


def test_protected_books_are_refused_and_scrambled_fonts_are_not(tmp_path: Path) -> None:
    about = ('<encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><e:EncryptedData '
             'xmlns:e="http://www.w3.org/2001/04/xmlenc#"><e:EncryptionMethod Algorithm="{}"/></e:EncryptedData></encryption>')
    page = {"a.xhtml": "<html><body><p>words</p></body></html>"}
    free = epub(tmp_path / "a.epub", page, about.format("http://www.idpf.org/2008/embedding"))
    assert extract_document(free, "a.epub").text == "words"
    bound = epub(tmp_path / "b.epub", page, about.format("http://www.w3.org/2001/04/xmlenc#aes128-cbc"))
    with pytest.raises(FileRejected, match="digital rights"):
        extract_document(bound, "b.epub")


def replaced(path: Path, original: Path, part: str, change: tuple[str, str]) -> Path:
    """A copy of an office file with one part changed."""
    with zipfile.ZipFile(original) as archive, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as copy:
        for one in archive.infolist():
            data = archive.read(one)
            copy.writestr(one.filename, data.replace(change[0].encode(), change[1].encode(), 1) if one.filename == part else data)
    return path


@pytest.mark.parametrize(("name", "part", "root"), [
    ("libreoffice.odt", "content.xml", "<office:document-content"), ("slides.pptx", "ppt/slides/slide1.xml", "<p:sld "),
    ("sheets.xlsx", "xl/worksheets/sheet1.xml", "<worksheet"), ("pandoc.epub", "EPUB/text/ch001.xhtml", "<html"),
    ("pandoc.docx", "word/document.xml", "<w:document")])
def test_entities_are_never_followed(tmp_path: Path, name: str, part: str, root: str) -> None:
    """A part that defines entities is refused or read without them: no file, no address, no expansion."""
    word = {"libreoffice.odt": "Geräusch", "slides.pptx": "Wehr", "sheets.xlsx": "<v>1.5", "pandoc.epub": "Geräusch",
            "pandoc.docx": "Geräusch"}[name]
    secret = tmp_path / "secret.txt"
    secret.write_text("hidden words", encoding="utf-8")
    defined = replaced(tmp_path / "defined", FIXTURES / name, part, (root, ENTITY.format(secret.as_uri()) + root))
    made = replaced(tmp_path / name, defined, part, (word, f"{word[:3]}&x;&y;{word[3:]}"))
    with zipfile.ZipFile(made) as archive:
        assert b"&x;&y;" in archive.read(part)
    try:
        text = extract_document(made, name).text
    except FileRejected as refused:
        assert refused.code == "file_damaged"
    else:
        assert "hidden" not in text
        assert "expanded" not in text


@pytest.mark.parametrize("name", ["libreoffice.odt", "libreoffice.rtf", "pandoc.epub", "slides.pptx", "sheets.xlsx"])
def test_files_that_were_cut_off_are_refused_and_the_next_is_read(tmp_path: Path, name: str) -> None:
    data = (FIXTURES / name).read_bytes()
    with Parser(Cleaning()) as parser:
        for share in (0.3, 0.6, 0.95):
            (tmp_path / name).write_bytes(data[:int(len(data) * share)])
            with pytest.raises(FileRejected, match="damaged or cut off"):
                parser.extract(tmp_path / name, name)
        assert parser.extract(FIXTURES / name, name).text


@pytest.mark.parametrize(("name", "word"), [("a.pptx", "old presentation"), ("a.xlsx", "old workbook"), ("a.odt", "old Office")])
def test_old_and_locked_office_files_say_so(tmp_path: Path, name: str, word: str) -> None:
    path, mark = tmp_path / name, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
    path.write_bytes(mark + bytes(600))
    with pytest.raises(FileRejected, match=word):
        extract_document(path, name)
    path.write_bytes(mark + "EncryptedPackage".encode("utf-16-le"))
    with pytest.raises(FileRejected, match="password"):
        extract_document(path, name)


def test_a_locked_opendocument_text_says_so(tmp_path: Path) -> None:
    path = replaced(tmp_path / "a.odt", FIXTURES / "libreoffice.odt", "META-INF/manifest.xml",
                    ("</manifest:manifest>", "<manifest:encryption-data/></manifest:manifest>"))
    with pytest.raises(FileRejected, match="password"):
        extract_document(path, "a.odt")


@pytest.mark.parametrize(("name", "ending", "word"), [
    ("sheets.xlsx", ".pptx", "no presentation"), ("slides.pptx", ".xlsx", "no workbook"), ("pandoc.epub", ".odt", "no OpenDocument"),
    ("pandoc.odt", ".epub", "no book"), ("pandoc.odt", ".rtf", "not an RTF"), ("pandoc.rtf", ".xlsx", "not an XLSX")])
def test_a_wrong_ending_is_named(tmp_path: Path, name: str, ending: str, word: str) -> None:
    path = tmp_path / f"a{ending}"
    path.write_bytes((FIXTURES / name).read_bytes())
    with pytest.raises(FileRejected, match=word):
        extract_document(path, path.name)


def test_a_bomb_of_cells_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.save(tmp_path / "a.xlsx")
    with zipfile.ZipFile(tmp_path / "a.xlsx", "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/sharedStrings2.xml", b"\x20" * 30_000_000)
    with pytest.raises(FileRejected, match="not safe"):
        extract_document(tmp_path / "a.xlsx", "a.xlsx")
