"""What was measured of a training on this machine, or a cluster's, and what that says of the next one. No torch.

In: runs/JOB/measured.json, written by a probe ("Measure time and memory") or at the end of a real run. Out: a `Measurement` for
the same settings on the same machine (or what is asked of the cluster), and seconds of a run that is planned.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import platform
import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from phases.shared.files import write_json
from phases.shared.jobs.process import usable_cores
from phases.shared.project import Project

MEASURED_FILE = "measured.json"
DECISIVE = ("method", "precision", "device", "batch_size", "max_length", "lora_rank", "gradient_checkpointing", "packing", "processes")
BATCHES_SORTED_TOGETHER = 8  # as the trainer orders its rows: trainer.LengthGroupedOrder


@dataclass(frozen=True)
class Measurement:
    """What one probe or run took. Seconds and bytes; rates in seconds a token.

    Args:
        key: of the settings and the machine that it holds for.
        source: "probe", or "run" when it was a whole training.
        batches: (tokens with padding, seconds) of steps, one batch each.
        peak_bytes: the most memory while training, of the GPU or else of the process.
        start_seconds: from the process's start to the first step, without a download and without measuring perplexity.
        end_seconds: after the last step: merging, saving, publishing.
        perplexity: of the base model on held-out text, where it was measured.
    """

    key: str
    job: str
    source: str
    batches: tuple[tuple[int, float], ...]
    peak_bytes: int
    start_seconds: float
    end_seconds: float
    save_seconds: float
    seconds_per_evaluated_token: float
    seconds_per_perplexity_token: float
    perplexity: float | None = None


@dataclass(frozen=True)
class Beginning:
    """What came before the first step of a probe or a run, in seconds. `apart_seconds` (download, perplexity) are no part of what
    every start costs; `perplexity` is that of the base model on `perplexity_tokens`."""

    key: str
    loading_seconds: float
    apart_seconds: float
    perplexity: float | None = None
    perplexity_tokens: int = 0
    perplexity_seconds: float = 0.0

    @property
    def seconds_per_perplexity_token(self) -> float:
        return self.perplexity_seconds / self.perplexity_tokens if self.perplexity_tokens else 0.0


@dataclass(frozen=True)
class Workload:
    """A planned run in numbers: lengths of its rows in tokens, how often it measures and saves, and how many batches it computes
    at once (`at_once`, more than one in several processes)."""

    lengths: Sequence[int]
    batch_size: int
    epochs: float
    evaluated_tokens: int
    evaluations: int
    saves: int
    perplexity_tokens: int
    at_once: int = 1


def settings_key(base: str, kind: str, config: Any) -> str:
    """One hash over all that decides time and memory: model, settings, cores and the machine itself. Of a cluster what is asked of it: its
    nodes have other names, and the plan is made elsewhere."""
    chosen = {name: getattr(config, name, None) for name in DECISIVE}
    if getattr(config, "runner", "local") == "slurm":
        threads, machine = config.threads, ["slurm", config.partition, config.gpus, config.nodes]
    else:
        threads = getattr(config, "threads", 0) or usable_cores()
        machine = [platform.node(), platform.machine(), os.environ.get("CUDA_VISIBLE_DEVICES", "")]
    return hashlib.sha256(json.dumps([base, kind, chosen, threads, machine], sort_keys=True).encode()).hexdigest()[:16]


def probe_config(config: Any) -> Any:
    """The settings that a probe runs with: those of the run, in one process, since each would end at another moment."""
    return dataclasses.replace(config, processes=1, nodes=1)


def keep_measurement(job_dir: Path, measured: Measurement) -> None:
    write_json(job_dir / MEASURED_FILE, asdict(measured))


def probe_result(job_dir: Path) -> dict[str, Any]:
    """What a probe says of itself when it is done."""
    measured = _read(job_dir / MEASURED_FILE)
    assert measured is not None, "the probe has just written it"
    tokens, seconds = (sum(column) for column in zip(*measured.batches, strict=True))
    return {"measured_steps": len(measured.batches), "tokens_per_second": round(tokens / seconds, 1), "peak_bytes": measured.peak_bytes,
            "base_perplexity": measured.perplexity}


def find_measurement(project: Project, key: str) -> Measurement | None:
    """The newest with that key; one of a whole run counts more than one of a probe."""
    files = sorted(project.runs.glob(f"*/{MEASURED_FILE}"), key=lambda file: file.stat().st_mtime, reverse=True)
    found = [one for one in map(_read, files) if one is not None and one.key == key]
    return next((one for one in found if one.source == "run"), found[0] if found else None)


def _read(file: Path) -> Measurement | None:
    """None for one of another version of the program: it is measured again."""
    try:
        content: Mapping[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        return Measurement(**{**content, "batches": tuple((int(tokens), float(seconds)) for tokens, seconds in content["batches"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None


def padded_batches(lengths: Sequence[int], batch_size: int, seed: int = 0) -> list[int]:
    """Tokens, with padding, of the batches of one epoch: rows of about equal length come together, as in the trainer."""
    order = list(lengths)
    random.Random(seed).shuffle(order)
    wide = batch_size * BATCHES_SORTED_TOGETHER
    padded = []
    for start in range(0, len(order), wide):
        block = sorted(order[start:start + wide])
        for at in range(0, len(block), batch_size):
            batch = block[at:at + batch_size]
            padded.append(len(batch) * batch[-1])
    return padded


def seconds_of_batch(tokens: int, batches: Sequence[tuple[int, float]]) -> float:
    """Seconds for a batch of so many tokens: on a line between the measured sizes around it.

    Beyond the largest and below the smallest the line of the nearest two goes on; one size alone counts in proportion.
    """
    points = sorted(_medians(batches).items())
    if len(points) == 1:
        return points[0][1] * tokens / points[0][0]
    place = next((at for at, (size, _) in enumerate(points[1:], 1) if tokens <= size), len(points) - 1)
    (small, quick), (large, slow) = points[place - 1], points[place]
    return max(0.0, quick + (slow - quick) * (tokens - small) / (large - small))


def _medians(batches: Sequence[tuple[int, float]]) -> dict[int, float]:
    by_size: dict[int, list[float]] = {}
    for size, seconds in batches:
        by_size.setdefault(size, []).append(seconds)
    return {size: sorted(several)[len(several) // 2] for size, several in by_size.items()}


def seconds_of_run(work: Workload, measured: Measurement) -> float:
    """How long the whole job will take, from its process's start to the published model; without a download."""
    training = sum(seconds_of_batch(tokens, measured.batches) for tokens in padded_batches(work.lengths, work.batch_size)) * work.epochs / work.at_once
    evaluating = work.evaluations * work.evaluated_tokens * measured.seconds_per_evaluated_token
    perplexity = 2 * work.perplexity_tokens * measured.seconds_per_perplexity_token
    return measured.start_seconds + training + evaluating + perplexity + work.saves * measured.save_seconds + measured.end_seconds
