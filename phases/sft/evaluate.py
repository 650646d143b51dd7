"""The proof of learning: base, CPT and final model answer the same held-out questions, closed book.

In (frozen by `prepare`): the evaluation questions with their hash, the held-out sections, the models. Out, in the job's
folder: predictions.json, metrics.json; the result holds the table.    python app.py evaluate NAME

Two figures are kept apart: `held_out` are wordings never trained on of facts that were asked in training (what the pipeline
taught); `unasked` are facts that stand in the documents but were never asked (what reading alone taught). Perplexity is measured
on the held-out sections, and on general text: what the training cost outside the documents.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from phases.sft.config import EvaluateConfig
from phases.shared.database.chunks import held_out_chunks
from phases.shared.database.connection import knowledge
from phases.shared.database.questions import active_questions, questions_hash
from phases.shared.errors import NotReady
from phases.shared.evaluation.answers import exact_match, token_f1, wilson_interval
from phases.shared.evaluation.general import general_texts
from phases.shared.files import append_json_line, read_json_lines, write_json
from phases.shared.jobs.context import JobContext, JobStopped
from phases.shared.jobs.queue import Job, list_jobs, submit_job
from phases.shared.models.base import fetch_base
from phases.shared.models.folder import ModelInfo, base_under, list_models
from phases.shared.project import Project
from phases.shared.settings import hub_key

EXAMPLES_SHOWN = 6


@dataclass(frozen=True)
class Reply:
    """What a model answered, and whether it ended by itself (not cut off at the longest length)."""

    text: str
    ended: bool


def start_evaluation(projects: Path, project: Project, config: EvaluateConfig) -> Job:
    """Queue the evaluation; what the Evaluate button and `evaluate` call."""
    return submit_job(projects, project, "evaluate", config)


def missing_for_evaluation(project: Project) -> tuple[str, ...]:
    """Why an evaluation cannot start, a sentence each; empty when it can."""
    with knowledge(project) as connection:
        asked = active_questions(connection)
    return () if asked else ("There are no held-out questions yet: write question-answer pairs in tab 3 first.",)


def prepare(project: Project, config: EvaluateConfig, inputs: Path, arguments: Mapping[str, Any]) -> None:
    """Freeze questions, held-out sections and the models' places; the place of a model that is waited for is known before it is there.
    Raises NotReady."""
    missing = missing_for_evaluation(project)
    if missing:
        raise NotReady(missing[0], missing=missing)
    with knowledge(project) as connection:
        questions = active_questions(connection)
        texts = [chunk.content for chunk in held_out_chunks(connection)]
    known = {one.name: one for one in list_models(project)}
    wanted = [name.strip() for name in config.models.split(",") if name.strip()]
    write_json(inputs / "questions.json", [asdict(one) for one in questions])
    write_json(inputs / "held_out.json", texts)
    awaited = {name: f"{project.model_runs.relative_to(project.root)}/{one.job}" for name, one in arguments.get("promised", {}).items()}
    places = {**{name: _place(project, one) for name, one in known.items() if name in wanted}, **awaited}
    write_json(inputs / "models.json", {"present": {name: places[name] for name in wanted if name in places},
                                        "absent": [name for name in wanted if name not in places],
                                        "questions_hash": questions_hash(questions)})


def _place(project: Project, model: ModelInfo) -> str:
    """Where the model stays as it is: its immutable run inside the project, or the base's name."""
    immutable = project.model_runs / model.job
    folder = immutable if model.job and immutable.is_dir() else Path(model.path)
    return str(folder.relative_to(project.root)) if folder.is_relative_to(project.root) else model.base


def fetch(context: JobContext, config: EvaluateConfig) -> None:
    """Download the base models where they are not here yet."""
    present = json.loads((context.inputs / "models.json").read_text(encoding="utf-8"))["present"]
    for place in present.values():
        inside = context.project.root / place
        base = base_under(inside if inside.is_dir() else place)
        if base:
            fetch_base(base, on_download=lambda: context.phase("downloading"), key=hub_key(context.keys))


def run(context: JobContext, config: EvaluateConfig) -> dict[str, Any]:
    """Ask every model every question; measure perplexity on the held-out sections. Resumes after the last answer."""
    questions, texts, models = (json.loads((context.inputs / f"{name}.json").read_text(encoding="utf-8"))
                                for name in ("questions", "held_out", "models"))
    answered = {(one["model"], one["id"]): one for one in read_json_lines(context.job_dir / "answers.jsonl")}
    measured = {one["model"]: one for one in read_json_lines(context.job_dir / "perplexities.jsonl")}
    total = len(models["present"]) * len(questions)
    for name, place in models["present"].items():
        open_questions = [one for one in questions if (name, one["id"]) not in answered]
        if open_questions or name not in measured:
            _examine(context, config, name, place, open_questions, texts, answered, measured, total)
    predictions = [answered[name, one["id"]] for name in models["present"] for one in questions]
    table = [_row(name, predictions, measured[name]) for name in models["present"]]
    write_json(context.job_dir / "predictions.json", predictions)
    write_json(context.job_dir / "metrics.json", {"table": table, "questions_hash": models["questions_hash"]})
    return {"table": table, "questions_hash": models["questions_hash"], "absent": models["absent"],
            "examples": _examples(predictions)}


def _examine(context: JobContext, config: EvaluateConfig, name: str, place: str, questions: Sequence[Mapping[str, Any]],
             texts: Sequence[str], answered: dict, measured: dict, total: int) -> None:
    """One model: its answers into answers.jsonl, its perplexity into perplexities.jsonl."""
    from phases.shared.evaluation.perplexity import perplexity
    from phases.shared.training.loading import load_model
    context.phase(f"loading {name}")
    inside = context.project.root / place
    model, tokenizer = load_model(inside if inside.is_dir() else place)
    context.phase(f"asking {name}")
    for batch in _batches(questions, config.batch_size):
        if context.stop_requested():
            raise JobStopped({"answered": len(answered)})
        replies = greedy_answers(model, tokenizer, [one["question"] for one in batch], config.max_new_tokens)
        for question, reply in zip(batch, replies, strict=True):
            answered[name, question["id"]] = graded(name, question, reply)
            append_json_line(context.job_dir / "answers.jsonl", answered[name, question["id"]], sync=False)
        context.progress(len(answered), total)
    if name not in measured:
        context.phase(f"perplexity of {name}")
        value, tokens = perplexity(model, tokenizer, texts) if texts else (None, 0)
        general, language = general_texts(context.project.language)
        forgotten, general_tokens = perplexity(model, tokenizer, general)
        measured[name] = {"model": name, "perplexity": value, "tokens": tokens, "general_perplexity": forgotten,
                          "general_tokens": general_tokens, "general_language": language}
        append_json_line(context.job_dir / "perplexities.jsonl", measured[name])


def greedy_answers(model: Any, tokenizer: Any, questions: Sequence[str], max_new_tokens: int) -> list[Reply]:
    """Greedy answers to single questions, in one left-padded batch; special tokens and outer blanks removed."""
    import torch
    chats = [[{"role": "user", "content": question}] for question in questions]
    tokenizer.padding_side = "left"
    batch = tokenizer.apply_chat_template(chats, add_generation_prompt=True, padding=True, return_tensors="pt", return_dict=True)
    batch = {key: value.to(model.device) for key, value in batch.items() if key != "token_type_ids"}
    with torch.inference_mode():
        ids = model.generate(**batch, max_new_tokens=max_new_tokens, do_sample=False, temperature=None, top_p=None, top_k=None,
                             pad_token_id=tokenizer.pad_token_id)
    written = ids[:, batch["input_ids"].shape[1]:].tolist()
    ends = set(model.generation_config.eos_token_id)
    texts = tokenizer.batch_decode(written, skip_special_tokens=True)
    return [Reply(text.strip(), not ends.isdisjoint(own)) for text, own in zip(texts, written, strict=True)]


def graded(model: str, question: Mapping[str, Any], reply: Reply) -> dict[str, Any]:
    """An answer beside the expected one."""
    return {"model": model, "id": question["id"], "kind": question["kind"], "question": question["question"],
            "answer": question["answer"], "prediction": reply.text, "correct": exact_match(reply.text, question["answer"]),
            "f1": round(token_f1(reply.text, question["answer"]), 4), "ended": reply.ended}


def _row(model: str, predictions: Sequence[Mapping[str, Any]], measured: Mapping[str, Any]) -> dict[str, Any]:
    own = [one for one in predictions if one["model"] == model]
    ended = [one["ended"] for one in own if "ended" in one]  # answers of an older version do not say
    row: dict[str, Any] = {"model": model, "stop_rate": sum(ended) / len(ended) if ended else None}
    for kind, word in (("held_out", "closed_book"), ("unasked", "unasked")):
        graded_answers = [one for one in own if one["kind"] == kind]
        right, n = sum(one["correct"] for one in graded_answers), len(graded_answers)
        row[f"{word}_accuracy"] = right / n if n else None
        row[f"{word}_interval"] = wilson_interval(right, n)
        row[f"{word}_n"] = n
        row[f"{word}_f1"] = sum(one["f1"] for one in graded_answers) / n if n else None
    general = {key: measured.get(key) for key in ("general_perplexity", "general_tokens", "general_language")}  # as above
    return {**row, "perplexity": measured["perplexity"], "perplexity_tokens": measured["tokens"], **general}


def _examples(predictions: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Some held-out questions with the answer of every model, right and wrong ones of the last model in turn."""
    last = predictions[-1]["model"] if predictions else ""
    by_question: dict[int, dict[str, Any]] = {}
    for one in predictions:
        entry = by_question.setdefault(one["id"], {"question": one["question"], "answer": one["answer"], "kind": one["kind"]})
        entry[one["model"]] = one["prediction"]
        entry["correct"] = one["correct"] if one["model"] == last else entry.get("correct", False)
    asked = [one for one in by_question.values() if one["kind"] == "held_out"]
    right, wrong = ([one for one in asked if one["correct"] is state] for state in (True, False))
    return [*right[:EXAMPLES_SHOWN // 2], *wrong[:EXAMPLES_SHOWN // 2]]


def _batches(rows: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    for start in range(0, len(rows), size):
        yield rows[start:start + size]


def latest_evaluation(projects: Path, project: Project) -> dict[str, Any] | None:
    """The result of the newest finished evaluation of the project, with its job's id and end."""
    for job in list_jobs(projects, project.name, states=("done",), limit=200):
        if job.kind == "evaluate" and job.result:
            return {**job.result, "job": job.id, "ended": job.ended}
    return None
