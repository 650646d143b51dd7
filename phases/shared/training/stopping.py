"""Early stopping: the run ends when what is held out gets no better. For child processes only (transformers).

In: loss.jsonl, which holds every measurement of the run, also of the attempts before a resume. So nothing has to be kept beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from phases.shared.files import read_json_lines
from phases.shared.training.distributed import any_of


class EarlyStopping(TrainerCallback):
    """Ends the training after `patience` measurements without a new lowest loss. Stands behind the reporter, which writes them."""

    def __init__(self, loss_file: Path, patience: int) -> None:
        self.loss_file, self.patience = loss_file, patience
        self.ended_at = 0

    def on_evaluate(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        measured = [one["eval_loss"] for one in read_json_lines(self.loss_file) if "eval_loss" in one]
        if any_of(since_best(measured) >= self.patience):  # the first of several processes writes; the others may read too early
            self.ended_at = state.global_step
            control.should_training_stop = True
            control.should_save = False  # a run resumed from here would train on: it shall come here again and end


def since_best(measured: Sequence[float]) -> int:
    """How many measurements have passed since the lowest one."""
    return len(measured) - 1 - min(range(len(measured)), key=lambda place: (measured[place], place)) if measured else 0
