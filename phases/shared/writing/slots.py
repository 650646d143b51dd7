"""Slots: the places that a writing job fills, in an order that depends on its inputs and seed alone.

In: chunk ids, styles, how many rounds each chunk can take. Out: `Slot(chunk, style, index)` in order: every chunk is asked once
before any is asked twice, and the styles take turns. A job that was killed goes on with the slots that have no record yet.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Slot:
    """One place: the `index`-th thing that is written from a chunk in a style."""

    chunk: int
    style: str
    index: int

    @property
    def name(self) -> str:
        return f"{self.chunk}/{self.style}/{self.index}"


def plan_slots(rounds: Mapping[int, int], styles: Sequence[str], seed: int, begin: Mapping[int, int] | None = None) -> Iterator[Slot]:
    """The slots in the order they are to be filled.

    Args:
        rounds: chunk id to the number of indexes that it can take in each style.
        seed: shuffles the chunks, so that a small count does not ask about the first pages only.
        begin: chunk id to the number of turns that it has had already; it joins in when the others have caught up.
    """
    begin = begin or {}
    chunks = sorted(rounds)
    random.Random(seed).shuffle(chunks)
    for turn in range(max((rounds[chunk] for chunk in chunks), default=0) * len(styles)):
        for place, chunk in enumerate(chunks):
            if begin.get(chunk, 0) <= turn < rounds[chunk] * len(styles):
                yield Slot(chunk, styles[(turn + place) % len(styles)], turn // len(styles))
