"""Many edits one after another, as a person makes them in any order: what must hold after each, and that undo leads back byte by byte."""

from __future__ import annotations

import random
import sqlite3
from pathlib import Path

import pytest

from phases.rag_data import view
from phases.rag_data.chunk import chunk_document
from phases.rag_data.config import IngestConfig
from phases.rag_data.extract.document import Document
from phases.shared.database.chunks import NewChunk, all_chunks, document_chunks, exclude_chunks, hash_of
from phases.shared.database.connection import knowledge
from phases.shared.database.documents import NewDocument, add_document, document_text, list_documents
from phases.shared.errors import StorageError
from phases.shared.project import Project, create_project

WORDS = "Möwe Lampe 🐝 Öl brennt grün der die das 12 ß".split()
TYPED = ("\n\n## Neu ß\n\n", " Möwe 🐦 ", "x" * 5000, "")
STEPS = 40


def add(project: Project, source: str, chance: random.Random) -> None:
    """A document of headings and paragraphs; one of the same name is replaced."""
    paragraphs = [("#" * chance.randint(1, 3) + f" Kapitel {place}\n\n" if chance.random() < 0.4 else "")
                  + " ".join(chance.choices(WORDS, k=chance.randint(5, 60))) + "." for place in range(20)]
    document = Document(source, "md", "\n\n".join(paragraphs))
    cut = chunk_document(document, IngestConfig(chunk_size=60, chunk_overlap=10), lambda text: len(text.split()))
    chunks = [NewChunk(one.content, one.start, one.end, one.tokens, one.held_out, one.metadata) for one in cut]
    with knowledge(project) as connection:
        add_document(connection, NewDocument(source, str(chance.random()), "md", 9, document.text), chunks, "builtin")


def standing(project: Project) -> list[tuple]:
    with knowledge(project) as connection:
        rows = connection.execute("SELECT c.*, r.document, r.content_hash, r.state, r.origin, r.held_out, r.tokens, r.span_start, r.span_end "
                                  "FROM rag_chunks AS c JOIN chunk_records AS r USING (id) ORDER BY id").fetchall()
        return [tuple(one) for one in rows] + [(one.id, one.source) for one in list_documents(connection)]


def check(connection: sqlite3.Connection) -> None:
    """The full-text index equals the texts, places are in order, hashes and spans are those of the texts."""
    connection.execute("INSERT INTO rag_chunks_fts (rag_chunks_fts, rank) VALUES ('integrity-check', 1)")
    for document in list_documents(connection):
        places = [one.chunk_index for one in document_chunks(connection, document.id)]
        assert places == sorted(set(places))
    for one in all_chunks(connection):
        assert one.state != "deleted" and one.content_hash == hash_of(one.content)
        assert (one.metadata["start"], one.metadata["end"]) == (one.span_start, one.span_end)
        assert one.origin == "edited" or document_text(connection, one.document)[one.span_start:one.span_end] == one.content


def act(project: Project, chance: random.Random) -> None:
    with knowledge(project) as connection:
        chunk, documents = chance.choice(all_chunks(connection)), list_documents(connection)
    place = chance.randint(0, len(chunk.content))
    match chance.choice(["edit", "split", "split", "merge", "merge", "merge", "toggle", "delete", "exclude", "replace", "remove"]):
        case "edit":
            view.save_chunk(project, chunk.id, chunk.content[:place] + chance.choice(TYPED) + chunk.content[place:])
        case "split":
            view.split_chunk_at(project, chunk.id, place, chunk.content)
        case "merge":
            view.merge_chunk_with_next(project, chunk.id)
        case "toggle":
            view.toggle_chunk(project, chunk.id)
        case "delete":
            view.drop_chunk(project, chunk.id)
        case "exclude":
            with knowledge(project) as connection:
                exclude_chunks(connection, [one.id for one in document_chunks(connection, chunk.document)][:3], "excluded some")
        case "replace":
            add(project, chunk.source, chance)
        case "remove" if len(documents) > 1:
            view.remove_source(project, documents[0].id)


@pytest.mark.parametrize("seed", range(3))
def test_any_row_of_edits_keeps_the_base_whole_and_can_be_undone(tmp_path: Path, seed: int) -> None:
    chance, project = random.Random(seed), create_project(tmp_path, "walk")
    for source in ("a.md", "b.md"):
        add(project, source, chance)
    states = [standing(project)]
    for _ in range(STEPS):
        try:
            act(project, chance)
        except StorageError:
            assert standing(project) == states[-1]
        with knowledge(project) as connection:
            check(connection)
        if standing(project) != states[-1]:
            states.append(standing(project))
    assert len(states) > STEPS / 3
    for before in reversed(states[:-1]):
        assert view.undo(project)
        assert standing(project) == before
    assert view.undo(project) is None
