"""Several texts in one sequence, kept apart, without losing a token (packing). No torch.

In: the lengths of rows of which none is longer than the sequence. Out: which rows share a sequence (best fit decreasing). The
trainer's collator gives each text positions of its own, from which the model sees that it must not look at its neighbours.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Mapping, Sequence
from typing import Any


def shared_sequences(lengths: Sequence[int], room: int) -> list[list[int]]:
    """Numbers of the rows in each sequence: every row once, the longest first, each where it fits most tightly."""
    sequences: list[list[int]] = []
    free: list[tuple[int, int]] = []  # what is left in a sequence, and which one that is
    for row in sorted(range(len(lengths)), key=lambda number: (-lengths[number], number)):
        place = bisect_left(free, (lengths[row], -1))
        if place < len(free):
            left, number = free.pop(place)
            sequences[number].append(row)
        else:
            left, number = room, len(sequences)
            sequences.append([row])
        insort(free, (left - lengths[row], number))
    return sequences


def packed_rows(rows: Sequence[Mapping[str, Any]], room: int) -> list[dict[str, Any]]:
    """Rows of `input_ids` and `labels` joined into sequences of at most `room` tokens; `seq_lengths` tells them apart."""
    packed = []
    for together in shared_sequences([len(row["input_ids"]) for row in rows], room):
        texts = [rows[number] for number in together]
        packed.append({"input_ids": [token for text in texts for token in text["input_ids"]],
                       "labels": [token for text in texts for token in text["labels"]],
                       "seq_lengths": [len(text["input_ids"]) for text in texts]})
    return packed
