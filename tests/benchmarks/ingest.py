"""How fast documents are imported: against the bare libraries, with more workers, with cleaning, and in how much memory.

    python -m tests.benchmarks.ingest bare      one worker on one core, cleaning off, against the libraries in a loop on that core
    python -m tests.benchmarks.ingest workers   two workers on two cores against one on one core, and against one that has both cores
    python -m tests.benchmarks.ingest cleaning  every cleaning step against none
    python -m tests.benchmarks.ingest memory    the most memory with 50, 100, 200 and 400 files

In: `--files` PDF files made by pdf_corpus.py. Out: for each way the median and the spread of `--runs` alternating runs, in
seconds by the clock and of processor time (user and system, all processes), and the median ratio of neighbouring runs.

The bare loop: pypdfium2's text of all pages, langchain's splitter with its own separators and the token count of the same
tokenizer, and for each document one SQLite transaction into the same tables with the same full-text index. "bare, cached"
has `functools.lru_cache` around the token count. Imports of modules are not counted, starting the import's processes is.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import pypdfium2
from langchain_text_splitters import RecursiveCharacterTextSplitter
from tokenizers import Tokenizer

from phases.rag_data.clean.switches import STEPS
from phases.rag_data.config import IngestConfig
from phases.rag_data.ingest import ingest_files
from phases.shared.database.connection import open_database
from phases.shared.database.schema import KNOWLEDGE_MIGRATIONS
from phases.shared.jobs.wait import wait_for_job
from phases.shared.models.tokenizer import BUILTIN_FOLDER
from phases.shared.options import resolve
from phases.shared.project import create_project
from tests.benchmarks.hostile_files import Watch
from tests.benchmarks.pdf_corpus import make_corpus

SIZE, OVERLAP = IngestConfig().chunk_size, IngestConfig().chunk_overlap
UNCLEANED = dict.fromkeys(STEPS, False)
Run = Mapping[str, float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("bare", "workers", "cleaning", "memory", "once"))
    parser.add_argument("--files", type=int, default=200)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--pdfs", type=Path, help="folder of PDF files to take or make; a temporary one by default")
    parser.add_argument("--order", help="used by the benchmark itself: one run, as JSON")
    arguments = parser.parse_args()
    if arguments.what == "once":
        print(json.dumps(run_once(**json.loads(arguments.order))))
        return
    with tempfile.TemporaryDirectory() as scratch:
        pdfs = arguments.pdfs or Path(scratch)
        paths = [str(one) for one in make_corpus(pdfs, 400 if arguments.what == "memory" else arguments.files)]
        if arguments.what == "memory":
            measure_memory(paths)
        else:
            compare(ways(arguments.what), paths[:arguments.files], arguments.runs)


def ways(what: str) -> dict[str, dict[str, Any]]:
    """The ways that are compared, the first against each of the others."""
    one = {"cores": 1, "settings": {**UNCLEANED, "workers": 1}}
    if what == "bare":
        return {"import": one, "bare": {"cores": 1, "settings": None}, "bare, cached": {"cores": 1, "settings": None, "cached": True}}
    if what == "workers":
        two = {"cores": 2, "settings": {**UNCLEANED, "workers": 2}}
        return {"2 workers, two cores": two, "1 worker, one core": one, "1 worker, two cores": {**one, "cores": 2}}
    return {"cleaning on": {"cores": 1, "settings": {"workers": 1}}, "cleaning off": one}


def compare(chosen: Mapping[str, Mapping[str, Any]], paths: Sequence[str], runs: int) -> None:
    """Runs in turn, so that a busy machine is busy for all of them."""
    found: dict[str, list[Run]] = {name: [] for name in chosen}
    for _ in range(runs):
        for name, order in chosen.items():
            found[name].append(in_process({**order, "paths": paths}))
    first, *others = found
    print(f"{len(paths)} PDF files, {runs} runs\n\n| way | seconds | spread | processor seconds | spread |\n| --- | --- | --- | --- | --- |")
    for name, results in found.items():
        print("| " + " | ".join([name, *(cell for key in ("clock", "processor") for cell in _spread([one[key] for one in results]))]) + " |")
    for name in others:
        ratios = {key: [one[key] / two[key] for one, two in zip(found[first], found[name], strict=True)] for key in ("clock", "processor")}
        told = {key: f"{statistics.median(of):.2f} ({min(of):.2f} to {max(of):.2f})" for key, of in ratios.items()}
        print(f"\n{first} / {name}: {told['clock']} by the clock, {told['processor']} in processor time; turned round by the clock "
              f"{statistics.median(1 / one for one in ratios['clock']):.2f}")


def _spread(values: Sequence[float]) -> tuple[str, str]:
    return f"{statistics.median(values):.2f}", f"{min(values):.2f} to {max(values):.2f}"


def measure_memory(paths: Sequence[str]) -> None:
    """Two workers; of all processes of the import together, and of the largest one."""
    print("| files | all processes, MB | largest, MB |\n| --- | --- | --- |")
    for count in (50, 100, 200, 400):
        with Watch() as watch:
            in_process({"cores": 2, "settings": {"workers": 2}, "paths": paths[:count]})
        print(f"| {count} | {watch.together / 1e6:.0f} | {watch.largest / 1e6:.0f} |", flush=True)


def in_process(order: Mapping[str, Any]) -> Run:
    """One run in a process of its own."""
    done = subprocess.run([sys.executable, "-m", "tests.benchmarks.ingest", "once", "--order", json.dumps(order)],
                          capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def run_once(paths: list[str], cores: int, settings: Mapping[str, Any] | None, cached: bool = False) -> Run:
    """Import the files, or read them with the bare libraries when there are no settings."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["LEHRLING_LOCKS"] = str(Path(scratch) / "locks")
        return timed(lambda: bare(Path(scratch), paths, cached) if settings is None else imported(Path(scratch), paths, settings))


def timed(work: Callable[[], None]) -> Run:
    clock, processor = time.monotonic(), _processor_seconds()
    work()
    return {"clock": time.monotonic() - clock, "processor": _processor_seconds() - processor}


def _processor_seconds() -> float:
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in both)


def imported(scratch: Path, paths: Sequence[str], settings: Mapping[str, Any]) -> None:
    """Through the queue, its worker, the job's process and its parsers, as the window and the command do it."""
    projects = scratch / "projects"
    project = create_project(projects, "bench")
    job = ingest_files(projects, project, resolve(IngestConfig, settings), [Path(one) for one in paths])
    ended = wait_for_job(projects, job.id, lambda _: None)
    assert ended.state == "done" and len(ended.result["added"]) == len(paths), ended.error


def bare(scratch: Path, paths: Sequence[str], cached: bool) -> None:
    """The libraries in a loop."""
    tokenizer = Tokenizer.from_file(str(BUILTIN_FOLDER / "tokenizer.json"))
    connection = open_database(scratch / "bare.sqlite", KNOWLEDGE_MIGRATIONS)
    for path in paths:
        def count(text: str) -> int:
            return len(tokenizer.encode(text, add_special_tokens=False).ids)

        splitter = RecursiveCharacterTextSplitter(chunk_size=SIZE, chunk_overlap=OVERLAP,
                                                  length_function=lru_cache(200_000)(count) if cached else count)
        text = text_of(path)
        chunks = splitter.split_text(text)
        connection.execute("BEGIN IMMEDIATE")
        document = connection.execute("INSERT INTO documents (source, sha256, media, bytes, text, added) VALUES (?, ?, 'pdf', ?, ?, '')",
                                      (Path(path).name, path, Path(path).stat().st_size, text)).lastrowid
        for number, chunk in enumerate(chunks):
            made = connection.execute("INSERT INTO chunk_records (document, content_hash, tokens, tokenizer, span_start, span_end) "
                                      "VALUES (?, '', 0, '', 0, 0)", (document,)).lastrowid
            connection.execute("INSERT INTO rag_chunks (id, content, source, chunk_index, metadata) VALUES (?, ?, ?, ?, '{}')",
                               (made, chunk, Path(path).name, number))
        connection.execute("COMMIT")
    connection.close()


def text_of(path: str) -> str:
    pdf = pypdfium2.PdfDocument(path)
    pages = []
    for number in range(len(pdf)):
        page = pdf[number]
        letters = page.get_textpage()
        pages.append(letters.get_text_range())
        letters.close()
        page.close()
    pdf.close()
    return "\n\n".join(pages)


if __name__ == "__main__":
    main()
