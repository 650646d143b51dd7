"""What a training method, a precision and a device need of this machine, asked before a run starts. No torch.

In: the settings of a run. Out: a sentence for each thing that is missing; empty when it can start.
"""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

GPU_DEVICES = (Path("/dev/nvidia0"), Path("/dev/dxg"))  # Linux; Windows through WSL


def missing_for_method(config: Any) -> tuple[str, ...]:
    """Why this machine cannot train with these settings, a sentence each."""
    missing = []
    on_gpu = config.device in ("auto", "cuda") and not (gap := missing_for_cuda())
    if config.method == "qlora":
        if config.device not in ("auto", "cuda"):
            missing.append(f"QLoRA needs an NVIDIA GPU, and the device is set to {config.device}: choose LoRA, or another device.")
        elif not on_gpu:
            missing.append(f"QLoRA needs an NVIDIA GPU. {gap} Choose LoRA instead.")
        elif find_spec("bitsandbytes") is None:
            missing.append("QLoRA needs the package bitsandbytes, which is not installed: run pip install bitsandbytes, or choose LoRA.")
        if config.precision == "fp16":
            missing.append("QLoRA computes in bf16 or float32: choose another precision than fp16.")
    elif config.device == "cuda" and not on_gpu:
        missing.append(f"The device is set to cuda. {gap} Choose auto or cpu.")
    if config.device == "mps" and (platform.system(), platform.machine()) != ("Darwin", "arm64"):
        missing.append("The device is set to mps, which only Macs with an Apple chip have: choose auto or cpu.")
    if config.precision == "fp16" and not on_gpu and config.method != "qlora":
        missing.append("The precision fp16 needs an NVIDIA GPU: choose auto, bf16 or float32.")
    return tuple(missing)


def missing_for_cuda() -> str:
    """Why torch cannot compute on an NVIDIA GPU here; empty when it seems to be able to."""
    if not any(device.exists() for device in GPU_DEVICES):
        return "This machine has none that its driver shows."
    try:
        build = version("torch").partition("+")[2]
    except PackageNotFoundError:
        return "torch is not installed."
    if build == "cpu":
        return "The installed torch is the build for CPUs only: install the one for CUDA (https://pytorch.org/get-started)."
    return ""


def missing_for_measuring(config: Any, measured: bool, what: str) -> tuple[str, ...]:
    """Why the best state cannot be told from the last: nothing is held out. `what` names it ("chunks", "pairs")."""
    if measured or not (config.patience or config.keep_best):
        return ()
    wish = "Early stopping measures" if config.patience else "Keeping the best needs"
    return (f"{wish} the loss on held-out {what}, and there are none: hold some out, or turn it off.",)
