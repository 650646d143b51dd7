"""Files that would choke a reader: what each costs, and that the file after it is stored all the same.

    python -m tests.benchmarks.hostile_files [--megabytes 200] [--only txt,rtf] [--filling letter|words|signs]
    python -m tests.benchmarks.hostile_files --allowed [--filling ...]

In: nothing; files of that size are made, each a single line of one letter (or of words, or of signs without a blank) as TXT, MD, CSV,
JSON, HTML and RTF. With `--allowed`: the worst that no check of lengths refuses, 29.9 million characters in lines just under the
limit. Out: a table: what the import said, its seconds in all (by the clock, and of processors), and the most memory of its processes.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from phases.rag_data.config import IngestConfig
from phases.rag_data.ingest import ingest_files
from phases.shared.database.connection import knowledge
from phases.shared.database.documents import list_documents
from phases.shared.jobs.wait import wait_for_job
from phases.shared.project import create_project

FRAMES = {"txt": (b"", b""), "md": (b"# Title\n\n", b""), "csv": (b"name,value\n1,", b""), "json": (b'[{"name": "', b'"}]'),
          "html": (b"<html><body><p>", b"</p></body></html>"), "rtf": (b"{\\rtf1\\ansi ", b"}")}
ALLOWED = {"txt": (1_990_000, b"\n"), "md": (1_990_000, b"\n"), "csv": (990_000, b"\n1,"), "json": (990_000, b'"}, {"name": "'),
           "html": (1_990_000, b"</p><p>"), "rtf": (1_990_000, b"\\par ")}  # the longest line or value, and what parts two of them
MOST_CHARS = 29_900_000
FILLINGS: dict[str, Callable[[int], bytes]] = {
    "letter": lambda size: b"x" * size, "words": lambda size: _words(size), "signs": lambda size: bytes(random.Random(1).choices(b"abcdefghijklmnopqrstuvwxyz0123456789", k=size))}


class Watch:
    """The most memory that the children of this process hold together, and the largest of them, while it is open."""

    def __init__(self) -> None:
        self.together = self.largest = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ended.wait(0.05):
            held = [memory_of(one) for one in psutil.Process().children(recursive=True)]
            self.together, self.largest = max(self.together, sum(held)), max(self.largest, *held, 0)


def _processor_seconds() -> float:
    """Of this process and of its children that have ended."""
    return sum(one.ru_utime + one.ru_stime for one in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))


def memory_of(process: psutil.Process) -> int:
    try:
        return process.memory_info().rss
    except psutil.Error:
        return 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=200)
    parser.add_argument("--only", default=",".join(FRAMES))
    parser.add_argument("--filling", choices=FILLINGS, default="letter", help="what a line is made of")
    parser.add_argument("--allowed", action="store_true", help="lines just under the limit instead of a single one")
    arguments = parser.parse_args()
    filling = FILLINGS[arguments.filling]
    print("| file | seconds | processor seconds | memory of all, MB | largest process, MB | next file | answer |\n"
          "| --- | --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["LEHRLING_LOCKS"] = str(Path(folder) / "locks")
        for kind in arguments.only.split(","):
            content = filling(arguments.megabytes * 1_000_000 - 1000) if not arguments.allowed else _allowed(kind, filling)
            print(row(Path(folder), kind, content), flush=True)


def _allowed(kind: str, filling: Callable[[int], bytes]) -> bytes:
    length, between = ALLOWED[kind]
    return between.join([filling(length)] * (MOST_CHARS // (length + 30)))


def _words(size: int) -> bytes:
    """Invented words, each of its own: more tokens for each letter than any language has."""
    dice = random.Random(1)
    words = ["".join(dice.choices("abcdefghijklmnopqrstuvwxyz", k=dice.randint(2, 11))) for _ in range(50_000)]
    return " ".join(dice.choices(words, k=size // 7)).encode()[:size]


def row(folder: Path, kind: str, content: bytes) -> str:
    """One import of the hostile file and a good one."""
    begin, end = FRAMES[kind]
    bad, good = folder / f"bad.{kind}", folder / "good.txt"
    bad.write_bytes(begin + content + end)
    good.write_text(f"Good words after the {kind} file.")
    projects = folder / f"projects-{kind}"
    project = create_project(projects, "hostile")
    began, used = time.monotonic(), _processor_seconds()
    with Watch() as watch:
        job = wait_for_job(projects, ingest_files(projects, project, IngestConfig(workers=1), [bad, good]).id, lambda _: None)
    seconds = time.monotonic() - began
    bad.unlink()
    with knowledge(project) as connection:
        stored = [one.source for one in list_documents(connection)]
    answer = "; ".join(one["reason"] for one in (job.result or {}).get("rejected", [])) or f"{job.state}: {stored}"
    return (f"| {bad.name} | {seconds:.1f} | {_processor_seconds() - used:.1f} | {watch.together / 1e6:.0f} | {watch.largest / 1e6:.0f} | "
            f"{'stored' if 'good.txt' in stored else 'LOST'} | {answer} |")


if __name__ == "__main__":
    main()
