"""The short list of base models, with what each needs: parameters and memory are computed from its architecture's figures.

In: the figures of each model's config.json and what its card says. Out: `BaseModelInfo` for tables and choices.

    python app.py base-models
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from phases.shared.training.memory import FLOAT32, ModelShape, read_shape, training_memory

BUILTIN = "builtin"
BUILTIN_FOLDER = Path(__file__).resolve().parent / "builtin"
SMALLEST_BATCH, SHORT_TEXT, USUAL_RANK = 1, 1024, 32
APACHE, MIT, GEMMA, LLAMA, QWEN_RESEARCH = "Apache-2.0", "MIT", "Gemma terms", "Llama 3.2 licence", "Qwen Research (non-commercial)"


@dataclass(frozen=True)
class BaseModelInfo:
    """A base model to choose.

    Args:
        shape: widths and layers, from its config.json. context: tokens that its card says it reads.
        gated: its terms must be accepted on the hub before a download. instruct: trained to chat already, so there is no plain base.
        chat_template: whether it talks with one that it brings; None where that shows when its files are here (else ours is used).
        stored_bytes: of one weight in its files.
    """

    id: str
    label: str
    licence: str
    context: int
    shape: ModelShape
    gated: bool = False
    instruct: bool = False
    chat_template: bool | None = None
    stored_bytes: int = 2

    @property
    def parameters(self) -> str:
        """Their number as it is written: "135M", "1.7B"."""
        return count_in_words(self.shape.parameters)

    @property
    def download_bytes(self) -> int:
        return self.shape.parameters * self.stored_bytes


def memory_for(shape: ModelShape, method: str, on_gpu: bool) -> int:
    """Bytes that a training needs at the least: one text of up to 1,024 tokens at a time, LoRA rank 32, gradient checkpointing on.

    On a GPU weights that are not trained are held in bf16 (QLoRA: 4 bits), else all in float32; see `training_memory`.
    """
    dtype_bytes = 2 if on_gpu and method != "full" else FLOAT32
    return training_memory(shape, method=method, batch_size=SMALLEST_BATCH, max_length=min(SHORT_TEXT, shape.context), rank=USUAL_RANK,
                           gradient_checkpointing=True, dtype_bytes=dtype_bytes)


def count_in_words(parameters: int) -> str:
    """135M, 1.7B."""
    return f"{parameters / 1e9:.1f}B" if parameters >= 995e6 else f"{parameters / 1e6:.3g}M"


def base_model_choices() -> list[BaseModelInfo]:
    """The short list, small ones first; every other Hugging Face id or folder of a causal language model works too."""
    return [_builtin(), *_smollm(), *_qwen(), *_llama_and_gemma(), *_phi_and_mistral(), *_gpt2()]


def _builtin() -> BaseModelInfo:
    config = json.loads((BUILTIN_FOLDER / "config.json").read_text(encoding="utf-8"))
    return BaseModelInfo(BUILTIN, "Built-in (no download, English, tiny)", "see its card", config["max_position_embeddings"], read_shape(config),
                         chat_template=True)


def _shape(hidden: int, inner: int, layers: int, heads: int, key_value_heads: int, vocabulary: int, context: int, *, head_width: int = 0,
           tied: bool = True, family: str = "llama") -> ModelShape:
    config: dict[str, Any] = {"hidden_size": hidden, "intermediate_size": inner, "num_hidden_layers": layers, "num_attention_heads": heads,
                              "num_key_value_heads": key_value_heads, "vocab_size": vocabulary, "max_position_embeddings": context,
                              "head_dim": head_width or hidden // heads, "tie_word_embeddings": tied, "model_type": family}
    return read_shape(config)


def _smollm() -> list[BaseModelInfo]:
    common = {"licence": APACHE, "context": 8192, "chat_template": False}
    return [BaseModelInfo("HuggingFaceTB/SmolLM2-135M", "SmolLM2 135M", shape=_shape(576, 1536, 30, 9, 3, 49152, 8192), **common),
            BaseModelInfo("HuggingFaceTB/SmolLM2-360M", "SmolLM2 360M", shape=_shape(960, 2560, 32, 15, 5, 49152, 8192), **common),
            BaseModelInfo("HuggingFaceTB/SmolLM2-1.7B", "SmolLM2 1.7B", shape=_shape(2048, 8192, 24, 32, 32, 49152, 8192), **common)]


def _qwen() -> list[BaseModelInfo]:
    words = 151936
    older, newer = ({"context": 32768, "chat_template": True}, {"licence": APACHE, "context": 32768})
    return [
        BaseModelInfo("Qwen/Qwen2.5-0.5B", "Qwen2.5 0.5B", APACHE, shape=_shape(896, 4864, 24, 14, 2, words, 32768), **older),
        BaseModelInfo("Qwen/Qwen2.5-1.5B", "Qwen2.5 1.5B", APACHE, shape=_shape(1536, 8960, 28, 12, 2, words, 32768), **older),
        BaseModelInfo("Qwen/Qwen2.5-3B", "Qwen2.5 3B", QWEN_RESEARCH, shape=_shape(2048, 11008, 36, 16, 2, words, 32768), **older),
        BaseModelInfo("Qwen/Qwen2.5-7B", "Qwen2.5 7B", APACHE, 131072, _shape(3584, 18944, 28, 28, 4, 152064, 131072, tied=False),
                      chat_template=True),
        BaseModelInfo("Qwen/Qwen3-0.6B-Base", "Qwen3 0.6B", shape=_shape(1024, 3072, 28, 16, 8, words, 32768, head_width=128), **newer),
        BaseModelInfo("Qwen/Qwen3-1.7B-Base", "Qwen3 1.7B", shape=_shape(2048, 6144, 28, 16, 8, words, 32768, head_width=128), **newer),
        BaseModelInfo("Qwen/Qwen3-4B-Base", "Qwen3 4B", shape=_shape(2560, 9728, 36, 32, 8, words, 32768, head_width=128), **newer),
        BaseModelInfo("Qwen/Qwen3-8B-Base", "Qwen3 8B", shape=_shape(4096, 12288, 36, 32, 8, words, 32768, head_width=128, tied=False), **newer)]


def _llama_and_gemma() -> list[BaseModelInfo]:
    llama = {"licence": LLAMA, "context": 131072, "gated": True, "chat_template": False}
    return [
        BaseModelInfo("meta-llama/Llama-3.2-1B", "Llama 3.2 1B", shape=_shape(2048, 8192, 16, 32, 8, 128256, 131072), **llama),
        BaseModelInfo("meta-llama/Llama-3.2-3B", "Llama 3.2 3B", shape=_shape(3072, 8192, 28, 24, 8, 128256, 131072), **llama),
        BaseModelInfo("google/gemma-3-1b-pt", "Gemma 3 1B", GEMMA, 32768, _shape(1152, 6912, 26, 4, 1, 262144, 32768, head_width=256),
                      gated=True)]


def _phi_and_mistral() -> list[BaseModelInfo]:
    return [
        BaseModelInfo("microsoft/Phi-3-mini-4k-instruct", "Phi-3 mini", MIT, 4096, _shape(3072, 8192, 32, 32, 32, 32064, 4096, tied=False),
                      instruct=True, chat_template=True),
        BaseModelInfo("microsoft/Phi-4-mini-instruct", "Phi-4 mini", MIT, 131072, _shape(3072, 8192, 32, 24, 8, 200064, 131072),
                      instruct=True, chat_template=True),
        BaseModelInfo("mistralai/Mistral-7B-v0.3", "Mistral 7B v0.3", APACHE, 32768, _shape(4096, 14336, 32, 32, 8, 32768, 32768, tied=False))]


def _gpt2() -> list[BaseModelInfo]:
    """Older and English only; their files hold float32."""
    common = {"context": 1024, "chat_template": False, "stored_bytes": FLOAT32}
    return [BaseModelInfo("openai-community/gpt2", "GPT-2", MIT, shape=_shape(768, 3072, 12, 12, 12, 50257, 1024, family="gpt2"), **common),
            BaseModelInfo("distilbert/distilgpt2", "DistilGPT-2", APACHE, shape=_shape(768, 3072, 6, 12, 12, 50257, 1024, family="gpt2"), **common)]
