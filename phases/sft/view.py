"""What tab 4 shows beside its runs: the state line, the models to talk to, the exports with their files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from phases.sft.data import cpt_models, missing_for_sft
from phases.sft.evaluate import latest_evaluation
from phases.shared.jobs.promises import coming_models
from phases.shared.jobs.queue import Job, list_jobs
from phases.shared.models.folder import PHASES, list_models
from phases.shared.project import Project

KINDS = ("sft", "evaluate", "export", "push")
USUAL_PARENTS, USUAL_MODELS = ("cpt", "base"), ("base", "cpt", "final")


@dataclass(frozen=True)
class ExportedFile:
    """`name` is the path under exports/, with slashes."""

    name: str
    bytes: int


def state_now(projects: Path, project: Project) -> tuple[str, Any]:
    """("run", job) while something of this tab runs or waits, else ("final", accuracy), ("trained", job), ("ready" | "missing", None)."""
    jobs = [job for job in list_jobs(projects, project.name, limit=200) if job.kind in KINDS]
    active = next((job for job in jobs if not job.ended), None)
    if active is not None:
        return "run", active
    accuracy = final_accuracy(projects, project)
    if accuracy is not None:
        return "final", accuracy
    trained = next((job for job in jobs if job.kind == "sft"), None)
    if trained is not None:
        return "trained", trained
    return ("missing" if missing_for_sft(project) else "ready"), None


def final_accuracy(projects: Path, project: Project) -> float | None:
    """The final model's share of right answers in the newest evaluation."""
    result = latest_evaluation(projects, project) or {}
    return next((row["closed_book_accuracy"] for row in result.get("table", []) if row["model"] == "final"), None)


def newest_job(projects: Path, project: Project, kind: str) -> Job | None:
    return next((job for job in list_jobs(projects, project.name, limit=200) if job.kind == kind), None)


def model_names(project: Project) -> list[str]:
    """Models that can be talked to and exported: final ones, then CPT models, then the base."""
    return [one.name for one in sorted(list_models(project), key=lambda one: -PHASES.index(one.phase))]


def parent_names(projects: Path, project: Project) -> list[str]:
    """What a training can start from: each CPT model, those that jobs in the queue will make, and the base."""
    coming = [one.name for one in coming_models(projects, project).values() if one.kind == "cpt"]
    return list(dict.fromkeys([USUAL_PARENTS[0], *(one.name for one in cpt_models(project)), *coming, "base"]))


def measurable_names(project: Project) -> list[str]:
    """What an evaluation can be asked for: all that are there, and the usual ones, which may come yet."""
    return list(dict.fromkeys([*USUAL_MODELS, *(one.name for one in list_models(project))]))


def exported_files(project: Project) -> list[ExportedFile]:
    """All files under exports/, by name; half-written folders begin with a dot and are left out."""
    files = [one for one in sorted(project.exports.rglob("*")) if one.is_file() and not one.is_symlink()]
    names = [(one.relative_to(project.exports), one) for one in files]
    return [ExportedFile(name.as_posix(), file.stat().st_size) for name, file in names
            if not any(part.startswith(".") for part in name.parts)]
