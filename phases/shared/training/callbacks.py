"""What a running training says and hears: loss and speed into the job's files, progress to the worker, stop from a person.

For child processes only (transformers). Writes loss.jsonl (one line a step: step, loss, rate, epoch, eval_loss where it was
measured) and metrics.jsonl (step, tokens_per_second, gradient_norm, memory_bytes, on a GPU also process_bytes, time, seconds since the run began). Of several
processes the first writes; all of them see a stop at the same step and wait for one another at a save.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil
import torch
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from phases.shared.errors import SettingError
from phases.shared.files import append_json_line, read_json_lines
from phases.shared.jobs.context import JobContext
from phases.shared.training.checkpoints import (
    best_saved_step,
    prune_checkpoints,
    removed_unless_finished,
    seal_checkpoint,
    step_of,
)
from phases.shared.training.distributed import any_of, wait_for_all

LOSS_FILE = "loss.jsonl"
METRICS_FILE = "metrics.jsonl"


class JobReporter(TrainerCallback):
    """Connects the trainer with one job. `stopped` is true when it left because a person asked it to."""

    def __init__(self, context: JobContext, identity: Mapping[str, Any], checkpoints: Path) -> None:
        self.context = context
        self.identity = identity
        self.checkpoints = checkpoints
        self.stopped = False
        self._pending: dict[str, Any] | None = None
        self._tokens = 0.0
        self._at = time.monotonic()
        self.seconds = 0.0

    @property
    def loss_file(self) -> Path:
        return self.context.job_dir / LOSS_FILE

    @property
    def metrics_file(self) -> Path:
        return self.context.job_dir / METRICS_FILE

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        earlier = [one.get("seconds", 0.0) for one in read_json_lines(self.metrics_file)]
        self.seconds = earlier[-1] if earlier else 0.0
        self._at = time.monotonic()
        self.context.progress(state.global_step, state.max_steps)

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        if any_of(self.context.stop_requested()):
            self.stopped = True
            control.should_save = control.should_training_stop = True

    def on_log(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, logs: dict[str, Any],
               **_: Any) -> None:
        if "loss" not in logs:
            return  # a summary at the end, or an evaluation
        loss, norm = float(logs["loss"]), float(logs.get("grad_norm") or 0.0)
        if not (math.isfinite(loss) and math.isfinite(norm)):
            raise diverged(state.global_step, args.learning_rate, args.max_grad_norm)
        self._pending = {"step": state.global_step, "loss": loss, "rate": logs["learning_rate"], "epoch": round(logs["epoch"], 6)}
        if not control.should_evaluate:
            self._write_pending()
        speed = self._measure(state.global_step, float(logs.get("num_tokens", 0.0)), norm)
        self.context.progress(state.global_step, state.max_steps, loss=loss, tokens_per_second=speed)

    def on_evaluate(self, args: TrainingArguments, state: TrainerState, control: TrainerControl,
                    metrics: dict[str, float], **_: Any) -> None:
        if self._pending is not None and "eval_loss" in metrics:
            self._pending["eval_loss"] = float(metrics["eval_loss"])
        self._write_pending()

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, model: torch.nn.Module,
                **_: Any) -> None:
        """Prove the checkpoint whole, and the losses up to it durable, before older ones go."""
        wait_for_all()  # each process writes the state of its own random numbers
        if self.context.rank == 0:
            self._seal(self.checkpoints / f"checkpoint-{state.global_step}", model, args)
        wait_for_all()

    def _seal(self, folder: Path, model: torch.nn.Module, args: TrainingArguments) -> None:
        with removed_unless_finished(folder):
            if not all(torch.isfinite(one).all() for one in model.parameters() if one.requires_grad):
                raise diverged(step_of(folder), args.learning_rate, args.max_grad_norm)  # the loss of the next step would say so, after this had been kept
            if self.loss_file.exists():
                with self.loss_file.open("rb") as file:
                    os.fsync(file.fileno())
            seal_checkpoint(folder, self.identity)
        prune_checkpoints(self.checkpoints, best_saved_step(self.loss_file, self.checkpoints))

    def _write_pending(self) -> None:
        if self._pending is not None and self.context.rank == 0:
            append_json_line(self.loss_file, self._pending, sync=False)
        self._pending = None

    def _measure(self, step: int, tokens: float, norm: float) -> float:
        now = time.monotonic()
        passed, read = now - self._at, tokens - self._tokens
        self._at, self._tokens, self.seconds = now, tokens, self.seconds + passed
        speed = round(read / passed, 1) if passed > 0 else 0.0
        if self.context.rank == 0:
            append_json_line(self.metrics_file, {"step": step, "tokens_per_second": speed, "gradient_norm": norm,
                                                 "memory_bytes": memory_in_use(), **main_memory(), "time": time.time(),
                                                 "seconds": round(self.seconds, 3)}, sync=False)
        return speed


def memory_in_use() -> int:
    """Bytes held on the GPU, or by this process where there is none."""
    return torch.cuda.max_memory_allocated() if torch.cuda.is_available() else psutil.Process().memory_info().rss


def main_memory() -> dict[str, int]:
    """What the process holds beside the GPU's memory; nothing where `memory_in_use` is that already."""
    return {"process_bytes": psutil.Process().memory_info().rss} if torch.cuda.is_available() else {}


def diverged(step: int, rate: float, clipping: float) -> SettingError:
    """The training has left all bounds: what happened and what to change."""
    return SettingError(f"The loss was no longer a number at step {step}: the training has diverged.",
                        f"Lower the learning rate ({rate:g} now; try {rate / 10:g}), raise the warm-up, or clip gradients shorter "
                        f"({clipping:g} now; 1 is usual), and start a new run. The checkpoints from before are kept.",
                        subject="learning_rate", code="loss_not_finite")
