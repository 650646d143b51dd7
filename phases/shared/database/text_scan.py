"""In which of many texts some bytes stand in a row: 120 MB are looked through in 10 to 50 milliseconds.

In: a file with the texts one behind the other, where each begins, and the bytes. Out: a truth value for each text.
numpy compares a block of texts with one of the bytes at once, and the block moved by some places with the next. The rarest
bytes come first, so that mostly two or three decide; few texts that are left are then searched one by one.
"""

from __future__ import annotations

from dataclasses import dataclass
from io import FileIO

import numpy as np

END = b"\xff"  # behind each text: a byte that UTF-8 never has, so that nothing is found across two texts
MOST_OFFSET = 64  # only bytes so far into what is sought are compared; as many END stand behind the last text
BLOCK = 1 << 18  # bytes: a block and its comparison stay in a core's cache
MOST_COMPARED = 8
FEW = 8  # texts of a block that are searched sooner than compared with one more byte
SAMPLE = 1 << 16  # bytes that tell which ones are rare


@dataclass(frozen=True)
class Block:
    """Some of the texts: their bytes, MOST_OFFSET bytes more, and where each text begins; `places` and `equal` are room to compare in."""

    raw: bytearray
    starts: np.ndarray
    size: int
    places: np.ndarray
    equal: np.ndarray


def texts_with(file: FileIO, starts: np.ndarray, sought: bytes) -> np.ndarray:
    """Which texts hold the bytes: bool, shape (n,).

    Args:
        file: unbuffered; each text with END behind it, in the end MOST_OFFSET more END.
        starts: where each text begins, and where the last one's END is over; shape (n + 1,).
        sought: not empty.

    Raises:
        OSError: the file is shorter than that.
    """
    found = np.zeros(len(starts) - 1, dtype=bool)
    edges = [*np.unique(np.searchsorted(starts[:-1], np.arange(0, starts[-1], BLOCK))).tolist(), len(found)]
    begins = starts[edges].tolist()
    longest = max((end - begin for begin, end in zip(begins, begins[1:], strict=False)), default=0)
    raw, places, equal = bytearray(longest + MOST_OFFSET), np.empty(longest, dtype=bool), np.empty(longest, dtype=bool)
    offsets: list[int] = []
    for first, last, begin, end in zip(edges, edges[1:], begins, begins[1:], strict=False):
        size = end - begin
        file.seek(begin)
        if file.readinto(memoryview(raw)[:size + MOST_OFFSET]) < size + MOST_OFFSET:
            raise OSError("The file of texts is cut off.")
        offsets = offsets or _rarest_first(raw, sought)
        found[first:last] = _in_block(Block(raw, starts[first:last + 1] - begin, size, places[:size], equal[:size]), sought, offsets)
    return found


def _rarest_first(sample: bytearray, sought: bytes) -> list[int]:
    """Offsets of bytes of what is sought, at most MOST_COMPARED."""
    often = np.bincount(np.frombuffer(sample, dtype=np.uint8)[:SAMPLE], minlength=256)
    return sorted(range(min(len(sought), MOST_OFFSET)), key=lambda offset: often[sought[offset]])[:MOST_COMPARED]


def _in_block(block: Block, sought: bytes, offsets: list[int]) -> np.ndarray:
    places, begins = block.places, block.starts[:-1]
    for count, offset in enumerate(offsets, start=1):
        bytes_there = np.frombuffer(block.raw, dtype=np.uint8, count=block.size, offset=offset)
        np.equal(bytes_there, sought[offset], out=places if count == 1 else block.equal)
        if count > 1:
            np.logical_and(places, block.equal, out=places)
        if count % 2 and count < len(offsets):
            continue  # two bytes together rule out much more than one: looking costs as much as comparing
        possible = np.logical_or.reduceat(places, begins)
        if count == len(sought) or np.count_nonzero(possible) <= FEW:
            break
    if count < len(sought):
        starts = block.starts.tolist()
        for text in np.flatnonzero(possible).tolist():
            possible[text] = block.raw.find(sought, starts[text], starts[text + 1]) >= 0
    return possible
