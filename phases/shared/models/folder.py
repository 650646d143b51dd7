"""Model folders of a project and the `model.json` that says where each came from.

In: a project. Out: its models by name ("base", "cpt", "cpt-NAME", "final", "final-NAME", "final-DATASET"), each with its lineage.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from phases.shared.errors import ModelError, SettingError
from phases.shared.files import sha256_of, write_json
from phases.shared.models.base import BUILTIN, locate_base, model_hash
from phases.shared.project import Project

DESCRIPTION = "model.json"
OWN_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")  # small letters: some file systems take A and a for the same
PHASES = ("base", "cpt", "sft")
SAMPLING_DEFAULTS = {"temperature": 0.7, "top_p": 0.9, "top_k": 50, "max_new_tokens": 256}


@dataclass(frozen=True)
class ModelInfo:
    """What a model is and what it came from.

    Args:
        kind: "adapter" (needs its base) or "full".
        base, base_hash: the base model at the root of the lineage, and the hash of its files.
        parent: {"name": "base" | "cpt" | "cpt-NAME", "job": id of the job that made the parent or ""}.
        job: the job that made this model; "" for a base model.
        figures: what was measured while making it.
        phase: what made it, one of PHASES.
        name, path: how the project calls it and where it lies (a folder, or a hub id for a base model); not stored.
    """

    kind: str
    base: str
    base_hash: str = ""
    parent: dict[str, str] = field(default_factory=dict)
    job: str = ""
    created: str = ""
    sampling: dict[str, float] = field(default_factory=lambda: dict(SAMPLING_DEFAULTS))
    figures: dict[str, Any] = field(default_factory=dict)
    phase: str = ""
    name: str = ""
    path: str = ""


def write_model_info(folder: Path, info: ModelInfo) -> None:
    """Store the description; name and path follow from the place and are left out."""
    write_json(folder / DESCRIPTION, {key: value for key, value in asdict(info).items() if key not in ("name", "path")})


def read_model_info(folder: Path, name: str = "") -> ModelInfo:
    """The description of a model folder. Raises ModelError when it is missing or unreadable."""
    try:
        content = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
        known = {one.name for one in fields(ModelInfo)}
        info = ModelInfo(**{key: value for key, value in content.items() if key in known}, name=name or folder.name, path=str(folder))
        return info if info.phase in PHASES else replace(info, phase=_older_phase(info))
    except (OSError, ValueError, TypeError, AttributeError):
        raise ModelError(f"The model '{name or folder.name}' has no readable {DESCRIPTION}.", "Train it again.",
                         subject=name or folder.name, code="model_incomplete") from None


def _older_phase(info: ModelInfo) -> str:
    """Of a model that an older version made, which did not write it down: of its own figures only CPT has a perplexity."""
    return "cpt" if info.kind == "adapter" or "perplexity_after" in info.figures else "sft"


def weights_hash(folder: Path) -> str:
    """What changes when a trained model does: the hash of its adapter, or of the whole model; "" when the weights are gone."""
    adapter = folder / "adapter_model.safetensors"
    if adapter.is_file():
        return sha256_of(adapter)
    return model_hash(folder) if any(folder.glob("model*.safetensors")) else ""


def list_models(project: Project) -> list[ModelInfo]:
    """The models of a project that can be used now: its base, then CPT models, then final ones; those without a name of their own first."""
    found = [_base_info(project)]
    for folder in sorted(project.models.glob("*")):
        name = short_name(folder.name)
        if name and (folder / DESCRIPTION).is_file():
            found.append(read_model_info(folder, name))
    return sorted((one for one in found if one), key=lambda one: (PHASES.index(one.phase), one.name not in ("cpt", "final"), one.name))


def named(first: str, name: str) -> str:
    """"cpt" or "final", with the name behind it that a person gave: "cpt-medical". Raises SettingError for one that is no folder's."""
    own = name.strip().removeprefix(f"{first}-")
    if own and not OWN_NAME.fullmatch(own):
        raise SettingError(f"'{name}' cannot be the name of a model.",
                           "Use up to 40 small letters (a to z), digits, hyphens and underscores, beginning with a letter or digit.",
                           subject="name", code="model_name")
    return f"{first}-{own}" if own else first


def replaced(project: Project, name: str) -> tuple[str, ...]:
    """A sentence when a run would take the place of a model that has a name of its own; else nothing."""
    if name in ("cpt", "final") or not (model_folder(project, name) / DESCRIPTION).is_file():
        return ()
    return (f"There is a model '{name}' already: this run takes its place. The run that made it stays in models/runs.",)


def short_name(folder: str) -> str:
    """What the project calls the model in `models/FOLDER`; "" for folders that are no published models."""
    if folder.startswith(".") or folder in ("runs", "checkpoints"):
        return ""
    return "cpt" if folder == "cpt_model" else folder


def model_folder(project: Project, name: str) -> Path:
    """Where a published model of that name lies, whether or not it is there."""
    return project.models / ("cpt_model" if name == "cpt" else name)


def model_path(project: Project, name: str) -> str:
    """The folder (or hub id) of a model by its name. Raises ModelError when the project has no such model."""
    for one in list_models(project):
        if one.name == name:
            return one.path
    if name == "base":
        return str(locate_base(project.base_model))  # raises, and says why there is none
    known = ", ".join(one.name for one in list_models(project)) or "none yet"
    advice = {"cpt": "Run tab 2 (CPT) first.", "final": "Run tab 4 (SFT) first."}.get(name, "Choose one of those.")
    raise ModelError(f"This project has no model '{name}' (it has: {known}).", advice, subject=name, code="model_missing")


def base_under(place: str | Path) -> str:
    """The base model that a model needs to be loaded: that of an adapter, a base itself; "" for a full model, which needs none."""
    if not (Path(place) / DESCRIPTION).is_file():
        return str(place)
    info = read_model_info(Path(place))
    return info.base if info.kind == "adapter" else ""


def _base_info(project: Project) -> ModelInfo | None:
    try:
        place = locate_base(project.base_model)
    except ModelError:
        return None
    return ModelInfo("full", project.base_model or BUILTIN, phase="base", name="base", path=str(place))
