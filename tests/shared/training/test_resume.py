"""A training that was killed or stopped goes on and ends in the same bytes, or says why it cannot."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from phases.shared.errors import CheckpointError, SettingError
from phases.shared.files import read_json_lines
from phases.shared.jobs.context import JobStopped
from phases.shared.project import Project
from phases.shared.training.checkpoints import checkpoint_folders, newest_checkpoint, prune_checkpoints, run_identity
from tests.tiny_project import context_of, continue_job, make_project, prepare_job

ROOT = Path(__file__).parents[3]
ADAPTER = "adapter_model.safetensors"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_project(tmp_path)


def start_child(project: Project, job: str) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-m", "tests.tiny_project", str(project.root), "cpt", job], cwd=ROOT,
                            env={**os.environ, "OMP_NUM_THREADS": "1"}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def outcome(project: Project, job: str) -> tuple[bytes, bytes]:
    return (project.model_runs / job / ADAPTER).read_bytes(), (project.job_dir(job) / "loss.jsonl").read_bytes()


def test_a_killed_training_ends_in_the_same_bytes(project: Project) -> None:
    for job in ("whole", "killed"):
        prepare_job(project, "cpt", job, epochs=60, save_steps=7, lora_dropout=0.1)
    assert start_child(project, "whole").wait(400) == 0
    steps = len(list(read_json_lines(project.job_dir("whole") / "loss.jsonl")))
    assert steps == 60 * 4
    chance = random.Random(time.time_ns())
    moments = sorted(chance.sample(range(8, steps - 1), 2))
    for moment in moments:
        kill_at(project, "killed", moment)
    child = start_child(project, "killed")
    assert child.wait(400) == 0, child.stderr.read().decode()[-2000:]
    assert outcome(project, "killed") == outcome(project, "whole"), f"killed at steps {moments}"
    assert "Going on from checkpoint-" in (project.job_dir("killed") / "log.txt").read_text()


def kill_at(project: Project, job: str, step: int) -> None:
    """SIGKILL as soon as that step stands in the job's losses."""
    child = start_child(project, job)
    losses = project.job_dir(job) / "loss.jsonl"
    while not losses.exists() or losses.read_bytes().count(b"\n") < step:
        assert child.poll() is None, "the training ended before it could be killed"
        time.sleep(0.001)
    child.send_signal(signal.SIGKILL)
    child.wait(30)
    child.stderr.close()


def stop_after_next_step(project: Project, job: str) -> dict:
    """A person asks for a stop; the training takes one step, saves and leaves."""
    request = project.job_dir(job) / "stop"
    request.touch()
    with pytest.raises(JobStopped) as stopped:
        continue_job(context_of(project, job), "cpt")
    request.unlink()
    return stopped.value.result


def test_a_stop_is_seen_at_the_next_step_and_saves(project: Project) -> None:
    prepare_job(project, "cpt", "stopped", epochs=3)
    assert stop_after_next_step(project, "stopped")["step"] == 1
    assert stop_after_next_step(project, "stopped")["step"] == 2
    continue_job(context_of(project, "stopped"), "cpt")
    prepare_job(project, "cpt", "whole", epochs=3)
    continue_job(context_of(project, "whole"), "cpt")
    assert outcome(project, "stopped") == outcome(project, "whole")


@pytest.mark.parametrize("damage", ["truncated optimizer.pt", "missing rng_state.pth", "missing manifest.json"])
def test_a_damaged_checkpoint_is_refused_and_the_one_before_used(project: Project, damage: str) -> None:
    prepare_job(project, "cpt", "damaged", epochs=3)
    for _ in range(2):
        stop_after_next_step(project, "damaged")
    kind, name = damage.split()
    file = checkpoint_folders(project.checkpoints / "damaged")[0] / name
    if kind == "truncated":
        file.write_bytes(file.read_bytes()[:-100])
    else:
        file.unlink()
    log = project.job_dir("damaged") / "log.txt"
    log.unlink()  # the second step went on from checkpoint-1 as well
    continue_job(context_of(project, "damaged"), "cpt")
    said = log.read_text()
    assert "The one before is used." in said and "Going on from checkpoint-1." in said and "from checkpoint-2" not in said
    prepare_job(project, "cpt", "whole", epochs=3)
    continue_job(context_of(project, "whole"), "cpt")
    assert outcome(project, "damaged") == outcome(project, "whole")


def test_a_checkpoint_of_other_settings_is_never_used(project: Project) -> None:
    prepare_job(project, "cpt", "mixed", epochs=3)
    stop_after_next_step(project, "mixed")
    settings = project.job_dir("mixed") / "settings.json"
    settings.write_text(settings.read_text().replace('"seed": 42', '"seed": 43'))
    with pytest.raises(CheckpointError, match="other settings"):
        continue_job(context_of(project, "mixed"), "cpt")
    assert checkpoint_folders(project.checkpoints / "mixed"), "the work must still be there"


def test_changed_data_is_never_mixed_in(project: Project) -> None:
    context = prepare_job(project, "cpt", "mixed", epochs=3)
    stop_after_next_step(project, "mixed")
    texts = context.inputs / "texts.jsonl"
    texts.write_text(texts.read_text().replace("Norvik", "Sorvik"))
    with pytest.raises(CheckpointError, match="other data"):
        continue_job(context, "cpt")


def test_a_resumed_run_reads_the_frozen_texts_only(project: Project) -> None:
    prepare_job(project, "cpt", "frozen", epochs=2)
    stop_after_next_step(project, "frozen")
    project.database.unlink()
    project.cpt_text.unlink()
    assert continue_job(context_of(project, "frozen"), "cpt")["steps"] == 8


def test_the_two_newest_and_the_best_are_kept(tmp_path: Path) -> None:
    for step in (5, 10, 15, 20):
        (tmp_path / f"checkpoint-{step}").mkdir()
    prune_checkpoints(tmp_path, best_step=5)
    assert [one.name for one in checkpoint_folders(tmp_path)] == ["checkpoint-20", "checkpoint-15", "checkpoint-5"]


def test_without_a_checkpoint_a_run_begins_anew(tmp_path: Path) -> None:
    assert newest_checkpoint(tmp_path / "none", run_identity("data", {})) == (None, [])


def test_a_diverged_loss_fails_in_words(project: Project) -> None:
    prepare_job(project, "cpt", "wild", epochs=50, max_grad_norm=1000.0)
    settings = project.job_dir("wild") / "settings.json"
    settings.write_text(settings.read_text().replace('"learning_rate": 0.01', '"learning_rate": 0.1').replace(
        '"lora_alpha": 0', '"lora_alpha": 4096'))
    broken = project.root.parent.parent / "tiny" / "model.safetensors"
    poison(broken)
    with pytest.raises(SettingError, match="no longer a number at step 1") as failed:
        continue_job(context_of(project, "wild"), "cpt")
    assert "learning rate" in failed.value.advice
    assert not checkpoint_folders(project.checkpoints / "wild"), "a broken state must not be kept"


def poison(weights: Path) -> None:
    """One weight that is no number makes every loss one."""
    import torch
    from safetensors.torch import load_file, save_file
    tensors = load_file(weights)
    tensors["model.norm.weight"][0] = torch.nan
    save_file(tensors, weights, metadata={"format": "pt"})
