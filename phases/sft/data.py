"""Pairs -> training rows: what supervised fine-tuning will learn, frozen when the job is submitted.

In: the pairs of a data set that are not rejected (or only the accepted ones), and the model to start from. Out, in the job's
inputs/: pairs.jsonl, validation.jsonl, parent.json.    python app.py sft NAME --plan
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from phases.sft.config import SftConfig
from phases.shared.database.connection import knowledge
from phases.shared.database.pairs import PairRow, dataset_pairs
from phases.shared.errors import ModelError, NotReady
from phases.shared.files import sha256_of, write_atomically, write_json
from phases.shared.models.base import locate_base
from phases.shared.models.folder import read_model_info
from phases.shared.models.tokenizer import token_counter
from phases.shared.project import Project
from phases.shared.training.hardware import missing_hardware
from phases.shared.training.plan import Plan, few_steps_warning, optimizer_steps

WEIGHTS = "adapter_model.safetensors"


def missing_for_sft(project: Project, config: SftConfig | None = None) -> tuple[str, ...]:
    """Why tab 4 cannot start a training, a sentence each; empty when it can."""
    config = config or SftConfig()
    missing = []
    if config.parent == "cpt" and not (project.cpt_model / WEIGHTS).is_file():
        missing.append("There is no CPT model yet: train one in tab 2 first, or start from the base model.")
    try:
        locate_base(base_name(project, config))
    except ModelError as problem:
        missing.append(str(problem))
    with knowledge(project) as connection:
        if not dataset_pairs(connection, config.dataset, "train", False):
            missing.append("There are no question-answer pairs yet: write some in tab 3 first.")
        elif config.accepted_only and not dataset_pairs(connection, config.dataset, "train", True):
            missing.append("No question-answer pair is accepted yet: accept some in tab 3, or train on all that are not rejected.")
    return (*missing, *missing_hardware(config))


def base_name(project: Project, config: SftConfig) -> str:
    """The base at the root of the run: that of the CPT model, or the chosen one, or the project's."""
    if config.parent == "cpt" and (project.cpt_model / WEIGHTS).is_file():
        return read_model_info(project.cpt_model, "cpt").base
    return config.base_model.strip() or project.base_model


def plan_sft(project: Project, config: SftConfig) -> Plan:
    """Pairs, tokens and optimizer steps of a run."""
    with knowledge(project) as connection:
        pairs = dataset_pairs(connection, config.dataset, "train", config.accepted_only)
    count = token_counter(project).count
    tokens = sum(count(pair.instruction) + count(pair.output) for pair in pairs)
    steps = optimizer_steps(len(pairs), config.batch_size, config.gradient_accumulation, config.epochs, config.processes) if pairs else 0
    warnings = few_steps_warning(steps) if pairs else ()
    stale = sum(pair.stale for pair in pairs)
    if stale:
        warnings += (f"{stale} pairs are stale: their chunk was changed after they were written. Look at them in tab 3.",)
    return Plan(len(pairs), tokens, steps, warnings)


def prepare(project: Project, config: SftConfig, inputs: Path, arguments: Mapping[str, Any]) -> None:
    """Freeze the pairs and name the parent beyond doubt. Raises NotReady."""
    missing = missing_for_sft(project, config)
    if missing:
        raise NotReady(missing[0], missing=missing)
    with knowledge(project) as connection:
        training = dataset_pairs(connection, config.dataset, "train", config.accepted_only)
        validation = dataset_pairs(connection, config.dataset, "validation", config.accepted_only)
    _write_pairs(inputs / "pairs.jsonl", training)
    _write_pairs(inputs / "validation.jsonl", validation)
    parent = {"parent": config.parent, "base": base_name(project, config), "cpt_job": "", "adapter_hash": ""}
    if config.parent == "cpt":
        parent |= {"cpt_job": read_model_info(project.cpt_model, "cpt").job, "adapter_hash": sha256_of(project.cpt_model / WEIGHTS)}
    write_json(inputs / "parent.json", parent)


def _write_pairs(path: Path, pairs: Iterable[PairRow]) -> None:
    rows = [{"pair": one.id, "instruction": one.instruction, "output": one.output} for one in pairs]
    write_atomically(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def parent_folder(project: Project, parent: Mapping[str, str]) -> Path:
    """Where the CPT model lies that the job was submitted with: its immutable run, also when CPT was run again since."""
    for folder in (project.model_runs / parent["cpt_job"], project.cpt_model):
        if (folder / WEIGHTS).is_file() and sha256_of(folder / WEIGHTS) == parent["adapter_hash"]:
            return folder
    raise ModelError(f"The CPT model of {parent['cpt_job']}, which this job starts from, is gone or has changed.",
                     "Start SFT again with the CPT model of now.", subject=parent["cpt_job"], code="model_missing")


def final_name(config: SftConfig) -> str:
    """What the trained model is called: "final", with its data set and parent where they are not the usual ones."""
    dataset = "" if config.dataset == "sft_data" else f"-{config.dataset}"
    return f"final{dataset}" + ("" if config.parent == "cpt" else "-from-base")
