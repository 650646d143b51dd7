"""The curves for TensorBoard: what the real package reads back is what the run logged, and the run is the same with and without it."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

from phases.cpt.config import CptConfig
from phases.shared.files import read_json_lines
from phases.shared.jobs.context import JobStopped
from phases.shared.options import as_mapping
from phases.shared.project import Project
from phases.shared.training.checkpoints import run_identity
from phases.shared.training.methods import missing_for_method
from phases.shared.training.tracking import TRACKERS, TrackedRun
from tests.tiny_project import context_of, continue_job, make_project, prepare_job, run_job

READ = """
import json, sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
read = EventAccumulator(sys.argv[1])
read.Reload()
print(json.dumps({name: [[one.step, one.value] for one in read.Scalars(name)] for name in read.Tags()["scalars"]}))
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_project(tmp_path)


def weights(project: Project, job: str) -> bytes:
    return (project.model_runs / job / "adapter_model.safetensors").read_bytes()


def losses(project: Project, job: str) -> list[dict]:
    return list(read_json_lines(project.job_dir(job) / "loss.jsonl"))


def curves(project: Project, job: str) -> dict[str, list[list[float]]]:
    """As TensorBoard reads them, in a process of its own."""
    folder = project.job_dir(job) / "tensorboard"
    done = subprocess.run([sys.executable, "-c", READ, str(folder)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"tests/requirements.txt names tensorboard: {done.stderr[-2000:]}"
    return json.loads(done.stdout)


def test_a_stopped_and_resumed_run_reads_back_whole_and_is_the_same_without(project: Project) -> None:
    run_job(project, "cpt", "plain", epochs=3, save_steps=2)
    context = prepare_job(project, "cpt", "watched", epochs=3, save_steps=2, log_to="tensorboard")
    (context.job_dir / "stop").touch()
    with pytest.raises(JobStopped):
        continue_job(context_of(project, "watched"), "cpt")
    (context.job_dir / "stop").unlink()
    continue_job(context_of(project, "watched"), "cpt")
    assert weights(project, "watched") == weights(project, "plain")
    assert losses(project, "watched") == losses(project, "plain")
    read, logged = curves(project, "watched"), losses(project, "watched")
    assert [step for step, _ in read["train/loss"]] == [one["step"] for one in logged]
    assert [value for _, value in read["train/loss"]] == pytest.approx([one["loss"] for one in logged], rel=1e-6)
    assert [value for _, value in read["train/learning_rate"]] == pytest.approx([one["rate"] for one in logged], rel=1e-6)
    measured = {one["step"]: one["eval_loss"] for one in logged if "eval_loss" in one}
    assert dict(map(tuple, read["eval/loss"])) == pytest.approx(measured, rel=1e-6) and measured


def test_steps_after_the_checkpoint_that_a_killed_run_goes_on_from_are_gone(tmp_path: Path) -> None:
    """Three steps, then again from the first: as after a kill between two checkpoints."""
    for begin, steps, value in ((0, (1, 2, 3), 1.0), (1, (2, 3), 2.0)):
        tracker = TRACKERS["tensorboard"](tmp_path, "job", begin)
        for step in steps:
            tracker.write(step, {"train/loss": value})
        tracker.close()
    done = subprocess.run([sys.executable, "-c", READ, str(tmp_path)], capture_output=True, text=True, timeout=120)
    assert json.loads(done.stdout)["train/loss"] == [[1, 1.0], [2, 2.0], [3, 2.0]], done.stderr[-2000:]


def test_a_tracker_that_fails_does_not_end_the_training(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise OSError("no room for curves")

    monkeypatch.setattr(TRACKERS["tensorboard"], "write", broken)
    run_job(project, "cpt", "watched", epochs=1, log_to="tensorboard")
    log = (project.job_dir("watched") / "log.txt").read_text(encoding="utf-8")
    assert log.count("no room for curves") == 1 and "the training goes on" in log


def test_a_package_that_is_not_installed_is_said_before_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr("phases.shared.training.methods.find_spec", lambda name: None if name in ("tensorboard", "trackio") else found(name))
    for name in ("tensorboard", "trackio"):
        assert any(f"pip install {name}" in one for one in missing_for_method(CptConfig(log_to=name)))
    assert not missing_for_method(CptConfig())


def test_watching_does_not_make_another_run_of_it() -> None:
    """A checkpoint of before the setting existed is gone on from."""
    older = {name: value for name, value in as_mapping(CptConfig()).items() if name != "log_to"}
    assert run_identity("d", older) == run_identity("d", as_mapping(CptConfig(log_to="tensorboard")))
    assert run_identity("d", older) != run_identity("d", {**older, "seed": 7})


def test_several_processes_write_once(project: Project) -> None:
    context = context_of(project, "other")
    context.rank = 1
    context.job_dir.mkdir(parents=True)
    TrackedRun(context, "tensorboard").on_train_begin(None, type("State", (), {"global_step": 0}), None)
    assert not (context.job_dir / "tensorboard").exists()
