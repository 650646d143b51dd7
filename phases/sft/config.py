"""The settings of tab 4's jobs: supervised fine-tuning, evaluation, export and push.

    python app.py sft NAME --epochs 2        python app.py evaluate NAME        python app.py export NAME        python app.py push NAME OWNER/NAME
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from phases.shared.options import option
from phases.shared.training.settings import TrainingSettings, method_option


@dataclass(frozen=True)
class SftConfig(TrainingSettings):
    """Supervised fine-tuning on question-answer pairs; what comes out is a full model.

    The preset "small" is for some hundred short pairs and a model of a few million parameters, "large" for a model of three thousand
    million and more.
    """

    PRESETS: ClassVar[dict[str, dict[str, Any]]] = {
        "standard": {},
        "small": {"learning_rate": 2e-3, "epochs": 12.0, "batch_size": 16, "gradient_checkpointing": False},
        "large": {"learning_rate": 1e-4, "batch_size": 1, "gradient_accumulation": 8},
    }
    BY_METHOD: ClassVar[dict[str, dict[str, dict[str, Any]]]] = {
        "full": {"standard": {"learning_rate": 5e-5}, "small": {"learning_rate": 5e-4}, "large": {"learning_rate": 1e-5}},
    }

    preset: str = option("standard", label="Preset", choices=("standard", "small", "large"),
                         help="Starting values: standard, small corpus and small model, or a model of 3B and more.")
    name: str = option("", label="Name", help="Empty: the model \"final\". Another name keeps several: short makes \"final-short\".")
    parent: str = option("cpt", label="Start from",
                         help="A CPT model by its name (cpt, cpt-NAME), or base: the base model itself (to compare).")
    base_model: str = option("", label="Base model",
                             help="Only when starting from the base: builtin, a folder or a Hugging Face id; empty: the project's.")
    dataset: str = option("sft_data", label="Data set", help="Which set of pairs to train on.")
    accepted_only: bool = option(False, label="Accepted pairs only", help="Off: every pair that is not rejected.")
    method: str = method_option()
    learning_rate: float = option(2e-4, label="Learning rate", help="2e-4 suits LoRA, 5e-5 full fine-tuning.",
                                  low=1e-7, high=0.1)
    epochs: float = option(2.0, label="Epochs", help="Times each pair is seen.", low=0.01, high=1000)
    batch_size: int = option(4, label="Batch size", help="Pairs in one step.", low=1, high=1024)
    max_length: int = option(2048, label="Sequence length", unit="tokens", low=16, high=131072,
                             help="Longer pairs are left out and counted; at most what the model can read.")
    lora_rank: int = option(16, label="LoRA rank", help="Size of the adapter; without effect on full fine-tuning.", low=1, high=1024)
    gradient_checkpointing: bool = option(True, label="Gradient checkpointing", advanced=True,
                                          help="Saves memory and costs about a fifth of the time.")
    order: str = option("shuffled", label="Order", choices=("shuffled", "short_first", "curriculum"), advanced=True,
                        help="Shuffled anew in each epoch, from short pairs to long ones, or from short answers to long ones.")


@dataclass(frozen=True)
class EvaluateConfig:
    """Closed-book questions and perplexity for several models of the project."""

    models: str = option("base,cpt,final", label="Models", help="Any models of the project; as a flag with commas between them.")
    batch_size: int = option(16, label="Batch size", help="Questions answered at once.", low=1, high=1024)
    max_new_tokens: int = option(48, label="Length of an answer", unit="tokens", help="An answer ends here at the latest.",
                                 low=1, high=2048)
    seed: int = option(42, label="Seed", help="Same seed, questions and models: same figures.", low=0, high=2**31 - 1,
                       advanced=True)


@dataclass(frozen=True)
class ExportConfig:
    """A model of the project as files for use elsewhere."""

    model: str = option("final", label="Model", help="Name of a model of this project: base, cpt, final ...")
    format: str = option("safetensors", label="Format", choices=("safetensors", "adapter"),
                         help="A whole model, or the adapter alone of a CPT model whose base is on the hub.")


@dataclass(frozen=True)
class PushConfig:
    """An exported folder onto the Hugging Face hub."""

    model: str = option("final", label="Export", help="The newest export of this model, or the name of an exported folder.")
    public: bool = option(False, label="Public", help="Everybody can read it. Off: a private repository.")
