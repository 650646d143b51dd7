"""A training that was killed or stopped goes on and ends in the same bytes, or says why it cannot."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from phases.shared.errors import CheckpointError, SettingError
from phases.shared.jobs.context import JobStopped
from phases.shared.project import Project
from phases.shared.training.checkpoints import (
    MANIFEST,
    checkpoint_folders,
    newest_checkpoint,
    prune_checkpoints,
    run_identity,
    seal_checkpoint,
)
from tests.shared.training.kills import draw_moments, finish, kill_at, lines_of, outcome
from tests.tiny_project import context_of, continue_job, make_project, prepare_job


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_project(tmp_path)


def test_a_killed_training_ends_in_the_same_bytes(project: Project) -> None:
    """A few moments of a new seed each time; `python -m tests.benchmarks.kills --points 50` takes as many as wished."""
    for job in ("whole", "killed"):
        prepare_job(project, "cpt", job, epochs=60, save_steps=7, lora_dropout=0.1)
    finish(project, "whole")
    assert lines_of(project, "whole") == 60 * 4
    seed = time.time_ns()
    found = [kill_at(project, "killed", moment) for moment in draw_moments(3, 60 * 4, 7, seed)]
    finish(project, "killed")
    assert outcome(project, "killed") == outcome(project, "whole"), f"seed {seed}: {found}"
    assert all(one.repeated <= 7 for one in found), f"seed {seed}: {found}"
    assert "Going on from checkpoint-" in (project.job_dir("killed") / "log.txt").read_text()


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


def test_a_damaged_checkpoint_is_refused_and_the_one_before_used(project: Project) -> None:
    prepare_job(project, "cpt", "damaged", epochs=3)
    for _ in range(2):
        stop_after_next_step(project, "damaged")
    file = checkpoint_folders(project.checkpoints / "damaged")[0] / "optimizer.pt"
    file.write_bytes(file.read_bytes()[:-100])
    log = project.job_dir("damaged") / "log.txt"
    log.unlink()  # the second step went on from checkpoint-1 as well
    continue_job(context_of(project, "damaged"), "cpt")
    said = log.read_text()
    assert "The one before is used." in said and "Going on from checkpoint-1." in said and "from checkpoint-2" not in said
    prepare_job(project, "cpt", "whole", epochs=3)
    continue_job(context_of(project, "whole"), "cpt")
    assert outcome(project, "damaged") == outcome(project, "whole")


def delete(file: Path) -> None:
    file.unlink()


def truncate(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])


def empty(file: Path) -> None:
    file.write_bytes(b"")


def flip_first(file: Path) -> None:
    flip(file, 0)


def flip_middle(file: Path) -> None:
    flip(file, file.stat().st_size // 2)


def flip(file: Path, place: int) -> None:
    content = bytearray(file.read_bytes())
    content[place] ^= 1
    file.write_bytes(content)


def test_every_file_of_a_checkpoint_is_proven(project: Project, tmp_path: Path) -> None:
    """Each file in turn deleted, cut, emptied or changed by one bit, and one added: the one before is used."""
    prepare_job(project, "cpt", "proven", epochs=3)
    for _ in range(2):
        stop_after_next_step(project, "proven")
    saved = project.checkpoints / "proven"
    identity = {key: json.loads((saved / "checkpoint-2" / MANIFEST).read_text())[key] for key in ("data", "config", "versions")}
    assert newest_checkpoint(saved, identity)[0] == saved / "checkpoint-2"
    names = sorted(path.name for path in (saved / "checkpoint-2").iterdir())
    assert {MANIFEST, "adapter_model.safetensors", "optimizer.pt", "scheduler.pt", "rng_state.pth", "trainer_state.json"} < set(names)
    damages: list[Callable[[Path], None]] = [delete, truncate, empty, flip_first, flip_middle]
    for number, (name, damage) in enumerate([*((name, damage) for name in names for damage in damages), ("added.bin", Path.touch)]):
        copy = shutil.copytree(saved, tmp_path / f"copy{number}")
        damage(copy / "checkpoint-2" / name)
        used, refused = newest_checkpoint(copy, identity)
        assert used == copy / "checkpoint-1" and len(refused) == 1, f"{damage.__name__} {name}"
        assert not (copy / "checkpoint-2").exists(), "its files would mix with those of the next save"
        shutil.rmtree(copy)


def test_a_manifest_vouches_for_itself(project: Project) -> None:
    """Not even its figures can be changed by hand: a settings hash of another run is damage here, no other run."""
    prepare_job(project, "cpt", "proven", epochs=3)
    stop_after_next_step(project, "proven")
    folder = project.checkpoints / "proven" / "checkpoint-1"
    manifest = json.loads((folder / MANIFEST).read_text())
    identity = {key: manifest[key] for key in ("data", "config", "versions")}
    (folder / MANIFEST).write_text(json.dumps({**manifest, "config": "0" * 64}))
    assert newest_checkpoint(folder.parent, identity)[0] is None


def test_a_save_without_the_optimizer_is_not_sealed(project: Project) -> None:
    prepare_job(project, "cpt", "lacking", epochs=3)
    stop_after_next_step(project, "lacking")
    folder = project.checkpoints / "lacking" / "checkpoint-1"
    for name in (MANIFEST, "optimizer.pt"):
        (folder / name).unlink()
    with pytest.raises(CheckpointError, match="lacks optimizer.pt"):
        seal_checkpoint(folder, run_identity("data", {}))


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
