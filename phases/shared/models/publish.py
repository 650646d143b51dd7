"""Model folders that are whole or not there: written beside, synced, then swapped into place.

In: a finished folder and the place where readers look for it. Out: the new folder there; a previous one is gone only then.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import sys
import uuid
from pathlib import Path

from phases.shared.files import sync_folder

EXCHANGE = 2  # RENAME_EXCHANGE of Linux and RENAME_SWAP of macOS
AT_FDCWD = -100


def publish(run_folder: Path, target: Path) -> Path:
    """Copy a finished run beside the target and swap it in. A kill at any moment leaves the old or the new model."""
    target.parent.mkdir(parents=True, exist_ok=True)
    clear_leftovers(target)
    beside = staging_folder(target)
    shutil.copytree(run_folder, beside)
    return settle(beside, target)


def staging_folder(target: Path) -> Path:
    """A new name beside the target that no reader looks at."""
    return target.parent / f".{target.name}.{uuid.uuid4().hex[:8]}"


def settle(beside: Path, target: Path) -> Path:
    """Sync a finished folder and give it its name; what stood there before is removed afterwards."""
    sync_tree(beside)
    if not target.exists():
        beside.rename(target)
    elif _exchange(beside, target):
        shutil.rmtree(beside)
    else:  # a file system that cannot swap: two renames, the old model stays until the new one stands
        old = staging_folder(target)
        target.rename(old)
        beside.rename(target)
        shutil.rmtree(old)
    sync_folder(target.parent)
    return target


def clear_leftovers(target: Path) -> None:
    """Remove what a killed process left beside the target."""
    if target.exists():
        for folder in target.parent.glob(f".{target.name}.????????"):
            shutil.rmtree(folder, ignore_errors=True)


def sync_tree(folder: Path) -> None:
    """Make every file of a folder durable, then the names."""
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir():
            sync_folder(path)
        else:
            with path.open("rb") as file:
                os.fsync(file.fileno())
    sync_folder(folder)


def _exchange(one: Path, other: Path) -> bool:
    """Swap two folders in one step; False where the system cannot."""
    library = ctypes.CDLL(None, use_errno=True)
    names = os.fsencode(one), os.fsencode(other)
    if sys.platform == "darwin":
        return library.renamex_np(*names, EXCHANGE) == 0
    swap = getattr(library, "renameat2", None)
    return swap is not None and swap(AT_FDCWD, names[0], AT_FDCWD, names[1], EXCHANGE) == 0
