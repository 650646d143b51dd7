"""Files -> rows: the story of tab 1, top to bottom.

In: files, folders and ZIP files of a person. Out: documents and chunks in `data/wissensbasis.sqlite`, the originals in `data/documents/`.
Command: `python app.py ingest NAME FILE_OR_FOLDER...`

    ingest_files   checks, then submits a job               (window or command)
    prepare        unpacks ZIP files and folders, copies the originals, lists them in inputs/files.json   (the same process)
    run            parses and cuts each file, one record a document        (the job's child)
    apply          one record -> rows, in one transaction                  (the worker)
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from phases.rag_data.chunk import chunk_document
from phases.rag_data.collect import Found, Limits, collect_files, free_name, walk_folder
from phases.rag_data.config import IngestConfig, check_config
from phases.rag_data.existing import is_database, read_existing
from phases.rag_data.extract.formats import check_file, format_of
from phases.rag_data.extract.parser import Parser
from phases.rag_data.shape import LABELS, cleaning_of, shape_of, take_schemas
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
from phases.shared.errors import FileRejected, NotReady
from phases.shared.files import sha256_of, sync_folder, write_json
from phases.shared.jobs.context import JobContext, JobStopped
from phases.shared.jobs.queue import Job, submit_job
from phases.shared.models.tokenizer import TokenCounter, token_counter
from phases.shared.project import Project

MAX_FILE_BYTES = 200_000_000
MAX_TOTAL_BYTES = 2_000_000_000


def ingest_files(projects: Path, project: Project, config: IngestConfig, files: Sequence[Path]) -> Job:
    """Submit a job that adds these files. Raises FileRejected, with nothing stored, when one is not there."""
    check_config(config)
    check_upload(files)
    listed = [{"source": one.name, "path": str(one.resolve())} for one in files]
    return submit_job(projects, project, "ingest", config, arguments={"files": listed})


def check_upload(files: Iterable[Path]) -> None:
    """Everything is there, no folder is empty, and all of it is not too much. Raises NotReady or FileRejected."""
    total = 0
    files = list(files)
    if not files:
        raise NotReady("No file was chosen.", "Choose one or more files: PDF, Word, PowerPoint, Excel, ODT, RTF, EPUB, HTML, "
                       "Markdown, TXT, CSV, JSON, Parquet, a knowledge base (SQLite), or a ZIP or folder of them.")
    for path in files:
        if path.is_dir():
            inside = [one.path.stat().st_size for one in walk_folder(path) if one.path]
            if not inside:
                raise FileRejected(f"The folder '{path}' holds no files.", "Check the path.", subject=path.name, code="file_folder")
            total += sum(inside)
        elif not path.is_file():
            raise FileRejected(f"There is no file '{path}'.", "Check the path.", subject=path.name, code="file_missing")
        else:
            total += path.stat().st_size
    if total > MAX_TOTAL_BYTES:
        raise FileRejected(f"These files are {total / 1e9:.1f} GB together; {MAX_TOTAL_BYTES / 1e9:.0f} GB go at a time.",
                           "Add them in several steps.", code="files_too_large")


def prepare(project: Project, config: IngestConfig, inputs: Path, arguments: Mapping[str, Any]) -> None:
    """Freeze what the job reads: `files.json` and copies of the originals, named by their content.

    A file that is refused at the door (unknown, empty, too large) is listed with its reason and not copied.
    """
    check_config(config)
    given = [(one["source"], Path(one["path"])) for one in arguments.get("files") or []]
    check_upload(path for _, path in given)
    listed: dict[str, dict[str, Any]] = {}
    with TemporaryDirectory(dir=inputs, prefix="unpacked-") as scratch:
        found, labels = take_schemas(collect_files(given, Path(scratch), Limits(MAX_FILE_BYTES, MAX_TOTAL_BYTES)))
        for one in found:
            source = free_name(one.source, listed)
            listed[source] = _listed_file(project, one, source)
    write_json(inputs / LABELS, labels)
    with knowledge(project):  # made here, because the job's child only reads it
        write_json(inputs / "files.json", list(listed.values()))


def run(context: JobContext, config: IngestConfig) -> dict[str, Any]:
    """Parse and cut every file; one record each, so that a stopped job goes on behind the last one."""
    listed = json.loads((context.inputs / "files.json").read_text(encoding="utf-8"))
    records = list(context.records())
    context.phase("reading")
    counter = token_counter(context.project)
    cleaning = cleaning_of(config, json.loads((context.inputs / LABELS).read_text(encoding="utf-8")))
    with Parser(cleaning) as parser:
        for number in range(len(records), len(listed)):
            if context.stop_requested():
                raise JobStopped(_result(records))
            context.progress(number, len(listed), text=listed[number]["source"])
            record = _file_record(context.project, listed[number], config, parser, counter, records)
            context.record(record)
            records.append(record)
            context.log(_in_words(record))
    context.progress(len(listed), len(listed))
    return _result(records)


def apply(connection: sqlite3.Connection, project: Project, job_id: str, record: Mapping[str, Any]) -> None:
    """Store one document, or remove the original of a file that was refused. Runs in the worker's transaction."""
    if record["outcome"] in {"added", "replaced"}:
        for part in record.get("parts", [record]):
            chunks = [NewChunk(**one) for one in part["chunks"]]
            add_document(connection, NewDocument(**part["document"]), chunks, record["tokenizer"], job_id)
    file = record["file"]
    stored = project.documents / file["stored"] if file["stored"] else None
    if stored and not original_is_used(connection, file["sha256"], stored.suffix.lstrip(".")):
        stored.unlink(missing_ok=True)


def _listed_file(project: Project, found: Found, source: str) -> dict[str, Any]:
    listed: dict[str, Any] = {"source": source, "stored": "", "sha256": "", "bytes": 0, "rejected": None, "notes": []}
    if source != found.source:
        listed["notes"] = [f"Another file of this import is called '{found.source}' too; this one is listed as '{source}'."]
    path, size = found.path, found.path.stat().st_size if found.path else 0
    listed["bytes"] = size
    if path is None:
        return {**listed, "rejected": found.refused.as_record() if found.refused else None}
    try:
        kind = format_of(source)
        if size > MAX_FILE_BYTES:
            raise FileRejected(f"'{source}' has {size / 1e6:,.0f} MB; a file may have {MAX_FILE_BYTES / 1e6:.0f} MB.",
                               "Split it.", subject=source, code="file_too_large")
        check_file(path, source)
    except FileRejected as refused:
        return {**listed, "rejected": refused.as_record()}
    digest = sha256_of(path)
    stored = f"{digest}.{kind.media}"
    copy_original(path, project.documents / stored)
    return {**listed, "stored": stored, "sha256": digest}


def copy_original(path: Path, target: Path) -> None:
    """A whole copy under its content's name, or none."""
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with path.open("rb") as original, beside.open("wb") as copy:
            shutil.copyfileobj(original, copy)
            copy.flush()
            os.fsync(copy.fileno())
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)
    sync_folder(target.parent)


def _file_record(project: Project, file: Mapping[str, Any], config: IngestConfig, parser: Parser, counter: TokenCounter,
                 records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What became of one file: "added", "replaced", "unchanged" or "rejected"."""
    record: dict[str, Any] = {"file": dict(file), "notes": list(file["notes"])}
    if file["rejected"]:
        return {**record, "outcome": "rejected", "reason": file["rejected"]}
    if is_database(file["source"]):
        return _existing_record(project, file, config, counter, record)
    shape = shape_of(file["source"], parser.cleaning)
    outcome = _outcome(project, file, shape, records)
    if outcome == "unchanged":
        return {**record, "outcome": outcome}
    record["notes"] += _taken_place(project, file)
    try:
        document = parser.extract(project.documents / file["stored"], file["source"])
    except FileRejected as refused:
        return {**record, "outcome": "rejected", "reason": refused.as_record()}
    chunks = chunk_document(document, config, counter.count)
    stored = NewDocument(file["source"], file["sha256"], document.media, file["bytes"], document.text, document.title,
                         len(document.pages) or None, shape)
    new = [NewChunk(one.content, one.start, one.end, one.tokens, one.held_out, one.metadata) for one in chunks]
    return {**record, "outcome": outcome, "notes": [*record["notes"], *document.notes], "tokenizer": counter.name,
            "document": asdict(stored), "chunks": [asdict(one) for one in new]}


def _existing_record(project: Project, file: Mapping[str, Any], config: IngestConfig, counter: TokenCounter,
                     record: dict[str, Any]) -> dict[str, Any]:
    """What became of an existing knowledge base: its new and changed documents, under "parts"."""
    try:
        parts, notes = read_existing(project.documents / file["stored"], file["source"], config.holdout_percent, counter.count)
    except FileRejected as refused:
        return {**record, "outcome": "rejected", "reason": refused.as_record()}
    with knowledge(project) as connection:
        new = [one for one in parts if find_content(connection, one["document"]["sha256"]) is None]
        again = [name for one in new if find_source(connection, name := one["document"]["source"]) is not None]
    told = [f"Its {len(parts):,} sources are documents of their own; {len(new):,} of them are new or changed."]
    told += [f"They take the place of: {', '.join(again)}."] if again else []
    return {**record, "outcome": "replaced" if again else "added" if new else "unchanged", "notes": [*record["notes"], *notes, *told],
            "tokenizer": counter.name, "parts": new}


def _outcome(project: Project, file: Mapping[str, Any], shape: str, records: Sequence[Mapping[str, Any]]) -> str:
    """By what stands in the knowledge base now and what this job has added before.

    The same bytes are unchanged only if their records would read as they do: another template makes them anew.
    """
    if any(one["outcome"] in {"added", "replaced"} and one["file"]["sha256"] == file["sha256"] for one in records):
        return "unchanged"
    with knowledge(project) as connection:
        if find_content(connection, file["sha256"], shape) is not None:
            return "unchanged"
        is_new = find_source(connection, file["source"]) is None and find_content(connection, file["sha256"]) is None
        return "added" if is_new else "replaced"


def _taken_place(project: Project, file: Mapping[str, Any]) -> list[str]:
    """A note when the same bytes stand there under another name: they were read with another template, and leave."""
    with knowledge(project) as connection:
        known = find_content(connection, file["sha256"])
        names = [one.source for one in list_documents(connection) if one.id == known and one.source != file["source"]]
    return [f"It takes the place of '{name}', the same records read in another way." for name in names]


def _result(records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The job's result: names by outcome, reasons of the refused, the number of new chunks, and all notes."""
    by_outcome = {kind: [one["file"]["source"] for one in records if one["outcome"] == kind]
                  for kind in ("added", "unchanged", "replaced")}
    rejected = [{"file": one["file"]["source"], "reason": one["reason"]["sentence"], "advice": one["reason"]["advice"]}
                for one in records if one["outcome"] == "rejected"]
    notes = [{"file": one["file"]["source"], "note": note} for one in records for note in one["notes"]]
    return {**by_outcome, "rejected": rejected, "chunks": sum(map(_chunk_count, records)), "notes": notes}


def _chunk_count(record: Mapping[str, Any]) -> int:
    """New chunks of a file; of an existing knowledge base those of all its documents."""
    return sum(len(one.get("chunks", ())) for one in record.get("parts", [record]))


def _in_words(record: Mapping[str, Any]) -> str:
    if record["outcome"] == "rejected":
        return f"rejected: {record['reason']['sentence']}"
    chunks = f", {_chunk_count(record)} chunks" if record["outcome"] in {"added", "replaced"} else ""
    return f"{record['outcome']}: {record['file']['source']}{chunks}"
