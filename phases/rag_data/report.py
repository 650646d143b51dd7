"""The report on the knowledge base, made and kept in the project; and duplicates excluded as the report showed them.

In: a project and what the report tells of. Out: a record for JSON and the window, `data/report.json` and `data/report.md`.
Commands: `python app.py report NAME --longest 1024`, `python app.py exclude-duplicates NAME`.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from phases.rag_data.config import ReportConfig
from phases.rag_data.language import note_languages
from phases.rag_data.report_numbers import Report, make_report
from phases.rag_data.report_text import as_markdown, counted
from phases.rag_data.similar import THRESHOLD, Duplicate, find_duplicates
from phases.shared.database.chunks import all_chunks, exclude_chunks
from phases.shared.database.connection import knowledge
from phases.shared.database.documents import document_readings
from phases.shared.files import write_atomically, write_json
from phases.shared.project import Project

MARKDOWN, JSON = "report.md", "report.json"


def write_report(project: Project, config: ReportConfig | None = None) -> dict[str, Any]:
    """Make the report and keep it in the project, as Markdown and JSON; returns it as a record.

    Chunks whose language nobody has looked at get theirs now: nothing else is changed.
    """
    with knowledge(project) as connection:
        note_languages(connection)
        report = make_report(all_chunks(connection), config or ReportConfig(), datetime.now(UTC).isoformat(timespec="seconds"),
                             project.language, document_readings(connection))
    record = dataclasses.asdict(report)
    write_atomically(project.data / MARKDOWN, as_markdown(report, project.name))
    write_json(project.data / JSON, record)
    return record


def last_report(project: Project) -> tuple[dict[str, Any], bool] | None:
    """The report that was made last, and whether the knowledge base has changed since; None before the first.

    A file that is no report of this version counts as none: the next one takes its place.
    """
    path = project.data / JSON
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        outdated = project.database.stat().st_mtime_ns > path.stat().st_mtime_ns
    except (FileNotFoundError, ValueError):
        return None
    known = {one.name for one in dataclasses.fields(Report)}
    return (record, outdated) if isinstance(record, dict) and set(record) == known else None


def exclude_duplicates(project: Project, only: Collection[int] | None = None, similarity: float = THRESHOLD) -> list[Duplicate]:
    """Exclude every chunk that repeats another one, as one action that Undo takes back.

    Args:
        only: the chunks that a person was shown as duplicates; others stay. None for all.
        similarity: from which two chunks are near duplicates.
    """
    with knowledge(project) as connection:
        used = [one for one in all_chunks(connection) if one.state != "excluded" and one.content.strip()]
        found = [one for one in find_duplicates(used, similarity) if only is None or one.chunk in only]
        exclude_chunks(connection, [one.chunk for one in found], f"excluded {counted(len(found), 'duplicate')}")
    return found
