"""What tab 4 shows beside its runs: the state line, the models to talk to, the exports with their files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from phases.sft.config import SftConfig
from phases.sft.data import cpt_models, missing_for_sft
from phases.sft.evaluate import latest_evaluation
from phases.shared.database.connection import knowledge
from phases.shared.database.pairs import dataset_pairs
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


def state_now(projects: Path, project: Project) -> tuple[str, float | None, Job | None]:
    """What is there ("final" with its share of right answers, "model", "ready", "missing", "no_cpt", "not_ready"), that share, and the
    job that goes on or waits, else the newest training."""
    jobs = [job for job in list_jobs(projects, project.name, limit=200) if job.kind in KINDS]
    job = next((one for one in jobs if not one.ended), None) or next((one for one in jobs if one.kind == "sft"), None)
    if any(one.phase == "sft" for one in list_models(project)):
        accuracy = final_accuracy(projects, project)
        return "model" if accuracy is None else "final", accuracy, job
    return (_need(project) if missing_for_sft(project) else "ready"), None, job


def _need(project: Project) -> str:
    """What a training that cannot start needs first: "missing" pairs, a CPT model ("no_cpt"), or something that the plan names ("not_ready")."""
    with knowledge(project) as connection:
        if not dataset_pairs(connection, SftConfig().dataset, "train", False):
            return "missing"
    return "not_ready" if cpt_models(project) else "no_cpt"


def final_accuracy(projects: Path, project: Project) -> float | None:
    """The final model's share of right answers in the newest evaluation."""
    result = latest_evaluation(projects, project) or {}
    return next((row["closed_book_accuracy"] for row in result.get("table", []) if row["model"] == "final"), None)


def newest_job(projects: Path, project: Project, kind: str) -> Job | None:
    return next((job for job in list_jobs(projects, project.name, limit=200) if job.kind == kind), None)


def model_names(project: Project) -> list[str]:
    """Models that can be talked to and exported: final ones, then CPT models, then the base."""
    return [one.name for one in sorted(list_models(project), key=lambda one: -PHASES.index(one.phase))]


def exportable_names(projects: Path, project: Project) -> list[str]:
    """Trained models, the one that learned most first, and behind them those that jobs in the queue will make."""
    return list(dict.fromkeys([*(one for one in model_names(project) if one != "base"), *coming_models(projects, project)]))


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
