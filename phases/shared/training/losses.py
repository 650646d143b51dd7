"""The loss of a batch from all logits that it needs, at once. For child processes only (torch).

In: a causal language model and a batch with `labels` (-100 where nothing is learnt). Out: the mean negative log-likelihood of the
tokens, each predicted from those before it: the same number as TRL's chunked head, for small vocabularies in less time.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

IGNORED = -100
WHOLE_LOGITS_BYTES = 64 * 2**20  # in float32; the loss and its gradient take about three times as much


def learnt_places(labels: torch.Tensor) -> torch.Tensor:
    """The places in the sequence whose successor is learnt in any row: elsewhere no logits are needed. Labels of shape (rows, length)."""
    return (labels[:, 1:] != IGNORED).any(dim=0).nonzero().flatten()


def logits_bytes(model: Any, inputs: Mapping[str, Any]) -> int:
    """What the logits of a batch take in float32."""
    rows, learnt = len(inputs["labels"]), len(learnt_places(inputs["labels"]))
    return rows * learnt * getattr(model, "module", model).config.get_text_config().vocab_size * 4


def mean_loss(model: Any, inputs: Mapping[str, Any], tokens: Any = None) -> torch.Tensor:
    """Summed over the batch's labels and divided by `tokens` (by their own number when it is None), a scalar.

    Args:
        tokens: labels of all batches of the step, so that batches that are added up weigh by their labels.
    """
    places = learnt_places(inputs["labels"])
    read = {key: value for key, value in inputs.items() if key != "labels"}
    logits = model(**read, use_cache=False, logits_to_keep=places).logits
    if logits.shape[1] != len(places):  # a few architectures (xlstm) always give all of them
        logits = logits[:, places]
    labels = inputs["labels"][:, places + 1]
    summed = torch.nn.functional.cross_entropy(logits.float().view(-1, logits.shape[-1]), labels.reshape(-1), ignore_index=IGNORED,
                                               reduction="sum")
    counted = (labels != IGNORED).sum() if tokens is None else torch.as_tensor(tokens, device=summed.device)
    return summed / counted.clamp(min=1)
