"""Continued pretraining: the base model reads the project's texts; an adapter, or the whole model, is what it learns.

In (frozen by corpus.py): texts.jsonl, held_out.jsonl, base.json. Out: models/runs/JOB/ with the weights, the tokenizer,
model.json and a model card, then published as models/cpt_model/, or models/cpt-NAME/ with a name. Runs in a child process.    python app.py cpt NAME
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from phases.cpt.config import CptConfig
from phases.cpt.corpus import piece_borders
from phases.shared.evaluation.general import general_texts
from phases.shared.files import read_json_lines, write_json
from phases.shared.jobs.context import JobContext
from phases.shared.jobs.metrics import curve_rows
from phases.shared.models.base import fetch_base, model_hash
from phases.shared.models.card import Lineage, id_ranges, write_card
from phases.shared.models.folder import DESCRIPTION, ModelInfo, model_folder, named, read_model_info, write_model_info
from phases.shared.models.publish import publish, settle, staging_folder
from phases.shared.options import as_mapping
from phases.shared.settings import hub_key
from phases.shared.training.measured import Beginning, probe_result, settings_key

NO_HELD_OUT = "not measured: no chunks are held out"


def run(context: JobContext, config: CptConfig) -> dict[str, Any]:
    """Train, measure, write the result and publish it. Raises JobStopped, ModelError, SettingError."""
    finished = context.project.model_runs / context.job_id
    if not (finished / DESCRIPTION).is_file():
        _train(context, config, finished)
    if context.rank:
        return {}  # of several processes the first writes and publishes
    context.phase("publishing")
    published = publish(finished, model_folder(context.project, named("cpt", config.name)))
    return {"model": f"models/{published.name}", **read_model_info(finished).figures}


def fetch(context: JobContext, config: CptConfig) -> None:
    """Download the base model where it is not here yet."""
    fetch_base(_base_name(context), on_download=lambda: context.phase("downloading"), key=hub_key(context.keys))


def _base_name(context: JobContext) -> str:
    return str(json.loads((context.inputs / "base.json").read_text(encoding="utf-8"))["base"])


def probe(context: JobContext, config: CptConfig) -> dict[str, Any]:
    """The job "cpt-probe": a few real steps with these settings, measured. Nothing is kept but the figures."""
    _train(context, config, None)
    return probe_result(context.job_dir)


def _train(context: JobContext, config: CptConfig, finished: Path | None) -> None:
    """Train, measure and save into `finished`; without it, only measure what that would take."""
    from phases.shared.training.adapters import load_base_to_train
    from phases.shared.training.loading import context_length, read_tokenizer, set_threads
    from phases.shared.training.probe import measure_run, probe_adapter
    from phases.shared.training.tokenizers import prepare_tokenizer
    from phases.shared.training.trainer import TrainingData, train_adapter
    set_threads(config.threads)
    base_name = _base_name(context)
    context.phase("loading")
    began = time.monotonic()
    folder = fetch_base(base_name, on_download=lambda: context.phase("downloading"))
    fetched = time.monotonic()
    base_hash = model_hash(folder)
    model, tokenizer = load_base_to_train(folder, config), read_tokenizer(folder)
    text_end = tokenizer.eos_token_id  # a chat template may bring another end: that of a turn
    prepare_tokenizer(tokenizer)
    max_length = min(config.max_length, context_length(model))
    context.phase("tokenising")
    texts, held_out = (list(read_json_lines(context.inputs / f"{name}.jsonl")) for name in ("texts", "held_out"))
    rows = training_rows(texts, tokenizer, text_end, max_length)
    loaded = time.monotonic()
    before = _perplexity_before(context, model, tokenizer, held_out)
    spent = time.monotonic() - loaded
    beginning = Beginning(settings_key(base_name, "cpt", config), loaded - fetched, fetched - began + spent, before["value"],
                          before["tokens"] + before["general_tokens"], spent)
    context.phase("training")
    checks = training_rows([{**one, "last": False} for one in held_out], tokenizer, text_end, max_length)
    data_hash = hashlib.sha256((context.inputs / "texts.jsonl").read_bytes() + base_hash.encode()).hexdigest()
    data = TrainingData(rows, checks, data_hash, max_length)
    if finished is None:
        probe_adapter(context, config, model, tokenizer, data, beginning)
        return
    trained = train_adapter(context, config, model, tokenizer, data)
    if context.rank:
        return
    after = _measure(context, trained.model, tokenizer, held_out)
    figures = {**trained.figures, "tokens": round(sum(len(row["input_ids"]) for row in rows) * config.epochs),
               "perplexity_before": before["value"], "perplexity_after": after["value"], "perplexity_tokens": before["tokens"],
               "general_before": before["general"], "general_after": after["general"], "general_tokens": before["general_tokens"],
               "general_language": after["general_language"]}
    context.phase("saving")
    _save(context, config, finished, trained.model, tokenizer, (base_name, folder, base_hash), data_hash, texts, figures)
    measure_run(context, trained.clock, beginning)


def training_rows(texts: Sequence[Mapping[str, Any]], tokenizer: Any, text_end: int, max_length: int) -> list[dict[str, Any]]:
    """Token rows of at most `max_length`: every token of every text is predicted exactly once, none is cut off.

    A text that is too long is split into pieces of about equal length. Each piece begins with the tokenizer's begin token;
    where there is none, with the last token of the piece before, which then only serves to predict the next one.
    """
    from phases.shared.training.tokenizers import leading_tokens, plain_ids
    begin = leading_tokens(tokenizer)
    rows = []
    for one in texts:
        ids = [*plain_ids(tokenizer, one["text"]), *([text_end] if one["last"] else [])]
        rows += [{"input_ids": piece, "labels": list(piece)} for piece in pieces(ids, begin, max_length) if len(piece) > 1]
    return rows


def pieces(ids: Sequence[int], begin: Sequence[int], max_length: int) -> list[list[int]]:
    """A text's tokens in pieces of at most `max_length`, each with one token before it to predict the first one from."""
    return [[*(begin or ids[max(0, start - 1):start]), *ids[start:end]] for start, end in piece_borders(len(ids), max_length)]


def _perplexity_before(context: JobContext, model: Any, tokenizer: Any, held_out: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Of the base model; kept in the job's folder, so that a resumed run does not measure again."""
    kept = context.job_dir / "perplexity_before.json"
    measured = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
    if "general" not in measured:  # nor does a run of an older version know it
        measured = _measure(context, model, tokenizer, held_out)
        write_json(kept, measured)
    return measured


def _measure(context: JobContext, model: Any, tokenizer: Any, held_out: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Perplexity on what is held out, and on general text: what the training taught, and what it cost."""
    from phases.shared.evaluation.perplexity import perplexity
    context.phase("evaluating")
    value, tokens = perplexity(model, tokenizer, [one["text"] for one in held_out])
    texts, language = general_texts(context.project.language)
    general, general_tokens = perplexity(model, tokenizer, texts)
    return {"value": value, "tokens": tokens, "general": general, "general_tokens": general_tokens, "general_language": language}


def _save(context: JobContext, config: CptConfig, finished: Path, model: Any, tokenizer: Any, base: tuple[str, Path, str],
          data_hash: str, texts: Sequence[Mapping[str, Any]], figures: dict[str, Any]) -> None:
    """Write weights, tokenizer, description and card into models/runs/JOB, whole or not at all."""
    from phases.shared.training.saving import save_adapter, save_full
    beside = staging_folder(finished)
    if config.method == "full":
        save_full(model, tokenizer, beside, base[1])
    else:
        save_adapter(model, tokenizer, beside, base[0], base[1])
    info = ModelInfo("full" if config.method == "full" else "adapter", base[0], base[2], {"name": "base", "job": ""}, context.job_id,
                     datetime.now(UTC).isoformat(timespec="seconds"), figures=figures, phase="cpt")
    write_model_info(beside, info)
    sources, chunks = {one["source"]: None for one in texts}, {one["chunk"] for one in texts}
    measured = {**figures, **({} if figures["perplexity_before"] is not None else
                              {"perplexity_before": NO_HELD_OUT, "perplexity_after": NO_HELD_OUT})}
    write_card(beside, Lineage(f"CPT model{f' {config.name}' if config.name else ''} of {context.project.name}", info, as_mapping(config), data_hash,
                               {"documents": ", ".join(sources), "chunks": len(chunks), "chunk ids": id_ranges(chunks)}, measured,
                               curve_rows(context.job_dir), context.project.language))
    settle(beside, finished)
