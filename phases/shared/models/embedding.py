"""Embedding models: a text becomes a vector of length 1, near to those of texts that mean the same.

In: the folder or Hugging Face id of a sentence-transformers model, and texts. Out: float32 vectors, shape (texts, dim).
Loading and embedding belong to child processes (torch): the job `embed`, and the model host for a question.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from phases.shared.errors import ModelError
from phases.shared.models.search_models import EMBEDDER, fetch_model

CHARACTERS_A_TOKEN = 10  # more than words have; a text of fewer tokens is looked through whole


def load_embedder(name: str, key: str = "") -> Any:
    """The model in memory, on the machine's device; `key` is the hub's, should it have to be downloaded. Raises ModelError in words."""
    from sentence_transformers import SentenceTransformer

    folder = fetch_model(name, EMBEDDER, key)
    try:
        return SentenceTransformer(str(folder), trust_remote_code=False, local_files_only=True,
                                   model_kwargs={"use_safetensors": True})
    except Exception as problem:  # the border to a library that raises a dozen kinds for one broken folder
        raise ModelError(f"The embedding model '{name}' cannot be loaded: {type(problem).__name__}: {problem}.",
                         "Fetch it again, or choose another one.", subject=name, code="model_unreadable") from problem


def embed_texts(model: Any, texts: Sequence[str], *, query: bool = False, batch_size: int = 32) -> np.ndarray:
    """One vector a text. A text longer than the model reads is embedded in parts, whose mean stands for it.

    Args:
        query: a question, not a passage; some models put other words in front of each. Of a question that is longer than the
            model reads, the beginning counts: nobody waits for the rest of a pasted page.
    """
    cut = beginning_of if query else parts_of
    parts = [cut(model.tokenizer, text, _room(model)) for text in texts]
    encode = model.encode_query if query else model.encode_document
    vectors = encode([part for one in parts for part in one], batch_size=batch_size, normalize_embeddings=True,
                     convert_to_numpy=True, show_progress_bar=False)
    starts = np.cumsum([0, *(len(one) for one in parts[:-1])])
    summed = np.add.reduceat(np.asarray(vectors, dtype=np.float32), starts, axis=0)
    return summed / np.maximum(np.linalg.norm(summed, axis=1, keepdims=True), 1e-12)


def parts_of(tokenizer: Any, text: str, room: int | None) -> list[str]:
    """The text cut where a model would stop reading, after `room` tokens each time; cuts fall between its tokens."""
    if not room or not getattr(tokenizer, "is_fast", False):
        return [text]
    spans = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, truncation=False, verbose=False)["offset_mapping"]
    return [text[spans[first][0]:spans[min(first + room, len(spans)) - 1][1]] for first in range(0, len(spans), room)] or [text]


def beginning_of(tokenizer: Any, text: str, room: int | None) -> list[str]:
    """The first of `parts_of`, without looking through a long text to its end."""
    begin = text[:(room or 0) * CHARACTERS_A_TOKEN].rpartition(" ")[0]
    parts = parts_of(tokenizer, begin, room) if begin and len(begin) < len(text) else []
    return parts[:1] if len(parts) > 1 else parts_of(tokenizer, text, room)[:1]


def _room(model: Any) -> int | None:
    return model.max_seq_length - model.tokenizer.num_special_tokens_to_add() if model.max_seq_length else None
