"""A question in words -> the chunks that answer it best: by full text (BM25), by meaning (vectors), or by both.

In: whatever a person typed. Out: hits with score and a snippet in which the found words are marked.
Command: `python app.py search NAME QUERY --mode hybrid --threshold 0.5 --rerank`.

By meaning: the exact cosine of the question's vector with every chunk's; no approximate index. Hybrid: each chunk gets
1 / (RANK_CONSTANT + rank) from either list that has it (Cormack, Clarke and Buettcher, SIGIR 2009, where 60 comes from); in
full text that is weighted by the square of the share of the question's words, by their rarity, that the chunk holds, since the
best of chunks that hold one word of five is mostly noise. Square and weight were chosen with the development questions of
tests/benchmarks/dairy_questions.py.
Rerank: a cross-encoder reads the question together with each of the CANDIDATES best chunks and orders them anew.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import numpy as np

from phases.shared.database.chunk_index import match_chunks, snippets
from phases.shared.database.chunk_pages import holds
from phases.shared.database.chunks import ChunkRow, get_chunks
from phases.shared.database.connection import knowledge
from phases.shared.database.vector_file import VectorTable, documents_named, vector_table
from phases.shared.errors import ModelError, NotReady, SettingError
from phases.shared.models.search_models import RERANKER, SEARCH_MODES, locate_model, search_settings, whole_name
from phases.shared.project import Project
from phases.shared.search_words import Words, choose_words, query_terms

RANK_CONSTANT = 60
COVERAGE_POWER = 2
FUSED = 100  # of either list
CANDIDATES = 50  # that a cross-encoder reads
MOST_SIFTED = 1000  # hits that are looked through for those which also contain a text
SNIPPET_CHARACTERS = 240
WANTS_VECTORS = ("no_vectors", "model_replaced")  # codes of errors that embedding mends
MARK_START = "\x02"
MARK_END = "\x03"

Embed = Callable[[str, str, str], np.ndarray]
Rerank = Callable[[str, Sequence[str]], Sequence[float]]
Ranked = list[tuple[int, float]]


class SearchHost(Protocol):
    """What search needs of the model host."""

    def embed(self, model: str, model_hash: str, text: str) -> np.ndarray: ...

    def rerank(self, model: str, query: str, texts: Sequence[str]) -> Sequence[float]: ...


@dataclass(frozen=True)
class Meaning:
    """The vectors of the chunks, and the question's, which another process makes while the full text is searched."""

    table: VectorTable
    vector: Future[np.ndarray]


@dataclass(frozen=True)
class Hit:
    """A found chunk; `snippet` marks the hits with MARK_START and MARK_END.

    `score`, higher is better: BM25 in full text; the cosine, -1 to 1, by meaning; in hybrid search the weighted sum of
    reciprocal ranks as a share of the greatest possible one: 1 is first in both lists with all words. Reranked: 0 to 1, the cross-encoder's sigmoid.
    """

    chunk: ChunkRow
    score: float
    snippet: str


def search_chunks(connection: sqlite3.Connection, query: str, limit: int = 10, source: str | None = None, *, mode: str = "text",
                  embed: Embed | None = None, threshold: float | None = None, contains: str | None = None,
                  language: str | None = None, rerank: Rerank | None = None) -> list[Hit]:
    """The active chunks that match best, the best first; an empty list when nothing was asked or found.

    Args:
        query: plain words; quotes, operators and signs have no meaning.
        source: only chunks of this file.
        mode: one of SEARCH_MODES.
        embed: gives the vector, length 1, of (model, hash of its files, question); the model host's `embed`. Needed by
            meaning and in hybrid.
        threshold: only hits with at least this score, on the mode's scale or, reranked, the cross-encoder's (see Hit).
        contains: only chunks in which these characters stand in a row.
        language: only chunks that were found to be in this language.
        rerank: gives a score from 0 to 1 for the question with each text.

    Raises:
        SettingError: the mode is unknown.
        NotReady: no chunk has a vector yet, or the model that made them was replaced.
    """
    if mode not in SEARCH_MODES:
        raise SettingError(f"There is no search mode '{mode}'.", f"Modes: {', '.join(SEARCH_MODES)}.", subject="mode", code="setting_choice")
    wide = max(limit, MOST_SIFTED if contains or language else CANDIDATES if rerank else 0)
    with ThreadPoolExecutor(max_workers=1) as beside:
        meaning = _begin_meaning(connection, query, embed, beside) if mode != "text" else None
        words = choose_words(connection, query)
        ranked = _ranked(connection, words, wide, source, mode, meaning) if words else []
    chunks = get_chunks(connection, [chunk for chunk, _ in ranked])
    found = [(chunks[chunk], score) for chunk, score in ranked
             if chunk in chunks and (not contains or holds(chunks[chunk].content, contains.casefold()))
             and (not language or chunks[chunk].language == language)]
    if rerank and found:
        found = _reranked(query, found[:CANDIDATES], rerank)
    return _hits(connection, words, [(chunk, score) for chunk, score in found if threshold is None or score >= threshold][:limit])


def search_project(project: Project, query: str, limit: int = 10, *, host: SearchHost | None, mode: str = "text", reranked: bool = False,
                   reranker: str = "", **more: Any) -> list[Hit]:
    """The same in a project's knowledge base with its settings: what the tab, the command and retrieval for a model call.

    Args:
        host: the process that embeds and reranks; full text alone needs none.
        reranked: order the best hits anew by `reranker`, else by the project's.
        more: source, threshold, contains, language as in `search_chunks`.

    Raises:
        NotReady: also when a reranker is wanted and none is chosen.
        ModelError: the embedding model or the reranker cannot be used.
    """
    rerank = None
    if reranked:
        chosen = reranker or search_settings(project).reranker
        if not chosen or host is None:
            raise NotReady("No reranker is chosen.", f"Name one with --rerank-model, or in project.yaml under settings, search, reranker: "
                           f"{RERANKER.example} or a folder.", code="no_reranker")
        locate_model(chosen, RERANKER)
        rerank = partial(host.rerank, whole_name(chosen))
    try:
        with knowledge(project) as connection:
            return search_chunks(connection, query, limit, mode=mode, embed=host.embed if host else None, rerank=rerank, **more)
    except (NotReady, ModelError) as problem:
        if problem.code not in WANTS_VECTORS:
            raise
        raise type(problem)(problem.sentence, f"Press Embed chunks in tab 1, or: python app.py embed \"{project.name}\"", subject=problem.subject,
                            code=problem.code) from None


def _begin_meaning(connection: sqlite3.Connection, query: str, embed: Embed | None, beside: ThreadPoolExecutor) -> Meaning | None:
    """The chunks' vectors; the question's is begun, and awaited where it is needed. None when nothing was asked."""
    table = vector_table(connection)
    if not table.model or embed is None:
        raise NotReady("No chunk has a vector yet, so search by meaning finds nothing.",
                       "Press Embed chunks in tab 1.", code="no_vectors")
    return Meaning(table, beside.submit(embed, table.model, table.model_hash, query)) if query_terms(query) else None


def _ranked(connection: sqlite3.Connection, words: Words, limit: int, source: str | None, mode: str, meaning: Meaning | None) -> Ranked:
    if mode == "text" or meaning is None:
        return _by_text(connection, words, limit, source)
    if mode == "semantic":
        return _by_meaning(connection, meaning, limit, source)
    wide = max(limit, FUSED)
    text = _by_text(connection, words, wide, source)
    return _fused(_by_meaning(connection, meaning, wide, source), text, words.weight)[:limit]


def _by_text(connection: sqlite3.Connection, words: Words, limit: int, source: str | None) -> Ranked:
    return match_chunks(connection, words.ranked, limit, source, words.every)


def _by_meaning(connection: sqlite3.Connection, meaning: Meaning, limit: int, source: str | None) -> Ranked:
    scores, chunks = meaning.table.cosines(meaning.vector.result()), meaning.table.chunks
    if source is not None:
        of_source = np.isin(meaning.table.documents, documents_named(connection, source))
        scores, chunks = scores[of_source], chunks[of_source]
    return [(int(chunks[one]), float(scores[one])) for one in _greatest(scores, limit)]


def _greatest(scores: np.ndarray, count: int) -> np.ndarray:
    """Places of the greatest values, the greatest first; of equal ones the first."""
    near = np.arange(len(scores))
    if len(scores) > count:
        near = np.flatnonzero(scores >= np.partition(scores, len(scores) - count)[len(scores) - count])
    return near[np.argsort(-scores[near], kind="stable")][:count]


def _fused(meaning: Ranked, text: Ranked, weight: float) -> Ranked:
    """Both lists as one by reciprocal rank; a chunk that holds few of the question's words counts little in full text."""
    points = {chunk: 1 / (RANK_CONSTANT + rank) for rank, (chunk, _) in enumerate(meaning, start=1)}
    for rank, (chunk, score) in enumerate(text, start=1):
        points[chunk] = points.get(chunk, 0.0) + min(1.0, score / weight) ** COVERAGE_POWER / (RANK_CONSTANT + rank)
    greatest = 2 / (RANK_CONSTANT + 1)
    best = sorted(points, key=lambda chunk: (-points[chunk], chunk))
    return [(chunk, points[chunk] / greatest) for chunk in best]


def _reranked(query: str, found: Sequence[tuple[ChunkRow, float]], rerank: Rerank) -> list[tuple[ChunkRow, float]]:
    scores = rerank(query, [chunk.content for chunk, _ in found])
    scored = [(chunk, float(score)) for (chunk, _), score in zip(found, scores, strict=True)]
    return sorted(scored, key=lambda one: -one[1])


def _hits(connection: sqlite3.Connection, words: Words | None, found: Sequence[tuple[ChunkRow, float]]) -> list[Hit]:
    """With the words marked; where none of them stands in the chunk, its beginning is shown."""
    marked = snippets(connection, words.marked, [chunk.id for chunk, _ in found], (MARK_START, MARK_END)) if words and found else {}
    return [Hit(chunk, score, marked.get(chunk.id) or _beginning(chunk.content)) for chunk, score in found]


def _beginning(content: str) -> str:
    short = content[:SNIPPET_CHARACTERS]
    return short if short == content else short.rstrip() + "\u2026"
