"""What cannot be read is refused with a sentence, and parsers that hang, crash or swell harm nobody else."""

from __future__ import annotations

import json
import os
import threading
import time
import zipfile
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import psutil
import pytest

from phases.rag_data.clean import Cleaning
from phases.rag_data.extract.formats import extract_document
from phases.rag_data.extract.long_lines import check_length, check_raw_lines
from phases.rag_data.extract.parser import Parser
from phases.shared.errors import FileRejected
from tests.rag_data.files import make_docx, make_encrypted_pdf, make_pdf, make_scan


def bomb(path: Path) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", b"\x20" * 30_000_000)
    return path


def archive_of(path: Path, name: str) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name, "text")
    return path


def cut(path: Path, whole: Path, share: float) -> Path:
    data = whole.read_bytes()
    path.write_bytes(data[:int(len(data) * share)])
    return path


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


CASES: dict[str, tuple[str, Callable[[Path], Path], str, str]] = {
    "encrypted": ("a.pdf", make_encrypted_pdf, "file_encrypted", "encrypted"),
    "empty": ("a.pdf", lambda path: written(path, b""), "file_empty", "empty"),
    "text as pdf": ("a.pdf", lambda path: written(path, b"plain words\n"), "file_wrong_kind", "plain text"),
    "page as pdf": ("a.pdf", lambda path: written(path, b"<!DOCTYPE html><p>x"), "file_wrong_kind", "a web page"),
    "scan": ("a.pdf", make_scan, "file_scan", "scan"),
    "rubbish pdf": ("a.pdf", lambda path: written(path, b"%PDF-1.7\n" + os.urandom(500) + b"%%EOF"), "file_damaged", "damaged"),
    "cut docx": ("a.docx", lambda path: cut(path, make_docx(path.with_name("b.docx")), 0.6), "file_damaged", "damaged"),
    "bomb": ("a.docx", bomb, "file_too_dense", "not safe"),
    "zip as docx": ("a.docx", lambda path: archive_of(path, "a.txt"), "file_wrong_kind", "no Word document"),
    "no document": ("a.docx", lambda path: archive_of(path, "word/document.xml"), "file_damaged", "damaged"),
    "old word": ("a.docx", lambda path: written(path, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)), "file_wrong_kind", "old"),
    "locked word": ("a.docx", lambda path: written(
        path, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le")), "file_encrypted", "password"),
    "unknown": ("a.xyz", lambda path: written(path, b"text"), "file_unknown_format", ".xyz"),
    "picture as text": ("a.txt", lambda path: written(path, b"\x89PNG\r\n\x1a\n" + bytes(50)), "file_wrong_kind", "PNG"),
    "binary as text": ("a.txt", lambda path: written(path, b"ab\x00\x01\x02"), "file_wrong_kind", "binary"),
    "blank": ("a.txt", lambda path: written(path, b" \n\n --- \n"), "file_no_text", "no text"),
    "empty page": ("a.html", lambda path: written(path, b"<html><body><script>x</script></body></html>"), "file_no_text", "no"),
}


@pytest.mark.parametrize("case", CASES)
def test_the_sentence_names_the_file_and_the_reason(case: str, tmp_path: Path) -> None:
    name, make, code, word = CASES[case]
    with pytest.raises(FileRejected) as refused:
        extract_document(make(tmp_path / name), name)
    assert refused.value.code == code
    assert f"'{name}'" in refused.value.sentence or code == "file_unknown_format"
    assert word in refused.value.sentence
    assert refused.value.advice


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9, 0.99])
def test_a_pdf_that_was_cut_off_is_refused(tmp_path: Path, share: float) -> None:
    with pytest.raises(FileRejected, match="its end is missing"):
        extract_document(cut(tmp_path / "a.pdf", make_pdf(tmp_path / "whole.pdf"), share), "a.pdf")


@pytest.mark.parametrize("name", ["a.txt", "a.md", "a.csv", "a.json", "a.html", "a.rtf"])
def test_text_without_line_ends_is_refused_in_time(tmp_path: Path, name: str) -> None:
    """Full-size files: tests/benchmarks/hostile_files.py."""
    begin, end = {"a.rtf": (b"{\\rtf1 ", b"}"), "a.html": (b"<html><body><p>", b"</p></body></html>"), "a.csv": (b"name\n", b""),
                  "a.json": (b'[{"name": "', b'"}]')}.get(name, (b"", b""))
    began = time.monotonic()
    with Parser(Cleaning()) as parser, pytest.raises(FileRejected, match="single (line|value) of (more than )?[0-9,]+ "):
        parser.extract(written(tmp_path / name, begin + b"x" * 10_100_000 + end), name)
    assert time.monotonic() - began < 30


@pytest.mark.parametrize(("lengths", "too_long"), [([2_500_000, 2_900_000], False), ([10, 3_000_001], True), ([3_000_001, 10], True),
                                                   ([3_000_000], False), ([1] * 50_000, False)])
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"])
def test_the_longest_line_is_found_wherever_it_stands(tmp_path: Path, lengths: list[int], too_long: bool, line_end: bytes) -> None:
    path = written(tmp_path / "a.txt", line_end.join(b"x" * length for length in lengths))
    with pytest.raises(FileRejected, match="single line of more than 3,000,000 bytes") if too_long else nullcontext():
        check_raw_lines(path, "a.txt", 3_000_000)


def test_a_text_may_be_only_so_long() -> None:
    check_length("words\n" * 10, "a.txt", most=60)
    with pytest.raises(FileRejected, match="a document may have"):
        check_length("words\n" * 10, "a.txt", most=59)


def test_a_page_nested_deeply_is_read(tmp_path: Path) -> None:
    page = "<html><body>" + "<div>" * 400 + "deep words" + "</div>" * 400 + "<table><tr><td>" * 100 + "cell"
    with Parser(Cleaning()) as parser:
        assert "deep words" in parser.extract(written(tmp_path / "a.html", page.encode()), "a.html").text


@pytest.mark.parametrize(("word", "code"), [("hang", "file_too_slow"), ("spin", "file_too_slow"), ("crash", "file_damaged"),
                                            ("swell", "file_too_dense"), ("raise", "file_damaged")])
def test_a_parser_that_misbehaves_costs_its_file_only(hostile: Path, word: str, code: str) -> None:
    bad, good = written(hostile / "bad.txt", word.encode()), written(hostile / "good.txt", b"print")
    with Parser(Cleaning(), seconds=2) as parser:
        began = time.monotonic()
        with pytest.raises(FileRejected) as refused:
            parser.extract(bad, "bad.txt")
        assert refused.value.code == code
        assert time.monotonic() - began < 10
        assert parser.extract(good, "good.txt").text == "print"


def test_a_busy_machine_refuses_no_healthy_file(hostile: Path) -> None:
    """The child runs for a fifth of the time, so that 0.8 seconds of work take four by the clock."""
    working = written(hostile / "work.txt", b"work")
    with Parser(Cleaning(), seconds=2) as parser:
        parser.extract(written(hostile / "good.txt", b"words"), "good.txt")
        held, ended = psutil.Process(parser._child.pid), threading.Event()

        def hold() -> None:
            while not ended.wait(0.1):
                held.suspend()
                ended.wait(0.4)
                held.resume()

        holder = threading.Thread(target=hold)
        holder.start()
        began = time.monotonic()
        try:
            assert parser.extract(working, "work.txt").text == "work"
        finally:
            ended.set()
            holder.join()
        assert time.monotonic() - began > parser.seconds


def test_a_child_that_was_killed_between_files_is_replaced(tmp_path: Path) -> None:
    good = written(tmp_path / "good.txt", b"words")
    with Parser(Cleaning()) as parser:
        parser.extract(good, "good.txt")
        parser._child.kill()
        while parser._child.is_alive():
            time.sleep(0.01)
        assert parser.extract(good, "good.txt").text == "words"


def test_the_parser_ends_with_its_parent_and_gets_no_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    with Parser(Cleaning()) as parser:
        parser.extract(written(tmp_path / "good.txt", b"words"), "good.txt")
        child = psutil.Process(parser._child.pid)
        assert "sk-secret" not in json.dumps(child.environ())
    assert not child.is_running()
