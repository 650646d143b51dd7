"""A run's files as a window shows them: the loss curve, the latest figures, the end of the log.

In: runs/JOB/ with loss.jsonl, metrics.jsonl, log.txt. Out: plain data, small enough to be sent every second.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from phases.shared.files import read_json_lines
from phases.shared.jobs.context import LOG_FILE

LOSS_FILE, METRICS_FILE = "loss.jsonl", "metrics.jsonl"
SMOOTHING = 0.9
TAIL_BYTES = 400_000


def loss_points(job_dir: Path, most: int = 500) -> list[dict[str, Any]]:
    """The loss curve as {"step", "loss", "smoothed", "rate", "epoch", "eval_loss"?}, by step, about `most` points at most.

    A step that a resumed run made again counts as it was made last. `smoothed` is the exponential moving average with the
    start's bias removed, as TensorBoard draws it. Down-sampled, the curve keeps its lowest and highest points, its two
    ends, and every evaluation as far as they fit.
    """
    by_step: dict[int, dict[str, Any]] = {}
    for line in read_json_lines(job_dir / LOSS_FILE):
        by_step.setdefault(line["step"], {}).update(line)
    points = _smoothed([by_step[step] for step in sorted(by_step)])
    return points if len(points) <= most else [points[place] for place in _chosen(points, most)]


def curve_rows(job_dir: Path, most: int = 20) -> list[dict[str, Any]]:
    """The loss curve in few rows to read, as `loss_points`: its evaluations (without any, evenly chosen steps) and both ends."""
    points = loss_points(job_dir, most=sys.maxsize)
    measured = [point for point in points if point.get("eval_loss") is not None] or points
    every = max(1, -(-len(measured) // max(1, most - 2)))
    shown = {point["step"]: point for point in (*points[:1], *measured[::every], *points[-1:])}
    return [shown[step] for step in sorted(shown)]


def metric_points(job_dir: Path, most: int = 500) -> list[dict[str, Any]]:
    """metrics.jsonl by step ({"step", "tokens_per_second", "gradient_norm", "memory_bytes", ...}), evenly thinned to `most`, the last kept."""
    by_step = {line["step"]: line for line in read_json_lines(job_dir / METRICS_FILE)}
    steps = sorted(by_step)
    every = max(1, -(-len(steps) // most))
    return [by_step[step] for place, step in enumerate(steps) if place % every == 0 or place == len(steps) - 1]


def files_seen(job_dir: Path) -> list[int]:
    """How large the files of a run are: when these are what they were, nothing new can be shown."""
    return [path.stat().st_size if path.exists() else 0 for path in (job_dir / name for name in (LOSS_FILE, METRICS_FILE, LOG_FILE))]


def latest_metrics(job_dir: Path) -> dict[str, Any]:
    """The newest line of metrics.jsonl; {} when there is none."""
    lines = _tail(job_dir / METRICS_FILE).rpartition("\n")[0].splitlines()
    return json.loads(lines[-1]) if lines else {}


def log_tail(job_dir: Path, lines: int = 200) -> str:
    """The last lines of the log; of a progress bar that redraws itself the last state."""
    kept = _tail(job_dir / LOG_FILE).split("\n")[-lines - 1:]
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in kept).strip("\n")


def _smoothed(points: list[dict[str, Any]]) -> list[dict[str, Any]]:
    average, weight = 0.0, 0.0
    for point in points:
        if point.get("loss") is not None:
            average = SMOOTHING * average + (1 - SMOOTHING) * point["loss"]
            weight = SMOOTHING * weight + (1 - SMOOTHING)
            point["smoothed"] = average / weight
    return points


def _chosen(points: Sequence[dict[str, Any]], most: int) -> list[int]:
    """Places of the points that stay: lowest and highest loss of each of equally wide parts, both ends, evaluations."""
    chosen = {0, len(points) - 1}
    evaluations = [place for place, point in enumerate(points) if point.get("eval_loss") is not None]
    chosen.update(evaluations[::max(1, -(-len(evaluations) // max(1, most // 4)))])
    parts = max(1, (most - len(chosen)) // 2)
    for part in range(parts):
        places = range(len(points) * part // parts, len(points) * (part + 1) // parts)
        known = [place for place in places if points[place].get("loss") is not None]
        if known:
            chosen.update((min(known, key=lambda place: points[place]["loss"]), max(known, key=lambda place: points[place]["loss"])))
    return sorted(chosen)


def _tail(path: Path) -> str:
    """The end of a text file, from the beginning of a line on."""
    if not path.exists():
        return ""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - TAIL_BYTES))
        content = file.read()
    if size > TAIL_BYTES:
        content = content.partition(b"\n")[2]
    return content.decode("utf-8", errors="replace")
