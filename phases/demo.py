"""The demo: three real documents become a model that answers questions about them, offline.

In: the sample documents and the built-in base model. Out: the project `sample-demo`, a table that compares base, CPT and
final model, and three held-out questions with the final model's answers.    python app.py demo

It runs the same jobs as the four tabs, with the preset "small corpus, small model" that any project can choose. Run again,
it adds nothing twice and keeps every edit; only the models are trained anew.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from phases.shared.errors import JobError
from phases.shared.options import resolve
from phases.shared.project import Project, open_sample_project, sample_documents

QUESTIONS_SHOWN = 3


def run_demo(projects: Path, name: str) -> dict[str, Any]:
    """All four phases in the project `name`; returns {"project", "seconds", "evaluation", "answers", ...}."""
    began = time.monotonic()
    project = open_sample_project(projects, name)
    ingested = _run(projects, add_sample_documents(projects, project))
    results = {kind: _run(projects, _submit(projects, project, kind)) for kind in steps_to_run(project)}
    table = {row["model"]: {key: value for key, value in row.items() if key != "model"} for row in results["evaluate"]["table"]}
    return {"project": project.name, "seconds": round(time.monotonic() - began, 1), "evaluation": table,
            "answers": _answers(project, results["evaluate"]["job"]), "documents": ingested, "pairs": results.get("sft-data", {}),
            "export": results["export"].get("folder", "")}


def steps_to_run(project: Project) -> tuple[str, ...]:
    """The jobs after the import, in their order. Pairs that are there, perhaps reviewed and edited, are kept as they are."""
    from phases.sft_data.review import pair_summary
    from phases.shared.database.connection import knowledge
    with knowledge(project) as connection:
        has_pairs = pair_summary(connection).total > 0
    return ("cpt", *(() if has_pairs else ("sft-data",)), "sft", "evaluate", "export")


def add_sample_documents(projects: Path, project: Project) -> Any:
    """The job that ingests the shipped documents; those that are known add nothing."""
    from phases.rag_data.config import IngestConfig
    from phases.rag_data.ingest import ingest_files
    return ingest_files(projects, project, resolve(IngestConfig, project.settings.get("ingest")), sample_documents())


def _submit(projects: Path, project: Project, kind: str) -> Any:
    from phases.commands import load
    from phases.shared.jobs.kinds import KINDS
    from phases.shared.jobs.queue import submit_job
    config = resolve(load(KINDS[kind].config), project.settings.get(kind))
    return submit_job(projects, project, kind, config)


def _run(projects: Path, job: Any) -> dict[str, Any]:
    """Wait for the job. Raises JobError with its reason when it did not get done."""
    from phases.job_commands import follow, job_record
    ended = follow(projects, job.id)
    if ended.state != "done":
        reason = (ended.error or {}).get("sentence", f"It is {ended.state}.")
        raise JobError(f"The demo ended in job {ended.id}. {reason}",
                       f"Its log: python app.py jobs --log {ended.id}. To go on: python app.py resume \"{ended.project}\".",
                       subject=ended.id)
    return job_record(ended)


def _answers(project: Project, job_id: str) -> list[dict[str, Any]]:
    """Held-out questions, spread evenly over the set whatever the answers were, as the final model answered them."""
    predictions = json.loads((project.job_dir(job_id) / "predictions.json").read_text(encoding="utf-8"))
    asked = [one for one in predictions if one["model"] == "final" and one["kind"] == "held_out"]
    chosen = [asked[len(asked) * number // QUESTIONS_SHOWN] for number in range(QUESTIONS_SHOWN)] if asked else []
    return [{"question": one["question"], "answer": one["prediction"], "expected": one["answer"], "correct": one["correct"]}
            for one in chosen]


