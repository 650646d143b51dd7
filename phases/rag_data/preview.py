"""How a file will read, before anything is stored: the first records as the template has them, or the first chunks.

In: a file and the settings of an import. Out: a `Preview`. Nothing is written. Files are read by the limited parser child, and of
long record files and texts the head only.
Command: `python app.py preview NAME FILE [--template "..."]`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from phases.rag_data.chunk import Chunk, chunk_document
from phases.rag_data.clean import Cleaning
from phases.rag_data.collect import is_zip
from phases.rag_data.config import IngestConfig, check_config
from phases.rag_data.existing import MEDIA, is_database, read_existing
from phases.rag_data.extract.formats import format_of, is_records, takes_template
from phases.rag_data.extract.parser import Parser
from phases.rag_data.extract.records import Records, records_text
from phases.rag_data.shape import reading_of
from phases.rag_data.templates import Offer, check_columns, columns_of, fits, offers, parse_template, render
from phases.shared.errors import FileRejected, SettingError

HEAD_RECORDS = 200
SHOWN = 3
SHORTEST_HEAD = 30_000
HEAD_CHARS_PER_TOKEN = 30  # of a chunk: enough text for the first few chunks, whatever the language


@dataclass(frozen=True)
class Preview:
    """The first records or chunks of a file.

    `total` counts the records of the file (None: not counted), or, for a document, about how many chunks it makes.
    """

    source: str
    media: str
    total: int | None
    records: list[str] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)
    offers: list[Offer] = field(default_factory=list)
    chunks: list[Chunk] = field(default_factory=list)
    notes: tuple[str, ...] = ()


def preview_file(config: IngestConfig, path: Path, source: str, count: Callable[[str], int]) -> Preview:
    """The first chunks of a document, or the first records of a file of records.

    Args:
        count: counts tokens as the project does.

    Raises:
        FileRejected: it cannot be read, or the template asks for a column that it does not have.
    """
    check_config(config)
    if path.is_dir() or is_zip(source):
        raise FileRejected(f"'{source}' holds several files.", "Preview one of them by itself.", subject=source, code="file_folder")
    if not path.is_file():
        raise FileRejected(f"There is no file '{path}'.", "Check the path.", subject=source, code="file_missing")
    if is_records(source) or (takes_template(source) and config.template.strip()):
        head = read_head(path, source)
        if head.records or is_records(source):
            return preview_records(head, config.template, source)
    if is_database(source):
        return _preview_existing(path, source, config, count)
    with Parser(reading_of(config, {})) as parser:
        document = parser.extract(path.resolve(), source)
    length = max(SHORTEST_HEAD, config.chunk_size * HEAD_CHARS_PER_TOKEN)
    chunks = chunk_document(replace(document, text=document.text[:length]), config, count)
    about = round(len(chunks) * max(1.0, len(document.text) / length))
    return Preview(source, document.media, about, chunks=chunks[:SHOWN], notes=document.notes)


def _preview_existing(path: Path, source: str, config: IngestConfig, count: Callable[[str], int]) -> Preview:
    """The first chunks of a knowledge base, which come in as they are."""
    parts, notes = read_existing(path.resolve(), source, config.holdout_percent, count)
    chunks = [chunk for part in parts for chunk in part["chunks"]]
    shown = [Chunk(one["content"], one["start"], one["end"], one["metadata"].get("page"), tuple(one["metadata"]["headings"]),
                   one["tokens"], one["held_out"]) for one in chunks[:SHOWN]]
    return Preview(source, MEDIA, len(chunks), chunks=shown, notes=(*notes, f"Its sources: {len(parts):,}."))


def read_head(path: Path, source: str) -> Records:
    """The first records of a file, read by the parser child."""
    with Parser(Cleaning(head=HEAD_RECORDS)) as parser:
        found = parser.extract(path.resolve(), source)
    return Records(**json.loads(found.text), notes=found.notes)


def preview_records(head: Records, template: str, source: str) -> Preview:
    """How the first records read. Raises SettingError for a template that cannot be read, FileRejected for one that does not fit."""
    columns, template = columns_of(head.records), template.strip("\n ")
    texts = [] if not template and not is_records(source) else [_text_of(one, head, template, source) for one in _shown(head, template, source)]
    return Preview(source, format_of(source).media, head.total, texts, columns, offers(columns), notes=head.notes)


def live_preview(path: Path, template: str) -> tuple[Preview, str]:
    """How the first records read while a person writes the template, and what is wrong, in words; "" when nothing is."""
    source = path.name
    try:
        head = read_head(path, source)
    except FileRejected as refused:
        return Preview(source, format_of(source).media, None), str(refused)
    try:
        return preview_records(head, template, source), ""
    except (SettingError, FileRejected) as wrong:
        return preview_records(head, "", source), str(wrong)


def _shown(head: Records, template: str, source: str) -> Sequence[Mapping[str, str]]:
    """The first few records; of a workbook those of the tables that the template is for."""
    if is_records(source):
        return head.records[:SHOWN]
    parsed = parse_template(template)
    return [one for one in head.records if fits(parsed, one)][:SHOWN] or head.records[:1]


def _text_of(record: Mapping[str, str], head: Records, template: str, source: str) -> str:
    if not template:
        return records_text(replace(head, records=[record], total=None), source).text
    parsed = parse_template(template)
    check_columns(parsed, columns_of(head.records if is_records(source) else [record]), source)
    return render(parsed, record)


def first_records(sources: Sequence[str]) -> int | None:
    """Which of some files is the first of records; else the first workbook, whose tables may be such."""
    return next((place for of_records in (is_records, takes_template) for place, source in enumerate(sources) if of_records(source)), None)
