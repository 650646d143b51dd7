"""Base models: the built-in one, a folder on this machine, or a Hugging Face id.

In: the name a person chose ("builtin", "~/models/smollm", "HuggingFaceTB/SmolLM2-135M"). Out: a checked folder of
safetensors, or a ModelError in words. Code that comes with a model is never run and pickled weights are never read.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from phases.shared.errors import ModelError
from phases.shared.files import sha256_of

BUILTIN = "builtin"
BUILTIN_FOLDER = Path(__file__).resolve().parent / "builtin"
HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")
HUB_FILES = ("*.json", "*.safetensors", "*.model", "*.jinja", "merges.txt", "vocab.txt")
TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model", "vocab.json", "spiece.model")
PICKLED_WEIGHTS = ("*.bin", "*.pt", "*.pth", "*.ckpt")


@dataclass(frozen=True)
class BaseModelInfo:
    """A base model to choose. `gigabytes` is its approximate download in bf16, `context` its length in tokens."""

    id: str
    label: str
    parameters: str
    licence: str
    context: int
    gigabytes: float


def base_model_choices() -> list[BaseModelInfo]:
    """A short list to begin with; every other Hugging Face id or folder of a causal language model works too."""
    return [
        BaseModelInfo(BUILTIN, "Built-in (no download, English, tiny)", "5.7M", "see its card", _builtin_context(), 0.01),
        BaseModelInfo("HuggingFaceTB/SmolLM2-135M", "SmolLM2 135M", "135M", "Apache-2.0", 8192, 0.3),
        BaseModelInfo("HuggingFaceTB/SmolLM2-360M", "SmolLM2 360M", "360M", "Apache-2.0", 8192, 0.7),
        BaseModelInfo("Qwen/Qwen2.5-0.5B", "Qwen2.5 0.5B", "0.5B", "Apache-2.0", 32768, 1.0),
        BaseModelInfo("Qwen/Qwen3-0.6B-Base", "Qwen3 0.6B", "0.6B", "Apache-2.0", 32768, 1.2),
        BaseModelInfo("google/gemma-3-1b-pt", "Gemma 3 1B (terms to accept)", "1B", "Gemma", 32768, 2.0),
        BaseModelInfo("meta-llama/Llama-3.2-1B", "Llama 3.2 1B (terms to accept)", "1.2B", "Llama 3.2", 131072, 2.5),
        BaseModelInfo("Qwen/Qwen2.5-1.5B", "Qwen2.5 1.5B", "1.5B", "Apache-2.0", 32768, 3.1),
        BaseModelInfo("HuggingFaceTB/SmolLM2-1.7B", "SmolLM2 1.7B", "1.7B", "Apache-2.0", 8192, 3.4),
    ]


def _builtin_context() -> int:
    config = BUILTIN_FOLDER / "config.json"
    return json.loads(config.read_text(encoding="utf-8"))["max_position_embeddings"] if config.exists() else 0


def locate_base(name: str) -> Path | str:
    """The folder of a base model that lies on this machine, or its hub id. Raises ModelError when it can be neither."""
    if name == BUILTIN:
        return check_model_folder(BUILTIN_FOLDER, BUILTIN)
    folder = Path(name).expanduser()
    if folder.exists():
        return check_model_folder(folder.resolve(), name)
    if not HUB_ID.fullmatch(name):
        raise ModelError(f"There is no model '{name}'.", "Give 'builtin', the folder of a Hugging Face model, or an id such as "
                         "HuggingFaceTB/SmolLM2-135M.", subject=name, code="model_missing")
    return name


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
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        architectures = [str(one) for one in config.get("architectures") or ()]
    except (ValueError, AttributeError, TypeError):
        raise ModelError(f"config.json of the model '{name}' cannot be read.", "Fetch the model again.", subject=name,
                         code="model_incomplete") from None
    if architectures and not any("CausalLM" in one or "LMHead" in one for one in architectures):
        raise ModelError(f"'{name}' is a {architectures[0]}, which does not write text word by word.",
                         "Choose a causal language model.", subject=name, code="model_kind")


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


def fetch_base(name: str, on_download: Callable[[], None]) -> Path:
    """The folder of a base model; an id that is not in the local cache is downloaded first (in child processes only).

    Args:
        on_download: called once before a download begins.
    """
    place = locate_base(name)
    if isinstance(place, Path):
        return place
    cached = cached_base(place)
    if cached is not None:
        return cached
    on_download()
    return check_model_folder(_download(place), name)


def cached_base(hub_id: str) -> Path | None:
    """The folder of a hub id in the local cache when it is whole."""
    from huggingface_hub import snapshot_download
    try:
        return check_model_folder(Path(snapshot_download(hub_id, local_files_only=True)), hub_id)
    except (OSError, ValueError, ModelError):
        return None


def _download(hub_id: str) -> Path:
    from huggingface_hub import snapshot_download
    try:
        return Path(snapshot_download(hub_id, allow_patterns=list(HUB_FILES)))
    except Exception as problem:  # the border to a network library: its failures are told apart by class name
        raise download_error(hub_id, problem) from problem


def download_error(hub_id: str, problem: Exception) -> ModelError:
    """What went wrong with a download, in words."""
    kinds = {kind.__name__ for kind in type(problem).__mro__}
    if "GatedRepoError" in kinds:
        return ModelError(f"{hub_id} asks you to accept its terms first.",
                          f"Accept them on https://huggingface.co/{hub_id}, run `hf auth login`, and start again.",
                          subject=hub_id, code="model_gated")
    if kinds & {"RepositoryNotFoundError", "RevisionNotFoundError", "HFValidationError"}:
        return ModelError(f"There is no model '{hub_id}' on the hub, or it is private.", "Check how the id is written.",
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
