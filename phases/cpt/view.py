"""What tab 2 shows beside its runs: the state line and the base models to choose from."""

from __future__ import annotations

from pathlib import Path

from phases.cpt.corpus import missing_for_cpt
from phases.shared.jobs.queue import Job, list_jobs
from phases.shared.models.base import base_model_choices
from phases.shared.models.folder import list_models
from phases.shared.project import Project


def newest_run(projects: Path, project: Project) -> Job | None:
    """The CPT run that matters most: one that goes on, else the newest."""
    runs = [job for job in list_jobs(projects, project.name, limit=200) if job.kind == "cpt"]
    return next((job for job in runs if not job.ended), runs[0] if runs else None)


def has_model(project: Project) -> bool:
    return any(one.phase == "cpt" for one in list_models(project))


def is_ready(project: Project) -> bool:
    return not missing_for_cpt(project)


def base_models(project_default: str) -> list[tuple[str, str]]:
    """Labels and ids of the base models on offer; any other id or folder can be typed."""
    return [(project_default, ""), *((one.label, one.id) for one in base_model_choices())]
