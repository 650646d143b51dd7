"""Embedding models: a text becomes a vector of length 1, near to those of texts that mean the same.

In: the folder or Hugging Face id of a sentence-transformers model, and texts. Out: float32 vectors, shape (texts, dim).
Loading and embedding belong to child processes (torch): the job `embed`, and the model host for a question.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from phases.shared.errors import ModelError
from phases.shared.models.base import HUB_FILES, HUB_ID, PICKLED_WEIGHTS, download_error
from phases.shared.options import option, resolve
from phases.shared.project import Project

DEFAULT_MODEL = "sentence-transformers/all-MiniLM-L6-v2"  # 22M parameters, Apache-2.0, English; 90 MB to download
ADVICE = "Give the folder of a sentence-transformers model, or an id such as " + DEFAULT_MODEL + "."


@dataclass(frozen=True)
class SearchSettings:
    """What project.yaml may say under `settings: search:`."""

    embedding_model: str = option("", label="Embedding model", help="Folder or Hugging Face id of a sentence-transformers model.")


def project_embedding_model(project: Project) -> str:
    """The model that project.yaml names under settings, search, embedding_model; "" when it names none."""
    settings: SearchSettings = resolve(SearchSettings, project.settings.get("search"))
    return settings.embedding_model


def whole_name(name: str) -> str:
    """A folder's name as every process of this machine finds it; a hub id as it is."""
    folder = Path(name).expanduser()
    return str(folder.resolve()) if folder.is_dir() else name


def locate_embedder(name: str) -> Path | str:
    """The checked folder of an embedding model on this machine, or its hub id. Raises ModelError when it can be neither."""
    folder = Path(name).expanduser()
    if folder.exists():
        return check_embedder(folder.resolve(), name)
    if not HUB_ID.fullmatch(name):
        raise ModelError(f"There is no embedding model '{name}'.", ADVICE, subject=name, code="model_missing")
    return name


def check_embedder(folder: Path, name: str) -> Path:
    """The folder, when it holds a sentence-transformers model with safetensors weights alone. Raises ModelError."""
    if not (folder / "modules.json").is_file():
        raise ModelError(f"'{name}' is no sentence-embedding model: modules.json is missing.", ADVICE, subject=name,
                         code="model_kind")
    pickled = [one for pattern in PICKLED_WEIGHTS for one in folder.rglob(pattern) if not any(one.parent.glob("*.safetensors"))]
    if pickled or not any(folder.rglob("*.safetensors")):
        raise ModelError(f"The embedding model '{name}' has no safetensors weights.",
                         "Pickled weights can run code and are not loaded: choose a model in safetensors format.",
                         subject=name, code="model_pickled")
    return folder


def fetch_embedder(name: str) -> Path:
    """The folder of an embedding model; an id that is not in the local cache is downloaded first. Raises ModelError."""
    from huggingface_hub import snapshot_download

    place = locate_embedder(name)
    if isinstance(place, Path):
        return place
    try:
        return check_embedder(Path(snapshot_download(place, local_files_only=True)), name)
    except (OSError, ValueError, ModelError):
        pass  # not there, or only in part
    try:
        folder = Path(snapshot_download(place, allow_patterns=list(HUB_FILES)))
    except Exception as problem:  # the border to a network library: its failures are told apart by class name
        told = download_error(name, problem)
        advice = told.advice.replace("'builtin' or a folder", "the folder of an embedding model")
        raise ModelError(told.sentence, advice, subject=name, code=told.code) from problem
    return check_embedder(folder, name)


def load_embedder(name: str) -> Any:
    """The model in memory, on the machine's device. Raises ModelError in words."""
    from sentence_transformers import SentenceTransformer

    folder = fetch_embedder(name)
    try:
        return SentenceTransformer(str(folder), trust_remote_code=False, local_files_only=True,
                                   model_kwargs={"use_safetensors": True})
    except Exception as problem:  # the border to a library that raises a dozen kinds for one broken folder
        raise ModelError(f"The embedding model '{name}' cannot be loaded: {type(problem).__name__}: {problem}.",
                         "Fetch it again, or choose another one.", subject=name, code="model_unreadable") from problem


def embed_texts(model: Any, texts: Sequence[str], *, query: bool = False, batch_size: int = 32) -> np.ndarray:
    """One vector a text. A text longer than the model reads is embedded in parts, whose mean stands for it.

    Args:
        query: a question, not a passage; some models put other words in front of each.
    """
    parts = [_parts(model, text) for text in texts]
    encode = model.encode_query if query else model.encode_document
    vectors = encode([part for one in parts for part in one], batch_size=batch_size, normalize_embeddings=True,
                     convert_to_numpy=True, show_progress_bar=False)
    starts = np.cumsum([0, *(len(one) for one in parts[:-1])])
    summed = np.add.reduceat(np.asarray(vectors, dtype=np.float32), starts, axis=0)
    return summed / np.maximum(np.linalg.norm(summed, axis=1, keepdims=True), 1e-12)


def _parts(model: Any, text: str) -> list[str]:
    """The text cut where the model would stop reading; cuts fall between its tokens."""
    longest = model.max_seq_length
    if not longest or not getattr(model.tokenizer, "is_fast", False):
        return [text]
    room = longest - model.tokenizer.num_special_tokens_to_add()
    spans = model.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, truncation=False,
                            verbose=False)["offset_mapping"]
    return [text[spans[first][0]:spans[min(first + room, len(spans)) - 1][1]] for first in range(0, len(spans), room)] or [text]
