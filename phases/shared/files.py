"""Files that are whole or not there: written beside, synced, then renamed into place.

In: a path and its new content. Out: the file, or the old one untouched.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any


def write_atomically(path: Path, content: str | bytes | Iterable[bytes], *, mode: int = 0o644) -> None:
    """Replace `path` by `content`, which may come in pieces, so that a reader sees the old or the new file, also after a power cut."""
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = content.encode("utf-8") if isinstance(content, str) else content
    handle, beside = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.writelines([whole] if isinstance(whole, bytes) else whole)
            file.flush()
            os.fsync(file.fileno())
        Path(beside).chmod(mode)
        Path(beside).replace(path)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def write_json(path: Path, content: Any) -> None:
    """Write one JSON document atomically."""
    write_atomically(path, json_text(content))


def json_text(content: Any) -> str:
    """A JSON document as `write_json` writes it."""
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def append_json_line(path: Path, record: Any, *, sync: bool = True) -> None:
    """Append one record as a line; with `sync` it is on the disk when the call returns."""
    line = (json.dumps(record, ensure_ascii=False) + "\n").encode("utf-8")
    with path.open("ab") as file:
        file.write(line)
        file.flush()
        if sync:
            os.fsync(file.fileno())


def read_json_lines(path: Path) -> Iterator[Any]:
    """Whole lines of a JSON lines file; a last line that was cut off by a kill is left out."""
    if not path.exists():
        return
    with path.open("rb") as file:
        for line in file:
            if not line.endswith(b"\n"):
                return
            yield json.loads(line)


def sync_folder(folder: Path) -> None:
    """Make renames and new names in a folder durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sha256_of(path: Path) -> str:
    """Hex digest of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
