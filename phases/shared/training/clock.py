"""A stopwatch in the trainer: seconds of each step, of each evaluation and of each checkpoint, and the most memory held.

For child processes only (transformers). In: the trainer's events. Out: the figures that a `Measurement` is made of.
"""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import torch
from transformers import TrainerCallback

from phases.shared.training.measured import padded_batches

WARM_UP_STEPS = 1  # the first one allocates memory and prepares kernels


class StepClock(TrainerCallback):
    """Stands behind the reporter in the list of callbacks, so that what a checkpoint costs includes its proof.

    Args:
        batch_tokens: mean tokens of a batch, with padding. evaluated_tokens: of the rows of one evaluation.
        accumulation: batches of one step.
    """

    def __init__(self, batch_tokens: float, evaluated_tokens: int, accumulation: int) -> None:
        self.batch_tokens, self.evaluated_tokens, self.accumulation = batch_tokens, evaluated_tokens, accumulation
        self.steps: list[float] = []
        self.evaluations: list[float] = []
        self.saves: list[float] = []
        self.began = self.ended = time.time()
        self.peak_bytes = 0
        self._at = time.monotonic()

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.began = time.time()
        self._lap()

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any], **_: Any) -> None:
        if "loss" in logs:  # every step is logged, and its loss was waited for; an evaluation and the end are logged too
            self.steps.append(self._lap())

    def on_evaluate(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.evaluations.append(self._lap())

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.saves.append(self._lap())

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.ended, self.peak_bytes = time.time(), peak_memory()

    def _lap(self) -> float:
        now = time.monotonic()
        passed, self._at = now - self._at, now
        return passed

    @property
    def warm_steps(self) -> list[float]:
        """Seconds of each step after the warm-up."""
        return self.steps[WARM_UP_STEPS:] or self.steps


def clock_for(trainer: Any) -> StepClock:
    """A clock that runs in this trainer from now on."""
    lengths = [len(ids) for ids in trainer.train_dataset["input_ids"]]
    evaluated = sum(len(ids) for ids in trainer.eval_dataset["input_ids"]) if trainer.eval_dataset is not None else 0
    sizes = padded_batches(lengths, trainer.args.per_device_train_batch_size)
    clock = StepClock(sum(sizes) / len(sizes), evaluated, trainer.args.gradient_accumulation_steps)
    trainer.add_callback(clock)
    return clock


def peak_memory() -> int:
    """The most bytes that this process held so far, on the GPU or, where there is none, in main memory."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_reserved()
    status = Path("/proc/self/status")
    if status.exists():  # getrusage would count the parent too, which this process was before it began its program
        line = next(line for line in status.read_text(encoding="ascii").splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def process_began() -> float:
    """When this process started, in seconds since 1970."""
    return psutil.Process().create_time()
