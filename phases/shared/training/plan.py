"""The plan of a training before it starts: steps, tokens, minutes, memory, disk, downloads, and what speaks against it. No torch.

In: the rows a run would read (their lengths in tokens, counted as the training counts), the settings, the base model's config.json,
and what was measured on this machine. Out: a `Plan`; steps and tokens are the trainer's own, the rest says where it comes from.

    python app.py cpt NAME --plan        --probe measures first
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from phases.shared.errors import ModelError
from phases.shared.models.base import base_model_choices, cached_base, locate_base
from phases.shared.models.machine import machine_for
from phases.shared.project import Project
from phases.shared.training import resources
from phases.shared.training.advice import Facts, plan_warnings, step_notes
from phases.shared.training.measured import (
    Measurement,
    Workload,
    find_measurement,
    probe_config,
    seconds_of_run,
    settings_key,
)
from phases.shared.training.memory import ModelShape, read_shape, trained_parameters, training_memory

CHECKPOINTS_PER_RUN = 10


@dataclass(frozen=True)
class Plan:
    """What a run will do. None means "not known yet".

    Args:
        texts, sequences: texts (or pairs), and the rows they make. tokens: of all rows, read once; `tokens_in_all` with the epochs.
        counted_with: whose tokenizer counted. exact: False when that is not the base model's own, which is not downloaded yet.
        exposures: times each text is read. seconds: of the whole job without a download. memory_bytes: at its peak.
        seconds_from, memory_from: "probe", "run", "estimate", or "" when unknown. disk_bytes: checkpoints, result and export.
        download: model to fetch ("" when it is here), download_bytes its size where it is known.
        trained_share: of the model's parameters, 0 to 1.
        missing: why it cannot start, a sentence each. notes: what is good to know and speaks against nothing.
    """

    texts: int
    tokens: int
    steps: int
    warnings: tuple[str, ...]
    sequences: int = 0
    tokens_in_all: int = 0
    counted_with: str = ""
    exact: bool = True
    exposures: float = 0.0
    seconds: float | None = None
    seconds_from: str = ""
    memory_bytes: int | None = None
    memory_from: str = ""
    disk_bytes: int | None = None
    download: str = ""
    download_bytes: int | None = None
    trained_parameters: int | None = None
    trained_share: float | None = None
    ready: bool = True
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rows:
    """What a phase tells of its data: lengths of the training rows and of the rows whose loss is measured, in tokens.

    Args:
        texts: how many texts or pairs. perplexity_tokens: measured before and after, 0 where no perplexity is.
        counted_with, exact: as in the `Plan`. warnings, notes: what the phase itself has to say.
    """

    texts: int
    lengths: Sequence[int]
    evaluated: Sequence[int]
    perplexity_tokens: int
    counted_with: str
    exact: bool
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class BaseFacts:
    """What is known of a base model from outside: its folder when it is on this machine, and its shape."""

    name: str
    folder: Path | None
    shape: ModelShape | None

    @property
    def context(self) -> int | None:
        return self.shape.context if self.shape else None


def base_facts(name: str) -> BaseFacts:
    """Of a base model by its name; also of one that cannot be found, about which nothing is known."""
    try:
        place = locate_base(name)
    except ModelError:
        return BaseFacts(name, None, None)
    folder = place if isinstance(place, Path) else cached_base(place)
    if folder is None:
        known = next((one for one in base_model_choices() if one.id == name), None)
        return BaseFacts(name, None, known.shape if known else None)
    return BaseFacts(name, folder, read_shape(folder / "config.json"))


def make_plan(project: Project, kind: str, config: Any, base: BaseFacts, rows: Rows, missing: Sequence[str]) -> Plan:
    """The plan of a run of a kind ("cpt" or "sft") with these rows."""
    steps = optimizer_steps(len(rows.lengths), config.batch_size, config.gradient_accumulation, config.epochs, config.all_processes) if rows.lengths else 0
    plan = Plan(rows.texts, sum(rows.lengths), steps, (), len(rows.lengths), round(sum(rows.lengths) * config.epochs),
                rows.counted_with, rows.exact, config.epochs)
    measured, at_once = _measured(project, kind, config, base)
    plan = _with_resources(_with_model(plan, config, base, max(rows.lengths, default=config.max_length)), project, kind, config, base)
    if measured is not None and rows.lengths:
        work = replace(workload(rows, config, steps), at_once=at_once)
        plan = replace(plan, seconds=round(seconds_of_run(work, measured), 1), seconds_from=measured.source,
                       memory_bytes=measured.peak_bytes * resources.sharing(config), memory_from=measured.source)
    lacking = (*missing, *resources.lacking(project, plan.disk_bytes))
    warnings = (*rows.warnings, *plan_warnings(_facts(plan, kind, config, base, rows, measured))) if rows.lengths else ()
    notes = (*rows.notes, *step_notes(config, base.shape.parameters if base.shape else None), *_place_notes(config, measured))
    return replace(plan, warnings=warnings, notes=notes, missing=lacking, ready=not lacking)


def _place_notes(config: Any, measured: Measurement | None) -> tuple[str, ...]:
    """What the figures are worth where the run computes elsewhere."""
    if config.runner != "slurm":
        return ()
    figures = ("time and memory were measured there." if measured else
               "memory is estimated from the model alone, and time is known once a few steps were measured there.")
    known = "" if machine_for(config).room(config.method, config.device) else " Whether it fits into the node's memory cannot be told here."
    return (f"The run goes to the Slurm cluster, so this machine's speed and memory do not count: {figures} Its nodes may differ.{known}",)


def _measured(project: Project, kind: str, config: Any, base: BaseFacts) -> tuple[Measurement | None, int]:
    """What was measured with these settings, and how many batches that many seconds are for. For several processes a probe of one
    serves: on GPUs each computes as fast as one alone, on a CPU they share its cores."""
    own = find_measurement(project, settings_key(base.name, kind, config))
    if own is not None or config.all_processes == 1:
        return own, config.all_processes
    alone = find_measurement(project, settings_key(base.name, kind, probe_config(config)))
    return alone, config.all_processes // resources.sharing(config)


def workload(rows: Rows, config: Any, steps: int) -> Workload:
    """The run in numbers, for its time: it measures and saves at every interval, and at its end."""
    interval = save_interval(steps, config.save_steps)
    saves = steps // interval + (1 if steps % interval else 0)
    return Workload(rows.lengths, config.batch_size, config.epochs, sum(rows.evaluated), steps // interval if rows.evaluated else 0,
                    saves, rows.perplexity_tokens)


def optimizer_steps(sequences: int, batch_size: int, accumulation: int, epochs: float, processes: int = 1) -> int:
    """Optimizer steps of a run: batches of an epoch, rounded up, dealt out to the processes, gathered, times epochs."""
    per_epoch = math.ceil(math.ceil(math.ceil(sequences / batch_size) / processes) / accumulation)
    return math.ceil(per_epoch * epochs)


def save_interval(steps: int, save_steps: int) -> int:
    """Steps between two checkpoints: as asked, or about ten in a run."""
    return save_steps or max(1, math.ceil(steps / CHECKPOINTS_PER_RUN))


def _with_model(plan: Plan, config: Any, base: BaseFacts, longest: int) -> Plan:
    """Parameters and memory, as far as config.json tells; `longest` is the longest row in tokens."""
    if base.shape is None:
        return plan
    method = config.method
    longest = min(longest, config.max_length, base.shape.context)
    trained = trained_parameters(base.shape, method, config.lora_rank)
    whole = base.shape.parameters + (0 if method == "full" else trained)
    memory = training_memory(base.shape, method=method, batch_size=config.batch_size, max_length=longest, rank=config.lora_rank,
                             gradient_checkpointing=config.gradient_checkpointing, dtype_bytes=resources.working_bytes(config))
    return replace(plan, trained_parameters=trained, trained_share=trained / whole, memory_bytes=memory * resources.sharing(config),
                   memory_from="estimate")


def _with_resources(plan: Plan, project: Project, kind: str, config: Any, base: BaseFacts) -> Plan:
    """Disk and download."""
    disk = resources.disk_needed(base.shape, base.folder, kind, config.method, config.lora_rank) if base.shape else None
    if base.folder is not None:
        return replace(plan, disk_bytes=disk)
    known = next((one for one in base_model_choices() if one.id == base.name), None)
    return replace(plan, disk_bytes=disk, download=base.name, download_bytes=known.download_bytes if known else None)


def _facts(plan: Plan, kind: str, config: Any, base: BaseFacts, rows: Rows, measured: Measurement | None) -> Facts:
    machine = machine_for(config)
    return Facts(kind=kind, base=base.name, method=config.method, steps=plan.steps, epochs=config.epochs,
                 learning_rate=config.learning_rate, max_length=config.max_length, context=base.context,
                 evaluated=len(rows.evaluated), evaluated_tokens=sum(rows.evaluated), parameters=base.shape.parameters if base.shape else None,
                 memory_bytes=plan.memory_bytes, memory_total=machine.room(config.method, config.device), machine=machine.called, replay=float(getattr(config, "replay", 0.0)),
                 perplexity=measured.perplexity if measured else None)
