"""Chunks that contain some characters: found through the file of texts, the same ones that reading every row finds."""

from __future__ import annotations

import shutil
import sqlite3
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from phases.shared.database import change_log, chunk_pages, side_file, text_file, text_scan
from phases.shared.database.change_log import changed_since, newest_moment
from phases.shared.database.changes import undo_last
from phases.shared.database.chunk_cuts import merge_with_next, split_chunk
from phases.shared.database.chunk_pages import chunk_page, holds
from phases.shared.database.chunks import NewChunk, all_chunks, delete_chunk, edit_chunk, set_chunk_state
from phases.shared.database.connection import knowledge, open_database
from phases.shared.database.documents import NewDocument, add_document, remove_document
from phases.shared.database.schema import KNOWLEDGE_MIGRATIONS
from phases.shared.project import Project

ODD = "aAbB\u00dfs\u017f\u212ak\u00f6O\u0308o -_%\"'\x00\u0130i\u0149n\ufb01f1\u0662\u6f22\U0001f600\n"


@pytest.fixture
def connection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[sqlite3.Connection]:
    monkeypatch.setattr(text_file, "LEAST_CHUNKS", 0)
    with knowledge(Project(tmp_path)) as connection:
        yield connection


def project_file(folder: Path) -> Path:
    return Project(folder).database.with_suffix(".texts")


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


def test_the_rows_of_unchanged_chunks_are_not_read(connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    add(connection, ["The lamp is lit.", "Lamplight, HW-5537.", "Nothing."])
    assert found(connection, "lamp") == [1, 2]
    read: list[str] = []
    monkeypatch.setattr(chunk_pages, "holds", lambda content, contains: (read.append(content), holds(content, contains))[1])
    assert (found(connection, "AMP"), found(connection, "hw-5537"), found(connection, "nowhere"), read) == ([1, 2], [2], [], [])
    edit_chunk(connection, 3, "A clamp.", 1)
    assert (found(connection, "amp"), read) == ([1, 2, 3], ["A clamp."])


def test_every_change_is_seen_at_once(connection: sqlite3.Connection, tmp_path: Path) -> None:
    """The file stays as it is; one connection changes, another looks."""
    add(connection, ["The lamp is lit.", "Nothing.", "Lamp, again the lamp."])
    with knowledge(Project(tmp_path)) as other:
        assert found(other, "lamp") == [1, 3]
        whole = project_file(tmp_path).read_bytes()
        add(connection, ["A quagga."], "b.txt")
        edit_chunk(connection, 2, "Zebras.", 1)
        assert (found(other, "quag"), found(other, "ebra"), found(other, "noth")) == ([4], [2], [])
        undo_last(connection)
        assert (found(other, "ebra"), found(other, "noth")) == ([], [2])
        delete_chunk(connection, 4)
        assert found(other, "quag") == []
        undo_last(connection)
        assert found(other, "quag") == [4]
        split_chunk(connection, 1, 9, len)
        assert found(other, "l") == [1, 5, 3], "in reading order"
        merge_with_next(connection, 1, len)
        assert found(other, "lamp is") == [1]
        assert project_file(tmp_path).read_bytes() == whole


def test_chunks_that_only_moved_are_in_order(connection: sqlite3.Connection) -> None:
    add(connection, ["A lamp, a lamp.", "Lamps.", "The lamp."])
    assert found(connection, "lamp") == [1, 2, 3]
    split_chunk(connection, 1, 8, len)
    assert found(connection, "lamp") == [1, 4, 2, 3]


def test_every_filter_is_kept(connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """As by reading all rows: with the file, and with changes after it."""
    for source in ("a.txt", "b.txt"):
        add(connection, [f"lamp {place}" for place in range(6)], source)
    connection.execute("UPDATE chunk_records SET held_out = 1 WHERE id IN (2, 8)")
    connection.execute("UPDATE chunk_records SET language = CASE WHEN id < 4 THEN 'de' ELSE 'en' END")
    set_chunk_state(connection, 5, "excluded")
    filters = [{}, {"source": "b.txt"}, {"source": "none"}, {"state": "active"}, {"state": "excluded"}, {"state": "held_out"}, {"language": "de"},
               {"state": "held_out", "source": "a.txt", "language": "de"}]

    def pages() -> list[list[int]]:
        return [[one.id for one in chunk_page(connection, contains="lamp", **chosen)[0]] for chosen in filters]

    def check(told: str) -> None:
        by_file = pages()
        with monkeypatch.context() as patched:
            patched.setattr(text_file, "LEAST_CHUNKS", 10_000)
            assert by_file == pages(), told
        assert len({tuple(one) for one in by_file}) > 5

    check("from the file alone")
    connection.execute("UPDATE chunk_records SET held_out = 1 - held_out WHERE id IN (2, 3)")
    connection.execute("UPDATE chunk_records SET language = 'fr' WHERE id = 1")
    set_chunk_state(connection, 5, "active")
    set_chunk_state(connection, 9, "excluded")
    remove_document(connection, 1)
    undo_last(connection)
    check("with what changed since")


def test_the_file_is_made_anew_after_many_changes(connection: sqlite3.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(change_log, "MOST_CHANGED", 2)
    add(connection, ["The lamp is lit."])
    assert found(connection, "lamp") == [1]
    first = project_file(tmp_path).read_bytes()
    add(connection, ["A lamp.", "Two."], "b.txt")
    assert found(connection, "lamp") == [1, 2] and project_file(tmp_path).read_bytes() == first
    add(connection, ["Lamps."], "c.txt")
    assert found(connection, "lamp") == [1, 2, 4] and project_file(tmp_path).read_bytes() != first


def test_the_log_forgets_old_changes_and_says_so(connection: sqlite3.Connection) -> None:
    add(connection, ["The lamp is lit."])
    assert found(connection, "lamp") == [1]
    before = newest_moment(connection, "text_log")
    connection.execute("BEGIN")
    connection.execute("WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 5000) "
                       "INSERT INTO text_log (chunk) SELECT 1 FROM n")
    assert connection.execute("SELECT count(*) FROM text_log").fetchone()[0] == 5000
    assert changed_since(connection, "text_log", before) is None
    connection.execute("COMMIT")
    edit_chunk(connection, 1, "A quagga.", 1)
    assert (found(connection, "lamp"), found(connection, "quag")) == ([], [1])


def test_the_file_of_another_history_is_not_used(tmp_path: Path) -> None:
    """The database is put back to an older copy and goes on from there, while the file of the other history lies beside it."""
    project, older = Project(tmp_path), tmp_path / "older.sqlite"
    with knowledge(project) as connection:
        add(connection, ["The lamp is lit."])
        shutil.copy(project.database, older)
        edit_chunk(connection, 1, "A quagga.", 1)
        assert found(connection, "quag") == [1]
    shutil.copy(older, project.database)
    with knowledge(project) as restored:
        edit_chunk(restored, 1, "A zebra.", 1)
        assert (found(restored, "quag"), found(restored, "ebra")) == ([], [1])


@pytest.mark.parametrize("damage", ["gone", "cut", "empty", "rubbish", "short", "ones"])
def test_a_lost_or_damaged_file_is_made_anew(connection: sqlite3.Connection, tmp_path: Path, damage: str) -> None:
    add(connection, ["The lamp is lit.", "Nothing."])
    assert found(connection, "lamp") == [1]
    file, whole = project_file(tmp_path), project_file(tmp_path).read_bytes()
    contents = {"cut": whole[:-9], "empty": b"", "rubbish": b"no texts" * 99, "ones": b"\xff" * 99, "short": whole[40:]}
    file.unlink() if damage == "gone" else file.write_bytes(contents[damage])
    assert found(connection, "lamp") == [1] and file.read_bytes() == whole


def test_where_nothing_can_be_written_the_rows_are_read(connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise OSError("read-only")

    monkeypatch.setattr(side_file, "write_atomically", refused)
    add(connection, ["The lamp is lit."])
    assert found(connection, "lamp") == [1]


def test_a_small_knowledge_base_needs_no_file(tmp_path: Path) -> None:
    with knowledge(Project(tmp_path)) as connection:
        add(connection, ["The lamp is lit."])
        assert found(connection, "lamp") == [1] and not project_file(tmp_path).exists()


@pytest.mark.parametrize("contains", ["q", "qu", "needle", "a needle in", "needle" * 20, "\u00fc", "\U0001f600", "%", "_", '"', "\x00", "\ud800"])
def test_across_blocks_as_by_reading_all(connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch, contains: str) -> None:
    """Blocks of a few texts each; the characters at the beginning, in the middle, at the end, often, seldom, or cut by two texts."""
    monkeypatch.setattr(text_scan, "BLOCK", 500)
    rng, texts = Random(7), []
    sign = contains if contains != "\ud800" else "?"
    for place in range(300):
        filling = "".join(rng.choices("adeln qui", k=rng.randint(0, 90)))
        at = rng.randint(0, len(filling))
        texts.append({0: filling[:at] + sign + filling[at:], 1: sign[len(sign) // 2:] + filling, 2: filling + sign[:len(sign) // 2],
                      3: filling + sign}.get(place % (5 if place < 100 else 90), filling))
    add(connection, texts)
    assert found(connection, contains) == read_all(connection, contains)
    assert bool(found(connection, contains)) == (sign == contains)


def test_a_knowledge_base_of_before_is_searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = Project(tmp_path)
    with closing(open_database(project.database, KNOWLEDGE_MIGRATIONS[:1])) as old:
        old.execute("INSERT INTO documents (source, sha256, media, bytes, text, added) VALUES ('a.txt', 'hash', 'txt', 1, 'The lamp', 'then')")
        old.execute("INSERT INTO chunk_records (document, content_hash, tokens, tokenizer, span_start, span_end) VALUES (1, 'h', 9, 'builtin', 0, 9)")
        old.execute("INSERT INTO rag_chunks (id, content, source, chunk_index, metadata) VALUES (1, 'The lamp', 'a.txt', 0, '{}')")
    with knowledge(project) as connection:
        assert found(connection, "lam") == [1], "few chunks are read"
        monkeypatch.setattr(text_file, "LEAST_CHUNKS", 0)
        assert (found(connection, "lam"), project_file(tmp_path).exists()) == ([1], True)
