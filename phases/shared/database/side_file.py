"""A file beside the database that holds part of it once more, in a form that is read quickly.

In: a long body in pieces, and arrays that describe it. Out: the file; its body is read or mapped where it lies. Deleting the file is harmless; where it cannot be written, the rows are read each time.
Layout: the body, the arrays (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html), and in the last
eight bytes the length of the body.
"""

from __future__ import annotations

import io
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

import numpy as np
from numpy.lib import format as npy

from phases.shared.files import write_atomically

PIECE = 1 << 20  # bytes that are written at once


@dataclass(frozen=True)
class SideFile:
    """An open file, unbuffered; its body is the first `length` bytes."""

    file: FileIO
    length: int
    arrays: list[np.ndarray]


def side_file(connection: sqlite3.Connection, suffix: str) -> Path | None:
    """The database's path with another ending; None for a database in memory."""
    name = next(row["file"] for row in connection.execute("PRAGMA database_list") if row["name"] == "main")
    return Path(name).with_suffix(suffix) if name else None


def write_side_file(path: Path, body: Iterable[bytes], arrays: Callable[[], Sequence[np.ndarray]]) -> bool:
    """Replace the file; `arrays` is asked when the body is through. False when it cannot be written."""
    try:
        write_atomically(path, _pieces(body, arrays))
    except OSError:
        return False  # a folder that cannot be written, or a full disk
    return True


def _pieces(body: Iterable[bytes], arrays: Callable[[], Sequence[np.ndarray]]) -> Iterator[bytes]:
    length, waiting, size = 0, [], 0
    for one in body:
        waiting.append(one)
        size += len(one)
        if size >= PIECE:
            yield b"".join(waiting)
            length, waiting, size = length + size, [], 0
    tail = io.BytesIO()
    for array in arrays():
        npy.write_array(tail, np.ascontiguousarray(array), version=(1, 0), allow_pickle=False)
    yield b"".join([*waiting, tail.getvalue(), (length + size).to_bytes(8, "little")])


@contextmanager
def opened_side_file(path: Path, count: int) -> Iterator[SideFile | None]:
    """The file, open in the block; None when there is none or it is not whole."""
    with ExitStack() as closing:
        try:
            file = closing.enter_context(path.open("rb", buffering=0))
            file.seek(-8, io.SEEK_END)
            length = int.from_bytes(file.read(8), "little")
            file.seek(length)
            found = SideFile(file, length, [npy.read_array(file, allow_pickle=False) for _ in range(count)])
        except (OSError, ValueError, TypeError, EOFError, OverflowError):
            found = None
        yield found
