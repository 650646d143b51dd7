"""What of a project can go when its disk is full.

In: a project. Out: a sentence with its largest parts that are not needed to go on: exports, checkpoints and results of old runs.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from phases.shared.project import Project
from phases.shared.sizes import size

SMALLEST_NAMED = 10_000


def what_to_free(project: Project) -> str:
    """How much is free where the project lies, and its largest parts with their sizes, the largest first."""
    parts = [(size_of(folder), folder) for root in (project.checkpoints, project.model_runs, project.exports)
             if root.is_dir() for folder in root.iterdir()]
    named = [f"{folder.relative_to(project.root).as_posix()} ({size(count)})"
             for count, folder in sorted(parts, key=lambda part: -part[0])[:3] if count >= SMALLEST_NAMED]
    free = f"{size(shutil.disk_usage(project.root).free)} are free where the project lies."
    return f"{free} Its largest parts: {', '.join(named)}." if named else free


def size_of(place: Path) -> int:
    """Bytes of a file, or of all files in a folder; what vanishes meanwhile counts nothing."""
    total = 0
    for path in [place, *place.rglob("*")]:
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:
            continue
    return total
