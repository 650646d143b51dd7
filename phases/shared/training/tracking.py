"""The metrics of a training once more, for TensorBoard or trackio: packages that a person installs who wants them. For child processes only.

In: what the trainer logs. Out: runs/JOB/tensorboard (event files) or runs/JOB/trackio (a SQLite file), on this machine alone.

    python app.py cpt NAME --log-to tensorboard      then: tensorboard --logdir projects/NAME/runs
    python app.py cpt NAME --log-to trackio          then: TRACKIO_DIR=projects/NAME/runs/JOB/trackio trackio show

Nothing of the training depends on it: a tracker that fails is let go of with a line in the log.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from transformers import TrainerCallback
from transformers.integrations import rewrite_logs

from phases.shared.jobs.context import JobContext

FLUSH_SECONDS = 10
TRACKIO_ELSEWHERE = ("TRACKIO_SPACE_ID", "TRACKIO_SERVER_URL", "TRACKIO_BUCKET_ID", "TRACKIO_DATASET_ID", "TRACKIO_WEBHOOK_URL")


class Tracker(Protocol):
    """Takes figures by name. `keep` is called when a checkpoint is saved: what was told until then must outlive a kill."""

    def write(self, step: int, figures: Mapping[str, float]) -> None: ...

    def keep(self) -> None: ...

    def close(self) -> None: ...


class TensorBoard:
    """Event files. What an earlier attempt wrote after the step that this one goes on from is marked as gone."""

    def __init__(self, folder: Path, job: str, step: int) -> None:
        from torch.utils.tensorboard import SummaryWriter
        self._writer = SummaryWriter(log_dir=str(folder), purge_step=step + 1, flush_secs=FLUSH_SECONDS)

    def write(self, step: int, figures: Mapping[str, float]) -> None:
        for name, value in figures.items():
            self._writer.add_scalar(name, value, step)

    def keep(self) -> None:
        self._writer.flush()

    def close(self) -> None:
        self._writer.close()


class Trackio:
    """A run of trackio's local store. It cannot take steps back: those that are repeated after a resume stand there twice."""

    def __init__(self, folder: Path, job: str, step: int) -> None:
        os.environ["TRACKIO_DIR"] = str(folder)  # read when the library loads
        for name in TRACKIO_ELSEWHERE:
            os.environ.pop(name, None)
        import trackio
        self._trackio = trackio
        trackio.init(project="lehrling", name=job, resume="allow", embed=False, auto_log_gpu=False, auto_log_cpu=False)

    def write(self, step: int, figures: Mapping[str, float]) -> None:
        self._trackio.log(dict(figures), step=step)

    def keep(self) -> None:
        """It writes within a second of its own accord."""

    def close(self) -> None:
        self._trackio.finish()


TRACKERS: Mapping[str, Callable[[Path, str, int], Tracker]] = {"tensorboard": TensorBoard, "trackio": Trackio}


class TrackedRun(TrainerCallback):
    """Hands what the trainer logs to a tracker, in the first of several processes."""

    def __init__(self, context: JobContext, name: str) -> None:
        self._context = context
        self._name = name
        self._tracker: Tracker | None = None

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if self._context.rank == 0:
            self._do(lambda: self._begin(state.global_step))

    def on_log(self, args: Any, state: Any, control: Any, logs: Mapping[str, Any], **_: Any) -> None:
        figures = {name: float(value) for name, value in rewrite_logs(dict(logs)).items() if isinstance(value, int | float)}
        if self._tracker:
            self._do(lambda: self._tracker.write(state.global_step, figures))  # type: ignore[union-attr]

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if self._tracker:
            self._do(self._tracker.keep)

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if self._tracker:
            self._do(self._tracker.close)
        self._tracker = None

    def _begin(self, step: int) -> None:
        folder = self._context.job_dir / self._name
        folder.mkdir(exist_ok=True)
        self._tracker = TRACKERS[self._name](folder, self._context.job_id, step)

    def _do(self, what: Callable[[], None]) -> None:
        try:
            what()
        except Exception as problem:  # the border to a library that the training does not need
            self._tracker = None
            self._context.log(f"{self._name} failed ({type(problem).__name__}: {problem}) and gets nothing more; the training goes on.")
