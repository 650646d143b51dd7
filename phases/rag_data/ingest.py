"""Files -> rows: the story of tab 1, top to bottom.

In: files, folders and ZIP files of a person. Out: documents and chunks in `data/wissensbasis.sqlite`, the originals in `data/documents/`.
Commands: `python app.py ingest NAME FILE_OR_FOLDER...`, `python app.py reingest NAME [DOCUMENT...]` (see reread.py)

    ingest_files   checks, then submits a job               (window or command)
    prepare        unpacks ZIP files and folders, copies the originals, lists them in inputs/files.json   (the same process)
    run            reads and cuts the files, several at a time, one record each  (ingest_run.py: the job's child and its parsers)
    apply          one record -> rows, in one transaction                  (the worker)
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from phases.rag_data import originals
from phases.rag_data.collect import Found, Limits, collect_files, free_name
from phases.rag_data.config import IngestConfig, check_config
from phases.rag_data.ingest_result import STORED
from phases.rag_data.originals import check_upload, listed_file
from phases.rag_data.reread import labels_again, listed_again
from phases.rag_data.shape import LABELS, take_schemas
from phases.shared.database.chunks import NewChunk
from phases.shared.database.connection import knowledge
from phases.shared.database.documents import NewDocument, add_document, original_is_used
from phases.shared.files import sync_folder, write_json
from phases.shared.jobs.queue import Job, submit_job
from phases.shared.project import Project

COPIED_AT_A_TIME = 4


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
    with TemporaryDirectory(dir=inputs, prefix="unpacked-") as scratch:
        found, labels = take_schemas(collect_files(given, Path(scratch), Limits(originals.MAX_FILE_BYTES, originals.MAX_TOTAL_BYTES)))
        named: dict[str, Found] = {}
        for one in found:
            named[free_name(one.source, named)] = one
        with ThreadPoolExecutor(COPIED_AT_A_TIME) as copying:  # most of the time the disk is waited for
            listed = list(copying.map(lambda source: listed_file(project, named[source], source), named))
    if project.documents.is_dir():
        sync_folder(project.documents)
    write_json(inputs / LABELS, labels)
    with knowledge(project):  # made here, because the job's child only reads it
        write_json(inputs / "files.json", listed)


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
