"""What a writing job did, in figures, and why the count is short if it is.

In: the ledger after the last slot. Out: the job's result: asked, written, validation, held_out, rejected and failed by reason,
reason, file, tokens and cost.
"""

from __future__ import annotations

from typing import Any

from phases.sft_data.config import BUILTIN, WriteConfig
from phases.sft_data.ledger import HELD_OUT, TRAIN, VALIDATION, Ledger


def outcome_of(ledger: Ledger, config: WriteConfig, planned: int, stopped: bool) -> dict[str, Any]:
    """The result of a job. `planned` is the number of slots that it could have filled."""
    return {"asked": config.count, "written": ledger.sets[TRAIN], "validation": ledger.sets[VALIDATION], "held_out": ledger.sets[HELD_OUT],
            "questions": ledger.slots, "rejected": dict(ledger.rejected), "failed": dict(ledger.failed), "stopped": stopped,
            "reason": _reason(ledger, config, planned, stopped), "dataset": config.dataset, "file": f"data/{config.dataset}.jsonl",
            "prompt_tokens": ledger.spent.prompt_tokens, "completion_tokens": ledger.spent.completion_tokens,
            "cost": round(ledger.spent.cost, 6)}


def _reason(ledger: Ledger, config: WriteConfig, planned: int, stopped: bool) -> str:
    """Why there are fewer pairs than asked for; "" when there are as many."""
    if ledger.complete:
        return ""
    if stopped:
        return "It was stopped; resume it to write the rest."
    if not ledger.sets[TRAIN] and not ledger.failed and config.provider == BUILTIN:
        return "Nothing new was written: every fact that the built-in writer finds has been asked about in this style."
    if not config.count:
        return "" if ledger.sets[TRAIN] else "Nothing new was written: see what was rejected and what failed."
    if config.provider == BUILTIN:
        return f"The documents give no more: {planned} facts were found that had not been asked about in this style."
    unusable = ledger.rejected.total() + ledger.failed.total()
    return f"{ledger.slots} questions were asked of the model; {unusable} of what came back could not be used: see rejected and failed."
