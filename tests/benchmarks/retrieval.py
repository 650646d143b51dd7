"""How well search finds the chunk that answers a question: recall@5 and MRR for text, semantic and hybrid.

    python -m tests.benchmarks.retrieval            (needs tests/requirements.txt; no network)

In: the sample documents, cut as the program cuts them, and the questions of retrieval_questions.py. Out: a table.
recall@5: share of the questions with an answering chunk among the first five hits. MRR: mean of 1 / rank of the first
answering chunk among the first 50 hits, 0 where there is none. Intervals: 95 %, by 2,000 resamplings of the questions.
"""

from __future__ import annotations

import argparse
import sqlite3
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from phases.rag_data import embed, ingest
from phases.rag_data.config import EmbedConfig, IngestConfig
from phases.shared.database.chunks import chunk_page
from phases.shared.database.connection import knowledge, transaction
from phases.shared.jobs.context import JobContext
from phases.shared.models.embedding import embed_texts, load_embedder
from phases.shared.project import Project, create_project, sample_documents
from phases.shared.search import MODES, Embed, search_chunks
from tests.benchmarks.retrieval_questions import OTHER_WORDS, SAME_WORDS
from tests.embedding_model import minilm_folder

DEPTH = 50


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chunk-size", type=int, default=IngestConfig().chunk_size)
    size = parser.parse_args().chunk_size
    model_name = str(minilm_folder())
    model = load_embedder(model_name)
    with tempfile.TemporaryDirectory() as folder:
        project = sample_project(Path(folder), IngestConfig(chunk_size=size, chunk_overlap=size // 10), model_name)
        with knowledge(project) as connection:
            print(f"{chunk_page(connection)[1]} chunks of up to {size} tokens, all-MiniLM-L6-v2\n")
            print("| questions | search | recall@5 | 95 % | MRR | 95 % |\n| --- | --- | --- | --- | --- | --- |")
            for name, questions in (("other words", OTHER_WORDS), ("same words", SAME_WORDS), ("all", OTHER_WORDS + SAME_WORDS)):
                for mode in MODES:
                    ranks = ranks_of(connection, mode, questions, lambda name, model_hash, text: embed_texts(model, [text], query=True)[0])
                    print(f"| {name} ({len(questions)}) {row(mode, ranks)}")
            print("| all | rerank by a cross-encoder | not measured | | | |")


def sample_project(folder: Path, config: IngestConfig, model: str) -> Project:
    """The sample documents as chunks with vectors, by the functions of the jobs."""
    project = create_project(folder, "retrieval")
    files = [{"source": one.name, "path": str(one)} for one in sample_documents()]
    _do(project, "ingest", config, ingest.prepare, ingest.run, ingest.apply, {"files": files})
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


def ranks_of(connection: sqlite3.Connection, mode: str, questions: Sequence[tuple[str, str]], embedding: Embed) -> np.ndarray:
    """The rank, from 1, of each question's first answering chunk; infinite where none is among the first DEPTH hits."""
    ranks = []
    for question, words in questions:
        chunks = answering_chunks(connection, words)
        hits = search_chunks(connection, question, limit=DEPTH, mode=mode, embed=embedding)
        ranks.append(next((place for place, hit in enumerate(hits, start=1) if hit.chunk.id in chunks), np.inf))
    return np.array(ranks)


def row(mode: str, ranks: np.ndarray) -> str:
    draws = np.random.default_rng(0).integers(0, len(ranks), (2000, len(ranks)))
    cells = [f"{values.mean():.2f} | {' to '.join(f'{one:.2f}' for one in np.percentile(values[draws].mean(axis=1), [2.5, 97.5]))}"
             for values in ((ranks <= 5).astype(float), 1 / ranks)]
    return f"| {mode} | {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
