"""What memory this machine has, and whether a training of a model fits into it. No torch.

In: a model's shape and a method. Out: bytes, and a sentence where the model is too large.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from phases.shared.models.catalogue import (
    BUILTIN,
    BUILTIN_FOLDER,
    BaseModelInfo,
    base_model_choices,
    count_in_words,
    memory_for,
)
from phases.shared.sizes import size
from phases.shared.training.memory import ModelShape, read_shape

GPU_DEVICES = (Path("/dev/nvidia0"), Path("/dev/dxg"))
ASK_GPU = ("nvidia-smi", "--query-gpu=memory.total", "--format=csv,noheader,nounits")
METHOD_NAMES = {"lora": "LoRA", "qlora": "QLoRA", "full": "full fine-tuning"}


@dataclass(frozen=True)
class Machine:
    """Bytes of main memory and of the largest GPU; 0 without one that its driver tells of, or where it is not known. `called`: in a
    sentence."""

    memory: int
    gpu_memory: int
    called: str = "this machine"

    def room(self, method: str, device: str = "auto") -> int:
        """Memory in which this method trains there; 0 where it cannot, or where it is not known."""
        if method == "qlora" or device == "cuda":
            return self.gpu_memory
        return self.gpu_memory if self.gpu_memory and device == "auto" else self.memory

    def fits(self, shape: ModelShape, method: str) -> bool:
        return memory_for(shape, method, bool(self.gpu_memory)) <= self.room(method)


def this_machine() -> Machine:
    return Machine(psutil.virtual_memory().total, _gpu_memory())


def machine_for(config: Any) -> Machine:
    """Where a run with these settings computes: here, or on a node of a cluster, of which nothing is known but the main memory that is
    asked for; of its GPUs' memory not even that."""
    if config.runner != "slurm":
        return this_machine()
    on_gpu = config.gpus > 0 and config.device != "cpu"
    return Machine(0 if on_gpu else config.memory * 2**30, 0, "the node that is asked of the cluster")


def _gpu_memory() -> int:
    if not any(device.exists() for device in GPU_DEVICES):
        return 0
    try:
        said = subprocess.run(ASK_GPU, capture_output=True, text=True, timeout=10, check=True).stdout
        return max(int(line) for line in said.split()) * 1024**2
    except (OSError, ValueError, subprocess.SubprocessError):
        return 0


def short_list(machine: Machine) -> list[dict[str, Any]]:
    """The short list as plain data: what each model is, what memory each method needs, and which fit here."""
    return [_described(one, machine) for one in base_model_choices()]


def _described(one: BaseModelInfo, machine: Machine) -> dict[str, Any]:
    memory = {method: memory_for(one.shape, method, bool(machine.gpu_memory) or method == "qlora") for method in METHOD_NAMES}
    return {"id": one.id, "label": one.label, "parameters": one.shape.parameters, "size": one.parameters, "licence": one.licence,
            "context": one.context, "download_bytes": one.download_bytes, "gated": one.gated, "instruct": one.instruct,
            "chat_template": one.chat_template, "memory": memory,
            "fits": [method for method in METHOD_NAMES if machine.fits(one.shape, method)]}


def shape_of(name: str) -> ModelShape | None:
    """The shape of a base model as far as this machine or the short list knows it."""
    folder = BUILTIN_FOLDER if name == BUILTIN else Path(name).expanduser()
    if (folder / "config.json").is_file():
        return read_shape(folder / "config.json")
    return next((one.shape for one in base_model_choices() if one.id == name), None)


def too_large(name: str, method: str, device: str, machine: Machine) -> tuple[str, ...]:
    """A sentence when not even one short text at a time can be trained on there."""
    shape, room = shape_of(name), machine.room(method, device)
    if shape is None or not room:
        return ()
    needed = memory_for(shape, method, room == machine.gpu_memory)
    if needed <= room:
        return ()
    return (f"{name} is too large for {machine.called}: {count_in_words(shape.parameters)} parameters need about {size(needed)} for "
            f"{METHOD_NAMES[method]} even with one short text at a time, and there are {size(room)}. Choose a smaller model"
            + (" or LoRA." if method == "full" else "."),)
