"""Slots: even, seeded, and the same every time."""

from __future__ import annotations

from collections import Counter
from itertools import islice

from phases.shared.writing.slots import plan_slots


def test_every_chunk_once_before_any_twice() -> None:
    slots = list(islice(plan_slots(dict.fromkeys(range(1, 8), 5), ["factual"], seed=1), 17))
    counts = Counter(slot.chunk for slot in slots)
    assert {slot.chunk for slot in slots[:7]} == set(range(1, 8))
    assert max(counts.values()) - min(counts.values()) == 1


def test_styles_take_turns_and_no_slot_comes_twice() -> None:
    slots = list(plan_slots({1: 2, 2: 2, 3: 1}, ["factual", "socratic"], seed=3))
    assert len({slot.name for slot in slots}) == len(slots) == 10
    assert Counter(slot.style for slot in slots[:6]) == {"factual": 3, "socratic": 3}


def test_order_depends_on_the_seed_alone() -> None:
    rounds = dict.fromkeys(range(30), 2)
    again = dict(reversed(rounds.items()))
    assert list(plan_slots(rounds, ["a", "b"], 7)) == list(plan_slots(again, ["a", "b"], 7))
    assert list(plan_slots(rounds, ["a", "b"], 7)) != list(plan_slots(rounds, ["a", "b"], 8))


def test_chunks_that_had_their_turn_wait_for_the_others() -> None:
    slots = list(plan_slots({1: 3, 2: 3}, ["factual"], seed=1, begin={1: 2}))
    assert [slot.chunk for slot in slots[:2]] == [2, 2]
    assert Counter(slot.chunk for slot in slots) == {1: 1, 2: 3}


def test_no_chunks_no_slots() -> None:
    assert list(plan_slots({}, ["factual"], 1)) == []
