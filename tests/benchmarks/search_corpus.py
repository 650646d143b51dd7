"""A large knowledge base for measuring search: seeded text whose words are as unevenly frequent as those of real documents.

Out: documents of CHUNKS_A_DOCUMENT chunks of about 300 words, each chunk with a vector of length 1.
The words: those of the sample documents and of Python's own language reference (`pydoc_data.topics`), the most frequent
first, then invented names up to WORDS different words. A word's share falls with its rank as in Zipf's law (Mandelbrot's
form, (rank + 2.7) ** -1.07). Every document has a subject: TOPIC_WORDS words that make up TOPIC_SHARE of its text, so that
words cluster as they do in documents. The vectors are random around one centre a document: their values do not matter to
the time that comparing them takes.
"""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from pydoc_data.topics import topics
from random import Random

import numpy as np

from phases.shared.database.chunks import NewChunk, hash_of
from phases.shared.database.connection import transaction
from phases.shared.database.documents import NewDocument, add_document
from phases.shared.database.embeddings import store_vector
from phases.shared.models.recipe.names import make_word

SEED = 17
WORDS = 120_000
CHUNKS_A_DOCUMENT = 25
TOPIC_WORDS, TOPIC_SHARE = 60, 0.15
DIMENSIONS = 384
MODEL = "benchmark/random-vectors"
SAMPLE = Path(__file__).parents[1] / "fixtures" / "sample"


def vocabulary() -> list[str]:
    """The different words, the most frequent first."""
    text = " ".join([*topics.values(), *(one.read_text(encoding="utf-8") for one in sorted(SAMPLE.glob("*.md")))])
    counted = Counter(re.findall(r"[a-z]{1,20}", text.lower()))
    words = dict.fromkeys(sorted(counted, key=lambda word: (-counted[word], word)))
    rng = Random(SEED)
    while len(words) < WORDS:
        words.setdefault(make_word(rng, 2, 4))
    return list(words)


def fill(connection: sqlite3.Connection, chunks: int) -> None:
    """Add documents until there are that many chunks, every one with its vector."""
    words, rng = np.array(vocabulary(), dtype=object), np.random.default_rng(SEED)
    falling = np.cumsum((np.arange(1, WORDS + 1) + 2.7) ** -1.07)
    for number, start in enumerate(range(0, chunks, CHUNKS_A_DOCUMENT), start=1):
        count = min(CHUNKS_A_DOCUMENT, chunks - start)
        texts = list(_texts(words, falling / falling[-1], rng, count))
        document = NewDocument(f"volume_{number:05d}.txt", f"hash {number}", "txt", 1, "\n\n".join(texts))
        with transaction(connection):
            made = add_document(connection, document, [NewChunk(text, 0, len(text), 500) for text in texts], "builtin")
            ids = connection.execute("SELECT id FROM chunk_records WHERE document = ? ORDER BY id", (made,)).fetchall()
            vectors = rng.normal(size=DIMENSIONS) + rng.normal(size=(count, DIMENSIONS))
            for row, text, vector in zip(ids, texts, vectors / np.linalg.norm(vectors, axis=1, keepdims=True), strict=True):
                store_vector(connection, row["id"], hash_of(text), MODEL, vector.astype(np.float32))


def _texts(words: np.ndarray, falling: np.ndarray, rng: np.random.Generator, count: int) -> Iterator[str]:
    """The chunks of one document."""
    topic = rng.integers(100, WORDS, TOPIC_WORDS)
    for _ in range(count):
        length = int(rng.integers(220, 380))
        ranks = np.searchsorted(falling, rng.random(length))
        of_topic = rng.random(length) < TOPIC_SHARE
        ranks[of_topic] = topic[np.minimum(rng.geometric(0.08, of_topic.sum()), TOPIC_WORDS) - 1]
        text = words[ranks]
        ends = set(np.cumsum(rng.integers(6, 22, length // 6)).tolist())
        yield " ".join(f"{word}." if place in ends else word for place, word in enumerate(text)) + "."
