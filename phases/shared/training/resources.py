"""What a training needs of the machine besides time: disk, and the memory that is there. No torch.

In: a model's shape and the settings. Out: bytes, and a sentence where the disk is too small.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import psutil

from phases.shared.project import Project
from phases.shared.training.memory import FLOAT32, OPTIMIZER_BYTES, ModelShape, trained_parameters

CHECKPOINTS_KEPT = 3  # the two newest and the best
STORED_BYTES = 2  # a parameter in bfloat16
SMALL_FILES = 1024**2  # tokenizer, states and descriptions beside the weights
GRAPHICS = Path("/dev/nvidia0")


def working_bytes(config: Any) -> int:
    """Bytes of a parameter in memory: 2 on a GPU in half precision, unless every weight is trained; else 4."""
    half = config.precision != "float32" and config.method != "full"
    return 2 if half and GRAPHICS.exists() and config.device != "cpu" else FLOAT32


def memory_total() -> int | None:
    """Bytes of main memory; None where a GPU's own memory decides, which only a probe can tell."""
    return None if GRAPHICS.exists() else psutil.virtual_memory().total


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
    return (f"The disk has {free / 1e9:.1f} GB free, and the run may need {needed / 1e9:.1f} GB: free some space, for instance old "
            "runs and exports of this project.",)
