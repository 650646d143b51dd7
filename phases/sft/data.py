"""Pairs -> training rows: what supervised fine-tuning will learn, and the model that it starts from.

In: the pairs of a data set that are not rejected (or only the accepted ones), and the model to start from. Out, in the job's
inputs/: pairs.jsonl, validation.jsonl, parent.json.    python app.py sft NAME --plan

All of it is frozen when the job is submitted, but for the parent of a job that waits for the CPT job that makes it (`--after`): then
awaits.json names that job, and parent.json is written when the training starts. So a night trains on the pairs that were there when it
was planned, and never from an older model.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from phases.sft.config import SftConfig
from phases.shared.database.connection import knowledge
from phases.shared.database.pairs import PairRow, dataset_pairs
from phases.shared.errors import ModelError, NotReady
from phases.shared.files import write_atomically, write_json
from phases.shared.jobs.promises import Promise, Promises
from phases.shared.models.base import locate_base
from phases.shared.models.folder import (
    DESCRIPTION,
    ModelInfo,
    list_models,
    model_folder,
    named,
    read_model_info,
    replaced,
    weights_hash,
)
from phases.shared.models.machine import machine_for, too_large
from phases.shared.project import Project
from phases.shared.training.counting import counter_of, keeps_its_template
from phases.shared.training.methods import missing_for_measuring, missing_for_start
from phases.shared.training.plan import BaseFacts, Plan, Rows, base_facts, make_plan

SETTLED, AWAITED = "parent.json", "awaits.json"
NOTHING_PROMISED: Promises = MappingProxyType({})


def missing_for_sft(project: Project, config: SftConfig | None = None, promised: Promises = NOTHING_PROMISED) -> tuple[str, ...]:
    """Why tab 4 cannot start a training, a sentence each; empty when it can. `promised` are the models that the jobs it is to wait for
    will make."""
    config = config or SftConfig()
    missing = list(_missing_parent(project, config, promised))
    try:
        name = base_name(project, config, promised)
        locate_base(name)
        missing += too_large(name, config.method, config.device, machine_for(config))
    except ModelError as problem:
        missing.append(str(problem))
    with knowledge(project) as connection:
        if not dataset_pairs(connection, config.dataset, "train", False):
            missing.append("There are no question-answer pairs yet: write some in tab 3 first.")
        elif config.accepted_only and not dataset_pairs(connection, config.dataset, "train", True):
            missing.append("No question-answer pair is accepted yet: accept some in tab 3, or train on all that are not rejected.")
        validation = dataset_pairs(connection, config.dataset, "validation", config.accepted_only)
    return (*missing, *missing_for_measuring(config, bool(validation), "pairs"), *missing_for_start(config))


def base_name(project: Project, config: SftConfig, promised: Promises = NOTHING_PROMISED) -> str:
    """The base at the root of the run: that of the CPT model, or the chosen one, or the project's."""
    trained = promised_parent(config, promised) or cpt_parent(project, config)
    return trained.base if trained else config.base_model.strip() or project.base_model


def cpt_parent(project: Project, config: SftConfig) -> ModelInfo | None:
    """The CPT model that the run starts from; None when it starts from the base, or there is no such CPT model."""
    return next((one for one in cpt_models(project) if one.name == config.parent), None)


def promised_parent(config: SftConfig, promised: Promises) -> Promise | None:
    """The CPT model to start from, where a job that is waited for makes it; it counts before one of that name that is there."""
    found = promised.get(config.parent)
    return found if found is not None and found.kind == "cpt" else None


def cpt_models(project: Project) -> list[ModelInfo]:
    return [one for one in list_models(project) if one.phase == "cpt"]


def _missing_parent(project: Project, config: SftConfig, promised: Promises) -> tuple[str, ...]:
    if config.parent == "base" or promised_parent(config, promised):
        return ()
    awaited = next((one for one in promised.values() if one.kind == "cpt"), None)
    if awaited is not None:  # to start from another one, by an oversight, would take a whole night
        return (f"The job {awaited.job} that this run is to wait for makes the model '{awaited.name}', but the run is to start from "
                f"'{config.parent}': start from {awaited.name}, or do not wait for that job.",)
    known = [one.name for one in cpt_models(project)]
    if not known:
        return ("There is no CPT model yet: train one in tab 2 first, start later, after a CPT run that waits or runs, or start from the "
                "base model.",)
    if config.parent not in known:
        return (f"There is no CPT model '{config.parent}' to start from: choose one of {', '.join(known)}, or base.",)
    return ()


def plan_sft(project: Project, config: SftConfig, promised: Promises = NOTHING_PROMISED) -> Plan:
    """What a run with these settings will do; its steps and tokens are the run's own."""
    with knowledge(project) as connection:
        pairs, validation = (dataset_pairs(connection, config.dataset, split, config.accepted_only) for split in ("train", "validation"))
    base = base_facts(base_name(project, config, promised))
    awaited = promised_parent(config, promised)
    trained = None if awaited else cpt_parent(project, config)
    counter = counter_of(Path(trained.path) if trained else base.folder, base.name)
    longest = min(config.max_length, base.context or config.max_length)
    lengths, evaluated = (counter.chats([(one.instruction, one.output) for one in some]) for some in (pairs, validation))
    fitting = [length for length in lengths if length <= longest]
    rows = Rows(len(pairs), fitting, [length for length in evaluated if length <= longest], 0, counter.name, counter.runs_template(),
                _pair_notes(pairs, len(pairs) - len(fitting), longest), (*_parent_notes(awaited), *_template_notes(base), *replaced(project, final_name(config))))
    missing = missing_for_sft(project, config, promised)
    if pairs and not fitting:
        missing = (*missing, f"Every pair is longer than {longest} tokens: raise the sequence length, or shorten the answers.")
    return make_plan(project, "sft", config, base, rows, missing)


def _parent_notes(awaited: Promise | None) -> tuple[str, ...]:
    if awaited is None:
        return ()
    return (f"It starts from the model that {awaited.job} will make. The pairs are those of now, also if more are written meanwhile.",)


def _template_notes(base: BaseFacts) -> tuple[str, ...]:
    """Of a model that is not here yet, what the short list tells."""
    ours = base.listed is not None and base.listed.chat_template is False if base.folder is None else not keeps_its_template(base.folder)
    if not ours:
        return ()
    return ("The base model has no chat template that suits: Lehrling's own is used and stored with the trained model.",)


def _pair_notes(pairs: Sequence[PairRow], left_out: int, longest: int) -> tuple[str, ...]:
    stale = sum(pair.stale for pair in pairs)
    notes = [f"{stale} pairs are stale: their chunk was changed after they were written. Look at them in tab 3."] if stale else []
    if left_out:
        notes.append(f"{left_out} pairs are longer than {longest} tokens and are left out: an answer cut off teaches not to end.")
    return tuple(notes)


def prepare(project: Project, config: SftConfig, inputs: Path, arguments: Mapping[str, Any]) -> None:
    """Freeze the pairs and name the parent beyond doubt, or the job that makes it. Raises NotReady, SettingError."""
    final_name(config)
    promised: Promises = arguments.get("promised", NOTHING_PROMISED)
    missing = missing_for_sft(project, config, promised)
    if missing:
        raise NotReady(missing[0], missing=missing)
    with knowledge(project) as connection:
        training = dataset_pairs(connection, config.dataset, "train", config.accepted_only)
        validation = dataset_pairs(connection, config.dataset, "validation", config.accepted_only)
    _write_pairs(inputs / "pairs.jsonl", training)
    _write_pairs(inputs / "validation.jsonl", validation)
    parent = {"parent": config.parent, "base": base_name(project, config, promised), "cpt_job": "", "adapter_hash": ""}
    awaited = promised_parent(config, promised)
    if awaited:
        write_json(inputs / AWAITED, {**parent, "cpt_job": awaited.job})
        return
    trained = cpt_parent(project, config)
    if trained:
        parent |= {"cpt_job": trained.job, "adapter_hash": weights_hash(Path(trained.path))}
    write_json(inputs / SETTLED, parent)


def settle_parent(project: Project, inputs: Path) -> dict[str, str]:
    """The model to start from. Where the job waited for it, it is named beyond doubt now and once: a resumed run starts from the same.
    Raises ModelError when it is not there."""
    settled = inputs / SETTLED
    if not settled.is_file():
        awaited = json.loads((inputs / AWAITED).read_text(encoding="utf-8"))
        folder = project.model_runs / awaited["cpt_job"]
        if not (folder / DESCRIPTION).is_file():
            raise ModelError(f"The job {awaited['cpt_job']} that this one waited for left no model in models/runs.",
                             "Train the CPT model again, then start SFT again.", subject=awaited["cpt_job"], code="model_missing")
        made = read_model_info(folder, awaited["parent"])
        write_json(settled, {**awaited, "base": made.base, "adapter_hash": weights_hash(folder)})
    return json.loads(settled.read_text(encoding="utf-8"))


def makes(config: SftConfig, inputs: Path) -> tuple[str, str]:
    """The name of the model that a job with these inputs publishes, and its base model."""
    parent = next(file for file in (inputs / SETTLED, inputs / AWAITED) if file.is_file())
    return final_name(config), json.loads(parent.read_text(encoding="utf-8"))["base"]


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
