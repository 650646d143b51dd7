"""Which chunks say the same: exact duplicates by hash, near duplicates by MinHash.

In: chunks. Out: for each duplicate the chunk that it repeats and how alike they are (Jaccard similarity of their runs of
five words). Nothing is changed here.

MinHash with banding only proposes candidates (Broder 1997; Leskovec, Rajaraman, Ullman, "Mining of Massive Datasets",
chapter 3); the similarity that counts and is told is the exact one. With 16 bands of 4 rows a pair at 0.85 is missed once in
130,000 times, one at 0.8 once in 4,500; below, 32 bands of 2 rows miss one at 0.6 once in a million times, one at 0.5 once in 10,000.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np

from phases.shared.database.chunks import ChunkRow

THRESHOLD = 0.85
SHINGLE = 5
EXCERPT = 100
SIGNATURE = 64
FEW_ROWS_BELOW = 0.8
WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True)
class Duplicate:
    """`chunk` repeats `of`, which comes first and is kept. `similarity` is 1.0 where the texts are the same; `text` is how it begins."""

    chunk: int
    of: int
    similarity: float
    exact: bool
    source: str
    text: str


def find_duplicates(chunks: Sequence[ChunkRow], threshold: float = THRESHOLD) -> list[Duplicate]:
    """Every chunk that repeats one before it.

    Chunks are compared with kept ones only, so each duplicate is like the very chunk it is named with. What is trained
    on is kept before what is held out: perplexity must not be measured on text that was trained on.
    """
    found: list[Duplicate] = []
    first_with: dict[str, int] = {}
    kept = _Index(threshold)
    for chunk in sorted(chunks, key=lambda one: (one.held_out, one.document, one.chunk_index, one.id)):
        if chunk.content_hash in first_with:
            found.append(_duplicate(chunk, first_with[chunk.content_hash], 1.0, exact=True))
            continue
        first_with[chunk.content_hash] = chunk.id
        near = kept.nearest_or_add(chunk)
        if near is not None:
            found.append(near)
    return found


def shingles(text: str) -> np.ndarray:
    """The different runs of five words as 64-bit numbers, sorted; a shorter text is one run, one without words none."""
    words = WORD.findall(text.casefold())
    if not words:
        return np.empty(0, np.uint64)
    words += [""] * (SHINGLE - len(words))
    hashes = np.fromiter((crc32(word.encode("utf-8", "replace")) for word in words), np.uint64, len(words))
    runs = len(words) - SHINGLE + 1
    return np.unique(sum(hashes[place:place + runs] * factor for place, factor in enumerate(_odd_numbers(SHINGLE, 1))))


def similarity(one: np.ndarray, other: np.ndarray) -> float:
    """Jaccard: shared runs of words by all runs of words."""
    shared = len(np.intersect1d(one, other, assume_unique=True))
    every = len(one) + len(other) - shared
    return shared / every if every else 0.0


def _duplicate(chunk: ChunkRow, of: int, alike: float, *, exact: bool) -> Duplicate:
    return Duplicate(chunk.id, of, round(alike, 3), exact, chunk.source, " ".join(chunk.content[:2 * EXCERPT].split())[:EXCERPT])


class _Index:
    """The kept chunks by the bands of their signatures."""

    def __init__(self, threshold: float) -> None:
        self._threshold = threshold
        self._rows = 2 if threshold < FEW_ROWS_BELOW else 4
        self._factors = _odd_numbers(SIGNATURE, 2)
        self._buckets: dict[tuple[int, bytes], list[ChunkRow]] = defaultdict(list)

    def nearest_or_add(self, chunk: ChunkRow) -> Duplicate | None:
        """The most alike of the kept chunks, or None; then this one is kept too."""
        runs = shingles(chunk.content)
        if not len(runs):
            return None
        keys = self._keys(runs)
        near = {other.id: other for key in keys for other in self._buckets.get(key, ())}
        best = max(((similarity(runs, shingles(other.content)), -number) for number, other in near.items()), default=(0.0, 0))
        if best[0] >= self._threshold:
            return _duplicate(chunk, -best[1], best[0], exact=False)
        for key in keys:
            self._buckets[key].append(chunk)
        return None

    def _keys(self, runs: np.ndarray) -> list[tuple[int, bytes]]:
        """Multiply-shift hashing: the product's low bits are weak, but the smallest value is decided by the high ones."""
        signature = (runs[:, None] * self._factors[None, :]).min(axis=0).reshape(-1, self._rows)
        return [(number, band.tobytes()) for number, band in enumerate(signature)]


def _odd_numbers(count: int, seed: int) -> np.ndarray:
    """Fixed odd 64-bit factors, the same on every run and machine."""
    return np.random.default_rng(seed).integers(1 << 62, (1 << 64) - 1, count, dtype=np.uint64) | np.uint64(1)
