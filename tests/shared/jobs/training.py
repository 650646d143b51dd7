"""Real trainings on the tiny model through the real queue: what the tests of failures and of several processes start.

In: a folder. Out: `Trainings`, which submits CPT jobs of a project and small sample jobs behind them.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from phases.cpt.config import CptConfig
from phases.shared.files import read_json_lines
from phases.shared.jobs.kinds import KINDS
from phases.shared.jobs.queue import Job, list_jobs, submit_job
from phases.shared.jobs.worker import Worker
from phases.shared.options import option, resolve
from phases.shared.project import Project
from phases.shared.training.checkpoints import MANIFEST, checkpoint_folders
from tests.shared.jobs.conftest import Queue
from tests.shared.jobs.sample_kinds import SAMPLE_KINDS, SampleConfig
from tests.tiny_project import FAST


@dataclass(frozen=True)
class WildConfig(CptConfig):
    """Settings that the program refuses, to see a real training leave all bounds."""

    learning_rate: float = option(1e6, label="Learning rate", help="Far too high.")


WILD = replace(KINDS["cpt"], name="wild", config=f"{__name__}:WildConfig")
ALL_KINDS = {**KINDS, **SAMPLE_KINDS, "wild": WILD}
CONFIGS = {"cpt": CptConfig, "wild": WildConfig}


class Trainings(Queue):
    """A queue whose project can be trained on."""

    def train(self, kind: str = "cpt", **settings: Any) -> Job:
        config = resolve(CONFIGS[kind], {**FAST, **settings})
        return submit_job(self.projects, self.project, kind, config, kinds=ALL_KINDS)

    def work(self, **more: Any) -> Worker:
        self.worker = Worker.try_start(self.projects, kinds=ALL_KINDS, **more)
        assert self.worker is not None
        return self.worker

    def next_job_runs(self) -> bool:
        """The worker is alive and starts the next job of the same lane."""
        job = submit_job(self.projects, self.project, "train", SampleConfig(count=1), kinds=ALL_KINDS)
        return self.ended(job).state == "done"

    def losses(self, job: Job) -> list[dict[str, Any]]:
        return list(read_json_lines(self.project.job_dir(job.id) / "loss.jsonl"))

    def whole_checkpoints(self, job: Job) -> list[Path]:
        return [one for one in checkpoint_folders(self.project.checkpoints / job.id) if (one / MANIFEST).exists()]

    def written(self, job: Job) -> tuple[bytes, bytes]:
        """Weights and losses, byte for byte."""
        return ((self.project.model_runs / job.id / "adapter_model.safetensors").read_bytes(),
                (self.project.job_dir(job.id) / "loss.jsonl").read_bytes())


@contextmanager
def trainings(project: Project) -> Iterator[Trainings]:
    queue = Trainings(project.root.parent, project)
    try:
        yield queue
    finally:
        queue.rest()
        for job in list_jobs(queue.projects, states=("running",)):
            with suppress(ProcessLookupError, TypeError):
                os.killpg(job.child_pid, signal.SIGKILL)
