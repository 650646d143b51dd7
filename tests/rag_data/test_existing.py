"""Existing knowledge bases: their chunks come in by source; what is none, or computes its rows, is refused in a sentence."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from phases.rag_data.config import IngestConfig
from phases.rag_data.extract.formats import extract_document
from phases.rag_data.ingest import ingest_files
from phases.rag_data.preview import preview_file
from phases.shared.database import foreign
from phases.shared.database.changes import undo_last
from phases.shared.database.chunk_pages import chunk_page
from phases.shared.database.chunks import held_out_chunks, set_chunk_state
from phases.shared.database.connection import knowledge
from phases.shared.database.documents import document_text, list_documents
from phases.shared.errors import FileRejected
from phases.shared.jobs.queue import Job
from phases.shared.jobs.wait import wait_for_job
from phases.shared.project import Project, create_project

TABLE = "CREATE TABLE rag_chunks (id INTEGER PRIMARY KEY, content TEXT, source TEXT, chunk_index INTEGER, metadata JSON, extra TEXT);"
FIRST = "The keeper lights the lamp and trims it at midnight every night."
SECOND = "trims it at midnight every night. Then the keeper sleeps."


@pytest.fixture
def project(projects: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("LEHRLING_LOCKS", str(projects.parent / "locks"))
    return create_project(projects, "lamps")


def made(path: Path, script: str = TABLE, rows: list[tuple] | None = None) -> Path:
    path.unlink(missing_ok=True)
    with sqlite3.connect(path) as connection:
        connection.executescript(script)
        for row in rows or []:
            connection.execute("INSERT INTO rag_chunks (content, source, chunk_index, metadata) VALUES (?, ?, ?, ?)", row)
    connection.close()
    return path


def add(project: Project, path: Path) -> Job:
    job = ingest_files(project.root.parent, project, IngestConfig(), [path])
    return wait_for_job(project.root.parent, job.id, lambda _: None)


ROWS = [(SECOND, "b.pdf", 1, json.dumps({"page": 2, "start": 7})), (FIRST, "b.pdf", 0, json.dumps({"page": 1, "author": "M\u2028e", "headings": ["Lamp"]})),
        ("Words without a name.", None, 0, "no JSON"), ("Words of another b.", "./b.pdf", 0, None), (None, "b.pdf", 5, None), (b"\x00\x01", "b.pdf", 6, None)]


def test_chunks_come_in_by_source_and_in_their_order(project: Project, tmp_path: Path) -> None:
    job = add(project, made(tmp_path / "rag_db.sqlite", rows=ROWS))
    assert (job.state, job.result["added"], job.result["chunks"]) == ("done", ["rag_db.sqlite"], 4), job.error
    assert [one["note"] for one in job.result["notes"]] == [
        "Left out 2 chunks without text.", "Its 3 sources are documents of their own; 3 of them are new or changed."]
    with knowledge(project) as connection:
        chunks = chunk_page(connection)[0]
        by_source = {source: [one for one in chunks if one.source == source] for source in ("b.pdf", "b (2).pdf", "rag_db.sqlite")}
        lamp = by_source["b.pdf"]
        assert [(one.content, one.chunk_index) for one in lamp] == [(FIRST, 0), (SECOND, 1)]
        assert lamp[0].metadata == {"page": 1, "author": "M\u2028e", "headings": ["Lamp"], "start": 0, "end": len(FIRST)}
        assert (lamp[1].metadata["page"], lamp[1].metadata["start"]) == (2, FIRST.index("trims"))
        assert [one.content for one in by_source["rag_db.sqlite"]] == ["Words without a name."]
        assert [one.content for one in by_source["b (2).pdf"]] == ["Words of another b."]
        text = document_text(connection, lamp[0].document)
        assert text == "The keeper lights the lamp and trims it at midnight every night. Then the keeper sleeps."
        assert all(text[one.span_start:one.span_end] == one.content for one in lamp)
    assert list(project.documents.iterdir()) == [], "the texts are in the knowledge base; the file is not kept"


def test_again_only_what_has_changed(project: Project, tmp_path: Path) -> None:
    path = made(tmp_path / "rag_db.sqlite", rows=ROWS)
    add(project, path)
    assert add(project, path).result["unchanged"] == ["rag_db.sqlite"]
    job = add(project, made(path, rows=[*ROWS, ("A third chunk of it.", "b.pdf", 9, None)]))
    assert (job.result["replaced"], job.result["chunks"]) == (["rag_db.sqlite"], 3)
    assert job.result["notes"][-1]["note"] == "They take the place of: b.pdf."
    with knowledge(project) as connection:
        assert len(list_documents(connection)) == 3 and chunk_page(connection)[1] == 5
        undo_last(connection)
        assert chunk_page(connection)[1] == 4


def test_a_projects_own_knowledge_base_and_fewer_columns(project: Project, tmp_path: Path) -> None:
    rows = [(f"Chunk {number} of the book. {'Words of the keeper. ' * 20}", "book.md", number, None) for number in range(40)]
    add(project, made(tmp_path / "a.sqlite", rows=rows))
    with knowledge(project) as connection:
        assert held_out_chunks(connection), "whole chunks are kept aside where none overlap"
    other = create_project(project.root.parent, "other")
    with knowledge(project) as connection:
        set_chunk_state(connection, 7, "excluded")
    job = add(other, project.database)
    assert (job.result["chunks"], job.result["notes"][0]["note"]) == (39, "Left out 1 chunks that are excluded there.")
    plain = made(tmp_path / "plain.db", "CREATE TABLE rag_chunks (content TEXT); INSERT INTO rag_chunks VALUES ('Only words.');")
    assert add(other, plain).result["added"] == ["plain.db"]
    shown = preview_file(IngestConfig(), plain, "plain.db", len)
    assert ([one.content for one in shown.chunks], shown.total) == (["Only words."], 1)


@pytest.mark.parametrize(("script", "words"), [
    ("CREATE TABLE other (content TEXT);", "no table rag_chunks"),
    ("CREATE TABLE secret (x TEXT); CREATE VIEW rag_chunks AS SELECT x AS content FROM secret;", "no plain table"),
    ("CREATE VIRTUAL TABLE rag_chunks USING fts5(content);", "no plain table"),
    ("CREATE TABLE rag_chunks (text TEXT);", "without a column 'content'"),
    ("CREATE TABLE rag_chunks (a TEXT, content TEXT GENERATED ALWAYS AS (upper(a)) VIRTUAL);", "without a column 'content'"),
    (f"{TABLE} CREATE TRIGGER t AFTER INSERT ON rag_chunks BEGIN DELETE FROM rag_chunks; END;", "holds no text")])
def test_what_is_no_plain_table_of_chunks_is_refused(tmp_path: Path, script: str, words: str) -> None:
    with pytest.raises(FileRejected, match=words):
        extract_document(made(tmp_path / "a.sqlite", script), "a.sqlite")


def test_damaged_huge_and_misnamed_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = made(tmp_path / "a.sqlite", rows=[("Words. " * 500, "a", number, None) for number in range(50)])
    data = path.read_bytes()
    for broken in (data[:5000], data[:100] + bytes(range(256)) * 20 + data[5220:]):
        (tmp_path / "b.sqlite").write_bytes(broken)
        with pytest.raises(FileRejected, match="cannot be read as a database"):
            extract_document(tmp_path / "b.sqlite", "b.sqlite")
    (tmp_path / "c.sqlite").write_text("plain words", encoding="utf-8")
    with pytest.raises(FileRejected, match="not a SQLite database: its content is plain text"):
        extract_document(tmp_path / "c.sqlite", "c.sqlite")
    monkeypatch.setattr(foreign, "MOST_CHUNKS", 40)
    with pytest.raises(FileRejected, match="more than 40 chunks"):
        extract_document(path, "a.sqlite")


def test_reading_writes_nothing_beside_the_file(tmp_path: Path) -> None:
    path = made(tmp_path / "a.sqlite", f"PRAGMA journal_mode=WAL; {TABLE}", ROWS)
    with foreign._opened(path) as connection:
        connection.execute("SELECT content FROM rag_chunks").fetchall()
        assert list(tmp_path.iterdir()) == [path]


def test_nothing_but_the_table_can_be_read(tmp_path: Path) -> None:
    path = made(tmp_path / "a.sqlite", f"{TABLE} CREATE TABLE secret (x TEXT);", ROWS)
    with foreign._opened(path) as connection:
        assert connection.execute("SELECT content FROM rag_chunks").fetchone()
        for statement in ("SELECT x FROM secret", "SELECT hex(content) FROM rag_chunks", "DELETE FROM rag_chunks",
                          "ATTACH ':memory:' AS more", "PRAGMA journal_mode=WAL", "CREATE TABLE t (x)"):
            with pytest.raises(sqlite3.DatabaseError):
                connection.execute(statement).fetchall()
