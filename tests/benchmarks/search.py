"""How long a search takes in a large knowledge base, and a page of its chunks.

    python -m tests.benchmarks.search                   (50,000 chunks; needs tests/requirements.txt; no network)
    python -m tests.benchmarks.search --chunks 2000 --folder DIR      keeps the knowledge base in DIR and uses it again

In: the knowledge base of search_corpus.py and the queries of search_queries.json. Out: three tables in milliseconds; of the
pages that contain a text also in processor time, which other programs change less.
Every search opens the database anew, as the window and the commands do, and asks for ten hits with their snippets. Each
query is asked once to warm up and then ROUNDS times; the modes take turns, so that a busy machine slows all of them.
"Semantic" and "hybrid" are given the question's vector; in "hybrid, embedded" the model host's process makes it, with
all-MiniLM-L6-v2 (22M parameters, 384 dimensions). A search "after changed chunks" comes after that many were excluded.
"Same hits" is the share of full text's ten hits that ranking every match by every word gives too.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from phases.shared import search_words
from phases.shared.database.chunk_pages import chunk_page
from phases.shared.database.chunks import set_chunk_state
from phases.shared.database.connection import knowledge, transaction
from phases.shared.database.documents import list_documents
from phases.shared.models.host_client import ModelHost
from phases.shared.models.search_models import folder_hash
from phases.shared.project import Project
from phases.shared.search import search_chunks
from tests.benchmarks.search_corpus import DIMENSIONS, fill
from tests.embedding_model import minilm_folder

QUERIES = json.loads((Path(__file__).parent / "search_queries.json").read_text(encoding="utf-8"))
ROUNDS = 3
PER_PAGE = 50
CONTAINED = ("lamp", "HW-5537", "raugl", "a lamp", "the main light", "of the", "object", "amp", "der", "the ", "e", ".", " ", "%", "f\u00fcr", "\u2014",
             "\U0001f600", "the value of the object", "e" * 10_000)
Search = Callable[[str], object]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chunks", type=int, default=50_000)
    parser.add_argument("--folder", type=Path, help="keep the knowledge base here")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, ModelHost() as host:
        project = Project(arguments.folder or Path(folder))
        total = _filled(project, arguments.chunks)
        print(f"{total:,} chunks, database of {project.database.stat().st_size / 1e6:,.0f} MB, {sum(map(len, QUERIES.values()))} queries\n")
        _print_searches(_search_times(_modes(project, host)))
        print(f"\nfull text: same hits {_same_hits(project):.2f}")
        _print_first_searches(project)
        _print_pages(project)
        _print_containing(project)


def _filled(project: Project, chunks: int) -> int:
    with knowledge(project) as connection:
        if not chunk_page(connection)[1]:
            connection.execute("PRAGMA synchronous=OFF")
            fill(connection, chunks)
        return chunk_page(connection)[1]


def _modes(project: Project, host: ModelHost) -> dict[str, Search]:
    vector = np.full(DIMENSIONS, DIMENSIONS ** -0.5, dtype=np.float32)
    model, model_hash = str(minilm_folder()), folder_hash(str(minilm_folder()))

    def searching(mode: str, embed: Callable[..., np.ndarray]) -> Search:
        def search(query: str) -> object:
            with knowledge(project) as connection:
                return search_chunks(connection, query, mode=mode, embed=embed)

        return search

    def given(*_: str) -> np.ndarray:
        return vector

    def embedded(name: str, name_hash: str, query: str) -> np.ndarray:
        return host.embed(model, model_hash, query)

    return {"full text": searching("text", given), "semantic": searching("semantic", given), "hybrid": searching("hybrid", given),
            "hybrid, embedded": searching("hybrid", embedded), "embedding alone": lambda query: embedded("", "", query)}


def _search_times(modes: dict[str, Search]) -> dict[str, dict[str, list[float]]]:
    times: dict[str, dict[str, list[float]]] = {mode: {kind: [] for kind in QUERIES} for mode in modes}
    for turn in range(ROUNDS + 1):
        for kind, queries in QUERIES.items():
            for query in queries:
                for mode, search in modes.items():
                    taken = _milliseconds(lambda search=search, query=query: search(query))
                    if turn:
                        times[mode][kind].append(taken)
    return times


def _print_searches(times: dict[str, dict[str, list[float]]]) -> None:
    print("| search | queries | p50 | p95 | max |\n| --- | --- | --- | --- | --- |")
    for mode, kinds in times.items():
        for kind, taken in [*kinds.items(), ("all", [one for values in kinds.values() for one in values])]:
            print(f"| {mode} | {kind} ({len(taken) // ROUNDS}) | {_spread(taken)} |")


def _same_hits(project: Project) -> float:
    """Against ranking without any bound, for the queries that are no pasted pages."""
    queries = [query for kind, several in QUERIES.items() if kind != "1,500 words" for query in several]
    with knowledge(project) as connection:
        quick = [_ids(search_chunks(connection, query)) for query in queries]
        with _unbounded():
            whole = [_ids(search_chunks(connection, query)) for query in queries]
    shares = [len(one & other) / len(other) for one, other in zip(quick, whole, strict=True) if other]
    return float(np.mean(shares))


@contextmanager
def _unbounded() -> Iterator[None]:
    bound, search_words.MOST_MATCHES = search_words.MOST_MATCHES, 10**9
    try:
        yield
    finally:
        search_words.MOST_MATCHES = bound


def _ids(hits: list) -> set[int]:
    return {hit.chunk.id for hit in hits}


def _print_first_searches(project: Project) -> None:
    """By meaning, after a change, and with the matrix file made anew; processor time. The median of three."""
    def search() -> None:
        with knowledge(project) as connection:
            search_chunks(connection, "lamp", mode="semantic", embed=lambda *_: np.zeros(DIMENSIONS, np.float32))

    for count in (1, 100, 1000):
        taken = []
        for state in ("excluded", "active", "excluded", "active"):
            with knowledge(project) as connection, transaction(connection):
                for chunk in range(1, 1 + count):
                    set_chunk_state(connection, chunk, state)
            taken.append(_processor_milliseconds(search))
        print(f"semantic, first search after {count:,} changed chunks: {np.median(taken[1:]):.0f} ms of processor time")
    anew = []
    for _ in range(3):
        project.database.with_suffix(".vectors").unlink()
        anew.append(_processor_milliseconds(search))
    print(f"semantic, the matrix file made anew: {np.median(anew):.0f} ms of processor time\n")


def _print_pages(project: Project) -> None:
    with knowledge(project) as connection:
        source = list_documents(connection)[-1].source
        for chunk in range(2, 400, 4):
            set_chunk_state(connection, chunk, "excluded")
    filters = {"no filter": {}, "document": {"source": source}, "in use": {"state": "active"}, "excluded": {"state": "excluded"},
               "held out": {"state": "held_out"}}
    print("| page of 50 chunks | rows | p50 | p95 | max |\n| --- | --- | --- | --- | --- |")
    for name, chosen in filters.items():
        with knowledge(project) as connection:
            total = chunk_page(connection, **chosen)[1]
        last = max(1, -(-total // PER_PAGE))
        for word, page in (("first", 1), ("middle", last // 2 + 1), ("last", last)):
            taken = [_milliseconds(lambda page=page, chosen=chosen: _page(project, page, chosen)) for _ in range(2 * ROUNDS + 1)][1:]
            print(f"| {name}, {word} | {total:,} | {_spread(taken)} |")


def _print_containing(project: Project) -> None:
    """The first page of the chunks that contain a text, and how many there are."""
    print("\n| contains | found in | processor time, p50 | p95 | by the clock, p50 |\n| --- | --- | --- | --- | --- |")
    for contains in CONTAINED:
        chosen = {"contains": contains}
        with knowledge(project) as connection:
            total = chunk_page(connection, **chosen)[1]
        spent = [_processor_milliseconds(lambda chosen=chosen: _page(project, 1, chosen)) for _ in range(9)]
        taken = [_milliseconds(lambda chosen=chosen: _page(project, 1, chosen)) for _ in range(9)]
        shown = contains if len(contains) < 100 else f"{len(contains):,} letters"
        print(f"| `{shown}` | {total:,} | {' | '.join(f'{value:.1f}' for value in (*np.percentile(spent, [50, 95]), np.median(taken)))} |")
    project.database.with_suffix(".texts").unlink()
    print(f"\nThe file of texts made anew: {_processor_milliseconds(lambda: _page(project, 1, chosen)):.0f} ms of processor time, "
          f"{project.database.with_suffix('.texts').stat().st_size / 1e6:,.0f} MB; the matrix file {project.database.with_suffix('.vectors').stat().st_size / 1e6:,.0f} MB")


def _page(project: Project, page: int, chosen: dict) -> object:
    with knowledge(project) as connection:
        return chunk_page(connection, page, PER_PAGE, **chosen)


def _milliseconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - began)


def _processor_milliseconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return 1000 * (time.process_time() - began)


def _spread(taken: list[float]) -> str:
    return " | ".join(f"{value:.1f}" for value in (*np.percentile(taken, [50, 95]), max(taken)))


if __name__ == "__main__":
    main()
