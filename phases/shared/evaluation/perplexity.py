"""Perplexity: how surprised a model is by each token of texts it was not trained on.

In: model, tokenizer, texts. Out: exp of the mean negative log-likelihood over all predicted tokens (not over texts), and their
number. For child processes only (torch). Method: sliding window with half of it as context, as in
https://huggingface.co/docs/transformers/perplexity.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import torch

from phases.shared.training.loading import context_length
from phases.shared.training.tokenizers import leading_tokens, plain_ids

LONGEST_WINDOW = 2048


def perplexity(model: Any, tokenizer: Any, texts: Sequence[str], max_length: int | None = None) -> tuple[float | None, int]:
    """Perplexity over all texts and the number of tokens it stands on; (None, 0) when there is nothing to predict.

    Args:
        max_length: window in tokens; at most what the model can read.
    """
    window = min(max_length or LONGEST_WINDOW, context_length(model))
    begin = leading_tokens(tokenizer)
    was_training = model.training
    model.eval()
    total, tokens = 0.0, 0
    with torch.inference_mode():
        for text in texts:
            for ids, new in _windows([*begin, *plain_ids(tokenizer, text)], window):
                loss, counted = _negative_log_likelihood(model, ids, new)
                total, tokens = total + loss, tokens + counted
    model.train(was_training)
    return (math.exp(min(total / tokens, 700.0)), tokens) if tokens else (None, 0)


def _windows(ids: Sequence[int], window: int) -> Iterator[tuple[Sequence[int], int]]:
    """Pieces of a text with the number of last tokens that no piece before has predicted."""
    done = 1  # the first token has nothing before it to be predicted from
    end = min(window, len(ids))
    while done < len(ids):
        yield ids[max(0, end - window):end], end - done
        done, end = end, min(end + max(1, window // 2), len(ids))


def _negative_log_likelihood(model: Any, ids: Sequence[int], new: int) -> tuple[float, int]:
    """Summed over the last `new` tokens, in float64."""
    inputs = torch.tensor([list(ids)], device=model.device)
    logits = model(input_ids=inputs, use_cache=False).logits[0, -new - 1:-1].float()
    losses = torch.nn.functional.cross_entropy(logits, inputs[0, -new:], reduction="none")
    return losses.double().sum().item(), new
