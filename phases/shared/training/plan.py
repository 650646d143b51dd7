"""How much work a training run is, before it starts and without a model in memory.

In: numbers of tokens or pairs and the settings. Out: a `Plan`; the same arithmetic as the trainer's own.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

FEW_STEPS = 100
CHECKPOINTS_PER_RUN = 10


@dataclass(frozen=True)
class Plan:
    """What a run will do: texts (or pairs) and tokens read once, optimizer steps in all, and what to think about."""

    texts: int
    tokens: int
    steps: int
    warnings: tuple[str, ...]


def pieces_in(tokens: Iterable[int], max_length: int) -> int:
    """Sequences that texts of so many tokens make when none is longer than `max_length` with its first and last token."""
    return sum(max(1, math.ceil(count / (max_length - 2))) for count in tokens)


def optimizer_steps(sequences: int, batch_size: int, accumulation: int, epochs: float, processes: int = 1) -> int:
    """Optimizer steps of a run: batches of an epoch, rounded up, dealt out to the processes, gathered, times epochs."""
    per_epoch = math.ceil(math.ceil(math.ceil(sequences / batch_size) / processes) / accumulation)
    return math.ceil(per_epoch * epochs)


def save_interval(steps: int, save_steps: int) -> int:
    """Steps between two checkpoints: as asked, or about ten in a run."""
    return save_steps or max(1, math.ceil(steps / CHECKPOINTS_PER_RUN))


def few_steps_warning(steps: int) -> tuple[str, ...]:
    """A sentence when the run is too short to learn from."""
    if steps >= FEW_STEPS:
        return ()
    return (f"Only {steps} optimizer steps: a model learns little below {FEW_STEPS}. "
            "Add documents or pairs, raise the epochs, or make the batch smaller.",)
