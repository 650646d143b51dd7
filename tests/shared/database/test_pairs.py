"""Pairs, facts and evaluation questions in a real database."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from phases.shared.database.changes import undo_last
from phases.shared.database.chunks import NewChunk, edit_chunk, get_chunk, set_chunk_state
from phases.shared.database.connection import open_database
from phases.shared.database.documents import NewDocument, add_document
from phases.shared.database.pairs import (
    PairFilter,
    dataset_pairs,
    get_pair,
    pair_ids,
    pair_page,
    pair_summary,
    update_pair,
    update_states,
)
from phases.shared.database.questions import active_questions, questions_hash
from phases.shared.database.schema import KNOWLEDGE_MIGRATIONS
from phases.shared.database.written import store_written

TEXT = "The height of the mast is 12 metres. The colour of the mast is grey."


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(open_database(tmp_path / "data.sqlite", KNOWLEDGE_MIGRATIONS)) as opened:
        document = NewDocument("mast.md", "a" * 64, "md", len(TEXT), TEXT)
        add_document(opened, document, [NewChunk(TEXT, 0, len(TEXT), 20)], "words")
        yield opened


def record_of(connection: sqlite3.Connection, attribute: str = "height", split: str = "train", **others: Any) -> dict[str, Any]:
    chunk = get_chunk(connection, 1)
    last = "held_out" if split == "train" else split
    questions = [f"What is the {attribute} of the mast?", f"Give the {attribute} of the mast.", f"Tell me the {attribute} of the mast."]
    pairs = [{"instruction": words, "output": "12 metres", "split": last if words == questions[-1] else split, "state": "open",
              "reason": ""} for words in questions]
    return {"slot": f"1/factual/{attribute}", "chunk": 1, "chunk_hash": chunk.content_hash, "style": "factual", "provider": "builtin",
            "model": "", "fact": {"document": 1, "start": 0, "end": 36, "subject": "the mast", "attribute": attribute,
                                  "answer": "12 metres", "split": split}, "pairs": pairs, **others}


def rows_of(connection: sqlite3.Connection) -> dict[str, list[tuple]]:
    return {table: [tuple(row) for row in connection.execute(f"SELECT * FROM {table}")]
            for table in ("facts", "pairs", "evaluation_questions", "dataset_pairs")}


def test_a_record_becomes_pairs_a_question_and_memberships(connection: sqlite3.Connection) -> None:
    store_written(connection, "job-1", record_of(connection))
    rows, total = pair_page(connection, 1, 50, PairFilter())
    assert total == 3
    assert [row.split for row in rows] == ["train", "train", "held_out"]
    assert [row.slot for row in rows] == ["1/factual/height/0", "1/factual/height/1", "1/factual/height/2"]
    assert TEXT[rows[0].evidence_start:rows[0].evidence_end] == "The height of the mast is 12 metres."
    assert [(one.kind, one.question) for one in active_questions(connection)] == [("held_out", "Tell me the height of the mast.")]
    assert [row.split for row in dataset_pairs(connection, "sft_data", "train", False)] == ["train", "train"]
    assert dataset_pairs(connection, "sft_data", "held_out", False) == []


def test_storing_twice_changes_nothing(connection: sqlite3.Connection) -> None:
    store_written(connection, "job-1", record_of(connection))
    before = rows_of(connection)
    store_written(connection, "job-1", record_of(connection))
    assert rows_of(connection) == before


def test_storing_again_leaves_what_a_person_edited_or_rejected(connection: sqlite3.Connection) -> None:
    store_written(connection, "job-1", record_of(connection))
    update_pair(connection, 1, "How high is the mast?", "12 metres")
    update_states(connection, [3], "rejected", "clumsy", "rejected pair 3")
    before = rows_of(connection)
    store_written(connection, "job-1", record_of(connection))
    assert rows_of(connection) == before
    assert active_questions(connection) == []


def test_a_second_job_adds_only_what_is_new(connection: sqlite3.Connection) -> None:
    store_written(connection, "job-1", record_of(connection))
    store_written(connection, "job-2", record_of(connection, dataset="second"))
    assert pair_summary(connection).total == 3
    assert len(dataset_pairs(connection, "second", "train", False)) == 2


def test_a_validation_fact_is_never_trained_and_asks_its_last_pair(connection: sqlite3.Connection) -> None:
    store_written(connection, "job-1", record_of(connection, split="validation"))
    assert dataset_pairs(connection, "sft_data", "train", False) == []
    assert len(dataset_pairs(connection, "sft_data", "validation", False)) == 3
    assert [(one.kind, one.question) for one in active_questions(connection)] == [("unasked", "Tell me the height of the mast.")]


def test_the_first_split_of_a_fact_stands(connection: sqlite3.Connection) -> None:
    store_written(connection, "job-1", record_of(connection, split="validation"))
    store_written(connection, "job-2", record_of(connection, split="train", style="conversational"))
    assert {row.split for row in pair_page(connection, 1, 50, PairFilter())[0]} == {"validation"}
    elsewhere = record_of(connection)
    elsewhere["fact"] = {**elsewhere["fact"], "start": 37, "end": 60, "subject": "The Mast"}
    store_written(connection, "job-3", elsewhere)
    assert dataset_pairs(connection, "sft_data", "train", False) == []


def test_a_trained_fact_never_becomes_unasked(connection: sqlite3.Connection) -> None:
    store_written(connection, "job-1", record_of(connection))
    store_written(connection, "job-2", record_of(connection, split="validation", style="conversational"))
    assert {row.split for row in pair_page(connection, 1, 50, PairFilter(style="conversational"))[0]} == {"train", "held_out"}
    assert {one.kind for one in active_questions(connection, "conversational")} <= {"held_out"}


def test_a_train_pair_with_the_words_of_an_evaluation_question_is_rejected(connection: sqlite3.Connection) -> None:
    store_written(connection, "job-1", record_of(connection))
    other = record_of(connection, "colour")
    other["pairs"] = [{"instruction": "tell me the HEIGHT of the mast.", "output": "grey", "split": "train", "state": "open", "reason": ""}]
    store_written(connection, "job-2", other)
    row = pair_page(connection, 1, 50, PairFilter(state="rejected"))[0][0]
    assert row.reason == "This wording is kept for evaluation."
    assert row.id not in {one.id for one in dataset_pairs(connection, "sft_data", "train", False)}


def test_a_trained_wording_never_becomes_an_evaluation_question(connection: sqlite3.Connection) -> None:
    store_written(connection, "job-1", record_of(connection))
    other = record_of(connection, "colour")
    other["pairs"] = [{"instruction": "What is the height of the mast?", "output": "grey", "split": "held_out"}]
    store_written(connection, "job-2", other)
    assert len(active_questions(connection)) == 1


def test_pages_and_filters_come_from_the_database(connection: sqlite3.Connection) -> None:
    for number in range(20):
        store_written(connection, "job-1", record_of(connection, f"size {number}"))
    rows, total = pair_page(connection, 2, 50, PairFilter())
    assert (len(rows), total) == (10, 60)
    update_states(connection, [1, 2], "accepted", "", "accepted 2 pairs")
    assert pair_ids(connection, PairFilter(state="accepted")) == [1, 2]
    assert pair_page(connection, 1, 50, PairFilter(source="other.md"))[1] == 0
    assert pair_page(connection, 1, 50, PairFilter(style="socratic"))[1] == 0


def test_a_pair_is_stale_when_its_chunk_has_changed_and_left_out_when_excluded(connection: sqlite3.Connection) -> None:
    store_written(connection, "job-1", record_of(connection))
    assert pair_page(connection, 1, 50, PairFilter(stale=True))[1] == 0
    edit_chunk(connection, 1, TEXT.replace("12", "13"), 20)
    assert pair_page(connection, 1, 50, PairFilter(stale=True))[1] == 3
    assert pair_summary(connection).stale == 3
    set_chunk_state(connection, 1, "excluded")
    assert pair_summary(connection).left_out == 3
    assert dataset_pairs(connection, "sft_data", "train", False) == []
    assert active_questions(connection) == []


def test_editing_a_held_out_pair_gives_its_question_a_new_version_and_undo_takes_it_back(connection: sqlite3.Connection) -> None:
    store_written(connection, "job-1", record_of(connection))
    before = active_questions(connection)
    update_pair(connection, 3, "Remind me how high the mast is.", "13 metres")
    after = active_questions(connection)
    assert (after[0].question, after[0].answer, after[0].version) == ("Remind me how high the mast is.", "13 metres", 2)
    assert questions_hash(after) != questions_hash(before)
    assert get_pair(connection, 3).edited
    assert get_pair(connection, 3).provider == "builtin"
    assert undo_last(connection) == "edited pair 3"
    assert active_questions(connection) == before
    assert not get_pair(connection, 3).edited


def test_rejecting_a_held_out_pair_retires_its_question_until_it_is_open_again(connection: sqlite3.Connection) -> None:
    store_written(connection, "job-1", record_of(connection))
    assert update_states(connection, [3], "rejected", "wrong", "rejected pair 3") == 1
    assert active_questions(connection) == []
    update_states(connection, [3], "open", "", "reopened pair 3")
    assert [one.version for one in active_questions(connection)] == [3]


def test_a_change_of_many_pairs_is_undone_together(connection: sqlite3.Connection) -> None:
    store_written(connection, "job-1", record_of(connection))
    assert update_states(connection, [1, 2, 3], "rejected", "all wrong", "rejected 3 pairs") == 3
    assert pair_summary(connection).rejected == 3
    assert undo_last(connection) == "rejected 3 pairs"
    assert pair_summary(connection).open == 3
    assert len(active_questions(connection)) == 1


def test_the_hash_does_not_depend_on_the_order(connection: sqlite3.Connection) -> None:
    for attribute in ("height", "colour"):
        store_written(connection, "job-1", record_of(connection, attribute))
    questions = active_questions(connection)
    assert questions_hash(questions) == questions_hash(questions[::-1])
    assert questions_hash(questions) != questions_hash([replace(questions[0], answer="7"), questions[1]])
