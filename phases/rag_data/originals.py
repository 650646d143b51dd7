"""What a person chose -> originals of the project: checked at the door, copied whole under the hash of their content.

In: files and folders, single files with their names. Out: lines of a job's `files.json`; copies in `data/documents/`.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from phases.rag_data.collect import Found, walk_folder
from phases.rag_data.extract.formats import check_file, format_of
from phases.shared.errors import FileRejected, NotReady
from phases.shared.files import sha256_of
from phases.shared.project import Project
from phases.shared.sizes import size

MAX_FILE_BYTES = 200 * 1024**2  # what the window takes too
MAX_TOTAL_BYTES = 2 * 1024**3


def check_upload(files: Iterable[Path]) -> None:
    """Everything is there, no folder is empty, and all of it is not too much. Raises NotReady or FileRejected."""
    total = 0
    files = list(files)
    if not files:
        raise NotReady("No file was chosen.", "Choose one or more files: PDF, Word, PowerPoint, Excel, ODT, RTF, EPUB, HTML, "
                       "Markdown, TXT, CSV, JSON, Parquet, a knowledge base (SQLite), or a ZIP or folder of them.")
    for path in files:
        if path.is_dir():
            inside = [one.path.stat().st_size for one in walk_folder(path) if one.path]
            if not inside:
                raise FileRejected(f"The folder '{path}' holds no files.", "Check the path.", subject=path.name, code="file_folder")
            total += sum(inside)
        elif not path.is_file():
            raise FileRejected(f"There is no file '{path}'.", "Check the path.", subject=path.name, code="file_missing")
        else:
            total += path.stat().st_size
    if total > MAX_TOTAL_BYTES:
        raise FileRejected(f"These files are {size(total)} together; {size(MAX_TOTAL_BYTES)} go at a time.",
                           "Add them in several steps.", code="files_too_large")


def listed_file(project: Project, found: Found, source: str) -> dict[str, Any]:
    listed: dict[str, Any] = {"source": source, "stored": "", "sha256": "", "bytes": 0, "rejected": None, "notes": []}
    if source != found.source:
        listed["notes"] = [f"Another file of this import is called '{found.source}' too; this one is listed as '{source}'."]
    path, held = found.path, found.path.stat().st_size if found.path else 0
    listed["bytes"] = held
    if path is None:
        return {**listed, "rejected": found.refused.as_record() if found.refused else None}
    try:
        kind = format_of(source)
        if held > MAX_FILE_BYTES:
            raise FileRejected(f"'{source}' has {size(held)}; a file may have {size(MAX_FILE_BYTES)}.",
                               "Split it.", subject=source, code="file_too_large")
        check_file(path, source)
    except FileRejected as refused:
        return {**listed, "rejected": refused.as_record()}
    digest = sha256_of(path)
    stored = f"{digest}.{kind.media}"
    copy_original(path, project.documents / stored)
    return {**listed, "stored": stored, "sha256": digest}


def copy_original(path: Path, target: Path) -> None:
    """A whole copy under its content's name, or none. Whoever has made all copies syncs their folder."""
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f".{target.name}.{os.getpid()}-{threading.get_ident()}")
    try:
        with path.open("rb") as original, beside.open("wb") as copy:
            shutil.copyfileobj(original, copy)
            copy.flush()
            os.fsync(copy.fileno())
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)
