"""The settings of continued pretraining: what the form shows, the flags set, `config.yaml` stores and the card prints.

    python app.py cpt NAME --base-model builtin --epochs 3
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from phases.shared.options import option
from phases.shared.training.settings import TrainingSettings, method_option


@dataclass(frozen=True)
class CptConfig(TrainingSettings):
    """Continued pretraining on the project's chunks.

    The preset "small" is for a few thousand words and a model of a few million parameters: many passes at a high rate. "large" is
    for three thousand million parameters and more: a lower rate, and less memory for the same batch of eight.
    """

    PRESETS: ClassVar[dict[str, dict[str, Any]]] = {
        "standard": {},
        "small": {"learning_rate": 2e-3, "epochs": 10.0, "max_length": 512},
        "large": {"learning_rate": 1e-4, "batch_size": 1, "gradient_accumulation": 8, "gradient_checkpointing": True},
    }
    BY_METHOD: ClassVar[dict[str, dict[str, dict[str, Any]]]] = {
        "qlora": {"standard": {"gradient_checkpointing": True}},
        "full": {"standard": {"learning_rate": 5e-5}, "small": {"learning_rate": 5e-4}, "large": {"learning_rate": 1e-5}},
    }

    preset: str = option("standard", label="Preset", choices=("standard", "small", "large"),
                         help="Starting values: standard, small corpus and small model, or a model of 3B and more.")
    name: str = option("", label="Name", help="Empty: the model \"cpt\". Another name keeps several: medical makes \"cpt-medical\".")
    base_model: str = option("", label="Base model", help="builtin, a folder, or a Hugging Face id; empty: the project's.")
    method: str = method_option()
    learning_rate: float = option(3e-4, label="Learning rate", help="3e-4 suits LoRA, 5e-5 full fine-tuning.",
                                  low=1e-7, high=0.1)
    epochs: float = option(3.0, label="Epochs", help="Times each text is read.", low=0.01, high=1000)
    batch_size: int = option(4, label="Batch size", help="Texts in one step.", low=1, high=1024)
    max_length: int = option(2048, label="Sequence length", unit="tokens", low=16, high=131072,
                             help="Longer texts are split, never cut; at most what the model can read.")
    lora_rank: int = option(32, label="LoRA rank", help="Size of the adapter; without effect on full fine-tuning.", low=1, high=1024)
    packing: bool = option(False, label="Packing", advanced=True,
                           help="Several texts in one sequence, kept apart. Saves time on a GPU with short texts.")
    order: str = option("shuffled", label="Order", choices=("shuffled", "short_first"), advanced=True,
                        help="Shuffled anew in each epoch, or from short texts to long ones.")
