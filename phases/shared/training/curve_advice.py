"""What a run's curves say, in words: learning by heart, not learning, slow. Plain rules on the figures of a run, running or ended.

In: loss points ({"step", "loss", "smoothed", "eval_loss"?}) and metrics ({"step", "tokens_per_second"}), by step. Out: sentences. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

Points = Sequence[Mapping[str, Any]]

RISEN = 1.02  # the held-out loss over its lowest, before it counts as rising
EVALUATIONS_SINCE = 2
ENOUGH_STEPS = 30
HARDLY = 0.98  # the smoothed loss now over that of the first steps
FIRST_STEPS = 5
SLOWED = 0.5  # the newest speeds over the usual one
SLOW_TOKENS, LONG_SECONDS = 200.0, 2 * 3600.0


def curve_advice(points: Points, metrics: Points, seconds_left: float | None = None) -> tuple[str, ...]:
    """Every rule that speaks."""
    said = (_overfitting(points), _not_falling(points), _slowed(metrics), _slow(metrics, seconds_left))
    return tuple(sentence for sentence in said if sentence)


def _overfitting(points: Points) -> str:
    """The held-out loss rises while the training loss falls on."""
    measured = [point for point in points if point.get("eval_loss") is not None]
    if not measured:
        return ""
    best = min(measured, key=lambda point: point["eval_loss"])
    since = [point for point in measured if point["step"] > best["step"]]
    falls = since and since[-1].get("smoothed") is not None and best.get("smoothed") is not None and since[-1]["smoothed"] < best["smoothed"]
    if len(since) < EVALUATIONS_SINCE or not falls or since[-1]["eval_loss"] < RISEN * best["eval_loss"]:
        return ""
    return (f"Since step {best['step']:,} the held-out loss rises ({best['eval_loss']:.2f} to {since[-1]['eval_loss']:.2f}) while the training "
            f"loss falls: the model learns the texts by heart. It was best at step {best['step']:,}; use fewer epochs or a lower rate, or "
            "train on more texts.")


def _not_falling(points: Points) -> str:
    known = [point for point in points if point.get("smoothed") is not None]
    if len(known) < FIRST_STEPS + 1 or known[-1]["step"] < ENOUGH_STEPS:
        return ""
    first = sum(point["loss"] for point in known[:FIRST_STEPS]) / FIRST_STEPS
    if known[-1]["smoothed"] < HARDLY * first:
        return ""
    return (f"The loss has hardly fallen in {known[-1]['step']:,} steps ({first:.2f} at first, {known[-1]['smoothed']:.2f} now): raise the "
            "learning rate, or look at the texts; where it jumps up and down, lower the rate.")


def _slowed(metrics: Points) -> str:
    speeds = [one["tokens_per_second"] for one in metrics if one.get("tokens_per_second")]
    tail = speeds[-max(3, len(speeds) // 10):]
    if len(speeds) < ENOUGH_STEPS or median(tail) > SLOWED * median(speeds):
        return ""
    return (f"It has become slow: {median(tail):,.0f} tokens a second, {median(speeds):,.0f} before. Another program may use the machine, or "
            "the memory is full.")


def _slow(metrics: Points, seconds_left: float | None) -> str:
    speeds = [one["tokens_per_second"] for one in metrics if one.get("tokens_per_second")]
    if not speeds or median(speeds) > SLOW_TOKENS or (seconds_left or 0.0) < LONG_SECONDS:
        return ""
    return (f"At {median(speeds):,.0f} tokens a second this takes {seconds_left / 3600:.0f} hours more. What helps: a smaller base model, fewer "
            "epochs, shorter sequences, gradient checkpointing off where the memory allows it, or a machine with a GPU.")
