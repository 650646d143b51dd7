"""Search: whatever a person types is only text, and the best chunk comes first."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from phases.shared import search_words
from phases.shared.database.chunks import NewChunk, delete_chunk, edit_chunk, set_chunk_state
from phases.shared.database.connection import knowledge
from phases.shared.database.documents import NewDocument, add_document
from phases.shared.project import Project
from phases.shared.search import MARK_END, MARK_START, search_chunks
from phases.shared.search_words import MOST_TERMS, choose_words, query_terms

TEXTS = ["The brake of the crane closes at 23 bar.", "The Größe of the Brücke is 12 metres.", "The keeper lights the lamp.",
         "The lamp is an old lamp with a second lamp beside it.", "Where there is what there was."]


def add_texts(connection: sqlite3.Connection, source: str, texts: list[str]) -> None:
    document = NewDocument(source, f"hash of {source}", "txt", 1, "\n".join(texts))
    add_document(connection, document, [NewChunk(text, 0, len(text), 9) for text in texts], "builtin")


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with knowledge(Project(tmp_path)) as connection:
        add_texts(connection, "a.txt", TEXTS)
        yield connection


def found(connection: sqlite3.Connection, query: str, **more: object) -> list[int]:
    return [hit.chunk.id for hit in search_chunks(connection, query, **more)]


def test_hits_are_marked_and_ranked(connection: sqlite3.Connection) -> None:
    hits = search_chunks(connection, "which lamp is lit?")
    assert [one.chunk.id for one in hits] == [4, 3]
    assert hits[0].score > hits[1].score > 0
    assert hits[1].snippet == f"The keeper lights the {MARK_START}lamp{MARK_END}."


def test_umlauts_are_found_with_and_without_dots(connection: sqlite3.Connection) -> None:
    assert found(connection, "BRÜCKE") == found(connection, "brucke") == found(connection, "Bru\u0308cke") == [2]
    assert found(connection, "Größe") == [2]


@pytest.mark.parametrize("query", [
    '"', "lamp\"", "'; DROP TABLE rag_chunks; --", "NEAR(lamp keeper)", "lamp AND", "OR", "* lamp", "content:lamp", "lamp*", "^lamp",
    "(lamp", "-lamp", "lamp\x00lamp", "😀", "{lamp}", "lamp " * 2000, "ö" * 10_000, " ".join(f"word{n}" for n in range(3000))])
def test_signs_have_no_meaning(connection: sqlite3.Connection, query: str) -> None:
    hits = found(connection, query)
    assert (4 in hits) == ("lamp" in query)
    assert connection.execute("SELECT count(*) FROM rag_chunks").fetchone()[0] == len(TEXTS)


@pytest.mark.parametrize("query", ["", "   ", "?!", "\x00", "___"])
def test_nothing_asked_is_nothing_found(connection: sqlite3.Connection, query: str) -> None:
    assert search_chunks(connection, query) == []


def test_stop_words_count_only_when_nothing_else_is_left(connection: sqlite3.Connection) -> None:
    assert query_terms("Wo ist die Lampe, and where is the lamp?") == ["lampe", "lamp"]
    assert found(connection, "where there was")[0] == 5


def test_of_many_words_the_rarest_are_searched(connection: sqlite3.Connection) -> None:
    common = " ".join(f"common{n}" for n in range(MOST_TERMS))
    add_texts(connection, "b.txt", [common] * 20 + [f"{common} needle"])
    assert found(connection, f"{common} needle", limit=1) == [len(TEXTS) + 21]
    assert len(found(connection, " ".join(f"unknown{n}" for n in range(50)) + " needle")) == 1


def test_only_active_chunks_of_the_wanted_file(connection: sqlite3.Connection) -> None:
    add_texts(connection, "b.txt", ["Another lamp."])
    assert set(found(connection, "lamp")) == {3, 4, 6}
    assert found(connection, "lamp", source="b.txt") == [6]
    assert len(found(connection, "lamp", limit=2)) == 2
    set_chunk_state(connection, 4, "excluded")
    delete_chunk(connection, 6)
    assert found(connection, "lamp") == [3]


def test_edited_text_is_found_and_the_old_one_is_not(connection: sqlite3.Connection) -> None:
    edit_chunk(connection, 3, "The keeper lights the lantern.", 7)
    assert found(connection, "lantern") == [3]
    assert found(connection, "lamp") == [4]


def test_common_words_beyond_the_bound_do_not_slow_the_rare_ones(connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """With room for ten matches: a common word beside a rare one is only marked, a common word alone is looked up in a sample."""
    monkeypatch.setattr(search_words, "MOST_MATCHES", 10)
    add_texts(connection, "b.txt", ["The common bell rings."] * 30 + ["The common needle."])
    words = choose_words(connection, "common needle")
    assert (words.ranked, words.marked, words.every) == ('"needle"', '"needle" OR "common"', 1)
    hit = search_chunks(connection, "common needle")[0]
    assert hit.chunk.content == "The common needle." and hit.snippet.count(MARK_START) == 2
    assert len(found(connection, "common", limit=50)) == 8 and choose_words(connection, "common").every == 4


def test_excluded_chunks_do_not_crowd_out_the_others(connection: sqlite3.Connection) -> None:
    add_texts(connection, "b.txt", ["gong gong gong"] * 150 + ["A gong far back in a long and quiet sentence."])
    for chunk in range(len(TEXTS) + 1, len(TEXTS) + 151):
        set_chunk_state(connection, chunk, "excluded")
    assert found(connection, "gong", limit=5) == [len(TEXTS) + 151]


def test_hits_can_be_narrowed_to_those_that_contain_a_text(connection: sqlite3.Connection) -> None:
    assert found(connection, "lamp", contains="KEEPER LIGHTS") == [3]
    assert found(connection, "lamp", contains="nowhere") == []
