"""When the memory is full: whether an error means that, and which settings would need less, with their present values.

In: an exception of torch or Python, the settings of the run. Out: a SettingError for a person. For child processes only (torch).
"""

from __future__ import annotations

from typing import Any

import torch

from phases.shared.errors import SettingError

WORDS = ("out of memory", "allocate memory", "std::bad_alloc", "cublas_status_alloc_failed")


def memory_ran_out(problem: BaseException) -> bool:
    words = str(problem).lower()
    return isinstance(problem, torch.OutOfMemoryError | MemoryError) or any(one in words for one in WORDS)


def memory_error(config: Any, max_length: int) -> SettingError:
    """What to change, the strongest lever first: only what this run has not done yet."""
    levers = []
    if config.batch_size > 1:
        levers.append(f"make the batch smaller ({config.batch_size} now; with gradient accumulation {config.gradient_accumulation * 2} "
                      f"and batch {max(1, config.batch_size // 2)} the run learns the same)")
    if not config.gradient_checkpointing:
        levers.append("turn gradient checkpointing on (off now)")
    levers.append(f"make the sequences shorter ({max_length} tokens now)")
    levers.append("choose a smaller base model")
    method = getattr(config, "method", "lora")
    if method != "qlora":
        levers.append(f"load the base model in 4 bits (QLoRA; {method} now) on a GPU that can")
    advice = "; or ".join(levers)
    return SettingError("The memory is full: a step of this training does not fit.", f"{advice[0].upper()}{advice[1:]}. Then start a new run.",
                        subject="batch_size", code="out_of_memory")
