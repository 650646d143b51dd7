"""Runs of one kind side by side: only what differs, in their settings and in what they reached.

In: jobs. Out: {"kind", "runs", "settings": {name: [a value a run]}, "results": {...}}.    python app.py compare NAME JOB JOB
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from phases.shared.errors import JobError
from phases.shared.jobs.metrics import loss_points
from phases.shared.jobs.queue import Job

FEWEST = 2


def compare_runs(jobs: Sequence[Job]) -> dict[str, Any]:
    """What differs between the runs. Raises JobError for fewer than two, or for runs of different kinds."""
    if len({job.id for job in jobs}) < FEWEST:
        raise JobError("One run alone cannot be compared.", "Name two or more.", code="compare_few")
    other = next((job for job in jobs if job.kind != jobs[0].kind), None)
    if other is not None:
        raise JobError(f"{jobs[0].id} is a run of {jobs[0].kind}, {other.id} one of {other.kind}.", "Compare runs of one kind.",
                       subject=other.id, code="compare_kinds")
    results = [{"state": job.state, **{name: value for name, value in (job.result or {}).items() if not isinstance(value, dict | list)}}
               for job in jobs]
    return {"kind": jobs[0].kind, "runs": [job.id for job in jobs], "settings": _differing([job.config for job in jobs]),
            "results": _differing(results)}


def _differing(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """The names whose values are not the same in all rows, in the order in which they are met; None where a row has none."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = {name: [row.get(name) for row in rows] for name in names}
    return {name: values for name, values in columns.items() if any(value != values[0] for value in values)}


def curves(folders: Mapping[str, Path], curve: str, most: int) -> list[tuple[str, int, float]]:
    """(run, step, loss) of a curve ("smoothed" or "eval_loss") of several runs by name, about `most` points in all."""
    each = max(20, most // max(1, len(folders)))
    return [(name, point["step"], point[curve]) for name, folder in folders.items() for point in loss_points(folder, each)
            if point.get(curve) is not None]
