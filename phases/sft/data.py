"""Pairs -> training rows: what supervised fine-tuning will learn, frozen when the job is submitted.

In: the pairs of a data set that are not rejected (or only the accepted ones), and the model to start from. Out, in the job's
inputs/: pairs.jsonl, validation.jsonl, parent.json.    python app.py sft NAME --plan
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from phases.sft.config import SftConfig
from phases.shared.database.connection import knowledge
from phases.shared.database.pairs import PairRow, dataset_pairs
from phases.shared.errors import ModelError, NotReady
from phases.shared.files import write_atomically, write_json
from phases.shared.models.base import locate_base
from phases.shared.models.folder import DESCRIPTION, ModelInfo, list_models, model_folder, named, replaced, weights_hash
from phases.shared.models.machine import this_machine, too_large
from phases.shared.project import Project
from phases.shared.training.counting import counter_of, keeps_its_template
from phases.shared.training.methods import missing_for_measuring, missing_for_start
from phases.shared.training.plan import Plan, Rows, base_facts, make_plan


def missing_for_sft(project: Project, config: SftConfig | None = None) -> tuple[str, ...]:
    """Why tab 4 cannot start a training, a sentence each; empty when it can."""
    config = config or SftConfig()
    missing = []
    if config.parent != "base" and cpt_parent(project, config) is None:
        missing.append(_no_parent(project, config))
    try:
        name = base_name(project, config)
        locate_base(name)
        missing += too_large(name, config.method, config.device, this_machine())
    except ModelError as problem:
        missing.append(str(problem))
    with knowledge(project) as connection:
        if not dataset_pairs(connection, config.dataset, "train", False):
            missing.append("There are no question-answer pairs yet: write some in tab 3 first.")
        elif config.accepted_only and not dataset_pairs(connection, config.dataset, "train", True):
            missing.append("No question-answer pair is accepted yet: accept some in tab 3, or train on all that are not rejected.")
        validation = dataset_pairs(connection, config.dataset, "validation", config.accepted_only)
    return (*missing, *missing_for_measuring(config, bool(validation), "pairs"), *missing_for_start(config))


def base_name(project: Project, config: SftConfig) -> str:
    """The base at the root of the run: that of the CPT model, or the chosen one, or the project's."""
    trained = cpt_parent(project, config)
    return trained.base if trained else config.base_model.strip() or project.base_model


def cpt_parent(project: Project, config: SftConfig) -> ModelInfo | None:
    """The CPT model that the run starts from; None when it starts from the base, or there is no such CPT model."""
    return next((one for one in cpt_models(project) if one.name == config.parent), None)


def cpt_models(project: Project) -> list[ModelInfo]:
    return [one for one in list_models(project) if one.phase == "cpt"]


def _no_parent(project: Project, config: SftConfig) -> str:
    known = [one.name for one in cpt_models(project)]
    if not known:
        return "There is no CPT model yet: train one in tab 2 first, or start from the base model."
    return f"There is no CPT model '{config.parent}' to start from: choose one of {', '.join(known)}, or base."


def plan_sft(project: Project, config: SftConfig) -> Plan:
    """What a run with these settings will do; its steps and tokens are the run's own."""
    with knowledge(project) as connection:
        pairs, validation = (dataset_pairs(connection, config.dataset, split, config.accepted_only) for split in ("train", "validation"))
    base = base_facts(base_name(project, config))
    trained = cpt_parent(project, config)
    counter = counter_of(Path(trained.path) if trained else base.folder, base.name)
    longest = min(config.max_length, base.context or config.max_length)
    lengths, evaluated = (counter.chats([(one.instruction, one.output) for one in some]) for some in (pairs, validation))
    fitting = [length for length in lengths if length <= longest]
    rows = Rows(len(pairs), fitting, [length for length in evaluated if length <= longest], 0, counter.name, counter.runs_template(),
                _pair_notes(pairs, len(pairs) - len(fitting), longest), (*_template_notes(base.folder), *replaced(project, final_name(config))))
    missing = missing_for_sft(project, config)
    if pairs and not fitting:
        missing = (*missing, f"Every pair is longer than {longest} tokens: raise the sequence length, or shorten the answers.")
    return make_plan(project, "sft", config, base, rows, missing)


def _template_notes(folder: Path | None) -> tuple[str, ...]:
    if folder is None or keeps_its_template(folder):
        return ()
    return ("The base model has no chat template that suits: Lehrling's own is used and stored with the trained model.",)


def _pair_notes(pairs: Sequence[PairRow], left_out: int, longest: int) -> tuple[str, ...]:
    stale = sum(pair.stale for pair in pairs)
    notes = [f"{stale} pairs are stale: their chunk was changed after they were written. Look at them in tab 3."] if stale else []
    if left_out:
        notes.append(f"{left_out} pairs are longer than {longest} tokens and are left out: an answer cut off teaches not to end.")
    return tuple(notes)


def prepare(project: Project, config: SftConfig, inputs: Path, arguments: Mapping[str, Any]) -> None:
    """Freeze the pairs and name the parent beyond doubt. Raises NotReady, SettingError."""
    final_name(config)
    missing = missing_for_sft(project, config)
    if missing:
        raise NotReady(missing[0], missing=missing)
    with knowledge(project) as connection:
        training = dataset_pairs(connection, config.dataset, "train", config.accepted_only)
        validation = dataset_pairs(connection, config.dataset, "validation", config.accepted_only)
    _write_pairs(inputs / "pairs.jsonl", training)
    _write_pairs(inputs / "validation.jsonl", validation)
    parent = {"parent": config.parent, "base": base_name(project, config), "cpt_job": "", "adapter_hash": ""}
    trained = cpt_parent(project, config)
    if trained:
        parent |= {"cpt_job": trained.job, "adapter_hash": weights_hash(Path(trained.path))}
    write_json(inputs / "parent.json", parent)


def _write_pairs(path: Path, pairs: Iterable[PairRow]) -> None:
    rows = [{"pair": one.id, "instruction": one.instruction, "output": one.output} for one in pairs]
    write_atomically(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def parent_folder(project: Project, parent: Mapping[str, str]) -> Path:
    """Where the CPT model lies that the job was submitted with: its immutable run, also when CPT was run again since."""
    for folder in (project.model_runs / parent["cpt_job"], model_folder(project, parent["parent"])):
        if (folder / DESCRIPTION).is_file() and weights_hash(folder) == parent["adapter_hash"]:
            return folder
    raise ModelError(f"The CPT model of {parent['cpt_job']}, which this job starts from, is gone or has changed.",
                     "Start SFT again with the CPT model of now.", subject=parent["cpt_job"], code="model_missing")


def final_name(config: SftConfig) -> str:
    """What the trained model is called: by its own name, or "final" with its data set and parent where they are not the usual ones.

    Raises SettingError for a name that no folder can have.
    """
    if config.name.strip():
        return named("final", config.name)
    dataset = "" if config.dataset == "sft_data" else f"-{config.dataset}"
    return f"final{dataset}" + ("" if config.parent == "cpt" else f"-from-{config.parent}")
