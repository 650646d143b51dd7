"""Question-answer pairs: each with its fact, its chunk and its place in the job that wrote it.

In: a connection to the knowledge base; records of a writing job, or a person's review. Out: `PairRow` records in pages.
Stale is computed: a pair is stale when its chunk is gone or has other words than when the pair was written.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from phases.shared.database.changes import RowChange, record_change
from phases.shared.database.connection import transaction
from phases.shared.database.questions import follow_pair
from phases.shared.errors import StorageError

STALE = "(r.state = 'deleted' OR r.content_hash <> p.chunk_hash)"
COLUMNS = f"""p.id, p.job, p.slot, p.fact, p.chunk, p.chunk_hash, p.instruction, p.output, p.style, p.split, p.state, p.reason,
              p.provider, p.model, p.edited, p.created, f.document, f.span_start AS evidence_start,
              f.span_end AS evidence_end, f.subject, f.attribute, f.answer, d.source, {STALE} AS stale"""
TABLES = """pairs AS p JOIN facts AS f ON f.id = p.fact JOIN documents AS d ON d.id = f.document
            JOIN chunk_records AS r ON r.id = p.chunk"""
STATES = ("open", "accepted", "rejected")


@dataclass(frozen=True)
class PairRow:
    """A pair as it stands. `evidence_start` and `evidence_end` are offsets in the text of `document`."""

    id: int
    job: str
    slot: str
    fact: int
    chunk: int
    chunk_hash: str
    instruction: str
    output: str
    style: str
    split: str
    state: str
    reason: str
    provider: str
    model: str
    edited: bool
    created: str
    document: int
    evidence_start: int
    evidence_end: int
    subject: str
    attribute: str
    answer: str
    source: str
    stale: bool


@dataclass(frozen=True)
class PairFilter:
    """Which pairs: None means all. `source` is a document's file name."""

    state: str | None = None
    style: str | None = None
    source: str | None = None
    stale: bool | None = None
    split: str | None = None


@dataclass(frozen=True)
class PairSummary:
    """The pairs in numbers. `left_out`: not rejected, but their chunk is excluded or gone, so that nothing uses them."""

    total: int
    accepted: int
    rejected: int
    open: int
    stale: int
    left_out: int
    train: int
    validation: int
    held_out: int


def pair_page(connection: sqlite3.Connection, page: int, per_page: int, wanted: PairFilter) -> tuple[list[PairRow], int]:
    """One page (counted from 1) in the order of writing, and how many pairs fit the filter in all."""
    where, values = _where(wanted)
    total = connection.execute(f"SELECT count(*) FROM {TABLES} WHERE {where}", values).fetchone()[0]
    rows = connection.execute(f"SELECT {COLUMNS} FROM {TABLES} WHERE {where} ORDER BY p.id LIMIT :limit OFFSET :offset",
                              {**values, "limit": per_page, "offset": (max(page, 1) - 1) * per_page})
    return [_pair_from(row) for row in rows], total


def get_pair(connection: sqlite3.Connection, pair: int) -> PairRow:
    """The pair of that id. Raises StorageError."""
    row = connection.execute(f"SELECT {COLUMNS} FROM {TABLES} WHERE p.id = ?", (pair,)).fetchone()
    if row is None:
        raise StorageError(f"There is no pair {pair}.", "List the pairs to see their numbers.", subject=str(pair),
                           code="pair_missing")
    return _pair_from(row)


def pair_summary(connection: sqlite3.Connection) -> PairSummary:
    """The pairs in numbers; the three splits count what is not rejected."""
    row = connection.execute(
        "SELECT count(*) AS total, coalesce(sum(p.state = 'accepted'), 0) AS accepted, "
        "coalesce(sum(p.state = 'rejected'), 0) AS rejected, coalesce(sum(p.state = 'open'), 0) AS open, "
        f"coalesce(sum({STALE}), 0) AS stale, "
        "coalesce(sum(p.state <> 'rejected' AND r.state <> 'active'), 0) AS left_out, "
        "coalesce(sum(p.state <> 'rejected' AND p.split = 'train'), 0) AS train, "
        "coalesce(sum(p.state <> 'rejected' AND p.split = 'validation'), 0) AS validation, "
        f"coalesce(sum(p.state <> 'rejected' AND p.split = 'held_out'), 0) AS held_out FROM {TABLES}").fetchone()
    return PairSummary(**{name: row[name] for name in PairSummary.__dataclass_fields__})


def dataset_pairs(connection: sqlite3.Connection, dataset: str, split: str, accepted_only: bool) -> list[PairRow]:
    """The pairs of a data set that may be used: not rejected, of active chunks, in the order of writing."""
    states = ("accepted",) if accepted_only else ("accepted", "open")
    rows = connection.execute(
        f"SELECT {COLUMNS} FROM {TABLES} JOIN dataset_pairs AS m ON m.pair = p.id JOIN datasets AS s ON s.id = m.dataset "
        f"WHERE s.name = ? AND p.split = ? AND r.state = 'active' AND p.state IN ({', '.join('?' * len(states))}) "
        "ORDER BY p.id", (dataset, split, *states))
    return [_pair_from(row) for row in rows]


def update_pair(connection: sqlite3.Connection, pair: int, instruction: str, output: str) -> PairRow:
    """Give a pair new words; it is marked as edited, its evaluation question follows, undo can take it back."""
    with transaction(connection):
        old = get_pair(connection, pair)
        before = {"instruction": old.instruction, "output": old.output, "edited": int(old.edited)}
        after = {"instruction": instruction, "output": output, "edited": 1}
        if before != after:
            connection.execute("UPDATE pairs SET instruction = ?, output = ?, edited = 1 WHERE id = ?",
                               (instruction, output, pair))
            record_change(connection, f"edited pair {pair}",
                          [RowChange("pairs", pair, before, after),
                           *follow_pair(connection, pair, instruction, output, old.state)])
        return get_pair(connection, pair)


def update_states(connection: sqlite3.Connection, pairs: Sequence[int], state: str, reason: str, action: str) -> int:
    """Accept, reject or reopen pairs as one action; evaluation questions of rejected pairs are retired.

    Returns:
        How many pairs changed.
    """
    if state not in STATES:
        raise StorageError(f"A pair cannot be '{state}'.", f"It is one of: {', '.join(STATES)}.", subject=state)
    reason = reason if state == "rejected" else ""
    changes: list[RowChange] = []
    with transaction(connection):
        old = [one for one in (get_pair(connection, pair) for pair in pairs) if (one.state, one.reason) != (state, reason)]
        for pair in old:
            connection.execute("UPDATE pairs SET state = ?, reason = ? WHERE id = ?", (state, reason, pair.id))
            changes.append(RowChange("pairs", pair.id, {"state": pair.state, "reason": pair.reason},
                                     {"state": state, "reason": reason}))
            changes += follow_pair(connection, pair.id, pair.instruction, pair.output, state)
        if changes:
            record_change(connection, action, changes)
    return len(old)


def pair_ids(connection: sqlite3.Connection, wanted: PairFilter) -> list[int]:
    """The ids of all pairs that fit the filter."""
    where, values = _where(wanted)
    return [row["id"] for row in connection.execute(f"SELECT p.id FROM {TABLES} WHERE {where} ORDER BY p.id", values)]


def _where(wanted: PairFilter) -> tuple[str, dict[str, object]]:
    where = ("(:state IS NULL OR p.state = :state) AND (:style IS NULL OR p.style = :style) "
             "AND (:source IS NULL OR d.source = :source) AND (:split IS NULL OR p.split = :split) "
             f"AND (:stale IS NULL OR {STALE} = :stale)")
    stale = None if wanted.stale is None else int(wanted.stale)
    return where, {"state": wanted.state, "style": wanted.style, "source": wanted.source, "split": wanted.split,
                   "stale": stale}


def _pair_from(row: sqlite3.Row) -> PairRow:
    values = {name: row[name] for name in PairRow.__dataclass_fields__}
    return PairRow(**{**values, "edited": bool(row["edited"]), "stale": bool(row["stale"])})
