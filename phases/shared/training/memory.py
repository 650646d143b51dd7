"""How much memory a training takes, computed from a model's config.json before anything is loaded. No torch.

In: config.json (its path or its content) and the settings that matter. Out: parameters, adapter parameters, bytes. An estimate:
it counts what must be held (weights, gradients, optimizer, activations kept for the backward pass) for the usual decoder;
a probe (probe.py) measures the rest.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

METHODS = ("lora", "qlora", "full")
PROGRAM_BYTES = 900 * 1024**2  # Python with torch, transformers, trl and peft in one process
OPTIMIZER_BYTES = 8  # AdamW keeps two float32 numbers for each trained parameter
FLOAT32 = 4
QUANTISED_BYTES = 0.57  # 4 bits a weight and the scales of its block (QLoRA, https://arxiv.org/abs/2305.14314)
HEAD_TOKENS, HEAD_WORDS = 4096, 32768  # the tile in which trl multiplies with the vocabulary
UNGATED = {"gpt2", "gpt_neo", "gpt_neox", "gptj", "opt", "bloom", "phi", "starcoder2", "falcon", "mpt"}


@dataclass(frozen=True)
class ModelShape:
    """What a decoder's config.json says of its size; widths and lengths in numbers of values and tokens."""

    hidden: int
    layers: int
    heads: int
    key_value_heads: int
    head_width: int
    inner: int
    vocabulary: int
    context: int
    tied: bool
    gated: bool

    @property
    def linear_parameters(self) -> int:
        """Weights of the layers' matrices: what LoRA adapts and 4-bit shrinks."""
        return self.layers * sum(wide * high for wide, high in self.matrices)

    @property
    def parameters(self) -> int:
        """All weights, without the few of biases."""
        embeddings = self.vocabulary * self.hidden * (1 if self.tied else 2)
        return self.linear_parameters + embeddings + self.hidden * (2 * self.layers + 1)

    @property
    def matrices(self) -> tuple[tuple[int, int], ...]:
        """Width in and out of each matrix of one layer: attention, then feed-forward."""
        attention, kept = self.heads * self.head_width, self.key_value_heads * self.head_width
        up = ((self.hidden, self.inner),) * (2 if self.gated else 1)
        return ((self.hidden, attention), (self.hidden, kept), (self.hidden, kept), (attention, self.hidden), *up, (self.inner, self.hidden))

    def adapter_parameters(self, rank: int) -> int:
        """Weights of LoRA on every matrix of every layer."""
        return self.layers * rank * sum(wide + high for wide, high in self.matrices)


def read_shape(config_json: Mapping[str, Any] | Path) -> ModelShape:
    """The shape that a config.json describes, whatever names its architecture has for it. A missing width counts as usual."""
    content = json.loads(config_json.read_text(encoding="utf-8")) if isinstance(config_json, Path) else config_json
    config = {**content, **(content.get("text_config") or {})}

    def first(*names: str, default: int = 0) -> int:
        return int(next((config[name] for name in names if config.get(name)), default))

    hidden, heads = first("hidden_size", "n_embd", "d_model"), first("num_attention_heads", "n_head", default=1)
    return ModelShape(
        hidden=hidden, layers=first("num_hidden_layers", "n_layer", "num_layers"), heads=heads,
        key_value_heads=first("num_key_value_heads", default=heads), head_width=first("head_dim", default=hidden // heads),
        inner=first("intermediate_size", "n_inner", "ffn_dim", default=4 * hidden), vocabulary=first("vocab_size"),
        context=first("max_position_embeddings", "n_positions", default=2048),
        tied=bool(config.get("tie_word_embeddings", True)), gated=config.get("model_type") not in UNGATED)


def trained_parameters(shape: ModelShape, method: str, rank: int) -> int:
    """How many weights a training changes."""
    return shape.parameters if method == "full" else shape.adapter_parameters(rank)


def training_memory(shape: ModelShape, *, method: str, batch_size: int, max_length: int, rank: int, gradient_checkpointing: bool,
                    dtype_bytes: int) -> int:
    """Bytes that the training's process needs at its peak, on a CPU or (without much of the program itself) on a GPU.

    Args:
        method: "lora", "qlora" or "full". batch_size: texts in one forward pass (not those that are accumulated).
        max_length: tokens of the longest text. dtype_bytes: 4 for float32, 2 for bfloat16.
    """
    adapter = 0 if method == "full" else rank
    held = shape.parameters * dtype_bytes
    if method == "qlora":
        held -= round(shape.linear_parameters * (dtype_bytes - QUANTISED_BYTES))
    trained = trained_parameters(shape, method, rank)
    gradients = trained * (dtype_bytes if method == "full" else FLOAT32)
    own_weights = 0 if method == "full" else trained * FLOAT32
    tokens = batch_size * max_length
    work = activations(shape, tokens, adapter, gradient_checkpointing) * dtype_bytes + head_memory(shape, tokens)
    return round(PROGRAM_BYTES + held + own_weights + gradients + trained * OPTIMIZER_BYTES + work)


def activations(shape: ModelShape, tokens: int, rank: int, gradient_checkpointing: bool) -> int:
    """Values that the backward pass needs again, and those of the one layer that it is in."""
    attention, kept = shape.heads * shape.head_width, shape.key_value_heads * shape.head_width
    layer = 6 * shape.hidden + 3 * attention + 2 * kept + (4 if shape.gated else 3) * shape.inner + len(shape.matrices) * rank
    layers = shape.layers * (shape.hidden if gradient_checkpointing else layer)
    return tokens * (layers + 2 * layer)


def head_memory(shape: ModelShape, tokens: int) -> int:
    """Bytes for the scores of the next token, of which one tile at a time exists, in float32, with its exponents and gradient."""
    return min(tokens, HEAD_TOKENS) * min(shape.vocabulary, HEAD_WORDS) * FLOAT32 * 3
