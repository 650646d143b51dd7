"""Trainings that are killed with SIGKILL at chosen moments: at a step, inside a save, while the result is written.

In: a prepared job on the tiny model and moments drawn from a seed. Out: what was found after each kill (`Found`), so that a test can
say whether the run lost no more than it may. Used by test_resume.py (a few moments) and tests/benchmarks/kills.py (as many as asked).
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from phases.shared.project import Project
from phases.shared.training.checkpoints import MANIFEST, checkpoint_folders, step_of

ROOT = Path(__file__).parents[3]
ADAPTER = "adapter_model.safetensors"
LOOK_SECONDS = 0.0005
LONGEST_SAVE_SECONDS = 0.025


@dataclass(frozen=True)
class Moment:
    """When to kill. "step": its loss stands in the file; "save": its checkpoint's folder is there; "result": the result is being
    written; `delay` seconds after that."""

    kind: str
    step: int
    delay: float = 0.0


@dataclass(frozen=True)
class Found:
    """What a kill left: the last step with a loss, the step of the newest whole checkpoint, and whether one was half written."""

    moment: Moment
    last_step: int
    saved_step: int
    inside_save: bool

    @property
    def repeated(self) -> int:
        """Steps that the next attempt makes again."""
        return self.last_step - self.saved_step


def draw_moments(points: int, steps: int, interval: int, seed: int) -> list[Moment]:
    """Half of the moments at steps, half at saves, one while the result is written, in the order in which a run meets them."""
    chance = random.Random(seed)
    saves = [Moment("save", chance.randrange(1, steps // interval) * interval, chance.uniform(0, LONGEST_SAVE_SECONDS))
             for _ in range(points // 2)]
    others = [Moment("step", chance.randrange(1, steps - 2)) for _ in range(points - len(saves) - 1)]
    return [*sorted(saves + others, key=lambda one: (one.step, one.kind)), Moment("result", steps, chance.uniform(0, LONGEST_SAVE_SECONDS))]


def start_child(project: Project, job: str, kind: str = "cpt") -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-m", "tests.tiny_project", str(project.root), kind, job], cwd=ROOT,
                            env={**os.environ, "OMP_NUM_THREADS": "1"}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def kill_at(project: Project, job: str, moment: Moment) -> Found:
    """Let the training go on until that moment, and kill it. A training that ended before is an error."""
    reached, begun = watch_for(project, job, moment), attempts(project, job)
    child = start_child(project, job)
    while attempts(project, job) == begun or not reached():  # what an earlier attempt left is no moment of this one
        assert child.poll() is None, f"the training ended before {moment}: {child.stderr.read().decode()[-2000:]}"
        time.sleep(LOOK_SECONDS)
    time.sleep(moment.delay)
    child.send_signal(signal.SIGKILL)
    child.wait(30)
    child.stderr.close()
    folders = checkpoint_folders(project.checkpoints / job)
    whole = [folder for folder in folders if (folder / MANIFEST).exists()]
    return Found(moment, lines_of(project, job), step_of(whole[0]) if whole else 0, len(whole) < len(folders))


def watch_for(project: Project, job: str, moment: Moment) -> Callable[[], bool]:
    if moment.kind == "step":
        return lambda: lines_of(project, job) >= moment.step
    if moment.kind == "save":
        folder = project.checkpoints / job / f"checkpoint-{moment.step}"
        return lambda: folder.exists() or lines_of(project, job) > moment.step + 1  # saved whole before an earlier kill
    return lambda: any(project.model_runs.glob(f".{job}.*"))


def attempts(project: Project, job: str) -> int:
    """How often the training has begun or gone on."""
    log = project.job_dir(job) / "log.txt"
    said = log.read_text(encoding="utf-8") if log.exists() else ""
    return said.count("Going on from checkpoint-") + said.count("Training from the beginning.")


def lines_of(project: Project, job: str) -> int:
    losses = project.job_dir(job) / "loss.jsonl"
    return losses.read_bytes().count(b"\n") if losses.exists() else 0


def outcome(project: Project, job: str) -> tuple[bytes, bytes]:
    """The trained weights and the losses, byte for byte."""
    return (project.model_runs / job / ADAPTER).read_bytes(), (project.job_dir(job) / "loss.jsonl").read_bytes()


def finish(project: Project, job: str) -> None:
    """Let a prepared or killed job run to its end."""
    child = start_child(project, job)
    assert child.wait(400) == 0, child.stderr.read().decode()[-2000:]
    child.stderr.close()
