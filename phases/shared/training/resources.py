"""What a training needs of the machine besides time: disk, and how its memory is shared. No torch.

In: a model's shape and the settings. Out: bytes, and a sentence where the disk is too small.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from phases.shared.project import Project
from phases.shared.sizes import size
from phases.shared.training.hardware import usable_gpus
from phases.shared.training.memory import FLOAT32, OPTIMIZER_BYTES, ModelShape, trained_parameters

CHECKPOINTS_KEPT = 3  # the two newest and the best
STORED_BYTES = 2  # a parameter in bfloat16
SMALL_FILES = 1024**2  # tokenizer, states and descriptions beside the weights


def working_bytes(config: Any) -> int:
    """Bytes of a parameter in memory: 2 on a GPU in half precision, unless every weight is trained; else 4."""
    half = config.precision != "float32" and config.method != "full"
    return 2 if half and on_gpu(config) else FLOAT32


def on_gpu(config: Any) -> bool:
    """Whether a run computes on a GPU: one of this machine, or one that is asked of the cluster."""
    if config.runner == "slurm":
        return config.device != "cpu" and config.gpus > 0
    return config.device != "cpu" and bool(usable_gpus(os.environ.get("CUDA_VISIBLE_DEVICES")))


def sharing(config: Any) -> int:
    """How many processes of a run share one device's memory and cores: all of them on a CPU."""
    return 1 if on_gpu(config) else config.processes


def disk_needed(shape: ModelShape, folder: Path | None, kind: str, method: str, rank: int) -> int:
    """Bytes of the checkpoints that are kept, of the result (in its run's folder and published) and of one export of it."""
    trained = trained_parameters(shape, method, rank)
    checkpoint = trained * (FLOAT32 + OPTIMIZER_BYTES) + SMALL_FILES
    weights = sum(file.stat().st_size for file in folder.glob("*.safetensors")) if folder else 0
    whole = weights or shape.parameters * STORED_BYTES
    adapter_only = kind == "cpt" and method != "full"
    result = trained * FLOAT32 if adapter_only else whole
    return CHECKPOINTS_KEPT * checkpoint + 2 * (result + SMALL_FILES) + (0 if adapter_only else whole)


def lacking(project: Project, needed: int | None) -> tuple[str, ...]:
    """A sentence when the project's disk has less than that free."""
    free = shutil.disk_usage(project.root).free
    if needed is None or needed <= free:
        return ()
    return (f"The disk has {size(free)} free, and the run may need {size(needed)}: free some space, for instance old "
            "runs and exports of this project.",)
