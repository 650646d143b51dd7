"""One training, the same for CPT and SFT: TRL's trainer with our order, our checkpoints and our reports.

In: a model, its tokenizer, rows (tokenised `input_ids` and `labels`, or conversational `prompt` and `completion`) and the
settings. Out: the model with its trained adapter or weights. Goes on from the newest checkpoint that verifies. For child processes only.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import datasets
import torch
from transformers import PrinterCallback, TrainerCallback, TrainerState
from transformers.utils import logging as transformers_logging
from trl import SFTConfig as TrainerConfig
from trl import SFTTrainer

from phases.shared.files import read_json_lines
from phases.shared.jobs.context import JobContext, JobStopped
from phases.shared.options import as_mapping
from phases.shared.training.adapters import count_trained, lora_config, put_back
from phases.shared.training.callbacks import LOSS_FILE, METRICS_FILE, JobReporter
from phases.shared.training.checkpoints import (
    best_checkpoint,
    cut_back,
    newest_checkpoint,
    removed_unless_finished,
    run_identity,
    step_of,
)
from phases.shared.training.clock import StepClock, clock_for
from phases.shared.training.distributed import decided_by_first, processes
from phases.shared.training.heap import keep_freed_memory
from phases.shared.training.loading import device_name, working_dtype
from phases.shared.training.losses import WHOLE_LOGITS_BYTES, logits_bytes, mean_loss
from phases.shared.training.memory_errors import memory_error, memory_ran_out
from phases.shared.training.noise import GatheringAdamW
from phases.shared.training.order import LengthGroupedOrder, reading_order
from phases.shared.training.packing import packed_rows
from phases.shared.training.plan import optimizer_steps, save_interval
from phases.shared.training.stopping import EarlyStopping
from phases.shared.training.tracking import TrackedRun


class TrainingSettings(Protocol):
    """The fields that CPT and SFT share."""

    method: str
    precision: str
    device: str
    learning_rate: float
    min_learning_rate: float
    epochs: float
    batch_size: int
    lora_rank: int
    lora_alpha: int
    lora_dropout: float
    gradient_accumulation: int
    adaptive_batch: int
    warmup_ratio: float
    weight_decay: float
    max_grad_norm: float
    gradient_checkpointing: bool
    keep_best: bool
    patience: int
    log_to: str
    order: str
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
    """What a finished training leaves. `step` is the checkpoint that the model is of, `trained` of `parameters` were changed, `clock`
    is what the steps took."""

    model: Any
    steps: int
    step: int
    train_loss: float
    seconds: float
    clock: StepClock
    trained: int
    parameters: int
    ended_early: bool
    optimizer: Any

    @property
    def figures(self) -> dict[str, Any]:
        """For the model's card and the job's result."""
        return {"steps": self.steps, "checkpoint": self.step, "seconds": self.seconds, "train_loss": self.train_loss,
                "trained_parameters": self.trained, "trained_share": round(self.trained / self.parameters, 6),
                **({"ended_early": True} if self.ended_early else {}), **self._noise()}

    def _noise(self) -> dict[str, Any]:
        """How far the batch has grown, where it may."""
        if not isinstance(self.optimizer, GatheringAdamW):
            return {}
        scale = self.optimizer.noise_scale
        return {"weight_changes": self.optimizer.kept["steps"], "last_batch": self.optimizer.kept["wanted"] * self.optimizer.batch,
                "noise_scale": round(scale, 1) if scale is not None else None}


class OrderOfEpoch(TrainerCallback):
    """Tells the order its epoch. The trainer does so too, but not through the wrappers in which a run of several processes that is
    resumed in the middle of an epoch hides it: it would go on with the rows of another epoch."""

    def __init__(self, order: LengthGroupedOrder) -> None:
        self.order = order

    def on_epoch_begin(self, args: Any, state: TrainerState, control: Any, **_: Any) -> None:
        self.order.set_epoch(int(state.epoch or 0))


class AdapterTrainer(SFTTrainer):
    """TRL's trainer with an order that can be repeated, and without a model card in every checkpoint."""

    def __init__(self, *, order: str, **arguments: Any) -> None:
        self.order = order
        super().__init__(**arguments)

    def _get_train_sampler(self, train_dataset: Any = None) -> LengthGroupedOrder:
        rows = train_dataset if train_dataset is not None else self.train_dataset
        order = reading_order(rows, self.order, self.args.per_device_train_batch_size, self.args.seed)
        self.add_callback(OrderOfEpoch(order))
        return order

    def compute_loss(self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None) -> Any:
        """TRL's chunked head computes the logits twice so that they never stand in memory whole; where they fit, once is enough."""
        if return_outputs or logits_bytes(model, inputs) > WHOLE_LOGITS_BYTES:
            return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
        loss = mean_loss(model, inputs, num_items_in_batch)
        if self.model.training:
            read = inputs["attention_mask"].sum() if "attention_mask" in inputs else torch.tensor(inputs["input_ids"].numel(), device=loss.device)
            self._total_train_tokens += self.accelerator.gather_for_metrics(read).sum().item()
        self._metrics["train" if self.model.training else "eval"]["num_tokens"] = [self._total_train_tokens]
        across = self.args.average_tokens_across_devices and num_items_in_batch is not None
        return loss * self.accelerator.num_processes if across else loss

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        with removed_unless_finished(Path(self.args.output_dir) / f"checkpoint-{self.state.global_step}"):
            super(SFTTrainer, self)._save_checkpoint(model, trial)


def train_adapter(context: JobContext, config: TrainingSettings, model: Any, tokenizer: Any, data: TrainingData) -> Trained:
    """Train the model by its method, or go on with that. Raises JobStopped after a stop request was honoured."""
    checkpoints = context.project.checkpoints / context.job_id
    identity = run_identity(data.hash, as_mapping(config))
    reporter = JobReporter(context, identity, checkpoints)
    stopping = EarlyStopping(reporter.loss_file, config.patience)
    if device_name(config.device) == "cpu":
        keep_freed_memory()
    try:
        trainer = build_trainer(config, model, tokenizer, data, checkpoints, reporter)
        if config.patience:
            trainer.add_callback(stopping)
        if config.log_to != "none":
            trainer.add_callback(TrackedRun(context, config.log_to))
        clock = clock_for(trainer)
        resumed = decided_by_first(lambda: _go_on_from(context, checkpoints, identity))
        trainer.train(resume_from_checkpoint=str(resumed) if resumed else None)
        optimizer = trainer.optimizer.optimizer  # accelerate's wrapping taken off
        if isinstance(optimizer, GatheringAdamW) and not reporter.stopped:
            optimizer.finish_step()
    except (torch.OutOfMemoryError, MemoryError, RuntimeError) as problem:
        if not memory_ran_out(problem):
            raise
        raise memory_error(config, data.max_length) from problem
    if reporter.stopped:
        raise JobStopped({"step": trainer.state.global_step, "steps": trainer.state.max_steps})
    step = trainer.state.global_step
    trained = trainer.accelerator.unwrap_model(trainer.model)
    if (config.keep_best or config.patience) and (best := _best(context, reporter, checkpoints, identity)):
        step = step_of(best)
        put_back(trained, best)
    return Trained(trained, trainer.state.global_step, step, last_loss(context.job_dir), round(reporter.seconds, 1), clock,
                   *count_trained(trained), bool(stopping.ended_at), optimizer)


def _best(context: JobContext, reporter: JobReporter, checkpoints: Path, identity: Mapping[str, Any]) -> Path | None:
    """The checkpoint to end with; None: what was trained last."""
    best, refused = decided_by_first(lambda: best_checkpoint(reporter.loss_file, checkpoints, identity))
    for sentence in refused:
        context.log(sentence)
    if refused and best is None:
        context.log("None of the kept checkpoints is whole: the run ends with its last step.")
    return best


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
                  reporter: TrainerCallback) -> AdapterTrainer:
    """TRL's trainer for these settings; its `train_dataset` is tokenised when it returns."""
    _be_quiet()
    train, evaluation = (datasets.Dataset.from_list(_packed(rows, config, data)) if rows else None
                         for rows in (data.train, data.evaluation))
    trainer = AdapterTrainer(order=config.order, model=model, args=trainer_config(config, data, checkpoints, len(train)), train_dataset=train,
                             eval_dataset=evaluation, processing_class=tokenizer, peft_config=lora_config(config), callbacks=[reporter],
                             optimizer_cls_and_kwargs=_gathering(config))
    trainer.remove_callback(PrinterCallback)
    return trainer


def _gathering(config: TrainingSettings) -> tuple[type, dict[str, Any]] | None:
    """The optimizer that gathers batches by their noise, where the settings ask for it."""
    if config.adaptive_batch == 1:
        return None
    batch = config.batch_size * config.gradient_accumulation * processes()
    return GatheringAdamW, {"lr": config.learning_rate, "batch": batch, "most": config.adaptive_batch, "clipping": config.max_grad_norm}


def _packed(rows: Sequence[dict[str, Any]], config: TrainingSettings, data: TrainingData) -> list[dict[str, Any]]:
    return packed_rows(rows, data.max_length) if getattr(config, "packing", False) else list(rows)


def trainer_config(config: TrainingSettings, data: TrainingData, checkpoints: Path, sequences: int) -> TrainerConfig:
    """Our settings in TRL's words. Every step is logged, so that losses do not depend on where a run was interrupted."""
    steps = optimizer_steps(sequences, config.batch_size, config.gradient_accumulation, config.epochs, processes())
    interval = save_interval(steps, config.save_steps)
    device, dtype = device_name(config.device), working_dtype(config.precision, config.device)
    packing = getattr(config, "packing", False)
    return TrainerConfig(
        output_dir=str(checkpoints), use_cpu=device == "cpu", ddp_backend="gloo" if processes() > 1 and device == "cpu" else None,
        bf16=dtype is torch.bfloat16, fp16=dtype is torch.float16,
        learning_rate=config.learning_rate, lr_scheduler_type="cosine_with_min_lr",
        lr_scheduler_kwargs={"min_lr_rate": config.min_learning_rate}, warmup_steps=round(steps * config.warmup_ratio),
        num_train_epochs=config.epochs, per_device_train_batch_size=config.batch_size,
        per_device_eval_batch_size=config.batch_size, gradient_accumulation_steps=config.gradient_accumulation,
        weight_decay=config.weight_decay,
        max_grad_norm=config.max_grad_norm if config.adaptive_batch == 1 else 0.0,  # what is gathered is clipped as a whole
        optim="paged_adamw_32bit" if config.method == "qlora" and device == "cuda" else "adamw_torch",
        gradient_checkpointing=config.gradient_checkpointing, gradient_checkpointing_kwargs={"use_reentrant": False},
        max_length=None if packing else data.max_length, packing=False, padding_free=packing,  # packing.py has packed already
        seed=config.seed, data_seed=config.seed, logging_steps=1, logging_nan_inf_filter=False, save_strategy="steps",
        save_steps=interval, eval_strategy="steps" if data.evaluation else "no", prediction_loss_only=True, eval_steps=interval if data.evaluation else None,
        report_to="none", disable_tqdm=True, dataloader_num_workers=0, dataloader_pin_memory=device == "cuda")


def last_loss(job_dir: Path) -> float:
    """Mean loss of the last tenth of the steps."""
    losses = [one["loss"] for one in read_json_lines(job_dir / LOSS_FILE)]
    tail = losses[-max(1, len(losses) // 10):]
    return round(sum(tail) / len(tail), 4) if tail else float("nan")


def _be_quiet() -> None:
    warnings.filterwarnings("ignore", category=FutureWarning, module=r"(transformers|trl|peft)\b")  # for programmers, not for a job's log
    transformers_logging.disable_progress_bar()
    datasets.disable_progress_bars()
