"""What CPT and SFT can be told alike about how they train: method and precision, and the advanced part of both forms.

In: nothing. Out: the base class of both configuration classes, which add what is their own and set their own defaults.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from phases.shared.options import option

METHODS = ("lora", "qlora", "full")
TRACKERS = ("none", "tensorboard", "trackio")


def method_option() -> Any:
    """The field `method`, which each configuration class puts where its form wants it."""
    return option("lora", label="Method", choices=METHODS,
                  help="LoRA trains a small adapter. QLoRA does so on a base in 4 bits (NVIDIA GPUs). Full trains every weight.")


@dataclass(frozen=True)
class TrainingSettings:
    """LoRA (Hu et al. 2021, https://arxiv.org/abs/2106.09685), QLoRA (Dettmers et al. 2023, https://arxiv.org/abs/2305.14314) or
    full fine-tuning, with AdamW, warm-up and a cosine."""

    precision: str = option("auto", label="Precision", choices=("auto", "float32", "bf16", "fp16"), advanced=True,
                            help="Numbers computed with; auto: bf16 on a GPU that has it, else float32. fp16 on NVIDIA only.")
    device: str = option("auto", label="Device", choices=("auto", "cpu", "cuda", "mps"), advanced=True,
                         help="auto: the NVIDIA GPU where there is one, else the CPU. mps: Apple's GPU.")
    lora_alpha: int = option(0, label="LoRA alpha", help="Weight of the adapter; 0 for twice the rank.", low=0, high=4096,
                             advanced=True)
    lora_dropout: float = option(0.0, label="LoRA dropout", help="Share of the adapter's inputs left out in a step.",
                                 low=0.0, high=0.9, advanced=True)
    gradient_accumulation: int = option(1, label="Gradient accumulation", help="Batches added up before one step.",
                                        low=1, high=4096, advanced=True)
    adaptive_batch: int = option(1, label="Adaptive batch", unit="batches", low=1, high=256, advanced=True,
                                 help="Gather up to so many batches before a step, as the noise of the gradients asks for. 1: off.")
    warmup_ratio: float = option(0.03, label="Warm-up", help="Share of the steps in which the rate rises; then it falls as a cosine.",
                                 low=0.0, high=0.9, advanced=True)
    min_learning_rate: float = option(0.0, label="Last learning rate", help="Share of the learning rate that the cosine falls to.",
                                      low=0.0, high=1.0, advanced=True)
    keep_best: bool = option(False, label="Keep the best", advanced=True,
                             help="End with the checkpoint of the lowest loss on held-out texts or pairs, not with the last.")
    patience: int = option(0, label="Early stopping", unit="measurements", low=0, high=1000, advanced=True,
                           help="End when so many in a row bring no lower loss on what is held out, and keep the best. 0: off.")
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
    log_to: str = option("none", label="Log also to", choices=TRACKERS, advanced=True,
                         help="Write the curves for TensorBoard or trackio too, into the run's folder; the package must be installed.")
    processes: int = option(1, label="GPUs / processes", low=1, high=64, advanced=True,
                            help="Processes that train together on one machine, each on a GPU of its own (or all on the CPU).")
    runner: str = option("local", label="Run on", choices=("local", "slurm"), advanced=True,
                         help="local: this machine. slurm: the Slurm cluster that this machine submits to.")
    nodes: int = option(1, label="Slurm nodes", low=1, high=64, advanced=True,
                        help="Machines of the cluster that train together, each with as many processes as said above.")
    partition: str = option("", label="Slurm partition", advanced=True, help="Part of the cluster; empty: its own choice.")
    time_limit: str = option("60", label="Slurm time limit", advanced=True,
                             help="Minutes, or hours:minutes. The cluster ends the job then; its checkpoints stay.")
    gpus: int = option(0, label="Slurm GPUs", low=0, high=64, advanced=True, help="GPUs asked of each node; 0: none.")
    memory: int = option(0, label="Slurm memory", unit="GiB", low=0, high=65536, advanced=True,
                         help="Main memory asked of each node, with which the plan compares; 0: what the cluster gives unasked.")

    @property
    def all_processes(self) -> int:
        """Processes that train together, on all nodes."""
        return self.nodes * self.processes
