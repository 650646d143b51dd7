"""Rerankers: a cross-encoder reads a question together with a text and says how well the text answers it.

In: the folder or Hugging Face id of a sequence classification model with one score, a question and texts. Out: a score from
0 to 1 for each text: the sigmoid of what the model gives, whatever its own last step would be.
Loading and scoring belong to the model host's process (torch).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from phases.shared.errors import ModelError
from phases.shared.models.embedding import beginning_of, parts_of
from phases.shared.models.search_models import RERANKER, fetch_model

LONGEST_READ = 512  # tokens of question and text together, for models that name no limit


def load_reranker(name: str, key: str = "") -> Any:
    """The model in memory, on the machine's device; `key` is the hub's, should it have to be downloaded. Raises ModelError in words."""
    from sentence_transformers import CrossEncoder
    from torch import nn

    folder = fetch_model(name, RERANKER, key)
    try:
        return CrossEncoder(str(folder), trust_remote_code=False, local_files_only=True, model_kwargs={"use_safetensors": True},
                            activation_fn=nn.Sigmoid())
    except Exception as problem:  # the border to a library that raises a dozen kinds for one broken folder
        raise ModelError(f"The reranker '{name}' cannot be loaded: {type(problem).__name__}: {problem}.",
                         "Fetch it again, or choose another one.", subject=name, code="model_unreadable") from problem


def rerank_texts(model: Any, query: str, texts: Sequence[str]) -> np.ndarray:
    """How well each text answers, float32, shape (texts,), 0 to 1.

    A text longer than the model reads beside the question is read in parts; its best part counts (MaxP: Dai and Callan, SIGIR 2019).
    """
    longest = min(model.max_seq_length or LONGEST_READ, LONGEST_READ)
    question = beginning_of(model.tokenizer, query, longest // 2)[0]
    asked = len(model.tokenizer(question, add_special_tokens=False)["input_ids"])
    room = longest - asked - model.tokenizer.num_special_tokens_to_add(pair=True)
    parts = [parts_of(model.tokenizer, text, room) for text in texts]
    scores = model.predict([(question, part) for one in parts for part in one], show_progress_bar=False, convert_to_numpy=True)
    starts = np.cumsum([0, *(len(one) for one in parts[:-1])])
    return np.maximum.reduceat(np.asarray(scores, dtype=np.float32).reshape(-1), starts)
