"""Hostile and broken files, read by the real parsing child: each is refused with a sentence or read without harm, and the next file is fine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from phases.rag_data.clean import Cleaning
from phases.rag_data.extract.formats import FORMATS
from phases.rag_data.extract.parser import Parser
from phases.shared.errors import FileRejected
from tests.rag_data.hostile import (
    CELL,
    FIXTURES,
    SECRET,
    book_with_outside_chapters,
    changed,
    full_rows,
    huge_sheet,
    jsonl_with_nuls,
    locked_zip,
    looping_pdf,
    nested_json,
    office_container,
    overlapping_zip,
    page_stream,
    pdf,
    with_entities,
    word_body,
    zip_of,
)

BINARY = ("handbook.pdf", "tidal_mills_latex.pdf", "gezeiten_toc.docx", "seminar_impress.pptx", "club_accounts.xlsx", "niederschrift.odt", "skerry_epub3.epub",
          "niederschrift.rtf", "trees.parquet", "sales_pandas.parquet")
LONG_LINE = 20_000_000


def fixture(name: str) -> bytes:
    return (FIXTURES / name).read_bytes()


def nested(begin: str, end: str, levels: int) -> bytes:
    return (begin * levels + "deep" + end * levels).encode()


REFUSED: dict[str, tuple[str, Callable[[], bytes], str, str]] = {
    "locked word": ("a.docx", lambda: office_container("EncryptionInfo", "EncryptedPackage"), "file_encrypted", "password"),
    "locked sheets": ("a.xlsx", lambda: office_container("\x06DataSpaces", "EncryptionInfo", "EncryptedPackage"), "file_encrypted", "password"),
    "old word": ("a.docx", lambda: office_container("WordDocument", "1Table"), "file_wrong_kind", "old Word document"),
    "locked odt": ("a.odt", lambda: changed("niederschrift.odt", "META-INF/manifest.xml", lambda data: data.replace(
        b"</manifest:manifest>", b'<manifest:file-entry><manifest:encryption-data manifest:checksum="x"/></manifest:file-entry></manifest:manifest>')), "file_encrypted", "password"),
    "locked parts": ("a.docx", lambda: locked_zip(fixture("plot_form.docx")), "file_encrypted", "password"),
    "pdf as docx": ("a.docx", lambda: fixture("price_list.pdf"), "file_wrong_kind", "content is a PDF"),
    "docx as pdf": ("a.pdf", lambda: fixture("plot_form.docx"), "file_wrong_kind", "an Office document"),
    "png as pdf": ("a.pdf", lambda: b"\x89PNG\r\n\x1a\n" + bytes(2000), "file_wrong_kind", "a PNG picture"),
    "exe as txt": ("a.txt", lambda: b"MZ\x90\x00\x03" + bytes(3000), "file_wrong_kind", "a program"),
    "rtf as txt": ("a.txt", lambda: fixture("wordpad_cp1252.rtf"), "file_wrong_kind", "an RTF document"),
    "jpeg as csv": ("a.csv", lambda: b"\xff\xd8\xff\xe0" + bytes(900), "file_wrong_kind", "a JPEG picture"),
    "gzip as json": ("a.json", lambda: b"\x1f\x8b\x08" + bytes(90), "file_wrong_kind", "a gzip archive"),
    "html as xlsx": ("a.xlsx", lambda: b"<html><table><tr><td>1</td></tr></table></html>", "file_wrong_kind", "a web page"),
    "xlsx as docx": ("a.docx", lambda: fixture("timetable.xlsx"), "file_wrong_kind", "no Word document"),
    "bomb": ("a.docx", lambda: zip_of({"word/document.xml": b" " * 30_000_000}), "file_too_dense", "not safe"),
    "many parts": ("a.epub", lambda: zip_of({f"{number}": b"" for number in range(6000)} | {"META-INF/container.xml": b""}), "file_too_dense", "6,001 parts"),
    "overlapping parts": ("a.docx", overlapping_zip, "file_too_dense", "not safe"),
    "empty paragraphs": ("a.docx", lambda: word_body("<w:p/>" * 10_000_000), "file_too_dense", "not safe"),
    "nested tables": ("a.docx", lambda: word_body(f"<w:tbl><w:tr>{CELL}" * 1000 + "<w:p/></w:tc></w:tr></w:tbl>" * 1000), "file_damaged", "damaged"),
    "deep json": ("a.json", lambda: nested_json(100_000), "file_too_dense", "levels deep"),
    "deep list": ("a.json", lambda: b"[" * 100_000 + b"]" * 100_000, "file_too_dense", "levels deep"),
    "deep jsonl": ("a.jsonl", lambda: nested_json(100_000), "file_too_dense", "levels deep"),
    "deeper boxes": ("a.html", lambda: b"<html><body><p>before</p>" + nested("<div><span>", "</span></div>", 3000) + b"<p>after</p>", "file_too_dense", "nested too deep"),
    "page loop": ("a.pdf", looping_pdf, "file_damaged", "damaged"),
    "pdf without pages": ("a.pdf", lambda: pdf(["<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[]/Count 0>>"]), "file_damaged", "damaged"),
    "line of csv": ("a.csv", lambda: b"a,b\n" + b"x" * LONG_LINE, "file_too_dense", "single line"),
    "line of json": ("a.json", lambda: b'{"a": "' + b"x" * LONG_LINE + b'"}', "file_too_dense", "20,000,000 characters"),
    "line of txt": ("a.txt", lambda: b"word " * (LONG_LINE // 5), "file_too_dense", "single line"),
    "huge sheet": ("a.xlsx", full_rows, "file_too_large", "cells"),
    "laughing sheets": ("a.xlsx", lambda: with_entities("results_pandas.xlsx", "xl/worksheets/sheet1.xml", "<worksheet", "<t>Falcons"), "file_damaged", "damaged"),
}
READ: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "corners": ("a.xlsx", huge_sheet, "last corner"),
    "outside chapters": ("a.epub", book_with_outside_chapters, "The only chapter."),
    "nuls in jsonl": ("a.jsonl", jsonl_with_nuls, "nul inside"),
    "nuls in txt": ("a.txt", lambda: b"words " * 1000 + b"\x00\x01 end", "end"),
    "nuls in csv": ("a.csv", lambda: b"name;note\n" + b"x;y\n" * 2000 + b"la\x00st;on\x00e\n", "one"),
    "nuls in html": ("a.html", lambda: b"<html><body>" + b"<p>word</p>" * 500 + b"<p>en\x00d</p></body></html>", "end"),
    "half a utf-16": ("a.txt", lambda: "Grüße aus Köln".encode("utf-16")[:-1], "Grüße aus Köl"),
    "lone surrogates": ("a.json", lambda: b'[{"name": "a\\ud800b", "x": "y"}]', "y"),
    "many paragraphs": ("a.docx", lambda: word_body("<w:p/>" * 700_000 + "<w:p><w:r><w:t>the end</w:t></w:r></w:p>"), "the end"),
    "deep boxes": ("a.html", lambda: b"<html><body>" + nested("<div><span>", "</span></div>", 900), "deep"),
    "deep braces": ("a.rtf", lambda: b"{\\rtf1 " + nested("{\\b ", "}", 20_000) + b"}", "deep"),
    "deep quotes": ("a.md", lambda: nested(">", "", 50_000), "deep"),
    "looping form": ("a.pdf", lambda: pdf(page_stream("BT /F 12 Tf 20 200 Td (before the loop) Tj ET /X Do")), "before the loop"),
    "laughing page": ("a.html", lambda: b"<!DOCTYPE html [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><html><body><p>safe &x;</p><svg><text>&x;</text></svg></body></html>", "safe"),
    "laughing xhtml": ("a.xhtml", lambda: b"<?xml version='1.0'?><!DOCTYPE html [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><html xmlns='http://www.w3.org/1999/xhtml'><body><p>safe &x;</p></body></html>", "safe"),
}
EITHER: dict[str, tuple[str, Callable[[], bytes]]] = {
    "laughing word": ("a.docx", lambda: with_entities("gezeiten_pandoc.docx", "word/document.xml", "<w:document", "Mond und Sonne")),
    "laughing odt": ("a.odt", lambda: with_entities("gezeiten_pandoc.odt", "content.xml", "<office:document-content", "Mond und Sonne")),
    "laughing slides": ("a.pptx", lambda: with_entities("compost_pandoc.pptx", "ppt/slides/slide2.xml", "<p:sld ", "twigs")),
    "laughing book": ("a.epub", lambda: with_entities("skerry_epub3.epub", "EPUB/text/ch001.xhtml", "<html", "at dusk")),
    "laughing list of parts": ("a.epub", lambda: with_entities("skerry_epub3.epub", "EPUB/content.opf", "<package", "Skerry Point")),
}


@pytest.fixture(scope="module")
def parser() -> Iterator[Parser]:
    with Parser(Cleaning()) as running:
        yield running


@pytest.fixture
def still_reads(parser: Parser, tmp_path: Path) -> Iterator[None]:
    """After the hostile file, the next one is read."""
    yield
    good = tmp_path / "good.txt"
    good.write_text("good words", encoding="utf-8")
    assert parser.extract(good, "good.txt").text == "good words"


@pytest.mark.usefixtures("still_reads")
@pytest.mark.parametrize("case", REFUSED)
def test_a_hostile_file_is_refused_with_its_reason(case: str, parser: Parser, tmp_path: Path) -> None:
    name, make, code, word = REFUSED[case]
    (tmp_path / name).write_bytes(make())
    with pytest.raises(FileRejected) as refused:
        parser.extract(tmp_path / name, name)
    assert (refused.value.code, word in refused.value.sentence) == (code, True), refused.value.sentence
    assert f"'{name}'" in refused.value.sentence
    assert refused.value.advice


@pytest.mark.usefixtures("still_reads")
@pytest.mark.parametrize("case", READ)
def test_a_hostile_file_is_read_without_harm(case: str, parser: Parser, tmp_path: Path) -> None:
    name, make, word = READ[case]
    (tmp_path / name).write_bytes(make())
    text = parser.extract(tmp_path / name, name).text
    assert word in text
    assert "\x00" not in text
    assert SECRET not in text


@pytest.mark.usefixtures("still_reads")
@pytest.mark.parametrize("case", EITHER)
def test_entities_bring_nothing_in(case: str, parser: Parser, tmp_path: Path) -> None:
    name, make = EITHER[case]
    (tmp_path / name).write_bytes(make())
    try:
        text = parser.extract(tmp_path / name, name).text
    except FileRejected as refused:
        assert refused.code == "file_damaged"
    else:
        assert SECRET not in text
        assert "haha" not in text


@pytest.mark.usefixtures("still_reads")
@pytest.mark.parametrize("name", BINARY)
def test_a_file_that_was_cut_off_is_refused(name: str, parser: Parser, tmp_path: Path) -> None:
    data = fixture(name)
    for share in (0.1, 0.5, 0.9):
        (tmp_path / name).write_bytes(data[:int(len(data) * share)])
        with pytest.raises(FileRejected, match="damaged or cut off"):
            parser.extract(tmp_path / name, name)


@pytest.mark.parametrize("ending", [ending for one in FORMATS.values() for ending in one.endings])
def test_nothing_and_white_space_are_refused(ending: str, parser: Parser, tmp_path: Path) -> None:
    path = tmp_path / f"a{ending}"
    for data, code in ((b"", {"file_empty"}), (b" \r\n\t\n", {"file_no_text", "file_wrong_kind", "file_damaged"})):
        path.write_bytes(data)
        with pytest.raises(FileRejected) as refused:
            parser.extract(path, path.name)
        assert refused.value.code in code
