"""The documents of tests/fixtures/documents: files as the usual programs write them, each with what must and must not come out.

A record of `expected/*.toml` names a file and, of its text: `title`; `pages` (how many); `headings` (all heading lines, in order);
`rows` (lines of tables and lists that must stand so); `order` (three snippets or more, in this order); `on_page` (page: a snippet of it);
`absent` (what must not come); `notes` (a pattern for each note). `refused` and `says` are for files that must be refused: the code, a
word of the sentence. `files` of a ZIP file: each name inside with a snippet of its text, or the code of its refusal.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from phases.rag_data.chunk import find_headings
from phases.rag_data.clean import Cleaning
from phases.rag_data.collect import Limits, collect_files
from phases.rag_data.extract.document import Document
from phases.rag_data.extract.parser import Parser
from phases.shared.errors import FileRejected

FIXTURES = Path(__file__).parents[1] / "fixtures" / "documents"
EXPECTED: dict[str, dict[str, Any]] = {name: record for part in sorted((FIXTURES / "expected").glob("*.toml"))
                                       for name, record in tomllib.loads(part.read_text(encoding="utf-8")).items()}
KEYS = {"title", "pages", "headings", "rows", "order", "on_page", "absent", "notes"}
REFUSED_KEYS = {"refused", "says"}
READ = sorted(name for name, record in EXPECTED.items() if not {"refused", "files"} & set(record))
REFUSED = sorted(name for name, record in EXPECTED.items() if "refused" in record)
ARCHIVES = sorted(name for name, record in EXPECTED.items() if "files" in record)
LIMITS = Limits(1_000_000, 10_000_000)


@pytest.fixture(scope="module")
def parser() -> Iterator[Parser]:
    with Parser(Cleaning()) as running:
        yield running


def test_every_file_has_a_record_and_every_record_a_file() -> None:
    files = {one.name for one in FIXTURES.iterdir() if one.is_file() and one.suffix != ".py"}
    assert files == set(EXPECTED)
    assert len(files) >= 60


@pytest.mark.parametrize("name", READ)
def test_a_record_says_enough(name: str) -> None:
    record = EXPECTED[name]
    assert not set(record) - KEYS
    assert {"title", "headings", "order"} <= set(record)
    assert len(record["order"]) >= 3


@pytest.mark.parametrize("name", READ)
def test_a_file_reads_as_it_should(name: str, parser: Parser) -> None:
    record, document = EXPECTED[name], parser.extract(FIXTURES / name, name)
    check_notes(document, record.get("notes", []))
    assert document.title == record["title"]
    assert len(document.pages) == record.get("pages", 0)
    assert heading_lines(document) == record["headings"]
    lines = document.text.split("\n")
    assert [row for row in record.get("rows", []) if row not in lines] == []
    assert [word for word in record.get("absent", []) if word in document.text] == []
    check_order(document.text, record["order"])
    pages = [document.text[start:end] for start, end in zip(document.pages, [*document.pages, None][1:], strict=True)]
    assert [(page, words) for page, words in record.get("on_page", {}).items() if words not in pages[int(page) - 1]] == []
    check_clean(document.text)


def check_notes(document: Document, patterns: list[str]) -> None:
    assert len(document.notes) == len(patterns), document.notes
    assert all(re.search(pattern, note) for pattern, note in zip(patterns, document.notes, strict=True)), document.notes


def heading_lines(document: Document) -> list[str]:
    """The headings that chunks are cut by and named after; "#" in code is none."""
    return [f"{'#' * one.level} {one.title}" for one in find_headings(document.text)]


def check_order(text: str, snippets: list[str]) -> None:
    place = 0
    for snippet in snippets:
        found = text.find(snippet, place)
        assert found >= 0, f"{snippet!r} is missing or comes too early in:\n{text}"
        place = found + len(snippet)


def check_clean(text: str) -> None:
    assert unicodedata.is_normalized("NFC", text)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ufffd\ufeff\u00ad]", text)
    assert not re.search(r"\n{4}", text)


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_that_cannot_be_read_says_why(name: str, parser: Parser) -> None:
    record = EXPECTED[name]
    assert set(record) == REFUSED_KEYS
    with pytest.raises(FileRejected) as refused:
        parser.extract(FIXTURES / name, name)
    assert refused.value.code == record["refused"]
    assert name in refused.value.sentence
    assert record["says"] in refused.value.sentence
    assert refused.value.advice


@pytest.mark.parametrize("name", ARCHIVES)
def test_an_archive_gives_its_files(name: str, parser: Parser, tmp_path: Path) -> None:
    found = collect_files([(name, FIXTURES / name)], tmp_path, LIMITS)
    assert [one.source for one in found] == list(EXPECTED[name]["files"])
    for one in found:
        wanted = EXPECTED[name]["files"][one.source]
        assert one.refused.code == wanted if one.refused else wanted in parser.extract(one.path, one.source).text
