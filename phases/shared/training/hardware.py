"""What this machine can train on, asked without torch: for the window's process, before a job is submitted.

In: the settings of a run. Out: a sentence for each thing that is asked for and not there; the GPUs that a process may use.
"""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

LOOK_SECONDS = 10


def missing_hardware(config: Any) -> tuple[str, ...]:
    """Why a run with these settings cannot start on this machine, a sentence each; empty when it can."""
    if config.device == "cpu":
        return ()
    gpus = usable_gpus(os.environ.get("CUDA_VISIBLE_DEVICES"))
    if config.device == "cuda" and not gpus:
        return (f"The device is set to cuda, but {why_no_gpu()}. Set the device to auto or cpu, or start Lehrling on a machine with a GPU.",)
    if config.processes > max(1, len(gpus)) and gpus:
        return (f"{config.processes} processes are asked for, but {len(gpus)} GPUs can be used here. "
                f"Set GPUs / processes to {len(gpus)}, or the device to cpu.",)
    return ()


def usable_gpus(allowed: str | None) -> tuple[str, ...]:
    """The GPUs that this process may use, as CUDA_VISIBLE_DEVICES names them; none where torch was built without CUDA."""
    if not torch_has_cuda():
        return ()
    present = installed_gpus()
    if allowed is None:
        return present
    named = [one.strip() for one in allowed.split(",") if one.strip()]
    return tuple(named[:named.index("-1")] if "-1" in named else named)[:len(present)]


@lru_cache(maxsize=1)
def installed_gpus() -> tuple[str, ...]:
    """Numbers of the GPUs that the driver lists."""
    try:
        listed = subprocess.run(["nvidia-smi", "--query-gpu=index", "--format=csv,noheader"], capture_output=True, text=True,
                                timeout=LOOK_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError):
        return ()
    return tuple(line.strip() for line in listed.stdout.splitlines() if line.strip().isdigit())


@lru_cache(maxsize=1)
def torch_has_cuda() -> bool:
    """Read from torch's own note of how it was built: importing it would take seconds."""
    found = importlib.util.find_spec("torch")
    if found is None or not found.submodule_search_locations:
        return False
    note = Path(found.submodule_search_locations[0]) / "version.py"
    return bool(re.search(r"^cuda[^=]*= *'", note.read_text(encoding="utf-8"), re.MULTILINE))


def why_no_gpu() -> str:
    """The second half of a sentence: why no GPU can be used."""
    if not torch_has_cuda():
        return "the installed torch computes on the CPU only"
    return "no NVIDIA GPU can be used here" if not installed_gpus() else "CUDA_VISIBLE_DEVICES hides every GPU"


def visible_devices(config: Any, gpus: Sequence[str]) -> str | None:
    """What CUDA_VISIBLE_DEVICES has to be, so that a run takes no more GPUs than it was given; None: leave it."""
    if config.device == "cpu":
        return ""
    return ",".join(gpus[:config.processes]) if len(gpus) > config.processes else None
