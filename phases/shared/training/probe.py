"""The probe: a few real steps of the real trainer on the real data, to know what a run will take before it starts.

In: what a training would begin with. Out: a `Measurement` in the job's folder. Nothing that it trains is kept, and it runs in a
process of its own, so a later run is the same with and without it. For child processes only.

    python app.py cpt NAME --probe
"""

from __future__ import annotations

import dataclasses
import shutil
import time
from collections.abc import Iterator, Sequence
from statistics import mean
from typing import Any

import torch
from transformers import TrainerCallback

from phases.shared.jobs.context import JobContext
from phases.shared.training.checkpoints import library_versions, seal_checkpoint
from phases.shared.training.clock import StepClock, clock_for, peak_memory, process_began
from phases.shared.training.measured import Beginning, Measurement, keep_measurement
from phases.shared.training.order import LengthGroupedOrder
from phases.shared.training.trainer import TrainingData, TrainingSettings, build_trainer

BUDGET_SECONDS = 12.0
FEWEST_STEPS = 3  # the warm-up, the largest batch and a small one
ROUNDS = 6
EVALUATED_ROWS = 32
QUANTILES = (1.0, 0.0, 0.5, 0.75, 0.25)  # of the batches by size; the largest soon, since it needs the most memory


class ChosenOrder(torch.utils.data.Sampler):
    """The rows of the chosen batches, one batch after the other."""

    def __init__(self, rows: Sequence[int]) -> None:
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[int]:
        return iter(self.rows)


class StopWhenKnown(TrainerCallback):
    """Ends the probe after its time, or when a person stops it."""

    def __init__(self, context: JobContext) -> None:
        self.context = context
        self.until = 0.0

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.until = time.monotonic() + BUDGET_SECONDS

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.context.progress(state.global_step, state.max_steps)
        late = time.monotonic() > self.until and state.global_step >= FEWEST_STEPS
        if late or self.context.stop_requested():
            control.should_training_stop = True


def probe_adapter(context: JobContext, config: TrainingSettings, model: Any, tokenizer: Any, data: TrainingData,
                  beginning: Beginning) -> Measurement:
    """Measure with the settings of the run, one batch a step, and store what was measured."""
    beside = context.job_dir / "probe"
    config = dataclasses.replace(config, epochs=1.0, gradient_accumulation=1)  # type: ignore[type-var]
    trainer = build_trainer(config, model, tokenizer, data, beside, StopWhenKnown(context))
    clock = clock_for(trainer)
    lengths = [len(ids) for ids in trainer.train_dataset["input_ids"]]
    batches = chosen_batches(lengths, config.batch_size, config.seed)
    trainer._get_train_sampler = lambda *_: ChosenOrder([row for batch in batches for row in batch])
    trainer.args.save_strategy = trainer.args.eval_strategy = "no"
    context.phase("training")
    trainer.train()
    sizes = [len(batch) * max(lengths[row] for row in batch) for batch in batches]
    evaluated = _seconds_per_evaluated_token(context, trainer)
    saving = _seconds_of_a_save(context, trainer, beside)
    measured = Measurement(
        key=beginning.key, job=context.job_id, source="probe", batches=tuple(zip(sizes[1:], clock.warm_steps, strict=False)),
        peak_bytes=peak_memory(), start_seconds=clock.began - process_began() - beginning.apart_seconds,
        end_seconds=saving + beginning.loading_seconds, save_seconds=saving, seconds_per_evaluated_token=evaluated,
        seconds_per_perplexity_token=beginning.seconds_per_perplexity_token, perplexity=beginning.perplexity)
    keep_measurement(context.job_dir, measured)
    return measured


def chosen_batches(lengths: Sequence[int], batch_size: int, seed: int) -> list[list[int]]:
    """Batches as the run will see them, picked by size: the middle one to warm up, then the largest, the smallest and between,
    several times over."""
    order = list(LengthGroupedOrder(lengths, batch_size, seed))
    batches = [order[at:at + batch_size] for at in range(0, len(order), batch_size)]
    whole = sorted((one for one in batches if len(one) == batch_size), key=lambda batch: max(lengths[row] for row in batch))
    if not whole:
        return [batches[0]] * (1 + ROUNDS)
    picked = [whole[round(share * (len(whole) - 1))] for share in QUANTILES]
    return [picked[2], *picked * ROUNDS]


def _seconds_per_evaluated_token(context: JobContext, trainer: Any) -> float:
    """Of the held-out rows with their padding; 0 when there are none."""
    if trainer.eval_dataset is None:
        return 0.0
    context.phase("evaluating")
    some = trainer.eval_dataset.select(range(min(EVALUATED_ROWS, len(trainer.eval_dataset))))
    begin = time.monotonic()
    trainer.evaluate(some)
    return (time.monotonic() - begin) / max(1, sum(len(ids) for ids in some["input_ids"]))


def _seconds_of_a_save(context: JobContext, trainer: Any, beside: Any) -> float:
    """One checkpoint with its proof, written and removed again."""
    context.phase("saving")
    begin = time.monotonic()
    trainer._save_checkpoint(trainer.model, None)
    seal_checkpoint(beside / f"checkpoint-{trainer.state.global_step}", {"versions": library_versions()})
    passed = time.monotonic() - begin
    shutil.rmtree(beside)
    return passed


def measure_run(context: JobContext, clock: StepClock, beginning: Beginning) -> None:
    """Store what a whole run took, for the plan of the next one with the same settings. Called when its result is saved."""
    if not clock.warm_steps:
        return  # resumed behind its last step: there was nothing to measure
    step = mean(clock.warm_steps) / clock.accumulation
    keep_measurement(context.job_dir, Measurement(
        key=beginning.key, job=context.job_id, source="run", batches=((round(clock.batch_tokens), step),), peak_bytes=clock.peak_bytes,
        start_seconds=clock.began - process_began() - beginning.apart_seconds,
        end_seconds=max(0.0, time.time() - clock.ended - beginning.perplexity_seconds), save_seconds=mean(clock.saves or [0.0]),
        seconds_per_evaluated_token=mean(clock.evaluations or [0.0]) / max(1, clock.evaluated_tokens),
        seconds_per_perplexity_token=beginning.seconds_per_perplexity_token, perplexity=beginning.perplexity))
