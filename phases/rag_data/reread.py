"""Documents read again from their stored originals, with other cleaning or another chunk size.

In: names of documents (none: all of them) and the settings that change; the others stay as each document was read. Out: an
ingest job that replaces the documents' chunks, as one action a document that Undo takes back. What was made from the old
chunks is stale from then on; a document that reads the same stays as it is.
Command: `python app.py reingest NAME [DOCUMENT...] --chunk-size 300 --remove-urls`.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from phases.rag_data.config import IngestConfig, check_config
from phases.rag_data.extract.formats import takes_template
from phases.rag_data.extract.labels import SCHEMA
from phases.shared.database.chunks import document_chunks
from phases.shared.database.connection import knowledge
from phases.shared.database.documents import DocumentRow, document_readings, document_text, find_source, list_documents
from phases.shared.errors import FileRejected, NotReady, SettingError
from phases.shared.jobs.queue import Job, submit_job
from phases.shared.options import options_of, resolve
from phases.shared.project import Project

NOT_OF_READING = {"workers"}
OF_RECORDS = {"template"}


def reread_documents(projects: Path, project: Project, sources: Sequence[str], given: Mapping[str, Any]) -> Job:
    """Submit the job. `given` holds the settings that change. Raises FileRejected for a name that is not there."""
    config = reread_config(project, sources, given)
    check_config(config)
    return submit_job(projects, project, "ingest", config, arguments={"again": [one.source for one in chosen_documents(project, sources)]})


def chosen_documents(project: Project, sources: Sequence[str]) -> list[DocumentRow]:
    """The documents of these names, or all. Raises FileRejected or NotReady."""
    with knowledge(project) as connection:
        known = {one.source: one for one in list_documents(connection)}
    if not known:
        raise NotReady("The project has no documents.", f"Add some first: python app.py ingest \"{project.name}\" FILE...", code="no_documents")
    for source in sources:
        if source not in known:
            raise FileRejected(f"The project has no document '{source}'.", f"Its documents: {', '.join(known)}.", subject=source,
                               code="document_missing")
    return [known[source] for source in dict.fromkeys(sources)] or list(known.values())


def reread_config(project: Project, sources: Sequence[str], given: Mapping[str, Any]) -> IngestConfig:
    """What the documents were read with, changed by what is given. Raises SettingError when they differ in anything else."""
    names = [one.source for one in chosen_documents(project, sources)]
    with knowledge(project) as connection:
        readings = document_readings(connection)
    stored = [(name, settings) for name in names if (settings := readings[name].get("settings"))]
    common: dict[str, Any] = {}
    for one in options_of(IngestConfig):
        values = {settings[one.name] for name, settings in stored
                  if one.name in settings and (one.name not in OF_RECORDS or takes_template(name))}
        if one.name in NOT_OF_READING or given.get(one.name) is not None or not values:
            continue
        if len(values) > 1:
            raise SettingError(f"These documents were read with different settings: {one.label} {' and '.join(sorted(map(str, values)))}.",
                               f"Give {one.flag}, or read them again one by one.", subject=one.name, code="setting_missing")
        common[one.name] = values.pop()
    return resolve(IngestConfig, project.settings.get("ingest"), common, given)


def original_of(project: Project, document: DocumentRow) -> Path:
    """Where the original lies. Raises FileRejected when it is no longer there."""
    path = project.documents / f"{document.sha256}.{document.media}"
    if not path.is_file():
        raise FileRejected(f"The original of '{document.source}' is not in the project any more.", "Add the file once more.",
                           subject=document.source, code="file_missing")
    return path


def labels_again(project: Project, sources: Sequence[str]) -> dict[str, Any]:
    """What the fields of records were called, as the `metadata/schema.json` beside each would say it."""
    labels = {}
    for one in chosen_documents(project, sources):
        told = json.loads(one.shape).get("labels") if one.shape else None
        if told:
            labels[(PurePosixPath(one.source).parent / SCHEMA).as_posix()] = told
    return labels


def listed_again(project: Project, sources: Sequence[str]) -> list[dict[str, Any]]:
    """The documents as an import lists its files."""
    listed = []
    for one in chosen_documents(project, sources):
        entry: dict[str, Any] = {"source": one.source, "stored": "", "sha256": one.sha256, "bytes": one.bytes, "rejected": None,
                                 "notes": [], "again": True}
        try:
            listed.append({**entry, "stored": original_of(project, one).name})
        except FileRejected as refused:
            listed.append({**entry, "rejected": refused.as_record()})
    return listed


def reading_outcome(connection: sqlite3.Connection, source: str, text: str, chunks: Sequence[Mapping[str, Any]]) -> tuple[str, list[str]]:
    """ "read_again", or "unchanged" when text and chunks came out the same; with a note on what was changed by hand."""
    document = find_source(connection, source)
    if document is None:
        raise FileRejected(f"'{source}' was removed while it was waiting.", "Undo the removal, or add the file.", subject=source,
                           code="document_missing")
    there = document_chunks(connection, document)
    if document_text(connection, document) == text and [(one.content, one.span_start, one.held_out) for one in there] == [
            (one["content"], one["start"], one["held_out"]) for one in chunks]:
        return "unchanged", []
    by_hand = sum(one.origin == "edited" or one.state == "excluded" for one in there)
    return "read_again", [f"{by_hand} chunks that were edited or excluded by hand are replaced too; Undo brings them back."] if by_hand else []
