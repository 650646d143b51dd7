"""A project folder: every path in it, and how one is created, opened and listed.

In: the projects folder (`--projects DIR`, else `LEHRLING_PROJECTS`, else `projects/` beside app.py) and a name.
Out: a `Project`. Commands: `python app.py projects`, `python app.py new NAME`.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from phases.shared.errors import ProjectError
from phases.shared.files import write_atomically

PROGRAM_ROOT = Path(__file__).resolve().parents[2]
SAMPLE_ROOT = PROGRAM_ROOT / "projects" / "sample"
SAMPLE_DOCUMENTS = SAMPLE_ROOT / "documents"
SAMPLE_PROJECT = "sample-demo"
NAME_PATTERN = re.compile(r"[^\W_][\w .-]{0,63}")
RESERVED_NAMES = {"sample", "con", "prn", "aux", "nul"}
SETTING_KEYS = {"name", "language", "domain", "base_model", "settings"}
DOMAINS = ("general", "medical", "legal", "finance", "technical", "code", "math")


@dataclass(frozen=True)
class Project:
    """One project on disk. Paths are computed from `root` alone: a project can be renamed, zipped and opened elsewhere."""

    root: Path
    language: str = "en"
    domain: str = "general"
    base_model: str = "builtin"
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.root.name

    @property
    def settings_file(self) -> Path:
        return self.root / "project.yaml"

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def database(self) -> Path:
        return self.data / "wissensbasis.sqlite"

    @property
    def documents(self) -> Path:
        """The uploaded originals, named by content hash."""
        return self.data / "documents"

    @property
    def embedding_model(self) -> Path:
        """The hash of the embedding model's files, with what tells that they are the same still."""
        return self.data / "embedding_model.json"

    @property
    def cpt_text(self) -> Path:
        return self.data / "cpt_data.txt"

    @property
    def models(self) -> Path:
        return self.root / "models"

    @property
    def model_runs(self) -> Path:
        """Immutable results, one folder a job."""
        return self.models / "runs"

    @property
    def cpt_model(self) -> Path:
        return self.models / "cpt_model"

    @property
    def final_model(self) -> Path:
        return self.models / "final"

    @property
    def checkpoints(self) -> Path:
        return self.models / "checkpoints"

    @property
    def runs(self) -> Path:
        return self.root / "runs"

    @property
    def exports(self) -> Path:
        return self.root / "exports"

    def job_dir(self, job_id: str) -> Path:
        return self.runs / job_id

    def dataset_file(self, dataset: str = "sft_data") -> Path:
        return self.data / f"{dataset}.jsonl"


def projects_folder(given: str | Path | None = None) -> Path:
    """The folder that holds the projects: the given one, else LEHRLING_PROJECTS, else `projects/` of the program."""
    chosen = given or os.environ.get("LEHRLING_PROJECTS") or PROGRAM_ROOT / "projects"
    return Path(chosen).expanduser().resolve()


def check_project_name(name: str) -> str:
    """The name, cleaned of outer blanks. Raises ProjectError when it could leave the folder or trouble a file system."""
    cleaned = unicodedata.normalize("NFC", name).strip()
    if not NAME_PATTERN.fullmatch(cleaned) or cleaned.endswith(".") or cleaned.lower() in RESERVED_NAMES:
        raise ProjectError(f"'{name}' cannot be the name of a project.",
                           "Use up to 64 letters, digits, blanks, dots, hyphens and underscores, beginning with a letter "
                           f"or digit; not one of: {', '.join(sorted(RESERVED_NAMES))}.",
                           subject=name, code="project_name")
    return cleaned


def create_project(projects: Path, name: str, *, language: str = "en", domain: str = "general",
                   base_model: str = "builtin", settings: Mapping[str, Mapping[str, Any]] | None = None) -> Project:
    """Make the folder and its `project.yaml`. Raises ProjectError when the name is bad or taken (in any case of letters)."""
    name = check_project_name(name)
    taken = {one.casefold() for one in list_projects(projects)}
    if name.casefold() in taken or (projects / name).exists():
        raise ProjectError(f"There is a project '{name}' already.", "Open it, or choose another name.", subject=name,
                           code="project_exists")
    project = Project(projects / name, language, domain, base_model, dict(settings or {}))
    for folder in (project.documents, project.models, project.runs, project.exports):
        folder.mkdir(parents=True)
    save_project(project)
    return project


def save_project(project: Project) -> None:
    """Write `project.yaml`: whole or not at all."""
    content = {"name": project.name, "language": project.language, "domain": project.domain,
               "base_model": project.base_model, "settings": {key: dict(value) for key, value in project.settings.items()}}
    write_atomically(project.settings_file, yaml.safe_dump(content, allow_unicode=True, sort_keys=False))


def open_project(projects: Path, name: str) -> Project:
    """The project of that name. Raises ProjectError when there is none or its settings cannot be read."""
    name = check_project_name(name)
    root = projects / name
    if not (root / "project.yaml").is_file():
        known = ", ".join(list_projects(projects)) or "none yet"
        raise ProjectError(f"There is no project '{name}'.",
                           f"Projects here: {known}. Make one with: python app.py new \"{name}\".",
                           subject=name, code="project_missing")
    return _read_project(root)


def sample_documents() -> list[Path]:
    """The shipped documents. Raises ProjectError when they are missing."""
    found = sorted(path for path in SAMPLE_DOCUMENTS.glob("*") if path.is_file())
    if not found:
        raise ProjectError("The sample documents are missing.", "They belong in projects/sample/documents of the program.",
                           subject="sample", code="sample_missing")
    return found


def open_sample_project(projects: Path, name: str = SAMPLE_PROJECT) -> Project:
    """The project for the sample documents, made with the sample's settings on first use."""
    if name in list_projects(projects):
        return open_project(projects, name)
    sample = _read_project(SAMPLE_ROOT)
    return create_project(projects, name, language=sample.language, domain=sample.domain, base_model=sample.base_model,
                          settings=sample.settings)


def list_projects(projects: Path) -> list[str]:
    """Names of the projects, in alphabetical order; the shipped sample is a source of documents and not listed."""
    if not projects.is_dir():
        return []
    names = [one.parent.name for one in projects.glob("*/project.yaml")]
    return sorted((name for name in names if name.lower() not in RESERVED_NAMES), key=str.casefold)


def _read_project(root: Path) -> Project:
    try:
        content = yaml.safe_load((root / "project.yaml").read_text(encoding="utf-8")) or {}
    except (yaml.YAMLError, UnicodeDecodeError) as problem:
        raise ProjectError(f"project.yaml of '{root.name}' cannot be read: {problem}.",
                           "Correct it in a text editor, or restore it from a copy.", subject=root.name,
                           code="project_settings") from None
    unknown = set(content) - SETTING_KEYS if isinstance(content, dict) else {"(not a mapping)"}
    if unknown:
        raise ProjectError(f"project.yaml of '{root.name}' holds unknown settings: {', '.join(sorted(unknown))}.",
                           f"Known are: {', '.join(sorted(SETTING_KEYS))}.", subject=root.name, code="project_settings")
    return Project(root, str(content.get("language", "en")), str(content.get("domain", "general")),
                   str(content.get("base_model", "builtin")), content.get("settings") or {})
