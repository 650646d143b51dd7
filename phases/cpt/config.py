"""The settings of continued pretraining: what the form shows, the flags set, `config.yaml` stores and the card prints.

    python app.py cpt NAME --base-model builtin --epochs 3
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from phases.shared.options import option
from phases.shared.training.settings import TrainingSettings


@dataclass(frozen=True)
class CptConfig(TrainingSettings):
    """Continued pretraining with LoRA on the project's chunks.

    The preset "small" is for a few thousand words and a model of a few million parameters: many passes at a high rate.
    """

    PRESETS: ClassVar[dict[str, dict[str, Any]]] = {
        "standard": {},
        "small": {"learning_rate": 2e-3, "epochs": 20.0, "max_length": 512},
    }

    preset: str = option("standard", label="Preset", choices=("standard", "small"),
                         help="Starting values: standard, or small corpus and small model.")
    base_model: str = option("", label="Base model", help="builtin, a folder, or a Hugging Face id; empty: the project's.")
    learning_rate: float = option(3e-4, label="Learning rate", help="About ten times that of full fine-tuning.",
                                  low=1e-7, high=0.1)
    epochs: float = option(3.0, label="Epochs", help="Times each text is read.", low=0.01, high=1000)
    batch_size: int = option(4, label="Batch size", help="Texts in one step.", low=1, high=1024)
    max_length: int = option(2048, label="Sequence length", unit="tokens", low=16, high=131072,
                             help="Longer texts are split, never cut; at most what the model can read.")
    lora_rank: int = option(32, label="LoRA rank", help="Size of the adapter.", low=1, high=1024)
