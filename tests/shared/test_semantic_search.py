"""Search by meaning and hybrid search, with a real embedding model and a real knowledge base."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pytest

from phases.shared import search
from phases.shared.database.changes import undo_last
from phases.shared.database.chunks import NewChunk, all_chunks, delete_chunk, edit_chunk, set_chunk_state
from phases.shared.database.connection import knowledge, open_database
from phases.shared.database.documents import NewDocument, add_document, document_readings
from phases.shared.database.embeddings import chunks_without_vector, store_vector, vector_counts
from phases.shared.database.schema import KNOWLEDGE_MIGRATIONS
from phases.shared.database.vector_file import vector_table
from phases.shared.errors import ModelError, NotReady, SettingError
from phases.shared.models import embedding
from phases.shared.models.embedding import beginning_of, embed_texts, load_embedder, parts_of
from phases.shared.models.host_client import ModelHost
from phases.shared.models.search_models import folder_hash
from phases.shared.project import Project
from phases.shared.search import MARK_START, search_chunks
from tests.embedding_model import minilm_folder

MODEL = str(minilm_folder())
TEXTS = ["The physician prescribed two tablets against the fever.", "The keeper kindles the lantern every evening at dusk.",
         "Wheat and barley are sown on the southern slopes in spring.", "The ferry to the mainland sails on Tuesdays only."]


@pytest.fixture(scope="module")
def model() -> Any:
    return load_embedder(MODEL)


@pytest.fixture
def connection(tmp_path: Path, model: Any) -> Iterator[sqlite3.Connection]:
    with knowledge(Project(tmp_path)) as connection:
        for source, texts in (("a.txt", TEXTS[:2]), ("b.txt", TEXTS[2:])):
            add_document(connection, NewDocument(source, f"hash of {source}", "txt", 1, "\n".join(texts)),
                         [NewChunk(text, 0, len(text), 9) for text in texts], "builtin")
        yield connection


@pytest.fixture
def embedded(connection: sqlite3.Connection, model: Any) -> sqlite3.Connection:
    embed_missing(connection, model)
    return connection


def embed_missing(connection: sqlite3.Connection, model: Any) -> None:
    waiting = chunks_without_vector(connection, MODEL)
    for chunk, vector in zip(waiting, embed_texts(model, [one.content for one in waiting]), strict=True):
        store_vector(connection, chunk.id, chunk.content_hash, MODEL, vector)


@pytest.fixture
def found(embedded: sqlite3.Connection, model: Any) -> Any:
    def search(query: str, mode: str = "semantic", **more: Any) -> list[int]:
        return [hit.chunk.id for hit in search_chunks(
            embedded, query, mode=mode, embed=lambda name, model_hash, text: embed_texts(model, [text], query=True)[0], **more)]

    return search


@pytest.mark.parametrize(("query", "answer"), [
    ("Which medicine did the doctor give?", 1), ("Who turns on the lamp when it gets dark?", 2), ("growing cereals", 3),
    ("When does the boat leave the island?", 4)])
def test_other_words_of_the_same_meaning_find_the_chunk(found: Any, query: str, answer: int) -> None:
    assert found(query)[0] == answer
    assert found(query, "hybrid")[0] == answer


def test_scores_are_cosines_and_a_threshold_cuts(embedded: sqlite3.Connection, found: Any, model: Any) -> None:
    def embed(name: str, model_hash: str, text: str) -> np.ndarray:
        assert name == MODEL
        return embed_texts(model, [text], query=True)[0]

    hits = search_chunks(embedded, TEXTS[0], mode="semantic", embed=embed)
    assert hits[0].score == pytest.approx(1.0, abs=1e-5)
    assert [one.score for one in hits] == sorted((one.score for one in hits), reverse=True)
    assert found(TEXTS[0], threshold=0.9) == [1]
    assert found(TEXTS[0], threshold=1.1) == []


def test_words_that_mostly_stand_nowhere_leave_the_order_to_the_meaning(embedded: sqlite3.Connection, found: Any) -> None:
    """One common word of six stands in a chunk that means something else."""
    query = "Which doctor treats feverish people on the mainland with pills?"
    assert [hit.chunk.id for hit in search_chunks(embedded, query)][0] == 4
    assert found(query)[0] == found(query, "hybrid")[0] == 1


def test_hybrid_adds_reciprocal_ranks(embedded: sqlite3.Connection, model: Any) -> None:
    """First by both is 1; one that the words do not know has only the rank of its meaning."""
    hits = search_chunks(embedded, "The physician and the fever", mode="hybrid",
                         embed=lambda name, model_hash, text: embed_texts(model, [text], query=True)[0])
    assert hits[0].chunk.id == 1 and hits[0].score == pytest.approx(1.0)
    assert MARK_START in hits[0].snippet
    assert hits[1].score == pytest.approx((1 / 62) / (2 / 61))


def test_the_full_text_is_searched_while_the_question_is_embedded(embedded: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """The vector comes only after the full text was asked: one after the other would wait here for ever."""
    asked = Event()
    match = search.match_chunks
    monkeypatch.setattr(search, "match_chunks", lambda *arguments: (asked.set(), match(*arguments))[1])

    def embed(name: str, model_hash: str, text: str) -> np.ndarray:
        assert asked.wait(10), "the search waits for the vector first"
        return vector_table(embedded).vectors[0]

    assert search_chunks(embedded, "physician", mode="hybrid", embed=embed)[0].chunk.id == 1


@pytest.mark.parametrize("mode", ["semantic", "hybrid"])
def test_a_question_that_cannot_be_embedded_fails_in_the_models_words(embedded: sqlite3.Connection, mode: str) -> None:
    def embed(name: str, model_hash: str, text: str) -> np.ndarray:
        raise ModelError("The process that holds the model ended.", "Ask again.")

    with pytest.raises(ModelError, match="that holds the model ended"):
        search_chunks(embedded, "physician", mode=mode, embed=embed)


def test_only_active_chunks_of_the_wanted_file(embedded: sqlite3.Connection, found: Any) -> None:
    assert set(found("lamp")) == {1, 2, 3, 4}
    assert set(found("lamp", source="b.txt")) == {3, 4}
    assert len(found("lamp", limit=3)) == 3
    set_chunk_state(embedded, 2, "excluded")
    delete_chunk(embedded, 4)
    assert set(found("lamp")) == set(found("keeper and lantern", "hybrid")) == {1, 3}


def test_a_vector_of_older_text_is_not_used(embedded: sqlite3.Connection, found: Any, model: Any) -> None:
    edit_chunk(embedded, 2, "The goats are milked before sunrise.", 7)
    assert 2 not in found("Who turns on the lamp?")
    assert [one.id for one in chunks_without_vector(embedded, MODEL)] == [2]
    assert vector_counts(embedded).missing == 1
    undo_last(embedded)
    assert found("Who turns on the lamp?")[0] == 2, "the old text is back, and its vector fits again"
    edit_chunk(embedded, 2, "The goats are milked before sunrise.", 7)
    embed_missing(embedded, model)
    assert found("livestock and dairy")[0] == 2


@pytest.mark.parametrize("query", ["", "  ", "?!", "\x00"])
def test_nothing_asked_is_nothing_found(found: Any, query: str) -> None:
    assert found(query) == found(query, "hybrid") == []


@pytest.mark.parametrize("query", [
    '"lamp', "lamp AND", "NOT lamp", "NEAR(lamp, 3)", "content:lamp ^lamp* -lamp", "'; DROP TABLE embeddings; --", "lamp 😀",
    "lamp\x00lamp", "lamp " * 2000])
def test_signs_and_length_have_no_meaning(found: Any, query: str) -> None:
    assert len(found(query)) == len(found(query, "hybrid")) == 4


@pytest.mark.parametrize("mode", ["text", "semantic", "hybrid"])
def test_a_threshold_of_nothing_or_less_keeps_the_scale(embedded: sqlite3.Connection, mode: str) -> None:
    """Cosines below 0 exist: the question's vector is turned round, so that the best chunk is the worst."""
    def turned(name: str, model_hash: str, text: str) -> np.ndarray:
        return -vector_table(embedded).vectors[0]

    hits = search_chunks(embedded, "physician tablets ferry", mode=mode, embed=turned)
    for threshold in (-2.0, -0.5, 0.0, 0.4):
        kept = search_chunks(embedded, "physician tablets ferry", mode=mode, embed=turned, threshold=threshold)
        assert [one.chunk.id for one in kept] == [one.chunk.id for one in hits if one.score >= threshold]
    if mode == "semantic":
        assert hits[-1].score == pytest.approx(-1) and hits[-1].chunk.id == 1


def test_a_model_that_was_replaced_in_place_is_noticed(connection: sqlite3.Connection, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(MODEL, folder)
    for chunk in chunks_without_vector(connection, str(folder)):
        store_vector(connection, chunk.id, chunk.content_hash, str(folder), np.eye(384, dtype=np.float32)[0], folder_hash(str(folder)))
    with ModelHost() as host:
        assert len(search_chunks(connection, "lamp", mode="semantic", embed=host.embed)) == 4
        config = folder / "1_Pooling" / "config.json"
        config.write_text(config.read_text().replace('"pooling_mode_cls_token": false', '"pooling_mode_cls_token": true'))
        with pytest.raises(ModelError, match="was replaced since the chunks were embedded"):
            search_chunks(connection, "lamp", mode="semantic", embed=host.embed)
    assert len(chunks_without_vector(connection, str(folder), folder_hash(str(folder)))) == 4


def test_without_vectors_the_remedy_is_named(connection: sqlite3.Connection, model: Any) -> None:
    for mode in ("semantic", "hybrid"):
        with pytest.raises(NotReady, match="Press Embed chunks"):
            search_chunks(connection, "lamp", mode=mode, embed=lambda name, model_hash, text: np.zeros(3))
    with pytest.raises(SettingError, match="text, semantic, hybrid"):
        search_chunks(connection, "lamp", mode="magic")


def test_the_end_of_a_long_text_counts(model: Any) -> None:
    """The model reads 256 tokens; what stands behind them changes the vector all the same."""
    filler = "The weather was calm and nothing happened. " * 60
    plain, ending, query = embed_texts(model, [filler, filler + TEXTS[0] * 20, "Which medicine did the doctor give?"])
    assert ending @ query > plain @ query + 0.1
    assert np.linalg.norm(ending) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("text", ["lamp", "  The lamp, unbelievably. " * 400, "\u00dcbergr\u00f6\u00dfentr\u00e4ger " * 900, "lamp" * 3000, "\u706f\u53f0" * 2000, "lamp\n" * 2000])
def test_the_beginning_of_a_question_is_its_first_part(model: Any, text: str) -> None:
    for room in (7, 254, None):
        assert beginning_of(model.tokenizer, text, room) == parts_of(model.tokenizer, text, room)[:1]


def test_a_pasted_book_is_not_looked_through(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is read of it does not grow with its length."""
    seen: list[int] = []
    monkeypatch.setattr(embedding, "parts_of", lambda tokenizer, text, room: (seen.append(len(text)), parts_of(tokenizer, text, room))[1])
    beginning_of(model.tokenizer, "The lamp is lit. " * 50_000, 254)
    assert seen and max(seen) < 5000


def test_the_host_embeds_as_the_job_does(model: Any) -> None:
    with ModelHost() as host:
        assert np.allclose(host.embed(MODEL, folder_hash(MODEL), "lamp"), embed_texts(model, ["lamp"], query=True)[0], atol=1e-5)
        with pytest.raises(ModelError, match="no embedding model 'nowhere'"):
            host.embed("nowhere", "", "lamp")
        assert host.embed(MODEL, folder_hash(MODEL), "lamp").shape == (384,)


def test_models_that_are_refused_say_why(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"modules\.json is missing"):
        load_embedder(str(tmp_path))
    pickled = tmp_path / "pickled"
    shutil.copytree(MODEL, pickled, ignore=shutil.ignore_patterns("*.safetensors"))
    (pickled / "pytorch_model.bin").write_bytes(b"")
    with pytest.raises(ModelError, match="no safetensors"):
        load_embedder(str(pickled))


def test_a_knowledge_base_of_before_can_be_embedded(tmp_path: Path) -> None:
    """The oldest schema is brought up to date with its chunks in place."""
    project = Project(tmp_path)
    with closing(open_database(project.database, KNOWLEDGE_MIGRATIONS[:1])) as old:
        old.execute("INSERT INTO documents (source, sha256, media, bytes, text, added) VALUES ('a.txt', 'hash', 'txt', 1, ?, 'then')", TEXTS[:1])
        old.execute("INSERT INTO chunk_records (document, content_hash, tokens, tokenizer, span_start, span_end) VALUES (1, 'h', 9, 'builtin', 0, 9)")
        old.execute("INSERT INTO rag_chunks (id, content, source, chunk_index, metadata) VALUES (1, ?, 'a.txt', 0, '{}')", TEXTS[:1])
    with knowledge(project) as connection:
        assert [one.content for one in chunks_without_vector(connection, MODEL)] == [TEXTS[0]]
        assert [one.language for one in all_chunks(connection)] == [None] and document_readings(connection) == {"a.txt": {}}
