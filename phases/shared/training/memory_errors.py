"""When the memory is full: whether an error means that, and which settings would need less, with their present values.

In: an exception of torch or Python, the settings of the run. Out: a SettingError for a person. For child processes only (torch).
"""

from __future__ import annotations

from typing import Any

import torch

from phases.shared.errors import SettingError
from phases.shared.jobs.memory_advice import memory_advice
from phases.shared.options import as_mapping

WORDS = ("out of memory", "allocate memory", "std::bad_alloc", "cublas_status_alloc_failed")


def memory_ran_out(problem: BaseException) -> bool:
    words = str(problem).lower()
    return isinstance(problem, torch.OutOfMemoryError | MemoryError) or any(one in words for one in WORDS)


def memory_error(config: Any, max_length: int) -> SettingError:
    """What to change: only what this run has not done yet."""
    return SettingError("The memory is full: a step of this training does not fit.",
                        memory_advice({**as_mapping(config), "max_length": max_length}), subject="batch_size", code="out_of_memory")
