"""Reviewing pairs and exporting what is left."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from phases.sft_data import review
from phases.sft_data.convert import export_dataset
from phases.shared.database.changes import undo_last
from phases.shared.database.chunks import NewChunk, get_chunk
from phases.shared.database.connection import knowledge
from phases.shared.database.documents import NewDocument, add_document
from phases.shared.database.pairs import PairFilter
from phases.shared.database.questions import active_questions
from phases.shared.database.written import store_written
from phases.shared.errors import SettingError, StorageError
from phases.shared.project import Project, create_project

TEXT = "The height of the mast is 12 metres. The colour of the mast is grey — “pigeon”."
PAIRS = (("How high is the mast?", "12 metres", "train"), ("Height of the mast?", "12 metres", "train"),
         ("Do you know how high the mast is?", "12 metres", "held_out"))


@pytest.fixture
def project(projects: Path) -> Project:
    return create_project(projects, "mast")


@pytest.fixture
def connection(project: Project) -> Iterator[sqlite3.Connection]:
    with knowledge(project) as opened:
        add_document(opened, NewDocument("mast.md", "a" * 64, "md", len(TEXT), TEXT), [NewChunk(TEXT, 0, len(TEXT), 20)], "words")
        pairs = [{"instruction": question, "output": answer, "split": split, "state": "open", "reason": ""} for question, answer, split in PAIRS]
        store_written(opened, "job-1", {
            "slot": "1/factual/0", "chunk": 1, "chunk_hash": get_chunk(opened, 1).content_hash, "style": "factual", "provider": "builtin", "model": "",
            "fact": {"document": 1, "start": 0, "end": 36, "subject": "the mast", "attribute": "height", "answer": "12 metres", "split": "train"},
            "pairs": pairs})
        yield opened


def lines(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_export_holds_training_pairs_and_nothing_else(project: Project, connection: sqlite3.Connection) -> None:
    review.edit_pair(connection, 2, "Höhe of the “mast”?", "12 metres")
    path = export_dataset(project, connection)
    assert path == project.data / "sft_data.jsonl"
    assert lines(path) == [{"instruction": "How high is the mast?", "output": "12 metres"}, {"instruction": "Höhe of the “mast”?", "output": "12 metres"}]


def test_rejected_pairs_are_not_exported(project: Project, connection: sqlite3.Connection) -> None:
    assert review.set_pair_state(connection, 1, "rejected", "  clumsy ").reason == "clumsy"
    assert [line["instruction"] for line in lines(export_dataset(project, connection))] == ["Height of the mast?"]
    assert lines(export_dataset(project, connection, "unknown")) == []


def test_accepting_by_filter_is_one_action(connection: sqlite3.Connection) -> None:
    assert review.set_states(connection, PairFilter(split="train"), "accepted") == 2
    assert review.pair_summary(connection).accepted == 2
    assert [row.id for row in review.pair_page(connection, state="accepted")[0]] == [1, 2]
    assert undo_last(connection) == "accepted 2 pairs"
    assert review.pair_summary(connection).open == 3


def test_accepting_clears_the_reason_of_a_rejection(connection: sqlite3.Connection) -> None:
    review.set_pair_state(connection, 1, "rejected", "clumsy")
    assert review.set_pair_state(connection, 1, "accepted").reason == ""


def test_an_empty_edit_is_refused_and_changes_nothing(connection: sqlite3.Connection) -> None:
    with pytest.raises(SettingError, match="needs a question and an answer"):
        review.edit_pair(connection, 1, "  ", "12 metres")
    assert review.get_pair(connection, 1).instruction == "How high is the mast?"


def test_a_training_question_cannot_become_one_that_evaluation_asks(connection: sqlite3.Connection) -> None:
    with pytest.raises(SettingError, match="Evaluation asks this"):
        review.edit_pair(connection, 1, "do you know how high the mast is?", "12 metres")
    assert review.edit_pair(connection, 3, "Do you know how high the mast is?", "twelve metres").output == "twelve metres"
    assert active_questions(connection)[0].answer == "twelve metres"


def test_unknown_pairs_and_states_are_named(connection: sqlite3.Connection) -> None:
    with pytest.raises(StorageError, match="no pair 99"):
        review.set_pair_state(connection, 99, "accepted")
    with pytest.raises(StorageError, match="cannot be 'fine'"):
        review.set_pair_state(connection, 1, "fine")
