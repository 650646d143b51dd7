"""The two models that search can use, as folders or hub ids: one that embeds, and one that reranks (a cross-encoder).

In: a name that a person chose. Out: its checked folder, or a ModelError in words; the hash of its files; what project.yaml
says. Nothing here loads a model: that belongs to child processes (`embedding`, `reranker`).
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from phases.shared.errors import ModelError
from phases.shared.files import sha256_of, write_json
from phases.shared.models.base import HUB_FILES, HUB_ID, PICKLED_WEIGHTS, download_error
from phases.shared.options import option, resolve
from phases.shared.project import Project

SEARCH_MODES = ("text", "semantic", "hybrid")  # these words; this meaning; both
SETTLED_SECONDS = 5.0  # file systems keep times to 2 seconds at worst


@dataclass(frozen=True)
class SearchSettings:
    """What project.yaml may say under `settings: search:`."""

    embedding_model: str = option("", label="Embedding model", help="Folder or Hugging Face id of a sentence-transformers model.")
    reranker: str = option("", label="Reranker", help="Folder or Hugging Face id of a cross-encoder that orders the best hits anew.")


@dataclass(frozen=True)
class ModelKind:
    """`kind` as it is called in sentences, `example` is a hub id, `check` raises ModelError for a folder of another kind."""

    kind: str
    example: str
    check: Callable[[Path, str], None]

    @property
    def advice(self) -> str:
        return f"Give the folder of the {self.kind}, or an id such as {self.example}."


def search_settings(project: Project) -> SearchSettings:
    """The project's search settings. Raises SettingError for one that there is not."""
    settings: SearchSettings = resolve(SearchSettings, project.settings.get("search"))
    return settings


def whole_name(name: str) -> str:
    """A folder's name as every process of this machine finds it; a hub id as it is."""
    folder = Path(name).expanduser()
    return str(folder.resolve()) if folder.is_dir() else name


def folder_hash(name: str) -> str:
    """One hash over all files of a model's folder; "" for a hub id."""
    folder = Path(name).expanduser()
    if not folder.is_dir():
        return ""
    files = sorted(one for one in folder.rglob("*") if one.is_file() and not one.name.startswith("."))
    lines = [f"{one.relative_to(folder).as_posix()} {sha256_of(one)}" for one in files if one.suffix != ".md"]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def folder_state(name: str) -> str:
    """Sizes and times of the files of a model's folder: cheap to read, and another one after the folder was replaced."""
    folder = Path(name).expanduser()
    about = [(one.name, one.stat()) for one in sorted(folder.rglob("*")) if one.is_file()] if folder.is_dir() else []
    return " ".join(f"{file} {stat.st_size} {stat.st_mtime_ns}" for file, stat in about)


def remembered_hash(name: str, kept: Path) -> str:
    """`folder_hash` without reading gigabytes again: that of the file `kept` while path, sizes and times are those of then.

    Not kept while the files are so new that a change could leave their times as they are; where `kept` cannot be written, every
    call reads the folder.
    """
    about = f"{whole_name(name)} {folder_state(name)}"
    key = hashlib.sha256(about.encode("utf-8", "surrogateescape")).hexdigest()
    try:
        record = json.loads(kept.read_text(encoding="utf-8"))
        if record["key"] == key:
            return str(record["hash"])
    except (OSError, ValueError, KeyError, TypeError):
        pass  # never written, or not whole: it is made anew
    found = folder_hash(name)
    if found and time.time() - _newest(name) > SETTLED_SECONDS and about == f"{whole_name(name)} {folder_state(name)}":
        with contextlib.suppress(OSError):
            write_json(kept, {"key": key, "hash": found})
    return found


def _newest(name: str) -> float:
    """When a file of the folder last changed, in seconds since 1970."""
    return max((one.stat().st_mtime for one in Path(name).expanduser().rglob("*") if one.is_file()), default=0.0)


def locate_model(name: str, kind: ModelKind) -> Path | str:
    """The checked folder of a model on this machine, or its hub id. Raises ModelError when it can be neither."""
    folder = Path(name).expanduser()
    if folder.exists():
        return _checked(folder.resolve(), name, kind)
    if not HUB_ID.fullmatch(name):
        raise ModelError(f"There is no {kind.kind} '{name}'.", kind.advice, subject=name, code="model_missing")
    return name


def fetch_model(name: str, kind: ModelKind, key: str = "") -> Path:
    """The folder of a model; an id that is not in the local cache is downloaded first, with the hub's `key` where there is one.
    Raises ModelError."""
    from huggingface_hub import snapshot_download

    place = locate_model(name, kind)
    if isinstance(place, Path):
        return place
    try:
        return _checked(Path(snapshot_download(place, local_files_only=True)), name, kind)
    except (OSError, ValueError, ModelError):
        pass  # not there, or only in part
    try:
        folder = Path(snapshot_download(place, allow_patterns=list(HUB_FILES), token=key or None))
    except Exception as problem:  # the border to a network library: its failures are told apart by class name
        told = download_error(name, problem)
        advice = told.advice.replace("'builtin' or a folder", f"the folder of the {kind.kind}")
        raise ModelError(told.sentence, advice, subject=name, code=told.code) from problem
    return _checked(folder, name, kind)


def _checked(folder: Path, name: str, kind: ModelKind) -> Path:
    """The folder, when it is of that kind and holds safetensors weights alone."""
    kind.check(folder, name)
    pickled = [one for pattern in PICKLED_WEIGHTS for one in folder.rglob(pattern) if not any(one.parent.glob("*.safetensors"))]
    if pickled or not any(folder.rglob("*.safetensors")):
        raise ModelError(f"The {kind.kind} '{name}' has no safetensors weights.",
                         "Pickled weights can run code and are not loaded: choose a model in safetensors format.",
                         subject=name, code="model_pickled")
    return folder


def _check_embedder(folder: Path, name: str) -> None:
    if not (folder / "modules.json").is_file():
        raise ModelError(f"'{name}' is no embedding model of sentence-transformers: modules.json is missing.", EMBEDDER.advice,
                         subject=name, code="model_kind")


def _check_reranker(folder: Path, name: str) -> None:
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        architecture = str((config.get("architectures") or ["model without an architecture"])[0])
        labels = len(config.get("id2label") or {}) or int(config.get("num_labels", 2))
    except FileNotFoundError:
        raise ModelError(f"'{name}' is no reranker: config.json is missing.", RERANKER.advice, subject=name, code="model_kind") from None
    except (OSError, ValueError, AttributeError, TypeError):
        raise ModelError(f"config.json of the reranker '{name}' cannot be read.", "Fetch the model again.", subject=name,
                         code="model_incomplete") from None
    if not architecture.endswith("ForSequenceClassification"):
        raise ModelError(f"'{name}' is no reranker but a {architecture}: it does not score a question with a text.",
                         RERANKER.advice, subject=name, code="model_kind")
    if labels != 1:
        raise ModelError(f"'{name}' is no reranker: it sorts into {labels} classes, and a reranker gives one score.",
                         RERANKER.advice, subject=name, code="model_kind")


EMBEDDER = ModelKind("embedding model", "sentence-transformers/all-MiniLM-L6-v2", _check_embedder)  # 22M parameters, Apache-2.0, English; 90 MB
RERANKER = ModelKind("reranker", "cross-encoder/ms-marco-MiniLM-L-6-v2", _check_reranker)  # 23M parameters, Apache-2.0, English; 90 MB
