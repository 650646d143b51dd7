"""The exported folders of a project, and the list of files and hashes that each carries: only what it names is ever given away.

In: a project. Out: its exports, the newest first; one of them by its name or its model's; a ModelError when a file is not as it was written.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from phases.shared.errors import ModelError, NotReady
from phases.shared.files import sha256_of, write_json
from phases.shared.models.folder import DESCRIPTION, model_folder
from phases.shared.project import Project

EXPORT_FILE = "export.json"


@dataclass(frozen=True)
class Exported:
    """One exported folder.

    Args:
        described: hash of the description of the model that was exported; "" for a base model.
        job: the one that wrote it; "" for an export of an older version.
        files: {name: {"bytes", "sha256"}} of everything but export.json; empty for an export of an older version.
    """

    folder: Path
    model: str
    base: str
    made: str = ""
    described: str = ""
    files: Mapping[str, Mapping[str, Any]] | None = None
    job: str = ""

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def bytes(self) -> int:
        return sum(one["bytes"] for one in (self.files or {}).values())


def seal_export(folder: Path, about: Mapping[str, Any]) -> None:
    """Write export.json, with the size and hash of every file, into a folder that is finished."""
    files = {name: {"bytes": (folder / name).stat().st_size, "sha256": sha256_of(folder / name)} for name in _names_in(folder)}
    write_json(folder / EXPORT_FILE, {**about, "made": datetime.now(UTC).isoformat(), "files": files})


def list_exports(project: Project) -> list[Exported]:
    """The exported folders that can be read, the newest first; `find_export` says of the others what is wrong."""
    found = []
    for folder in _folders(project):
        with suppress(ModelError):
            found.append(read_export(folder))
    return sorted(found, key=lambda one: (one.made, one.name), reverse=True)


def _folders(project: Project) -> list[Path]:
    return [one for one in project.exports.glob("[!.]*") if (one / EXPORT_FILE).is_file()]


def read_export(folder: Path) -> Exported:
    """Raises ModelError when its export.json is missing or unreadable."""
    try:
        content = json.loads((folder / EXPORT_FILE).read_text(encoding="utf-8"))
        return Exported(folder, content["model"], content["base"], content.get("made", ""), content.get("described", ""), content.get("files") or {},
                        content.get("job", ""))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise ModelError(f"exports/{folder.name} has no readable {EXPORT_FILE}.", "Export the model again.", subject=folder.name,
                         code="export_damaged") from None


def find_export(project: Project, name: str) -> Exported:
    """The exported folder of that name, or the newest export of the model of that name. Raises NotReady or ModelError."""
    every = list_exports(project)
    named = next((one for one in _folders(project) if one.name == name), None)
    found = read_export(named) if named else next((one for one in every if one.model == name), None)
    if not every and named is None:
        raise NotReady("Nothing has been exported yet.", f"Export a model first: python app.py export \"{project.name}\" --model {name}. Where an export waits or runs, "
                       "push --after JOB sends what it writes.",
                       subject=name, code="export_missing")
    if found is None:
        there = ", ".join(f"{one.name} ({one.model})" for one in every)
        raise NotReady(f"There is no export of '{name}'.", f"There are: {there}. Export it first, or choose one of those.", subject=name,
                       code="export_missing")
    if not found.files:
        raise NotReady(f"exports/{found.name} was made by an older version, which kept no hashes of its files.", "Export the model again.",
                       subject=found.name, code="export_unsealed")
    return found


def exported_by(project: Project, job: str) -> str:
    """The model that an export's job, also one that has not begun, writes; "" for any other job."""
    asked = project.job_dir(job) / "inputs" / "model.json"
    return str(json.loads(asked.read_text(encoding="utf-8"))["model"]) if job.startswith("export-") and asked.is_file() else ""


def export_of_job(project: Project, job: str) -> Exported:
    """What a job wrote. Raises ModelError when it is not there any more."""
    found = next((one for one in list_exports(project) if one.job == job), None)
    if found is None:
        raise ModelError(f"What {job} exported is not in exports/ any more.", "Export the model again, then push it.", subject=job,
                         code="export_missing")
    return found


def is_outdated(project: Project, exported: Exported) -> bool:
    """Whether the model was trained again, or deleted, since it was exported."""
    described = model_folder(project, exported.model) / DESCRIPTION
    return bool(exported.described) and (not described.is_file() or sha256_of(described) != exported.described)


def changed_names(exported: Exported) -> list[str]:
    """Files that are missing, of another size, or were added: what can be seen without reading them."""
    files = exported.files or {}
    sizes = {name: (exported.folder / name).stat().st_size for name in _names_in(exported.folder)}
    return [name for name in sorted({*files, *sizes}) if name not in files or sizes.get(name) != files[name]["bytes"]]


def verify_export(exported: Exported, told: Callable[[int], None]) -> None:
    """Read every file and compare its hash; `told` hears how many bytes were read. Raises ModelError for the first that differs."""
    read = 0
    wrong = changed_names(exported)
    for name, about in (exported.files or {}).items() if not wrong else ():
        if sha256_of(exported.folder / name) != about["sha256"]:
            wrong = [name]
            break
        read += about["bytes"]
        told(read)
    if wrong:
        raise damaged(exported, wrong)


def damaged(exported: Exported, names: list[str]) -> ModelError:
    return ModelError(f"{', '.join(names)} of exports/{exported.name} was changed, removed or added after the export.",
                      "Export the model again: only files that are as they were checked are given away.", subject=exported.name, code="export_damaged")


def _names_in(folder: Path) -> list[str]:
    """Every file but export.json, by its path in the folder."""
    return sorted(one.relative_to(folder).as_posix() for one in folder.rglob("*") if one.is_file() and one != folder / EXPORT_FILE)
