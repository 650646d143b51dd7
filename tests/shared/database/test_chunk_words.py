"""Chunks that contain some characters: found through the words of the index, the same ones that reading every text finds."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from phases.shared.database import chunk_pages, chunk_words
from phases.shared.database.changes import undo_last
from phases.shared.database.chunk_pages import chunk_page, holds
from phases.shared.database.chunk_words import chunks_that_may_hold
from phases.shared.database.chunks import NewChunk, all_chunks, delete_chunk, edit_chunk
from phases.shared.database.connection import knowledge, open_database
from phases.shared.database.documents import NewDocument, add_document
from phases.shared.database.schema import KNOWLEDGE_MIGRATIONS
from phases.shared.project import Project

ODD = "aAbB\u00dfs\u017f\u212ak\u00f6O\u0308o -_%\"'\x00\u0130i\u0149n\ufb01f1\u0662\u6f22\U0001f600\n"


@pytest.fixture
def connection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[sqlite3.Connection]:
    monkeypatch.setattr(chunk_words, "MOST_UNLISTED", 0)
    with knowledge(Project(tmp_path)) as connection:
        yield connection


def add(connection: sqlite3.Connection, texts: Sequence[str], source: str = "a.txt") -> None:
    add_document(connection, NewDocument(source, source, "txt", 1, "".join(texts)), [NewChunk(text, 0, len(text), 1) for text in texts], "builtin")


def found(connection: sqlite3.Connection, contains: str) -> list[int]:
    rows, total = chunk_page(connection, contains=contains, per_page=10_000)
    assert total == len(rows)
    return [one.id for one in rows]


def read_all(connection: sqlite3.Connection, contains: str) -> list[int]:
    return [one.id for one in all_chunks(connection) if holds(one.content, contains.casefold())]


def test_every_letter_that_turns_into_others_is_found(connection: sqlite3.Connection) -> None:
    """A sharp s is also two s, a ligature also its letters, the sign of Kelvin also a k."""
    letters = [one for one in map(chr, range(128, sys.maxunicode)) if any(part.isascii() and part.isalnum() for part in one.casefold())]
    assert {"\u00df", "\u017f", "\u212a", "\u0130", "\ufb03"} < set(letters)
    add(connection, [f"x{letter}y lamp" for letter in letters])
    for letter in letters:
        for contains in (letter, f"X{letter}", f"{letter}Y", f"x{letter}y lamp"):
            assert found(connection, contains) == read_all(connection, contains) != [], ascii(contains)


@pytest.mark.parametrize("seed", range(4))
def test_any_part_of_any_text_is_found_as_by_reading_all(connection: sqlite3.Connection, seed: int) -> None:
    rng = Random(seed)
    add(connection, ["".join(rng.choices(ODD, k=rng.randint(1, 40))) for _ in range(60)])
    for _ in range(400):
        content = rng.choice(all_chunks(connection)).content.casefold()
        begin = rng.randrange(len(content))
        contains = content[begin:begin + rng.randint(1, 9)]
        if contains:
            assert found(connection, contains) == read_all(connection, contains), ascii(contains)


def test_only_texts_that_may_hold_it_are_read(connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    add(connection, ["The lamp is lit.", "Lamplight, HW-5537.", "A clamp and 5537 bolts.", "Nothing."])
    read: list[str] = []
    monkeypatch.setattr(chunk_pages, "holds", lambda content, contains: (read.append(content), holds(content, contains))[1])
    for contains, ids, texts in (("AMP", [1, 2, 3], 3), ("hw-5537", [2], 1), ("a clamp", [3], 1), ("lamp is", [1], 1), ("nowhere", [], 0)):
        read.clear()
        assert (found(connection, contains), len(read)) == (ids, texts), contains


def test_what_was_written_after_the_words_were_listed_is_found(connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    add(connection, ["The lamp is lit.", "Nothing."])
    assert found(connection, "lit") == [1]
    monkeypatch.setattr(chunk_words, "MOST_UNLISTED", 1000)
    add(connection, ["A quagga."], "b.txt")
    edit_chunk(connection, 2, "Zebras.", 1)
    assert (found(connection, "quag"), found(connection, "ebra"), found(connection, "noth")) == ([3], [2], [])
    undo_last(connection)
    assert (found(connection, "ebra"), found(connection, "noth")) == ([], [2])
    delete_chunk(connection, 3)
    assert found(connection, "quag") == []
    undo_last(connection)
    assert found(connection, "quag") == [3]
    assert connection.execute("SELECT instr(words, 'quagga') FROM chunk_words").fetchone()[0] == 0, "the list is as it was"


def test_while_another_writes_the_texts_are_read(connection: sqlite3.Connection, tmp_path: Path) -> None:
    add(connection, ["The lamp is lit."])
    with knowledge(Project(tmp_path)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert chunks_that_may_hold(connection, "lamp") is None
        assert found(connection, "lamp") == [1]
        other.execute("ROLLBACK")
    assert chunks_that_may_hold(connection, "lamp") == [1] and not connection.in_transaction
    assert connection.execute("PRAGMA busy_timeout").fetchone()[0] == 30_000


def test_a_word_that_the_index_cuts_off_is_found_to_its_end(connection: sqlite3.Connection) -> None:
    add(connection, ["a" * 40_000 + "needle", "The lamp is lit."])
    assert (found(connection, "needle"), found(connection, "lamp")) == ([1], [2])


def test_common_words_are_left_to_reading(connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    add(connection, ["lamp one", "lamp two", "lamps"])
    monkeypatch.setattr(chunk_words, "MOST_CHUNKS", 2)
    assert chunks_that_may_hold(connection, "lamp") is None and found(connection, "lamp") == [1, 2, 3]
    assert chunks_that_may_hold(connection, "lamp two") == [2], "the rarer word is enough"
    monkeypatch.setattr(chunk_words, "MOST_WORDS", 1)
    assert chunks_that_may_hold(connection, "l") is None and found(connection, "l") == [1, 2, 3]


def test_a_knowledge_base_of_before_is_searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = Project(tmp_path)
    with closing(open_database(project.database, KNOWLEDGE_MIGRATIONS[:1])) as old:
        old.execute("INSERT INTO documents (source, sha256, media, bytes, text, added) VALUES ('a.txt', 'hash', 'txt', 1, 'The lamp', 'then')")
        old.execute("INSERT INTO chunk_records (document, content_hash, tokens, tokenizer, span_start, span_end) VALUES (1, 'h', 9, 'builtin', 0, 9)")
        old.execute("INSERT INTO rag_chunks (id, content, source, chunk_index, metadata) VALUES (1, 'The lamp', 'a.txt', 0, '{}')")
    with knowledge(project) as connection:
        assert found(connection, "lam") == [1], "few chunks are read"
        monkeypatch.setattr(chunk_words, "MOST_UNLISTED", 0)
        assert (found(connection, "lam"), chunks_that_may_hold(connection, "lam")) == ([1], [1])
