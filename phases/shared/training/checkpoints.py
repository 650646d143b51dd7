"""Checkpoints that are proven whole before a run goes on from one.

The trainer writes files in place and says nothing when one is missing: it would go on with a fresh optimizer and train
something else. So after each save every file is synced and a manifest with their hashes, and its own, is written last, by
rename. A run goes on only from a checkpoint with exactly the files of its manifest and the data, settings and library versions
of the run, else from the one before. A save that fails (a full disk) takes its files away again.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from phases.shared.errors import CheckpointError
from phases.shared.files import json_text, read_json_lines, sha256_of, write_atomically, write_json
from phases.shared.models.publish import sync_tree

MANIFEST = "manifest.json"
WEIGHTS = ("adapter_model.safetensors", "model.safetensors", "model.safetensors.index.json")  # one of them, by method and size
RANDOM_STATES = ("rng_state.pth", "rng_state_0.pth")  # of one process, of the first of several
NEEDED = (WEIGHTS, ("optimizer.pt",), ("scheduler.pt",), RANDOM_STATES, ("trainer_state.json",))
LIBRARIES = ("torch", "transformers", "trl", "peft", "accelerate")
KEPT = 2
WATCHING = ("log_to",)  # settings that only watch a run: they may differ, and older checkpoints do not know them


def library_versions() -> dict[str, str]:
    return {name: version(name) for name in LIBRARIES}


def config_hash(config: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(dict(config), sort_keys=True).encode()).hexdigest()


def run_identity(data_hash: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """What must not change between a checkpoint and the run that goes on from it."""
    decisive = {name: value for name, value in config.items() if name not in WATCHING}
    return {"data": data_hash, "config": config_hash(decisive), "versions": library_versions()}


def seal_checkpoint(folder: Path, identity: Mapping[str, Any]) -> None:
    """Sync every file, then write the manifest. Raises CheckpointError when the trainer left a file out."""
    for names in NEEDED:
        if not any((folder / name).is_file() for name in names):
            raise CheckpointError(f"The checkpoint {folder.name} lacks {names[0]}.", "Free disk space and resume the job.",
                                  subject=folder.name, code="checkpoint_incomplete")
    sync_tree(folder)
    files = {name: sha256_of(folder / name) for name in _files_in(folder)}
    write_json(folder / MANIFEST, _sealed({**identity, "step": step_of(folder), "files": files}))


@contextmanager
def removed_unless_finished(folder: Path) -> Iterator[None]:
    """Around a save: when it fails, its files go, so that a full disk has room for the reason and nothing half-made stays."""
    try:
        yield
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def verify_checkpoint(folder: Path, identity: Mapping[str, Any]) -> None:
    """Raises CheckpointError when a file is missing, changed or added, or when it belongs to another run."""
    manifest = _read_manifest(folder)
    files = manifest["files"]
    for name in sorted({*files, *_files_in(folder)}):
        if not (folder / name).is_file() or sha256_of(folder / name) != files.get(name):
            raise CheckpointError(f"{name} of the checkpoint {folder.name} is damaged, missing, or was added later.",
                                  "The one before is used.", subject=folder.name, code="checkpoint_damaged")
    for key, word in (("data", "data"), ("config", "settings"), ("versions", "versions of the training libraries")):
        if manifest.get(key) != identity[key]:
            raise CheckpointError(f"The checkpoint {folder.name} was made with other {word}.", "Start a new job.",
                                  subject=folder.name, code=f"checkpoint_other_{key}")


def _files_in(folder: Path) -> list[str]:
    """Every file but the manifest, by its path in the folder."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*")
                  if path.is_file() and path != folder / MANIFEST)


def _sealed(content: Mapping[str, Any]) -> dict[str, Any]:
    return {**content, "seal": config_hash(content)}


def _read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest, when it is there and as it was written. Raises CheckpointError."""
    try:
        text = (folder / MANIFEST).read_text(encoding="utf-8")
        manifest = json.loads(text)
        content = {key: value for key, value in manifest.items() if key != "seal"}
        whole = text == json_text(_sealed(content)) and content["step"] == step_of(folder)
    except (OSError, ValueError, KeyError, AttributeError):
        whole = False
    if not whole:
        raise CheckpointError(f"The checkpoint {folder.name} was not finished, or its manifest is damaged.",
                              "The one before is used.", subject=folder.name, code="checkpoint_unfinished")
    return manifest


def step_of(folder: Path) -> int:
    return int(folder.name.rpartition("-")[2])


def checkpoint_folders(root: Path) -> list[Path]:
    """The checkpoints of a job, newest first, verified or not."""
    found = [one for one in root.glob("checkpoint-*") if one.is_dir() and one.name.rpartition("-")[2].isdigit()]
    return sorted(found, key=step_of, reverse=True)


def newest_checkpoint(root: Path, identity: Mapping[str, Any]) -> tuple[Path | None, list[str]]:
    """The newest checkpoint that verifies (None: begin anew) and a sentence for each that was passed over.

    Raises CheckpointError when a whole checkpoint belongs to other data, settings or library versions: going on
    silently from nothing would throw that work away.
    """
    refused: list[str] = []
    for folder in checkpoint_folders(root):
        try:
            verify_checkpoint(folder, identity)
        except CheckpointError as problem:
            if problem.code.startswith("checkpoint_other"):
                raise
            refused.append(str(problem))
            shutil.rmtree(folder)  # the trainer would mix its new files with the damaged ones
        else:
            return folder, refused
    return None, refused


def prune_checkpoints(root: Path, best_step: int | None) -> None:
    """Keep the two newest and the best."""
    for folder in checkpoint_folders(root)[KEPT:]:
        if step_of(folder) != best_step:
            shutil.rmtree(folder)


def best_saved_step(loss_file: Path, root: Path) -> int | None:
    """The step with the lowest validation loss among the checkpoints that are there."""
    return next(iter(_saved_steps_by_loss(loss_file, root)), None)


def best_checkpoint(loss_file: Path, root: Path, identity: Mapping[str, Any]) -> tuple[Path | None, list[str]]:
    """Of the checkpoints whose validation loss was measured the best that verifies (None: no one does), and a sentence for each better
    one that was passed over."""
    refused: list[str] = []
    for step in _saved_steps_by_loss(loss_file, root):
        folder = root / f"checkpoint-{step}"
        try:
            verify_checkpoint(folder, identity)
        except CheckpointError as problem:
            refused.append(f"{problem.sentence} It was the best that was kept; the next best is taken.")
        else:
            return folder, refused
    return None, refused


def _saved_steps_by_loss(loss_file: Path, root: Path) -> list[int]:
    """The steps whose checkpoint is there and whose validation loss was measured, the lowest first."""
    saved = {step_of(folder) for folder in checkpoint_folders(root)}
    measured = {one["step"]: one["eval_loss"] for one in read_json_lines(loss_file) if "eval_loss" in one and one["step"] in saved}
    return sorted(measured, key=lambda step: (measured[step], step))


def cut_back(file: Path, step: int) -> None:
    """Drop the lines of a JSON lines file that were written after the step that a run goes on from."""
    if file.exists():
        kept = [one for one in read_json_lines(file) if one["step"] <= step]
        write_atomically(file, "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in kept))
