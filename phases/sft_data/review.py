"""Reviewing pairs: pages of them, editing, accepting and rejecting, alone or by filter; all of it can be undone.

    python app.py pairs NAME --state open        python app.py accept NAME 12        python app.py reject NAME 12 --reason WHY

In: a connection to the knowledge base. Out: `PairRow` records. An edited or rejected pair takes its evaluation question along.
"""

from __future__ import annotations

import sqlite3

from phases.shared.database import pairs as table
from phases.shared.database.pairs import PairFilter, PairRow, PairSummary, get_pair, pair_summary
from phases.shared.database.questions import is_asked_in_evaluation
from phases.shared.errors import SettingError

PER_PAGE = 50


def pair_page(connection: sqlite3.Connection, page: int = 1, per_page: int = PER_PAGE, state: str | None = None, style: str | None = None,
              source: str | None = None, stale: bool | None = None) -> tuple[list[PairRow], int]:
    """One page of pairs (counted from 1), and how many fit in all; None means any."""
    return table.pair_page(connection, page, per_page, PairFilter(state, style, source, stale))


def edit_pair(connection: sqlite3.Connection, pair: int, instruction: str, output: str) -> PairRow:
    """Give a pair other words. Raises SettingError for empty ones and for a training question that evaluation asks."""
    instruction, output = instruction.strip(), output.strip()
    if not instruction or not output:
        raise SettingError("A pair needs a question and an answer.", "Write both, or reject the pair.", subject=str(pair), code="pair_empty")
    old = get_pair(connection, pair)
    if old.split == "train" and is_asked_in_evaluation(connection, instruction, besides=pair):
        raise SettingError("Evaluation asks this question: trained on, it would prove nothing.", "Word it in another way.",
                           subject=str(pair), code="pair_held_out")
    return table.update_pair(connection, pair, instruction, output)


def set_pair_state(connection: sqlite3.Connection, pair: int, state: str, reason: str = "") -> PairRow:
    """Accept, reject (with a reason) or reopen one pair."""
    table.update_states(connection, [pair], state, reason.strip(), f"{_done(state)} pair {pair}")
    return get_pair(connection, pair)


def set_states(connection: sqlite3.Connection, wanted: PairFilter, state: str, reason: str = "") -> int:
    """The same for all pairs that fit a filter, as one action; returns how many changed."""
    ids = table.pair_ids(connection, wanted)
    return table.update_states(connection, ids, state, reason.strip(), f"{_done(state)} {len(ids)} pairs")


def _done(state: str) -> str:
    return {"accepted": "accepted", "rejected": "rejected"}.get(state, "reopened")


__all__ = ["PER_PAGE", "PairFilter", "PairRow", "PairSummary", "edit_pair", "get_pair", "pair_page", "pair_summary", "set_pair_state", "set_states"]
