"""One LoRA training, the same for CPT and SFT: TRL's trainer with our order, our checkpoints and our reports.

In: a model, its tokenizer, rows (tokenised `input_ids` and `labels`, or conversational `prompt` and `completion`) and the
settings. Out: the model with its trained adapter. Goes on from the newest checkpoint that verifies. For child processes only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import datasets
import torch
from peft import LoraConfig, set_peft_model_state_dict
from safetensors.torch import load_file
from transformers import PrinterCallback, TrainerCallback, TrainerState
from transformers.utils import logging as transformers_logging
from trl import SFTConfig as TrainerConfig
from trl import SFTTrainer

from phases.shared.files import read_json_lines
from phases.shared.jobs.context import JobContext, JobStopped
from phases.shared.options import as_mapping
from phases.shared.training.callbacks import LOSS_FILE, METRICS_FILE, JobReporter
from phases.shared.training.checkpoints import (
    best_saved_step,
    cut_back,
    newest_checkpoint,
    removed_unless_finished,
    run_identity,
    step_of,
)
from phases.shared.training.distributed import decided_by_first, processes
from phases.shared.training.loading import device_name, working_dtype
from phases.shared.training.memory_errors import memory_error, memory_ran_out
from phases.shared.training.plan import optimizer_steps, save_interval

BATCHES_SORTED_TOGETHER = 8


class TrainingSettings(Protocol):
    """The fields that CPT and SFT share."""

    learning_rate: float
    epochs: float
    batch_size: int
    lora_rank: int
    lora_alpha: int
    lora_dropout: float
    gradient_accumulation: int
    warmup_ratio: float
    weight_decay: float
    max_grad_norm: float
    gradient_checkpointing: bool
    save_steps: int
    seed: int


@dataclass(frozen=True)
class TrainingData:
    """Rows to train on and rows to measure the loss on (may be empty), with the hash of what they were made from."""

    train: Sequence[dict[str, Any]]
    evaluation: Sequence[dict[str, Any]]
    hash: str
    max_length: int


@dataclass(frozen=True)
class Trained:
    """What a finished training leaves. `step` is the checkpoint that the adapter is of."""

    model: Any
    steps: int
    step: int
    train_loss: float
    seconds: float


class LengthGroupedOrder(torch.utils.data.Sampler):
    """A new order each epoch in which the rows of a batch are about equally long; a function of seed and epoch alone.

    So a resumed run sees the rows in the order of an uninterrupted one, whatever else drew random numbers.
    """

    def __init__(self, lengths: Sequence[int], batch_size: int, seed: int) -> None:
        self.lengths, self.batch_size, self.seed, self.epoch = lengths, batch_size, seed, 0

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.lengths)

    def __iter__(self) -> Iterator[int]:
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + self.epoch)
        order = torch.randperm(len(self.lengths), generator=generator).tolist()
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


class OrderOfEpoch(TrainerCallback):
    """Tells the order its epoch. The trainer does so too, but not through the wrappers in which a run of several processes that is
    resumed in the middle of an epoch hides it: it would go on with the rows of another epoch."""

    def __init__(self, order: LengthGroupedOrder) -> None:
        self.order = order

    def on_epoch_begin(self, args: Any, state: TrainerState, control: Any, **_: Any) -> None:
        self.order.set_epoch(int(state.epoch or 0))


class AdapterTrainer(SFTTrainer):
    """TRL's trainer with an order that can be repeated, and without a model card in every checkpoint."""

    def _get_train_sampler(self, train_dataset: Any = None) -> LengthGroupedOrder:
        rows = train_dataset if train_dataset is not None else self.train_dataset
        order = LengthGroupedOrder([len(ids) for ids in rows["input_ids"]], self.args.per_device_train_batch_size, self.args.seed)
        self.add_callback(OrderOfEpoch(order))
        return order

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        with removed_unless_finished(Path(self.args.output_dir) / f"checkpoint-{self.state.global_step}"):
            super(SFTTrainer, self)._save_checkpoint(model, trial)


def train_adapter(context: JobContext, config: TrainingSettings, model: Any, tokenizer: Any, data: TrainingData) -> Trained:
    """Train a fresh adapter on the model, or go on with one. Raises JobStopped after a stop request was honoured."""
    checkpoints = context.project.checkpoints / context.job_id
    identity = run_identity(data.hash, as_mapping(config))
    reporter = JobReporter(context, identity, checkpoints)
    try:
        trainer = build_trainer(config, model, tokenizer, data, checkpoints, reporter)
        resumed = decided_by_first(lambda: _go_on_from(context, checkpoints, identity))
        trainer.train(resume_from_checkpoint=str(resumed) if resumed else None)
    except (torch.OutOfMemoryError, MemoryError, RuntimeError) as problem:
        if not memory_ran_out(problem):
            raise
        raise memory_error(config, data.max_length) from problem
    if reporter.stopped:
        raise JobStopped({"step": trainer.state.global_step, "steps": trainer.state.max_steps})
    step = trainer.state.global_step
    if getattr(config, "keep_best", False) and (best := best_saved_step(reporter.loss_file, checkpoints)):
        step = best
        weights = load_file(checkpoints / f"checkpoint-{best}" / "adapter_model.safetensors")
        set_peft_model_state_dict(trainer.model, weights)
    return Trained(trainer.accelerator.unwrap_model(trainer.model), trainer.state.global_step, step,
                   last_loss(context.job_dir), round(reporter.seconds, 1))


def _go_on_from(context: JobContext, checkpoints: Path, identity: Mapping[str, Any]) -> Path | None:
    """The checkpoint to go on from (None: the beginning); what was written after it is cut off."""
    resumed, refused = newest_checkpoint(checkpoints, identity)
    for sentence in refused:
        context.log(sentence)
    for name in (LOSS_FILE, METRICS_FILE):
        cut_back(context.job_dir / name, step_of(resumed) if resumed else 0)
    context.log(f"Going on from {resumed.name}." if resumed else "Training from the beginning.")
    return resumed


def build_trainer(config: TrainingSettings, model: Any, tokenizer: Any, data: TrainingData, checkpoints: Path,
                  reporter: JobReporter) -> AdapterTrainer:
    """TRL's trainer for these settings; its `train_dataset` is tokenised when it returns."""
    _be_quiet()
    adapter = LoraConfig(r=config.lora_rank, lora_alpha=config.lora_alpha or 2 * config.lora_rank,
                         lora_dropout=config.lora_dropout, target_modules="all-linear", task_type="CAUSAL_LM")
    evaluation = datasets.Dataset.from_list(list(data.evaluation)) if data.evaluation else None
    trainer = AdapterTrainer(model=model, args=trainer_config(config, data, checkpoints),
                             train_dataset=datasets.Dataset.from_list(list(data.train)), eval_dataset=evaluation,
                             processing_class=tokenizer, peft_config=adapter, callbacks=[reporter])
    trainer.remove_callback(PrinterCallback)
    return trainer


def trainer_config(config: TrainingSettings, data: TrainingData, checkpoints: Path) -> TrainerConfig:
    """Our settings in TRL's words. Every step is logged, so that losses do not depend on where a run was interrupted."""
    steps = optimizer_steps(len(data.train), config.batch_size, config.gradient_accumulation, config.epochs,
                            processes())
    interval = save_interval(steps, config.save_steps)
    on_gpu = device_name() == "cuda"
    return TrainerConfig(
        output_dir=str(checkpoints), use_cpu=not on_gpu, ddp_backend="gloo" if processes() > 1 and not on_gpu else None, bf16=on_gpu and working_dtype() is torch.bfloat16,
        learning_rate=config.learning_rate, lr_scheduler_type="cosine", warmup_steps=round(steps * config.warmup_ratio),
        num_train_epochs=config.epochs, per_device_train_batch_size=config.batch_size,
        per_device_eval_batch_size=config.batch_size, gradient_accumulation_steps=config.gradient_accumulation,
        weight_decay=config.weight_decay, max_grad_norm=config.max_grad_norm, optim="adamw_torch",
        gradient_checkpointing=config.gradient_checkpointing, gradient_checkpointing_kwargs={"use_reentrant": False},
        max_length=data.max_length, packing=False, seed=config.seed, data_seed=config.seed,
        logging_steps=1, logging_nan_inf_filter=False, save_strategy="steps", save_steps=interval,
        eval_strategy="steps" if data.evaluation else "no", eval_steps=interval if data.evaluation else None,
        report_to="none", disable_tqdm=True, dataloader_num_workers=0, dataloader_pin_memory=on_gpu)


def last_loss(job_dir: Path) -> float:
    """Mean loss of the last tenth of the steps."""
    losses = [one["loss"] for one in read_json_lines(job_dir / LOSS_FILE)]
    tail = losses[-max(1, len(losses) // 10):]
    return round(sum(tail) / len(tail), 4) if tail else float("nan")


def _be_quiet() -> None:
    transformers_logging.disable_progress_bar()
    datasets.disable_progress_bars()
