"""Files -> rows: the story of tab 1, top to bottom.

In: files, folders and ZIP files of a person. Out: documents and chunks in `data/wissensbasis.sqlite`, the originals in `data/documents/`.
Commands: `python app.py ingest NAME FILE_OR_FOLDER...`, `python app.py reingest NAME [DOCUMENT...]` (see reread.py)

    ingest_files   checks, then submits a job               (window or command)
    prepare        unpacks ZIP files and folders, copies the originals, lists them in inputs/files.json   (the same process)
    run            reads and cuts the files, several at a time, one record each  (the job's child and its parsers)
    apply          one record -> rows, in one transaction                  (the worker)
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from phases.rag_data import originals
from phases.rag_data.clean import Cleaning
from phases.rag_data.clean.switches import added_up
from phases.rag_data.collect import Limits, collect_files, free_name
from phases.rag_data.config import IngestConfig, check_config
from phases.rag_data.existing import is_database, read_existing
from phases.rag_data.extract.document import Document
from phases.rag_data.extract.formats import readable_endings
from phases.rag_data.extract.parser import Parser
from phases.rag_data.originals import check_upload, listed_file
from phases.rag_data.parse_pool import ParsePool, Read, begin_ahead, worker_count
from phases.rag_data.reread import NOT_OF_READING, labels_again, listed_again, reading_outcome
from phases.rag_data.shape import LABELS, reading_of, shape_of, take_schemas
from phases.shared.database.chunks import NewChunk
from phases.shared.database.connection import knowledge
from phases.shared.database.documents import (
    NewDocument,
    add_document,
    find_content,
    find_source,
    list_documents,
    original_is_used,
)
from phases.shared.errors import FileRejected
from phases.shared.files import read_json_lines, write_json
from phases.shared.jobs.context import PROGRESS_SECONDS, RECORDS_FILE, JobContext, JobStopped
from phases.shared.jobs.queue import Job, submit_job
from phases.shared.models.tokenizer import TokenCounter, token_counter
from phases.shared.options import as_mapping
from phases.shared.project import Project

STORED = {"added", "replaced", "read_again"}
AHEAD = 4  # files for each worker that are begun before the first of them is recorded: what is held in memory


def ingest_files(projects: Path, project: Project, config: IngestConfig, files: Sequence[Path]) -> Job:
    """Submit a job that adds these files. Raises FileRejected, with nothing stored, when one is not there."""
    check_config(config)
    check_upload(files)
    listed = [{"source": one.name, "path": str(one.resolve())} for one in files]
    return submit_job(projects, project, "ingest", config, arguments={"files": listed})


def prepare(project: Project, config: IngestConfig, inputs: Path, arguments: Mapping[str, Any]) -> None:
    """Freeze what the job reads: `files.json` and copies of the originals, named by their content.

    A file that is refused at the door (unknown, empty, too large) is listed with its reason and not copied.
    """
    check_config(config)
    if "again" in arguments:
        write_json(inputs / LABELS, labels_again(project, arguments["again"]))
        write_json(inputs / "files.json", listed_again(project, arguments["again"]))
        return
    given = [(one["source"], Path(one["path"])) for one in arguments.get("files") or []]
    check_upload(path for _, path in given)
    listed: dict[str, dict[str, Any]] = {}
    with TemporaryDirectory(dir=inputs, prefix="unpacked-") as scratch:
        found, labels = take_schemas(collect_files(given, Path(scratch), Limits(originals.MAX_FILE_BYTES, originals.MAX_TOTAL_BYTES)))
        for one in found:
            source = free_name(one.source, listed)
            listed[source] = listed_file(project, one, source)
    write_json(inputs / LABELS, labels)
    with knowledge(project):  # made here, because the job's child only reads it
        write_json(inputs / "files.json", list(listed.values()))


def run(context: JobContext, config: IngestConfig) -> dict[str, Any]:
    """Read every file; one record each, in the order of the listing, so that a stopped job goes on behind the last one."""
    listed = json.loads((context.inputs / "files.json").read_text(encoding="utf-8"))
    done = [_summary(one) for one in read_json_lines(context.job_dir / RECORDS_FILE)]
    context.phase("reading")
    counter = token_counter(context.project)
    left = listed[len(done):]
    workers = worker_count(config.workers, len(left))
    cleaning = reading_of(config, json.loads((context.inputs / LABELS).read_text(encoding="utf-8")))
    with knowledge(context.project) as connection, ParsePool(workers, _parser_maker(config, cleaning, counter)) as pool:
        stored = {one["sha256"] for one in done if one["outcome"] in STORED}
        shelf = _Shelf(context.project, config, cleaning, counter, connection, pool, stored)

        def look() -> None:
            if context.stop_requested():
                raise JobStopped(_result(done))
            _show_progress(context, done, len(listed), pool.reading())

        for file, begun in begin_ahead(left, shelf.begin, AHEAD * workers):
            look()
            record = shelf.record(file, begun, look)
            context.record(record)
            done.append(_summary(record))
            context.log(_in_words(done[-1]))
    _show_progress(context, done, len(listed), [])
    return _result(done)


def apply(connection: sqlite3.Connection, project: Project, job_id: str, record: Mapping[str, Any]) -> None:
    """Store one document, or remove the original of a file that was refused. Runs in the worker's transaction."""
    if record["outcome"] in STORED:
        for part in record.get("parts", [record]):
            chunks = [NewChunk(**one) for one in part["chunks"]]
            add_document(connection, NewDocument(**part["document"]), chunks, record["tokenizer"], job_id,
                         again=record["outcome"] == "read_again")
    file = record["file"]
    stored = project.documents / file["stored"] if file["stored"] else None
    if stored and not original_is_used(connection, file["sha256"], stored.suffix.lstrip(".")):
        stored.unlink(missing_ok=True)


def _parser_maker(config: IngestConfig, cleaning: Cleaning, counter: TokenCounter) -> Callable[[], Parser]:
    cutting = {"config": as_mapping(config), "name": counter.name, "tokenizer": str(counter.file)}
    return lambda: Parser(cleaning, cutting=cutting)


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


def _show_progress(context: JobContext, done: Sequence[Mapping[str, Any]], total: int, reading: Sequence[Mapping[str, Any]]) -> None:
    """How many files are done and refused, and how far those are that are being read."""
    context.progress(len(done), total, text=", ".join(one["file"] for one in reading[:1]), reading=list(reading),
                     rejected=sum(one["outcome"] == "rejected" for one in done))


def _summary(record: Mapping[str, Any]) -> dict[str, Any]:
    """What the job remembers of a file: not its text."""
    return {"file": record["file"]["source"], "sha256": record["file"]["sha256"], "outcome": record["outcome"],
            "notes": record["notes"], "reason": record.get("reason"), "chunks": sum(len(one.get("chunks", ())) for one in record.get("parts", [record])),
            "cleaning": record["document"]["reading"]["cleaning"] if "document" in record else {}}


def _result(done: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The job's result: names by outcome, reasons of the refused, the number of new chunks, all notes, and what cleaning did:
    with examples in all, as counts for each file. Where a file's ending is not known, those that are stand once, as `readable`.
    """
    by_outcome = {kind: [one["file"] for one in done if one["outcome"] == kind] for kind in ("added", "unchanged", "replaced", "read_again")}
    readable = readable_endings()
    rejected = [{"file": one["file"], "reason": one["reason"]["sentence"], "advice": one["reason"]["advice"].removesuffix(readable).rstrip()}
                for one in done if one["outcome"] == "rejected"]
    unknown = any(one["reason"]["advice"].endswith(readable) for one in done if one["outcome"] == "rejected")
    notes = [{"file": one["file"], "note": note} for one in done for note in one["notes"]]
    cleaned = [{"file": one["file"], "steps": {step: about["count"] for step, about in one["cleaning"].items()}}
               for one in done if one["cleaning"]]
    return {**by_outcome, "rejected": rejected, **({"readable": readable} if unknown else {}), "chunks": sum(one["chunks"] for one in done), "notes": notes,
            "cleaning": added_up(one["cleaning"] for one in done), "cleaned": cleaned}


def _in_words(done: Mapping[str, Any]) -> str:
    if done["outcome"] == "rejected":
        return f"rejected: {done['reason']['sentence']}"
    chunks = f", {done['chunks']} chunks" if done["outcome"] in STORED else ""
    return f"{done['outcome']}: {done['file']}{chunks}"
