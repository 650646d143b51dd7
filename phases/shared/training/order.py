"""The order in which rows are read: drawn anew in each epoch, or from easy to hard; a function of seed and epoch alone.

So a resumed run sees the rows in the order of an uninterrupted one, whatever else drew random numbers. In: lengths, difficulties
and the settings. Out: a sampler for the trainer. For child processes only (torch).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch

BATCHES_SORTED_TOGETHER = 8
STAGES = 4


class LengthGroupedOrder(torch.utils.data.Sampler):
    """A new order each epoch in which the rows of a batch are about equally long."""

    def __init__(self, lengths: Sequence[int], batch_size: int, seed: int) -> None:
        self.lengths, self.batch_size, self.seed, self.epoch = lengths, batch_size, seed, 0

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.lengths)

    def __iter__(self) -> Iterator[int]:
        yield from self._drawn(range(len(self.lengths)), torch.Generator().manual_seed(self.seed * 1_000_003 + self.epoch))

    def _drawn(self, rows: Sequence[int], generator: torch.Generator) -> Iterator[int]:
        order = [rows[place] for place in torch.randperm(len(rows), generator=generator).tolist()]
        wide = self.batch_size * BATCHES_SORTED_TOGETHER
        batches: list[list[int]] = []
        for start in range(0, len(order), wide):
            block = sorted(order[start:start + wide], key=lambda row: self.lengths[row])
            batches += [block[at:at + self.batch_size] for at in range(0, len(block), self.batch_size)]
        whole = [batch for batch in batches if len(batch) == self.batch_size]
        rest = [batch for batch in batches if len(batch) < self.batch_size]
        for place in torch.randperm(len(whole), generator=generator).tolist():
            yield from whole[place]
        for batch in rest:  # a short batch stands last, or it would shift the borders of those behind it
            yield from batch


class EasyFirstOrder(LengthGroupedOrder):
    """Each epoch goes from easy to hard in stages; in a stage the order is drawn anew (Bengio et al. 2009, Curriculum Learning)."""

    def __init__(self, lengths: Sequence[int], difficulties: Sequence[int], batch_size: int, seed: int) -> None:
        super().__init__(lengths, batch_size, seed)
        self.sorted = sorted(range(len(lengths)), key=lambda row: (difficulties[row], row))

    def __iter__(self) -> Iterator[int]:
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + self.epoch)
        batches = -(-len(self.sorted) // (STAGES * self.batch_size))
        for start in range(0, len(self.sorted), batches * self.batch_size):
            yield from self._drawn(self.sorted[start:start + batches * self.batch_size], generator)


def reading_order(rows: Any, order: str, batch_size: int, seed: int) -> LengthGroupedOrder:
    """The sampler for a table of `input_ids` and `labels`. `order`: shuffled, short_first, or curriculum (by learnt tokens)."""
    lengths = [len(ids) for ids in rows["input_ids"]]
    if order == "shuffled":
        return LengthGroupedOrder(lengths, batch_size, seed)
    learnt = [sum(label != -100 for label in labels) for labels in rows["labels"]] if order == "curriculum" else lengths
    return EasyFirstOrder(lengths, learnt, batch_size, seed)
