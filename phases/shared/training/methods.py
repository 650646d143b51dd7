"""What a training method, a precision and a device need of this machine, asked before a run starts. No torch.

In: the settings of a run. Out: a sentence for each thing that is missing; empty when it can start.
"""

from __future__ import annotations

import os
import platform
from importlib.util import find_spec
from typing import Any

from phases.shared.jobs.slurm import missing_for_slurm
from phases.shared.training.hardware import missing_hardware, usable_gpus, why_no_gpu


def missing_for_start(config: Any) -> tuple[str, ...]:
    """Why a run with these settings cannot be started from this machine; what a cluster's node lacks is said there, but for packages,
    since it shares this Python."""
    if config.runner == "slurm":
        return (*missing_for_slurm(config), *missing_tracker(config))
    several = ("Several nodes train together on a Slurm cluster only: set the run to slurm, or the nodes to 1.",) if config.nodes > 1 else ()
    return (*several, *missing_for_method(config))


def missing_tracker(config: Any) -> tuple[str, ...]:
    """The package that the curves should be written with, where it is not installed."""
    if config.log_to == "none" or find_spec(config.log_to):
        return ()
    return (f"Logging to {config.log_to} needs a package that is not installed: run pip install {config.log_to}, or choose none.",)


def missing_for_method(config: Any) -> tuple[str, ...]:
    """Why this machine cannot train with these settings, a sentence each."""
    missing = []
    on_gpu = config.device in ("auto", "cuda") and bool(usable_gpus(os.environ.get("CUDA_VISIBLE_DEVICES")))
    if config.method == "qlora":
        if config.device not in ("auto", "cuda"):
            missing.append(f"QLoRA needs an NVIDIA GPU, and the device is set to {config.device}: choose LoRA, or another device.")
        elif not on_gpu:
            missing.append(f"QLoRA needs an NVIDIA GPU, but {why_no_gpu()}: choose LoRA instead.")
        elif find_spec("bitsandbytes") is None:
            missing.append("QLoRA needs the package bitsandbytes, which is not installed: run pip install bitsandbytes, or choose LoRA.")
        if config.precision == "fp16":
            missing.append("QLoRA computes in bf16 or float32: choose another precision than fp16.")
    if config.method != "qlora" or on_gpu:
        missing += missing_hardware(config)
    if config.device == "mps" and (platform.system(), platform.machine()) != ("Darwin", "arm64"):
        missing.append("The device is set to mps, which only Macs with an Apple chip have: choose auto or cpu.")
    if config.precision == "fp16" and not on_gpu and config.method != "qlora":
        missing.append("The precision fp16 needs an NVIDIA GPU: choose auto, bf16 or float32.")
    return (*missing, *missing_tracker(config))


def missing_for_measuring(config: Any, measured: bool, what: str) -> tuple[str, ...]:
    """Why the best state cannot be told from the last: nothing is held out. `what` names it ("chunks", "pairs")."""
    if measured or not (config.patience or config.keep_best):
        return ()
    wish = "Early stopping measures" if config.patience else "Keeping the best needs"
    return (f"{wish} the loss on held-out {what}, and there are none: hold some out, or turn it off.",)
