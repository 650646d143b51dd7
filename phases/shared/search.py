"""A question in words -> the chunks that answer it best: by full text (BM25), by meaning (vectors), or by both.

In: whatever a person typed. Out: hits with score and a snippet in which the found words are marked.
Command: `python app.py search NAME QUERY --mode hybrid --threshold 0.5`.

By meaning: the exact cosine of the question's vector with every chunk's; no approximate index. Hybrid: each chunk gets
1 / (RANK_CONSTANT + rank) from either list that has it (Cormack, Clarke and Buettcher, SIGIR 2009, where 60 comes from).

A question that is mostly stop words would visit every chunk, so stop words are left out and the rarest terms are
searched for, at most MOST_TERMS of them.
"""

from __future__ import annotations

import re
import sqlite3
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from phases.shared.database.chunk_index import chunks_per_term, match_chunks
from phases.shared.database.chunks import ChunkRow, get_chunk
from phases.shared.database.embeddings import fresh_vectors, vector_counts
from phases.shared.errors import NotReady, SettingError

MODES = ("text", "semantic", "hybrid")
RANK_CONSTANT = 60
CANDIDATES = 100
SNIPPET_CHARACTERS = 240
Embed = Callable[[str, str], np.ndarray]

MARK_START = "\x02"
MARK_END = "\x03"
MOST_TERMS = 16
LONGEST_TERM = 100
WORD = re.compile(r"[^\W_]+")
STOP_WORDS = frozenset("""
    a about after all also am an and any are as at be because been before being but by can could did do does for from had
    has have he her his how i if in into is it its just may me more most my no not of on only or other our out over she
    should so some such than that the their them then there these they this those to under up us was we were what when
    where which while who whom whose why will with would you your
    aber alle als also am an auch auf aus bei bin bis da damit dann das dass dem den denn der des dessen die dies diese
    diesem diesen dieser dieses doch dort du durch ein eine einem einen einer eines er es für gegen hat hatte ich ihm ihn
    ihr im ist ja kann kein keine können man mein mit muss nach nicht noch nur ob oder ohne sehr sein seine sich sie sind
    so über um und uns unser unter vom von vor wann war waren warum was wegen welche welcher welches wenn wer werden wie
    wieder wird wo wurde wurden zu zum zur zwischen
    """.split())


@dataclass(frozen=True)
class Hit:
    """A found chunk; `snippet` marks the hits with MARK_START and MARK_END.

    `score`, higher is better: BM25 in full text; the cosine, -1 to 1, by meaning; in hybrid search the sum of reciprocal
    ranks as a share of the greatest possible one: 1 is first in both lists.
    """

    chunk: ChunkRow
    score: float
    snippet: str


def search_chunks(connection: sqlite3.Connection, query: str, limit: int = 10, source: str | None = None, *, mode: str = "text",
                  embed: Embed | None = None, threshold: float | None = None) -> list[Hit]:
    """The active chunks that match best, the best first; an empty list when nothing was asked or found.

    Args:
        query: plain words; quotes, operators and signs have no meaning.
        source: only chunks of this file.
        mode: one of MODES.
        embed: gives the vector, length 1, of (model, question); the model host's `embed`. Needed by meaning and in hybrid.
        threshold: only hits with at least this score, on the mode's scale (see Hit).

    Raises:
        SettingError: the mode is unknown.
        NotReady: no chunk has a vector yet.
    """
    if mode not in MODES:
        raise SettingError(f"There is no search mode '{mode}'.", f"Modes: {', '.join(MODES)}.", subject="mode", code="setting_choice")
    if mode == "text":
        hits = _by_text(connection, query, limit, source)
    elif mode == "semantic":
        hits = _by_meaning(connection, query, limit, source, embed)
    else:
        wide = max(limit, CANDIDATES)
        hits = _fused(_by_meaning(connection, query, wide, source, embed), _by_text(connection, query, wide, source))[:limit]
    return [hit for hit in hits if threshold is None or hit.score >= threshold]


def _by_text(connection: sqlite3.Connection, query: str, limit: int, source: str | None) -> list[Hit]:
    terms = _rarest(connection, query_terms(query))
    if not terms:
        return []
    expression = " OR ".join(f'"{term}"' for term in terms)
    found = match_chunks(connection, expression, limit, source, (MARK_START, MARK_END))
    return [Hit(chunk, score, snippet) for chunk, score, snippet in found]


def _by_meaning(connection: sqlite3.Connection, query: str, limit: int, source: str | None, embed: Embed | None) -> list[Hit]:
    model = vector_counts(connection).model
    if not model or embed is None:
        raise NotReady("No chunk has a vector yet, so search by meaning finds nothing.",
                       "Press Embed chunks in tab 1, or: python app.py embed NAME", code="no_vectors")
    if not query_terms(query):
        return []
    ids, vectors = fresh_vectors(connection, model, source)
    if not len(ids):
        return []
    scores = vectors @ embed(model, query)
    best = np.argsort(-scores, kind="stable")[:limit]
    return [_seen(get_chunk(connection, int(ids[one])), float(scores[one])) for one in best]


def _seen(chunk: ChunkRow, score: float) -> Hit:
    """No word of the question need stand in the chunk: its beginning is shown."""
    short = chunk.content[:SNIPPET_CHARACTERS]
    return Hit(chunk, score, short if short == chunk.content else short.rstrip() + "\u2026")


def _fused(meaning: list[Hit], text: list[Hit]) -> list[Hit]:
    """Both lists as one by reciprocal rank; a chunk that the words found too keeps their snippet."""
    points: dict[int, float] = {}
    hits = {hit.chunk.id: hit for hit in [*meaning, *text]}
    for ranked in (meaning, text):
        for rank, hit in enumerate(ranked, start=1):
            points[hit.chunk.id] = points.get(hit.chunk.id, 0.0) + 1 / (RANK_CONSTANT + rank)
    greatest = 2 / (RANK_CONSTANT + 1)
    best = sorted(points, key=lambda chunk: (-points[chunk], chunk))
    return [replace(hits[chunk], score=points[chunk] / greatest) for chunk in best]


def query_terms(query: str) -> list[str]:
    """The different words of a query in their order, without stop words unless nothing else is left."""
    words = [word.lower()[:LONGEST_TERM] for word in WORD.findall(unicodedata.normalize("NFC", query))]
    telling = [word for word in words if word not in STOP_WORDS]
    return list(dict.fromkeys(telling or words))


def _rarest(connection: sqlite3.Connection, terms: list[str]) -> list[str]:
    """The terms that stand in the fewest chunks; those that the index does not know come last."""
    if len(terms) <= MOST_TERMS:
        return terms
    counts = chunks_per_term(connection, [_as_indexed(term) for term in terms])
    unknown = max(counts.values(), default=0) + 1
    return sorted(terms, key=lambda term: counts.get(_as_indexed(term), unknown))[:MOST_TERMS]


def _as_indexed(term: str) -> str:
    """A word as the index holds it: without accents (unicode61, remove_diacritics 2)."""
    parted = unicodedata.normalize("NFD", term)
    return unicodedata.normalize("NFC", "".join(one for one in parted if not unicodedata.combining(one)))
