"""How well search finds the chunk that answers a question: recall@5 and MRR for text, semantic and hybrid, on two corpora.

    python -m tests.benchmarks.retrieval                                  (needs tests/requirements.txt; no network)
    python -m tests.benchmarks.retrieval --rerank cross-encoder/ms-marco-MiniLM-L-6-v2         with the row of a reranker
    python -m tests.benchmarks.retrieval --split dev          the questions that choices may be made with

In: the sample documents in chunks of up to 500 tokens with the questions of retrieval_questions.py; the documents in dairy/
in chunks of up to 120 tokens with those of dairy_questions.py; both cut as the program cuts them. Out: a table for each.
recall@5: share of the questions with an answering chunk among the first five hits. MRR: mean of 1 / rank of the first
answering chunk among the first 50 hits, 0 where there is none. Intervals: 95 %, by 2,000 resamplings of the questions.
"""

from __future__ import annotations

import argparse
import sqlite3
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from phases.rag_data import embed, ingest, ingest_run
from phases.rag_data.config import EmbedConfig, IngestConfig
from phases.shared.database.chunk_pages import chunk_page
from phases.shared.database.connection import knowledge, transaction
from phases.shared.jobs.context import JobContext
from phases.shared.models.embedding import embed_texts, load_embedder
from phases.shared.models.reranker import load_reranker, rerank_texts
from phases.shared.models.search_models import SEARCH_MODES
from phases.shared.project import Project, create_project, sample_documents
from phases.shared.search import Embed, Rerank, search_chunks
from tests.benchmarks import dairy_questions as asked
from tests.benchmarks.dairy_questions import Questions
from tests.benchmarks.retrieval_questions import OTHER_WORDS, SAME_WORDS
from tests.embedding_model import minilm_folder

DEPTH = 50


@dataclass(frozen=True)
class Corpus:
    name: str
    files: Sequence[Path]
    config: IngestConfig
    questions: dict[str, Questions]


def corpora(split: str) -> list[Corpus]:
    """What is asked of which documents. The sample's questions are all for testing."""
    dairy = sorted((Path(__file__).parent / "dairy").glob("*.md"))
    small = IngestConfig(chunk_size=120, chunk_overlap=0)
    if split == "dev":
        return [Corpus("dairy, dev", dairy, small, {"other words": asked.DEV_OTHER_WORDS, "same words": asked.DEV_SAME_WORDS,
                                                    "German": asked.DEV_GERMAN})]
    return [Corpus("sample", sample_documents(), IngestConfig(), {"other words": OTHER_WORDS, "same words": SAME_WORDS}),
            Corpus("dairy, test", dairy, small, {"other words": asked.TEST_OTHER_WORDS, "same words": asked.TEST_SAME_WORDS,
                                                 "German": asked.TEST_GERMAN})]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--split", choices=("dev", "test"), default="test")
    parser.add_argument("--rerank", metavar="MODEL", help="also reranked by this cross-encoder")
    arguments = parser.parse_args()
    model_name = str(minilm_folder())
    model = load_embedder(model_name)
    rerank = _reranking(arguments.rerank) if arguments.rerank else None
    for corpus in corpora(arguments.split):
        with tempfile.TemporaryDirectory() as folder, knowledge(filled_project(Path(folder), corpus, model_name)) as connection:
            print(f"{corpus.name}: {chunk_page(connection)[1]} chunks of up to {corpus.config.chunk_size} tokens, all-MiniLM-L6-v2\n")
            _print_table(connection, corpus, lambda name, model_hash, text: embed_texts(model, [text], query=True)[0], rerank)


def _print_table(connection: sqlite3.Connection, corpus: Corpus, embedding: Embed, rerank: Rerank | None) -> None:
    print("| questions | search | recall@5 | 95 % | MRR | 95 % |\n| --- | --- | --- | --- | --- | --- |")
    for name, questions in {**corpus.questions, "all": tuple(one for some in corpus.questions.values() for one in some)}.items():
        for mode in SEARCH_MODES:
            print(f"| {name} ({len(questions)}) {row(mode, ranks_of(connection, mode, questions, embedding))}")
        if rerank:
            print(f"| {name} ({len(questions)}) {row('hybrid, reranked', ranks_of(connection, 'hybrid', questions, embedding, rerank))}")
    print("" if rerank else "| all | rerank by a cross-encoder | not measured | | | |\n")


def _reranking(name: str) -> Rerank:
    model = load_reranker(name)
    return lambda query, texts: rerank_texts(model, query, texts)


def filled_project(folder: Path, corpus: Corpus, model: str) -> Project:
    """The documents as chunks with vectors, by the functions of the jobs."""
    project = create_project(folder, "retrieval")
    files = [{"source": one.name, "path": str(one)} for one in corpus.files]
    _do(project, "ingest", corpus.config, ingest.prepare, ingest_run.run, ingest.apply, {"files": files})
    _do(project, "embed", EmbedConfig(model=model), embed.prepare, embed.run, embed.apply, {})
    return project


def _do(project: Project, job: str, config: object, prepare: Callable, run: Callable, apply: Callable, arguments: dict) -> None:
    context = JobContext(project, job)
    context.inputs.mkdir(parents=True)
    prepare(project, config, context.inputs, arguments)
    run(context, config)
    with knowledge(project) as connection, transaction(connection):
        for record in context.records():
            apply(connection, project, job, record)


def answering_chunks(connection: sqlite3.Connection, words: str) -> set[int]:
    """The chunks that hold the quoted words; two where chunks overlap. A quotation that stands nowhere is an error."""
    found, page = set(), 1
    while rows := chunk_page(connection, page)[0]:
        found |= {row.id for row in rows if " ".join(words.split()) in " ".join(row.content.split())}
        page += 1
    if not found:
        raise ValueError(f"No chunk holds: {words}")
    return found


def ranks_of(connection: sqlite3.Connection, mode: str, questions: Questions, embedding: Embed, rerank: Rerank | None = None) -> np.ndarray:
    """The rank, from 1, of each question's first answering chunk; infinite where none is among the first DEPTH hits."""
    ranks = []
    for question, words in questions:
        chunks = answering_chunks(connection, words)
        hits = search_chunks(connection, question, limit=DEPTH, mode=mode, embed=embedding, rerank=rerank)
        ranks.append(next((place for place, hit in enumerate(hits, start=1) if hit.chunk.id in chunks), np.inf))
    return np.array(ranks)


def row(mode: str, ranks: np.ndarray) -> str:
    draws = np.random.default_rng(0).integers(0, len(ranks), (2000, len(ranks)))
    cells = [f"{values.mean():.2f} | {' to '.join(f'{one:.2f}' for one in np.percentile(values[draws].mean(axis=1), [2.5, 97.5]))}"
             for values in ((ranks <= 5).astype(float), 1 / ranks)]
    return f"| {mode} | {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
