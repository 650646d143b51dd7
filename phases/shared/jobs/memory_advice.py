"""What would need less memory: the settings of a job that can be lowered, with their present values, the strongest lever first.

In: the settings of a job that ran out of memory. Out: a sentence for a person. Pure; no torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

CLOSE_OTHERS = "Close programs that use much memory."


def memory_advice(settings: Mapping[str, Any]) -> str:
    """Only what this job has and has not done yet; other programs where its settings offer nothing."""
    levers = [one for one in (_batch(settings), _checkpointing(settings), _length(settings), _processes(settings), *_method(settings)) if one]
    if not levers:
        return CLOSE_OTHERS
    advice = "; or ".join(levers)
    return f"{advice[0].upper()}{advice[1:]}. Then start a new run."


def _batch(settings: Mapping[str, Any]) -> str:
    """A part of the batch, and the accumulation with which the run learns the same."""
    size = settings.get("batch_size", 1)
    if size == 1:
        return ""
    parts = next(parts for parts in range(2, size + 1) if size % parts == 0)
    same = (f"; with gradient accumulation {settings['gradient_accumulation'] * parts} and batch {size // parts} the run learns the same"
            if "gradient_accumulation" in settings else "")
    return f"make the batch smaller ({size} now{same})"


def _checkpointing(settings: Mapping[str, Any]) -> str:
    return "turn gradient checkpointing on (off now)" if settings.get("gradient_checkpointing") is False else ""


def _length(settings: Mapping[str, Any]) -> str:
    return f"make the sequences shorter ({settings['max_length']} tokens now)" if "max_length" in settings else ""


def _processes(settings: Mapping[str, Any]) -> str:
    """On one machine without a GPU for each, all of them hold the model."""
    count = settings.get("processes", 1)
    return f"train in fewer processes on a CPU ({count} now, each of which holds the model)" if count > 1 else ""


def _method(settings: Mapping[str, Any]) -> tuple[str, ...]:
    method = settings.get("method")
    if method is None:
        return ()
    return (*(("train an adapter only (LoRA; full now)",) if method == "full" else ()), "choose a smaller base model",
            *((f"load the base model in 4 bits (QLoRA; {method} now) on a GPU that can",) if method != "qlora" else ()))
