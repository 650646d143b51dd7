"""Base models: the built-in one, a folder on this machine, or a Hugging Face id.

In: the name a person chose ("builtin", "~/models/smollm", "HuggingFaceTB/SmolLM2-135M"). Out: a checked folder of
safetensors, or a ModelError in words. Code that comes with a model is never run and pickled weights are never read.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import re
from collections.abc import Callable, Mapping
from fnmatch import fnmatch
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from phases.shared.errors import ModelError
from phases.shared.files import sha256_of
from phases.shared.models.catalogue import BUILTIN, BUILTIN_FOLDER, base_model_choices

HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")
HUB_FILES = ("*.json", "*.safetensors", "*.model", "*.jinja", "merges.txt", "vocab.txt")
TWICE_THERE = ("consolidated*", "original/*")  # the same weights once more, for other programs
TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model", "vocab.json", "spiece.model")
PICKLED_WEIGHTS = ("*.bin", "*.pt", "*.pth", "*.ckpt")


def locate_base(name: str) -> Path | str:
    """The folder of a base model that lies on this machine, or its hub id. Raises ModelError when it can be neither."""
    if name == BUILTIN:
        return check_model_folder(BUILTIN_FOLDER, BUILTIN)
    folder = Path(name).expanduser()
    if folder.exists():
        return check_model_folder(folder.resolve(), name)
    if not HUB_ID.fullmatch(name):
        raise ModelError(f"There is no model '{name}'.", f"Give 'builtin', the folder of a Hugging Face model, or an id such as "
                         f"{_nearest(name)}.", subject=name, code="model_missing")
    return name


def _nearest(name: str) -> str:
    """The id of the short list that looks most like what was typed."""
    short = {one.id.rpartition("/")[2].lower(): one.id for one in base_model_choices() if "/" in one.id}
    found = difflib.get_close_matches(name.rpartition("/")[2].lower(), short, n=1)
    return short[found[0]] if found else "HuggingFaceTB/SmolLM2-135M"


def check_model_folder(folder: Path, name: str) -> Path:
    """The folder, when it holds a causal language model as safetensors with a tokenizer. Raises ModelError."""
    if not folder.is_dir():
        raise ModelError(f"The model '{name}' is not a folder.", "Give the folder that holds its config.json.", subject=name,
                         code="model_missing")
    if not (folder / "config.json").is_file():
        raise ModelError(f"The folder '{name}' holds no model: config.json is missing.",
                         "Give the folder that holds config.json, *.safetensors and tokenizer.json.", subject=name,
                         code="model_incomplete")
    _check_architecture(folder, name)
    _check_weights(folder, name)
    if not any((folder / file).is_file() for file in TOKENIZER_FILES):
        raise ModelError(f"The model '{name}' has no tokenizer.", "Copy its tokenizer.json into the folder.", subject=name,
                         code="model_incomplete")
    return folder


def _check_architecture(folder: Path, name: str) -> None:
    try:
        check_config(json.loads((folder / "config.json").read_text(encoding="utf-8")), name)
    except (ValueError, AttributeError, TypeError):
        raise ModelError(f"config.json of the model '{name}' cannot be read.", "Fetch the model again.", subject=name,
                         code="model_incomplete") from None


def check_config(config: Mapping[str, Any], name: str) -> None:
    """Raises ModelError for a model that writes no text, or that transformers does not know without code of the model's own."""
    architectures = [str(one) for one in config.get("architectures") or ()]
    if architectures and not any("CausalLM" in one or "LMHead" in one for one in architectures):
        raise ModelError(f"'{name}' is a {architectures[0]}, which does not write text word by word.",
                         "Choose a causal language model.", subject=name, code="model_kind")
    kind = str(config.get("model_type") or "")
    if not kind or known_to_transformers(kind):
        return
    if config.get("auto_map"):
        raise ModelError(f"'{name}' needs program code that comes with it (a model of kind '{kind}'), and such code is never run here.",
                         "Choose a model that transformers knows by itself.", subject=name, code="model_remote_code")
    raise ModelError(f"'{name}' is a model of kind '{kind}', which the installed transformers does not know.",
                     "Choose another model, or a newer version of Lehrling.", subject=name, code="model_kind")


def known_to_transformers(kind: str) -> bool:
    """Whether transformers has this model type built in; read from its files, since importing it would load torch."""
    found = find_spec("transformers")
    if found is None or not found.submodule_search_locations:
        return True
    models = Path(next(iter(found.submodule_search_locations))) / "models"
    if (models / kind.replace("-", "_")).is_dir():
        return True
    line = f'model_type = "{kind}"'
    return any(line in file.read_text(encoding="utf-8") for file in models.glob("*/configuration_*.py"))


def _check_weights(folder: Path, name: str) -> None:
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        parts = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
        lacking = sorted(part for part in parts if not (folder / part).is_file())
        if lacking:
            raise ModelError(f"The model '{name}' is incomplete: {lacking[0]} is missing.", "Fetch the model again.",
                             subject=name, code="model_incomplete")
    elif not any(folder.glob("*.safetensors")):
        pickled = [file.name for pattern in PICKLED_WEIGHTS for file in folder.glob(pattern)]
        raise ModelError(f"The model '{name}' has no safetensors weights" + (f", only {pickled[0]}." if pickled else "."),
                         "Pickled weights can run code and are not loaded: choose a model in safetensors format.",
                         subject=name, code="model_pickled" if pickled else "model_incomplete")


def fetch_base(name: str, on_download: Callable[[], None], key: str = "") -> Path:
    """The folder of a base model; an id that is not in the local cache is downloaded first (in child processes only).

    Args:
        on_download: called once before a download begins. key: of the hub, for models that it does not give to everybody.
    """
    place = locate_base(name)
    if isinstance(place, Path):
        return place
    cached = cached_base(place)
    if cached is not None:
        return cached
    on_download()
    return check_model_folder(_download(place, key), name)


def cached_base(hub_id: str) -> Path | None:
    """The folder of a hub id in the local cache when it is whole."""
    from huggingface_hub import snapshot_download
    try:
        return check_model_folder(Path(snapshot_download(hub_id, local_files_only=True)), hub_id)
    except (OSError, ValueError, ModelError):
        return None


def _download(hub_id: str, key: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.constants import HF_HUB_CACHE

    from phases.shared.models.hub import look_before_download
    try:
        look_before_download(hub_id, _is_wanted, check_config, Path(HF_HUB_CACHE), key)
        return Path(snapshot_download(hub_id, allow_patterns=list(HUB_FILES), ignore_patterns=list(TWICE_THERE), token=key or None))
    except ModelError:
        raise
    except Exception as problem:  # the border to a network library: its failures are told apart by class name
        raise download_error(hub_id, problem) from problem


def _is_wanted(file: str) -> bool:
    return any(fnmatch(file, pattern) for pattern in HUB_FILES) and not any(fnmatch(file, pattern) for pattern in TWICE_THERE)


def download_error(hub_id: str, problem: Exception) -> ModelError:
    """What went wrong with a download, in words."""
    kinds = {kind.__name__ for kind in type(problem).__mro__}
    if "GatedRepoError" in kinds:
        return ModelError(f"{hub_id} asks you to accept its terms first.",
                          f"Accept them on https://huggingface.co/{hub_id}, store a key of that account with: python app.py set-key HF_TOKEN, "
                          "and start again.",
                          subject=hub_id, code="model_gated")
    if kinds & {"RepositoryNotFoundError", "RevisionNotFoundError", "HFValidationError"}:
        return ModelError(f"There is no model '{hub_id}' on the hub, or it is private.",
                          "Check how the id is written; a private one needs a key of its owner: python app.py set-key HF_TOKEN.",
                          subject=hub_id, code="model_missing")
    if kinds & {"LocalEntryNotFoundError", "OfflineModeIsEnabled", "ConnectionError", "ConnectError", "Timeout",
                "TimeoutException", "ProxyError"}:
        return ModelError(f"{hub_id} is not on this machine and the hub cannot be reached.",
                          "Connect to the network, or choose 'builtin' or a folder on this machine.", subject=hub_id,
                          code="model_offline")
    return ModelError(f"{hub_id} could not be downloaded: {type(problem).__name__}: {problem}.",
                      "Try again; files that have arrived are kept.", subject=hub_id, code="model_download")


def model_hash(folder: Path) -> str:
    """One hash over weights, configuration and tokenizer: what a trained adapter depends on."""
    files = sorted({*folder.glob("*.safetensors"), *(folder / name for name in ("config.json", *TOKENIZER_FILES))})
    lines = [f"{file.name} {sha256_of(file)}" for file in files if file.is_file()]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
