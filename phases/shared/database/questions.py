"""Evaluation questions: what a model is asked closed book, with a version that grows with every change.

In: a connection to the knowledge base. Out: the active questions and the hash of their set, which an evaluation stores, so
that two results can be seen to answer the same questions.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from phases.shared.database.changes import RowChange


@dataclass(frozen=True)
class Question:
    """One evaluation question. `kind`: "held_out" (another phrasing of a trained fact) or "unasked" (a fact never asked)."""

    id: int
    pair: int
    fact: int
    kind: str
    question: str
    answer: str
    version: int


def active_questions(connection: sqlite3.Connection, style: str = "factual") -> list[Question]:
    """The questions of a style that are in force, of chunks that still take part, in a fixed order."""
    rows = connection.execute(
        "SELECT q.id, q.pair, p.fact, q.kind, q.question, q.answer, q.version FROM evaluation_questions AS q "
        "JOIN pairs AS p ON p.id = q.pair JOIN chunk_records AS r ON r.id = p.chunk "
        "WHERE q.state = 'active' AND r.state = 'active' AND p.style = ? ORDER BY q.id", (style,))
    return [Question(**{name: row[name] for name in Question.__dataclass_fields__}) for row in rows]


def questions_hash(questions: Sequence[Question]) -> str:
    """sha256 of the set: another question, answer or version gives another hash."""
    lines = (json.dumps(asdict(one), sort_keys=True, ensure_ascii=False) for one in sorted(questions, key=lambda one: one.id))
    return hashlib.sha256("\n".join(lines).encode("utf-8")).hexdigest()


def add_question(connection: sqlite3.Connection, pair: int, kind: str, question: str, answer: str) -> None:
    """Make a pair an evaluation question; a second time, or with words that are asked or trained already, changes nothing."""
    if not is_asked_in_evaluation(connection, question) and not _is_trained(connection, question):
        connection.execute("INSERT INTO evaluation_questions (pair, kind, question, answer) VALUES (?, ?, ?, ?) "
                           "ON CONFLICT (pair) DO NOTHING", (pair, kind, question, answer))


def is_asked_in_evaluation(connection: sqlite3.Connection, question: str, besides: int | None = None) -> bool:
    """Whether an active evaluation question has these words (case does not count). `besides`: a pair that does not count.

    Questions of deleted chunks do not count: what replaced a document may be asked about in the same words.
    """
    row = connection.execute(
        "SELECT 1 FROM evaluation_questions AS q JOIN pairs AS p ON p.id = q.pair JOIN chunk_records AS r ON r.id = p.chunk "
        "WHERE q.state = 'active' AND r.state <> 'deleted' AND q.pair IS NOT ? AND q.question = ? COLLATE NOCASE",
        (besides, question)).fetchone()
    return row is not None


def _is_trained(connection: sqlite3.Connection, question: str) -> bool:
    row = connection.execute(
        "SELECT 1 FROM pairs AS p JOIN chunk_records AS r ON r.id = p.chunk WHERE p.instruction = ? COLLATE NOCASE "
        "AND p.split = 'train' AND p.state <> 'rejected' AND r.state <> 'deleted'", (question,)).fetchone()
    return row is not None


def follow_pair(connection: sqlite3.Connection, pair: int, instruction: str, output: str, state: str) -> list[RowChange]:
    """Bring a pair's question in line with the pair: its words, and retired while the pair is rejected.

    Returns:
        What changed, for undo; empty when the pair is no evaluation question or nothing differs.
    """
    row = connection.execute("SELECT * FROM evaluation_questions WHERE pair = ?", (pair,)).fetchone()
    if row is None:
        return []
    wanted = {"question": instruction, "answer": output, "state": "retired" if state == "rejected" else "active"}
    if all(row[name] == value for name, value in wanted.items()):
        return []
    after = {**wanted, "version": row["version"] + 1}
    connection.execute("UPDATE evaluation_questions SET question = :question, answer = :answer, state = :state, "
                       "version = :version WHERE id = :id", {**after, "id": row["id"]})
    return [RowChange("evaluation_questions", row["id"], {name: row[name] for name in after}, after)]
