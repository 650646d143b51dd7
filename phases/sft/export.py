"""A model of the project as files for use elsewhere, with the proof that they behave as the model does here.

In: the name of a model. Out: exports/safetensors_YYYYMMDD/ (a second one on the same day gets -2), a full model that plain
transformers loads, with its card and the hash of every file; or exports/adapter_YYYYMMDD/, an adapter that peft puts on its base. Runs in a child process.    python app.py export NAME --model final
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from phases.sft.config import ExportConfig
from phases.sft.exported import seal_export
from phases.shared.errors import ModelError, NotReady
from phases.shared.files import sha256_of, write_json
from phases.shared.jobs.context import JobContext, JobStopped
from phases.shared.jobs.promises import Promises
from phases.shared.jobs.queue import Job, submit_job
from phases.shared.models.base import HUB_ID, fetch_base
from phases.shared.models.card import name_for_others, write_exported_card
from phases.shared.models.folder import DESCRIPTION, ModelInfo, list_models, model_folder, model_path, read_model_info
from phases.shared.models.publish import settle, staging_folder
from phases.shared.project import Project
from phases.shared.settings import hub_key

PROMPTS = ("What is this about?", "Who are you?", "Name one thing that the documents say.")
NEW_TOKENS = 24
NOTHING_PROMISED: Promises = {}
ROUNDING = {"torch.float32": 1e-3, "torch.bfloat16": 0.5, "torch.float16": 0.1}  # of a logit, between a merged adapter and one beside its base


def export_model(projects: Path, project: Project, config: ExportConfig) -> Job:
    """Queue the export; what the Export button and `export` call."""
    return submit_job(projects, project, "export", config)


def missing_for_export(project: Project, config: ExportConfig | None = None, promised: Promises = NOTHING_PROMISED) -> tuple[str, ...]:
    """Why an export cannot start, a sentence each; empty when it can. A model that a job makes for which it waits is there by then."""
    config = config or ExportConfig()
    if config.model in promised:
        return ()
    try:
        model_path(project, config.model)
    except ModelError as problem:
        return (str(problem),)
    info = next(one for one in list_models(project) if one.name == config.model)
    return _no_adapter(info) if config.format == "adapter" else ()


def _no_adapter(info: ModelInfo) -> tuple[str, ...]:
    """Why a model cannot be given away as an adapter: of use to others is only one whose base they can get."""
    if info.kind == "adapter" and HUB_ID.fullmatch(info.base):
        return ()
    why = "it is a whole model" if info.kind != "adapter" else f"its base, {name_for_others(info.base)}, is not on the hub"
    return (f"The model '{info.name}' cannot be given away as an adapter: {why}. Export it as safetensors.",)


def prepare(project: Project, config: ExportConfig, inputs: Path, arguments: Mapping[str, Any]) -> None:
    """Name the model beyond doubt: its place and, where the project made it, the hash of its description; or the job that makes it.
    Raises NotReady."""
    awaited = arguments.get("promised", {}).get(config.model)
    if awaited is not None:
        write_json(inputs / "model.json", {"model": awaited.name, "base": awaited.base, "job": awaited.job})
        return
    missing = missing_for_export(project, config)
    if missing:
        raise NotReady(missing[0], missing=missing)
    info = next(one for one in list_models(project) if one.name == config.model)
    write_json(inputs / "model.json", {"model": info.name, "kind": info.kind, "base": info.base,
                                       "described": _description_hash(model_folder(project, config.model))})


def fetch(context: JobContext, config: ExportConfig) -> None:
    """Download the base model where it is not here any more."""
    chosen = json.loads((context.inputs / "model.json").read_text(encoding="utf-8"))
    fetch_base(chosen["base"], on_download=lambda: context.phase("downloading"), key=hub_key(context.keys))


def run(context: JobContext, config: ExportConfig) -> dict[str, Any]:
    """Write the files, load them as a stranger would, compare, and only then give the folder its name."""
    from phases.shared.training.loading import load_model
    from phases.shared.training.saving import save_full
    adapter = config.format == "adapter"
    chosen = json.loads((context.inputs / "model.json").read_text(encoding="utf-8"))
    source = _source(context, chosen)
    if adapter and (missing := _no_adapter(_described(source, chosen))):  # of a model that was waited for it is known only now
        raise NotReady(missing[0])
    context.project.exports.mkdir(parents=True, exist_ok=True)
    target = free_name(context.project.exports, f"{config.format}_{datetime.now():%Y%m%d}")
    beside = staging_folder(target)
    try:
        context.phase("loading")
        model, tokenizer = load_model(source)
        context.phase("saving")
        base = fetch_base(chosen["base"], on_download=lambda: context.phase("downloading"))
        if adapter:
            shutil.copytree(source, beside, ignore=shutil.ignore_patterns(DESCRIPTION, "README.md"))
        else:
            model = save_full(model, tokenizer, beside, base)
        write_exported_card(beside, source, _described(source, chosen), "adapter" if adapter else "full", context.project.language)
        if context.stop_requested():
            raise JobStopped({})
        context.phase("checking")
        parity = compare_adapter(model, tokenizer, beside, base) if adapter else compare(model, tokenizer, beside)
        seal_export(beside, {"model": chosen["model"], "base": name_for_others(chosen["base"]), "described": _description_hash(source),
                             "job": context.job_id, "parity": parity})
        settle(beside, target)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return {"folder": f"exports/{target.name}", "files": sorted(file.name for file in target.iterdir()), "parity": parity}


def _source(context: JobContext, chosen: Mapping[str, str]) -> Path:
    """The model's folder: that of the job which was waited for, or the published one; raises ModelError when that was trained again since
    the job was submitted."""
    if "job" in chosen:
        return _made_by(context.project, chosen["job"])
    if chosen["model"] == "base":
        return fetch_base(chosen["base"], on_download=lambda: context.phase("downloading"))
    folder = model_folder(context.project, chosen["model"])
    if not (folder / DESCRIPTION).is_file() or _description_hash(folder) != chosen["described"]:
        raise ModelError(f"The model '{chosen['model']}' was replaced or removed after this export was asked for.",
                         "Export it again.", subject=chosen["model"], code="model_missing")
    return folder


def _made_by(project: Project, job: str) -> Path:
    folder = project.model_runs / job
    if not (folder / DESCRIPTION).is_file():
        raise ModelError(f"The job {job} that this export waited for left no model in models/runs.", "Train it again, then export it.",
                         subject=job, code="model_missing")
    return folder


def _description_hash(folder: Path) -> str:
    """What changes when the model does; "" for a base model."""
    return sha256_of(folder / DESCRIPTION) if (folder / DESCRIPTION).is_file() else ""


def _described(source: Path, chosen: Mapping[str, str]) -> ModelInfo:
    """What the model is, for its card."""
    return ModelInfo("full", chosen["base"], phase="base", name="base") if chosen["model"] == "base" else read_model_info(source, chosen["model"])


def free_name(folder: Path, name: str) -> Path:
    """`name`, or `name-2`, `name-3` ... where that is taken."""
    number = 1
    while (folder / (name if number == 1 else f"{name}-{number}")).exists():
        number += 1
    return folder / (name if number == 1 else f"{name}-{number}")


def compare(model: Any, tokenizer: Any, folder: Path) -> dict[str, Any]:
    """Load the folder with transformers alone and compare it with the project's model in the same precision.

    Raises ModelError when a greedy answer or a logit differs: such an export must not be given away.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from phases.shared.training.saving import compare_logits, last_logits
    stranger = AutoModelForCausalLM.from_pretrained(str(folder)).to(model.device).eval()
    strange_tokenizer = AutoTokenizer.from_pretrained(str(folder))
    answers = [(_greedy(model, tokenizer, prompt), _greedy(stranger, strange_tokenizer, prompt)) for prompt in PROMPTS]
    here, there = last_logits(model, tokenizer, PROMPTS), last_logits(stranger, strange_tokenizer, PROMPTS)
    if not torch.equal(here, there) or any(one != other for one, other in answers):
        raise ModelError("The exported files do not answer as the model does.", "Free disk space and export again.",
                         subject=folder.name, code="export_differs")
    return {**compare_logits(here, there), "same_text": f"{len(answers)} of {len(answers)}",
            "samples": [{"prompt": prompt, "answer": one} for prompt, (one, _) in zip(PROMPTS, answers, strict=True)]}


def compare_adapter(model: Any, tokenizer: Any, folder: Path, base: Path) -> dict[str, Any]:
    """Put the adapter on its base with peft alone and compare. There it is added at every step, here it is merged, so the last bits may
    differ. Raises ModelError when an answer or a next token does, or a logit by more than rounding explains."""
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from phases.shared.training.saving import compare_logits, last_logits
    plain = AutoModelForCausalLM.from_pretrained(str(base), dtype=model.dtype).to(model.device)
    stranger, strange_tokenizer = PeftModel.from_pretrained(plain, str(folder)).eval(), AutoTokenizer.from_pretrained(str(folder))
    answers = [(_greedy(model, tokenizer, prompt), _greedy(stranger, strange_tokenizer, prompt)) for prompt in PROMPTS]
    found = compare_logits(last_logits(model, tokenizer, PROMPTS), last_logits(stranger, strange_tokenizer, PROMPTS))
    same = sum(one == other for one, other in answers)
    if found["largest_difference"] > ROUNDING[str(model.dtype)] or (same < len(answers) and model.dtype.itemsize == 4):
        raise ModelError("The exported adapter does not answer as the model does.", "Free disk space and export again.", subject=folder.name,
                         code="export_differs")
    return {**found, "same_text": f"{same} of {len(answers)}",
            "samples": [{"prompt": prompt, "answer": one} for prompt, (one, _) in zip(PROMPTS, answers, strict=True)]}


def _greedy(model: Any, tokenizer: Any, prompt: str) -> str:
    import torch
    inputs = tokenizer.apply_chat_template([{"role": "user", "content": prompt}], add_generation_prompt=True,
                                           return_tensors="pt", return_dict=True)
    with torch.inference_mode():
        ids = model.generate(input_ids=inputs["input_ids"].to(model.device), do_sample=False, max_new_tokens=NEW_TOKENS,
                             attention_mask=inputs["attention_mask"].to(model.device), pad_token_id=tokenizer.pad_token_id)
    return tokenizer.decode(ids[0, inputs["input_ids"].shape[1]:], skip_special_tokens=True)
