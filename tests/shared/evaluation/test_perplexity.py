"""Perplexity against a direct computation."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from phases.shared.evaluation.perplexity import perplexity
from phases.shared.training.loading import load_model
from tests.tiny_models import TEXTS, make_tiny_model


@pytest.mark.parametrize("begin", [True, False])
def test_short_texts_equal_the_direct_computation(tmp_path: Path, begin: bool) -> None:
    model, tokenizer = load_model(make_tiny_model(tmp_path / "tiny", begin=begin))
    total, tokens = 0.0, 0
    for text in TEXTS[:2]:
        ids = tokenizer(text, return_tensors="pt")["input_ids"]
        assert ids.shape[1] < 64
        chances = torch.log_softmax(model(ids).logits[0, :-1].double(), -1)
        total -= chances.gather(1, ids[0, 1:, None]).sum().item()
        tokens += ids.shape[1] - 1
    value, counted = perplexity(model, tokenizer, TEXTS[:2])
    assert counted == tokens and value == pytest.approx(math.exp(total / tokens), rel=1e-5)


def test_long_texts_count_every_token_once_with_context(tmp_path: Path) -> None:
    model, tokenizer = load_model(make_tiny_model(tmp_path / "tiny"))
    text = TEXTS[0] * 12
    ids = tokenizer(text)["input_ids"]
    losses, window, step = [], 32, 16
    for place in range(1, len(ids)):  # window by window by hand: each window predicts what the one before has not
        end = window if place < window else window + step * math.ceil((place + 1 - window) / step)
        start = max(0, min(end, len(ids)) - window)
        logits = model(torch.tensor([ids[start:place]])).logits[0, -1].double()
        losses.append(-torch.log_softmax(logits, -1)[ids[place]].item())
    value, counted = perplexity(model, tokenizer, [text], max_length=window)
    assert counted == len(ids) - 1 and value == pytest.approx(math.exp(sum(losses) / len(losses)), rel=1e-4)


def test_nothing_to_predict_is_none(tmp_path: Path) -> None:
    model, tokenizer = load_model(make_tiny_model(tmp_path / "tiny", begin=False))
    assert perplexity(model, tokenizer, []) == (None, 0)
    assert perplexity(model, tokenizer, [""]) == (None, 0)
