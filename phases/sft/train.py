"""Supervised fine-tuning: the CPT model, merged into its base, learns to answer; the result is one full model.

In (frozen by data.py): pairs.jsonl, validation.jsonl, parent.json or awaits.json. Out: models/runs/JOB/ with the merged model, its tokenizer,
model.json and a model card, then published as models/final/ (or under its name). Runs in a child process.    python app.py sft NAME
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from phases.sft.config import SftConfig
from phases.sft.data import final_name, parent_folder, settle_parent
from phases.shared.errors import ModelError, NotReady
from phases.shared.files import read_json_lines
from phases.shared.jobs.context import JobContext
from phases.shared.jobs.metrics import curve_rows
from phases.shared.models.base import fetch_base, model_hash
from phases.shared.models.card import Lineage, write_card
from phases.shared.models.folder import DESCRIPTION, ModelInfo, read_model_info, write_model_info
from phases.shared.models.publish import publish, settle, staging_folder
from phases.shared.options import as_mapping
from phases.shared.settings import hub_key
from phases.shared.training.counting import keeps_its_template
from phases.shared.training.measured import Beginning, probe_result, settings_key

CHECKED_PROMPTS = 4


def run(context: JobContext, config: SftConfig) -> dict[str, Any]:
    """Train, merge, check, write the result and publish it. Raises JobStopped, ModelError, SettingError."""
    finished = context.project.model_runs / context.job_id
    if not (finished / DESCRIPTION).is_file():
        _train(context, config, finished)
    if context.rank:
        return {}  # of several processes the first writes and publishes
    context.phase("publishing")
    publish(finished, context.project.models / final_name(config))
    return {"model": f"models/{final_name(config)}", **read_model_info(finished).figures}


def fetch(context: JobContext, config: SftConfig) -> None:
    """Download the base model where it is not here yet."""
    base = settle_parent(context.project, context.inputs)["base"]
    fetch_base(base, on_download=lambda: context.phase("downloading"), key=hub_key(context.keys))


def probe(context: JobContext, config: SftConfig) -> dict[str, Any]:
    """The job "sft-probe": a few real steps with these settings, measured. Nothing is kept but the figures."""
    _train(context, config, None)
    return probe_result(context.job_dir)


def _train(context: JobContext, config: SftConfig, finished: Path | None) -> None:
    """Train, merge and save into `finished`; without it, only measure what that would take."""
    from phases.shared.training.adapters import load_parent_to_train
    from phases.shared.training.loading import context_length, set_threads
    from phases.shared.training.probe import measure_run, probe_adapter
    from phases.shared.training.trainer import TrainingData, train_adapter
    set_threads(config.threads)
    parent = settle_parent(context.project, context.inputs)
    context.phase("loading")
    began = time.monotonic()
    base = fetch_base(parent["base"], on_download=lambda: context.phase("downloading"))
    fetched = time.monotonic()
    source = base if parent["parent"] == "base" else parent_folder(context.project, parent)
    model, tokenizer = load_parent_to_train(source, config, context.job_dir / "merged")
    max_length = min(config.max_length, context_length(model))
    beginning = Beginning(settings_key(parent["base"], "sft", config), time.monotonic() - fetched, fetched - began)
    context.phase("tokenising")
    pairs, validation = (list(read_json_lines(context.inputs / f"{name}.jsonl")) for name in ("pairs", "validation"))
    rows, left_out = fitting_rows(pairs, tokenizer, max_length)
    _say_left_out(context, rows, left_out, max_length)
    check_end_is_learnt(tokenizer, model, rows[0])
    context.phase("training")
    checks = fitting_rows(validation, tokenizer, max_length)[0]
    base_hash = model_hash(base)
    data_hash = hashlib.sha256(b"".join((context.inputs / name).read_bytes() for name in ("pairs.jsonl", "parent.json"))
                               + base_hash.encode()).hexdigest()
    data = TrainingData(rows, checks, data_hash, max_length)
    if finished is None:
        probe_adapter(context, config, model, tokenizer, data, beginning)
        return
    trained = train_adapter(context, config, model, tokenizer, data)
    if context.rank:
        return
    template = "the base model's own" if keeps_its_template(base) else "Lehrling's: the base has none that suits"
    figures = {**trained.figures, "chat_template": template, "pairs": len(rows), "left_out": len(left_out), "validation_loss": _last_eval_loss(context),
               "tokens": round(sum(len(_chat_ids(tokenizer, row)) for row in rows) * config.epochs)}
    info = ModelInfo("full", parent["base"], base_hash, {"name": parent["parent"], "job": parent["cpt_job"]}, context.job_id,
                     datetime.now(UTC).isoformat(timespec="seconds"), figures=figures, phase="sft")
    context.phase("merging")
    _save(context, config, finished, trained.model.eval(), tokenizer, (base, source), info, data_hash, rows)
    measure_run(context, trained.clock, beginning)


def chat_row(pair: Mapping[str, Any]) -> dict[str, Any]:
    """A pair as TRL's conversational prompt and completion; the loss falls on the completion alone."""
    return {"prompt": [{"role": "user", "content": pair["instruction"]}],
            "completion": [{"role": "assistant", "content": pair["output"]}]}


def fitting_rows(pairs: Sequence[Mapping[str, Any]], tokenizer: Any, max_length: int) -> tuple[list[dict[str, Any]], list[int]]:
    """Rows that the model can read whole, and the ids of the pairs that are too long: an answer cut off teaches not to end."""
    rows, left_out = [], []
    for pair in pairs:
        row = chat_row(pair)
        if len(_chat_ids(tokenizer, row)) <= max_length:
            rows.append(row)
        else:
            left_out.append(pair["pair"])
    return rows, left_out


def _say_left_out(context: JobContext, rows: Sequence[Any], left_out: Sequence[int], max_length: int) -> None:
    if left_out:
        context.log(f"{len(left_out)} pairs are longer than {max_length} tokens and left out: {', '.join(map(str, left_out))}.")
    if not rows:
        raise NotReady(f"Every pair is longer than {max_length} tokens.", "Raise the sequence length, or shorten the answers.",
                       subject="max_length")


def _chat_ids(tokenizer: Any, row: Mapping[str, Any]) -> list[int]:
    return tokenizer.apply_chat_template([*row["prompt"], *row["completion"]], return_dict=True)["input_ids"]


def check_end_is_learnt(tokenizer: Any, model: Any, row: Mapping[str, Any]) -> None:
    """Raises ModelError when the chat template ends an answer with nothing that ends a generation: it would never stop."""
    from phases.shared.training.tokenizers import end_ids
    prompt = tokenizer.apply_chat_template(row["prompt"], add_generation_prompt=True, return_dict=True)["input_ids"]
    if not end_ids(tokenizer, model) & set(_chat_ids(tokenizer, row)[len(prompt):]):
        raise ModelError("The base model's chat template does not end an answer with an end token: the trained model would "
                         "never stop.", "Choose another base model, or correct the template in its folder.",
                         code="model_template")


def _last_eval_loss(context: JobContext) -> float | None:
    losses = [one["eval_loss"] for one in read_json_lines(context.job_dir / "loss.jsonl") if "eval_loss" in one]
    return round(losses[-1], 4) if losses else None


def _save(context: JobContext, config: SftConfig, finished: Path, model: Any, tokenizer: Any,
          origin: tuple[Path, Path], info: ModelInfo, data_hash: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Merge, write into models/runs/JOB whole or not at all, and compare what was written with what was trained.

    `origin` is the folder of the base model and that of the model that was trained on.
    """
    from phases.shared.training.adapters import in_full_precision, merged
    from phases.shared.training.loading import load_model
    from phases.shared.training.saving import compare_logits, last_logits, save_full
    prompts = [row["prompt"][0]["content"] for row in rows[:CHECKED_PROMPTS]]
    model = in_full_precision(model, origin[1], config).eval()
    before, place, dtype = last_logits(model, tokenizer, prompts), str(model.device.type), model.dtype
    beside = staging_folder(finished)
    save_full(merged(model), tokenizer, beside, origin[0])
    context.phase("saving")
    written, written_tokenizer = load_model(beside, dtype=dtype, device=place)
    info.figures["merge_check"] = compare_logits(before, last_logits(written, written_tokenizer, prompts))
    write_model_info(beside, info)
    write_card(beside, Lineage(f"Final model{f' {config.name}' if config.name else ''} of {context.project.name}", info, as_mapping(config), data_hash,
                               {"data set": config.dataset, "pairs": len(rows)}, info.figures, curve_rows(context.job_dir), context.project.language))
    settle(beside, finished)
