"""All models of a project with what each was made from and what it reached; and how one is deleted.

In: a project. Out: a `ModelRow` a model; deleting takes the published folder away and leaves the run that made it, which a model
trained from it still names as its parent.    python app.py models NAME        delete-model NAME MODEL
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from phases.shared.errors import ModelError
from phases.shared.files import sync_folder
from phases.shared.jobs.queue import Job, list_jobs
from phases.shared.models.folder import ModelInfo, list_models, model_folder
from phases.shared.models.publish import staging_folder
from phases.shared.project import Project

TOLD = ("perplexity_before", "perplexity_after", "general_before", "general_after", "validation_loss")


@dataclass(frozen=True)
class ModelRow:
    """`made_from` is the parent's name, "" for a base model; `children` are the models made from this one; `bytes` None where it
    is not a folder here."""

    name: str
    phase: str
    kind: str
    base: str
    made_from: str
    job: str
    created: str
    figures: Mapping[str, Any]
    bytes: int | None
    children: tuple[str, ...]


def model_rows(project: Project, phase: str = "") -> list[ModelRow]:
    """The models, or those of one phase ("cpt", "sft"), as `list_models` orders them."""
    known = list_models(project)
    return [_row(one, known) for one in known if one.phase == phase or not phase]


def _row(info: ModelInfo, known: list[ModelInfo]) -> ModelRow:
    figures = {name: info.figures[name] for name in TOLD if info.figures.get(name) is not None}
    return ModelRow(info.name, info.phase, info.kind, info.base, info.parent.get("name", ""), info.job, info.created, figures,
                    _bytes(Path(info.path)), _children(info, known))


def _children(info: ModelInfo, known: list[ModelInfo]) -> tuple[str, ...]:
    return tuple(one.name for one in known if info.job and one.parent.get("job") == info.job)


def _bytes(folder: Path) -> int | None:
    return sum(file.stat().st_size for file in folder.iterdir() if file.is_file()) if folder.is_dir() else None


def delete_model(projects: Path, project: Project, name: str) -> str:
    """Delete a published model; returns what was deleted and what stays. Raises ModelError while a job needs it."""
    known = list_models(project)
    info = next((one for one in known if one.name == name), None)
    if info is None or info.phase == "base":
        raise ModelError(f"'{name}' is no model that this project made.",
                         f"It made: {', '.join(one.name for one in known if one.phase != 'base') or 'none yet'}.", subject=name,
                         code="model_missing")
    job = next((one for one in list_jobs(projects, project.name, ("queued", "running"), limit=1000) if _needs(one, name)), None)
    if job is not None:
        raise ModelError(f"The model '{name}' is needed by {job.id}, which is {job.state}.", "Wait until it is done, or cancel it first.",
                         subject=name, code="model_needed")
    folder = model_folder(project, name)
    aside = staging_folder(folder)
    folder.rename(aside)  # at once no model any more, however long the rest takes
    sync_folder(folder.parent)
    shutil.rmtree(aside)
    made = _children(info, known)
    run = f" The run that made it stays: models/runs/{info.job}." if (project.model_runs / info.job).is_dir() and info.job else ""
    return f"The model '{name}' is deleted.{run}" + (f" {' and '.join(made)} {'was' if len(made) == 1 else 'were'} made from it." if made else "")


def _needs(job: Job, name: str) -> bool:
    """Whether a job that waits or runs reads the published model of that name."""
    asked = [one.strip() for one in str(job.config.get("models", "")).split(",")] if job.kind == "evaluate" else []
    starts = job.config.get("parent") if job.kind in ("sft", "sft-probe") else ""
    taken = job.config.get("model") if job.kind == "export" else ""
    return name in (*asked, starts, taken)
