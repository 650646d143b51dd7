"""What a writing job wrote becomes rows: fact, pairs, evaluation questions, memberships.

In: one record of the job, one per slot (see `store_written`). Out: rows, the same ones however often it is applied.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from phases.shared.database.connection import transaction
from phases.shared.database.datasets import add_member, dataset_id
from phases.shared.database.facts import store_fact
from phases.shared.database.questions import add_question, is_asked_in_evaluation

QUESTION_KINDS = {"held_out": "held_out", "validation": "unasked"}


@dataclass(frozen=True)
class _Slot:
    """Where the pairs of one record belong."""

    job: str
    record: Mapping[str, Any]
    fact: int
    fact_split: str
    dataset: int


def store_written(connection: sqlite3.Connection, job_id: str, record: Mapping[str, Any]) -> None:
    """Store one slot of a writing job; applied again it changes nothing.

    Args:
        record: {"slot": "chunk/style/index", "chunk": id, "chunk_hash", "style", "provider", "model", "dataset" (default
            "sft_data"), "fact": {"document", "start", "end", "subject", "attribute", "answer", "split"}, "pairs":
            [{"instruction", "output", "split", "state", "reason"}]}. The last pair of a validation fact is its evaluation
            question; every held-out pair is one. Without a fact or pairs there is nothing to store.
    """
    if not record.get("fact") or not record.get("pairs"):
        return
    with transaction(connection):
        fact = store_fact(connection, record["fact"])
        slot = _Slot(job_id, record, fact.id, fact.split, dataset_id(connection, record.get("dataset") or "sft_data"))
        last = len(record["pairs"]) - 1
        for index, pair in enumerate(record["pairs"]):
            _store_pair(connection, slot, index, pair, asks=index == last)


def _store_pair(connection: sqlite3.Connection, slot: _Slot, index: int, pair: Mapping[str, Any], asks: bool) -> None:
    split = _split_of(slot.fact_split, pair["split"], asks)
    state, reason = pair.get("state") or "open", pair.get("reason") or ""
    if split == "train" and state != "rejected" and is_asked_in_evaluation(connection, pair["instruction"]):
        state, reason = "rejected", "This wording is kept for evaluation."
    row = _same_pair(connection, slot, pair) or _insert_pair(connection, slot, index, pair, (split, state, reason))
    if row is None or row["state"] == "rejected":
        return
    if row["split"] != "held_out":
        add_member(connection, slot.dataset, row["id"])
    if row["split"] == "held_out" or (row["split"] == "validation" and asks):
        add_question(connection, row["id"], QUESTION_KINDS[row["split"]], pair["instruction"], pair["output"])


def _split_of(fact_split: str, wanted: str, asks: bool) -> str:
    """The fact's split rules: it was fixed when the fact was stored first, perhaps by a job with another share."""
    if fact_split == "validation":
        return "validation"
    if wanted == "validation":
        return "held_out" if asks else "train"
    return wanted


def _same_pair(connection: sqlite3.Connection, slot: _Slot, pair: Mapping[str, Any]) -> sqlite3.Row | None:
    """The pair with these words that an earlier job, or this one, wrote for the fact already."""
    return connection.execute("SELECT id, split, state FROM pairs WHERE fact = ? AND style = ? AND instruction = ? AND output = ? "
                              "ORDER BY id LIMIT 1",
                              (slot.fact, slot.record["style"], pair["instruction"], pair["output"])).fetchone()


def _insert_pair(connection: sqlite3.Connection, slot: _Slot, index: int, pair: Mapping[str, Any],
                 fate: tuple[str, str, str]) -> sqlite3.Row | None:
    record = slot.record
    return connection.execute(
        "INSERT INTO pairs (job, slot, fact, chunk, chunk_hash, instruction, output, style, split, state, reason, provider, "
        "model, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (job, slot) DO NOTHING "
        "RETURNING id, split, state",
        (slot.job, f"{record['slot']}/{index}", slot.fact, record["chunk"], record["chunk_hash"], pair["instruction"],
         pair["output"], record["style"], *fate, record.get("provider", ""), record.get("model") or "",
         datetime.now(UTC).isoformat(timespec="seconds"))).fetchone()
