"""The settings of continued pretraining: what the form shows, the flags set, `config.yaml` stores and the card prints.

    python app.py cpt NAME --base-model builtin --epochs 3
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from phases.shared.options import option


@dataclass(frozen=True)
class CptConfig:
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
    lora_alpha: int = option(0, label="LoRA alpha", help="Weight of the adapter; 0 for twice the rank.", low=0, high=4096,
                             advanced=True)
    lora_dropout: float = option(0.0, label="LoRA dropout", help="Share of the adapter's inputs left out in a step.",
                                 low=0.0, high=0.9, advanced=True)
    gradient_accumulation: int = option(1, label="Gradient accumulation", help="Batches added up before one step.",
                                        low=1, high=4096, advanced=True)
    warmup_ratio: float = option(0.03, label="Warm-up", help="Share of the steps in which the rate rises; then it falls as a cosine.",
                                 low=0.0, high=0.9, advanced=True)
    weight_decay: float = option(0.001, label="Weight decay", help="Pull of the weights towards zero.", low=0.0, high=1.0,
                                 advanced=True)
    max_grad_norm: float = option(1.0, label="Gradient clipping", help="Longest gradient of one step.", low=0.001, high=1000,
                                  advanced=True)
    gradient_checkpointing: bool = option(False, label="Gradient checkpointing", advanced=True,
                                          help="Saves memory and costs about a fifth of the time.")
    save_steps: int = option(0, label="Checkpoint every", unit="steps", low=0, high=1_000_000, advanced=True,
                             help="0: about ten in the run. A stop saves one too.")
    threads: int = option(0, label="CPU threads", low=0, high=1024, advanced=True,
                          help="0: all cores. With 1 a resumed run ends in the same bytes.")
    seed: int = option(42, label="Seed", help="Same seed, data and settings: same run.", low=0, high=2**31 - 1, advanced=True)
