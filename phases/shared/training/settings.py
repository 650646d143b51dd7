"""What CPT and SFT can be told alike about how they train: the advanced part of both forms.

In: nothing. Out: the base class of both configuration classes, which add what is their own and set their own defaults.
"""

from __future__ import annotations

from dataclasses import dataclass

from phases.shared.options import option


@dataclass(frozen=True)
class TrainingSettings:
    """LoRA (Hu et al. 2021, https://arxiv.org/abs/2106.09685) with AdamW, warm-up and a cosine."""

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
    device: str = option("auto", label="Device", choices=("auto", "cpu", "cuda"), advanced=True,
                         help="auto: the GPU where there is one.")
    processes: int = option(1, label="GPUs / processes", low=1, high=64, advanced=True,
                            help="Processes that train together on one machine, each on a GPU of its own (or all on the CPU).")
