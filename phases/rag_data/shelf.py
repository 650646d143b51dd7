"""The files of an import read one by one, against the knowledge base as it is.

In: the listed files of a job, and what parsers are forked from. Out: one record each, in the order of the listing, and the job's result.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from phases.rag_data.clean import Cleaning
from phases.rag_data.config import IngestConfig
from phases.rag_data.existing import is_database, read_existing
from phases.rag_data.extract.document import Document
from phases.rag_data.extract.formats import media_of
from phases.rag_data.extract.parser import Parser
from phases.rag_data.extract.parser_process import ForkServer
from phases.rag_data.ingest_result import STORED, in_words, result_of, summary_of
from phases.rag_data.parse_pool import ParsePool, Read, begin_ahead, worker_count
from phases.rag_data.reread import NOT_OF_READING, reading_outcome
from phases.rag_data.shape import LABELS, reading_of, shape_of
from phases.shared.database.connection import knowledge
from phases.shared.database.documents import NewDocument, find_content, find_source, list_documents
from phases.shared.errors import FileRejected
from phases.shared.files import read_json_lines
from phases.shared.jobs.context import PROGRESS_SECONDS, RECORDS_FILE, JobContext, JobStopped
from phases.shared.models.tokenizer import TokenCounter, token_counter
from phases.shared.options import as_mapping
from phases.shared.project import Project

AHEAD = 4  # files for each worker that are begun before the first of them is recorded: what is held in memory


def read_files(context: JobContext, config: IngestConfig, server: ForkServer) -> dict[str, Any]:
    """Read every file; one record each, in the order of the listing, so that a stopped job goes on behind the last one."""
    listed = json.loads((context.inputs / "files.json").read_text(encoding="utf-8"))
    server.load(media_of(one["source"] for one in listed if not one["rejected"]))
    done = [summary_of(one) for one in read_json_lines(context.job_dir / RECORDS_FILE)]
    outcomes = Counter(one["outcome"] for one in done)
    context.phase("reading")
    left = listed[len(done):]
    workers = worker_count(config.workers, len(left))
    with _opened(context, config, server, workers, {one["sha256"] for one in done if one["outcome"] in STORED}) as shelf:
        def look() -> None:
            if context.stop_requested():
                raise JobStopped(result_of(done))
            _show_progress(context, outcomes, len(listed), shelf.pool.reading())

        for file, begun in begin_ahead(left, shelf.begin, AHEAD * workers):
            look()
            record = shelf.record(file, begun, look)
            context.record(record)
            done.append(summary_of(record))
            outcomes[record["outcome"]] += 1
            context.log(in_words(done[-1]))
    _show_progress(context, outcomes, len(listed), [])
    return result_of(done)


def _show_progress(context: JobContext, outcomes: Counter[str], total: int, reading: Sequence[Mapping[str, Any]]) -> None:
    """How many files are done and refused, and how far those are that are being read."""
    context.progress(outcomes.total(), total, text=", ".join(one["file"] for one in reading[:1]), reading=list(reading),
                     rejected=outcomes["rejected"])


@contextmanager
def _opened(context: JobContext, config: IngestConfig, server: ForkServer, workers: int, stored: set[str]) -> Iterator[_Shelf]:
    """The shelf of a job, with its parsers."""
    counter = token_counter(context.project)
    cleaning = reading_of(config, json.loads((context.inputs / LABELS).read_text(encoding="utf-8")))
    cutting = {"config": as_mapping(config), "name": counter.name, "tokenizer": str(counter.file)}
    with (knowledge(context.project) as connection,
          ParsePool(workers, lambda: Parser(cleaning, cutting=cutting, start=server.start)) as pool):
        yield _Shelf(context.project, config, cleaning, counter, connection, pool, stored)


@dataclass(frozen=True)
class _Shelf:
    """The knowledge base as this import finds it: which files are read, and what becomes of them.

    `stored` are the digests of files that this job has added. `asked` are those of files that a parser was given: a second
    file of the same bytes waits for its turn, when the first one's fate is known.
    """

    project: Project
    config: IngestConfig
    cleaning: Cleaning
    counter: TokenCounter
    connection: sqlite3.Connection
    pool: ParsePool
    stored: set[str]
    asked: set[str] = field(default_factory=set)

    def begin(self, file: Mapping[str, Any]) -> Future[Read] | None:
        """Give the file to a parser, unless it is refused already or its bytes are known."""
        if file["rejected"] or file["sha256"] in self.asked or is_database(file["source"]):
            return None
        if self._is_known(file) and not file.get("again"):
            return None
        self.asked.add(file["sha256"])
        return self.pool.start(self.project.documents / file["stored"], file["source"])

    def record(self, file: Mapping[str, Any], begun: Future[Read] | None, look: Callable[[], None]) -> dict[str, Any]:
        """What became of one file: "added", "replaced", "read_again", "unchanged" or "rejected"; calls `look` while it waits."""
        record: dict[str, Any] = {"file": dict(file), "notes": list(file["notes"])}
        if file["rejected"]:
            return {**record, "outcome": "rejected", "reason": file["rejected"]}
        if is_database(file["source"]):
            return self._existing(file, record)
        if begun is None and self._is_known(file):
            return {**record, "outcome": "unchanged"}
        begun = begun or self.pool.start(self.project.documents / file["stored"], file["source"])
        while not wait([begun], PROGRESS_SECONDS).done:
            look()
        try:
            document, chunks = begun.result()
            outcome, remarks = self._outcome(file, document, chunks)
        except FileRejected as refused:
            return {**record, "outcome": "rejected", "reason": refused.as_record()}
        if outcome == "unchanged":
            return {**record, "outcome": outcome}
        self.stored.add(file["sha256"])
        settings = {name: value for name, value in as_mapping(self.config).items() if name not in NOT_OF_READING}
        reading = {"settings": settings, "cleaning": document.cleaning, "columns": list(document.columns),
                   "notes": list(document.notes)}
        new = NewDocument(file["source"], file["sha256"], document.media, file["bytes"], document.text, document.title,
                          len(document.pages) or None, reading, shape_of(file["source"], self.cleaning))
        return {**record, "outcome": outcome, "notes": [*record["notes"], *document.notes, *remarks], "tokenizer": self.counter.name,
                "document": vars(new), "chunks": chunks}

    def _existing(self, file: Mapping[str, Any], record: dict[str, Any]) -> dict[str, Any]:
        """What became of an existing knowledge base: its new and changed documents, under "parts"."""
        try:
            parts, notes = read_existing(self.project.documents / file["stored"], file["source"], self.config.holdout_percent,
                                         self.counter.count)
        except FileRejected as refused:
            return {**record, "outcome": "rejected", "reason": refused.as_record()}
        new = [one for one in parts if find_content(self.connection, one["document"]["sha256"]) is None]
        again = [name for one in new if find_source(self.connection, name := one["document"]["source"]) is not None]
        told = [f"Its {len(parts):,} sources are documents of their own; {len(new):,} of them are new or changed."]
        told += [f"They take the place of: {', '.join(again)}."] if again else []
        return {**record, "outcome": "replaced" if again else "added" if new else "unchanged", "tokenizer": self.counter.name,
                "notes": [*record["notes"], *notes, *told], "parts": new}

    def _outcome(self, file: Mapping[str, Any], document: Document, chunks: Sequence[Mapping[str, Any]]) -> tuple[str, list[str]]:
        if file.get("again"):
            return reading_outcome(self.connection, file["source"], document.text, chunks)
        there = find_content(self.connection, file["sha256"])  # the same bytes, read with another template
        names = [one.source for one in list_documents(self.connection) if one.id == there and one.source != file["source"]] if there else []
        remarks = [f"It takes the place of '{name}', the same records read in another way." for name in names]
        is_new = there is None and find_source(self.connection, file["source"]) is None
        return ("added" if is_new else "replaced"), remarks

    def _is_known(self, file: Mapping[str, Any]) -> bool:
        """By what stands in the knowledge base now and what this job has added before. The same bytes are known only if their
        records would read as they do: another template makes them anew."""
        shape = shape_of(file["source"], self.cleaning)
        return file["sha256"] in self.stored or find_content(self.connection, file["sha256"], shape) is not None
