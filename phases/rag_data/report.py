"""What the knowledge base holds and what is wrong with it: numbers, token histogram, findings, duplicates, languages.

In: chunks, as rows. Out: a `Report`; as a record for JSON and the window, or as Markdown to read.
Commands: `python app.py report NAME`, `python app.py exclude-duplicates NAME`.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from statistics import median
from typing import Any

from phases.rag_data.language import guess_language
from phases.rag_data.similar import Duplicate, find_duplicates
from phases.shared.database.chunks import ChunkRow, all_chunks, exclude_chunks
from phases.shared.database.connection import knowledge
from phases.shared.files import write_atomically, write_json
from phases.shared.project import Project

MARKDOWN, JSON = "report.md", "report.json"
MOST_BINS = 20
LISTED = 40


@dataclass(frozen=True)
class Limits:
    """Chunks outside are told, in tokens."""

    shortest: int = 10
    longest: int = 2048


@dataclass(frozen=True)
class Spread:
    total: int
    smallest: int
    median: float
    largest: int


@dataclass(frozen=True)
class Bin:
    """How many chunks have `start` to `end` tokens, `end` not among them."""

    start: int
    end: int
    chunks: int


@dataclass(frozen=True)
class DocumentNumbers:
    """A document; `language` is "unknown" where its words do not tell."""

    source: str
    language: str
    chunks: int
    tokens: int


@dataclass(frozen=True)
class Report:
    """Sizes, findings and duplicates are of the chunks that are not excluded; findings are ids of chunks."""

    made: str
    limits: Limits
    chunks: int
    excluded: int
    held_out: int
    tokens: Spread
    words: Spread
    characters: Spread
    histogram: list[Bin]
    empty: list[int]
    too_short: list[int]
    too_long: list[int]
    duplicates: list[Duplicate]
    documents: list[DocumentNumbers]


def make_report(chunks: Sequence[ChunkRow], limits: Limits, made: str = "") -> Report:
    """Count and compare; `chunks` are all there are, in reading order."""
    used = [one for one in chunks if one.state != "excluded"]
    full = [one for one in used if one.content.strip()]
    return Report(
        made, limits, len(chunks), len(chunks) - len(used), sum(one.held_out for one in used),
        tokens=_spread([one.tokens for one in used]), words=_spread([len(one.content.split()) for one in used]),
        characters=_spread([len(one.content) for one in used]), histogram=token_histogram([one.tokens for one in used]),
        empty=[one.id for one in used if not one.content.strip()],
        too_short=[one.id for one in full if one.tokens < limits.shortest],
        too_long=[one.id for one in full if one.tokens > limits.longest],
        duplicates=find_duplicates(full), documents=_documents(chunks))


def token_histogram(tokens: Sequence[int]) -> list[Bin]:
    """Bins of one round width (1, 2 or 5 with noughts), from 0 to the longest chunk, twenty at most."""
    if not tokens:
        return []
    width = next(step * 10 ** power for power in range(12) for step in (1, 2, 5) if max(tokens) < MOST_BINS * step * 10 ** power)
    counts = [0] * (max(tokens) // width + 1)
    for one in tokens:
        counts[one // width] += 1
    return [Bin(number * width, (number + 1) * width, count) for number, count in enumerate(counts)]


def write_report(project: Project, limits: Limits | None = None) -> dict[str, Any]:
    """Make the report and keep it in the project, as Markdown and JSON; returns it as a record."""
    with knowledge(project) as connection:
        report = make_report(all_chunks(connection), limits or Limits(), datetime.now(UTC).isoformat(timespec="seconds"))
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


def exclude_duplicates(project: Project, only: Collection[int] | None = None) -> list[Duplicate]:
    """Exclude every chunk that repeats another one, as one action that Undo takes back.

    Args:
        only: the chunks that a person was shown as duplicates; others stay. None for all.
    """
    with knowledge(project) as connection:
        used = [one for one in all_chunks(connection) if one.state != "excluded" and one.content.strip()]
        found = [one for one in find_duplicates(used) if only is None or one.chunk in only]
        exclude_chunks(connection, [one.chunk for one in found], f"excluded {_count(len(found), 'duplicate')}")
    return found


def as_markdown(report: Report, name: str) -> str:
    """The report to read."""
    sizes = [f"| {label} | {one.total:,} | {one.smallest:,} | {one.median:,g} | {one.largest:,} |"
             for label, one in (("tokens", report.tokens), ("words", report.words), ("characters", report.characters))]
    bins = [f"| {one.start:,} to {one.end - 1:,} | {one.chunks:,} |" for one in report.histogram]
    documents = [f"| {_cell(one.source)} | {one.language} | {one.chunks:,} | {one.tokens:,} |" for one in report.documents]
    twins = [f"| {one.chunk} | {one.of} | {'the same text' if one.exact else f'{100 * one.similarity:.0f} % alike'} |"
             for one in report.duplicates[:LISTED]]
    more = [f"\n... and {len(report.duplicates) - LISTED:,} more."] if len(report.duplicates) > LISTED else []
    parts = [f"# Report: {name}", f"Made {report.made}.",
             f"{_count(len(report.documents), 'document')}, {_count(report.chunks, 'chunk')}, "
             f"{report.excluded:,} excluded, {report.held_out:,} held out for measuring.",
             "## Sizes\n\n" + _table(("per chunk in use", "in all", "smallest", "median", "largest"), sizes),
             "## Tokens per chunk\n\n" + _table(("tokens", "chunks"), bins),
             "## Findings\n\n" + "\n".join(f"- {one}" for one in findings(report)),
             "## Duplicates\n\n" + (_table(("chunk", "repeats chunk", "how"), twins) + "".join(more) if twins else "None."),
             "## Documents\n\n" + _table(("document", "language", "chunks", "tokens"), documents)]
    return "\n\n".join(parts) + "\n"


def findings(report: Report) -> list[str]:
    """What a person should look at, as lines with the chunks' numbers."""
    exact = [one.chunk for one in report.duplicates if one.exact]
    near = [one.chunk for one in report.duplicates if not one.exact]
    found = (("empty", report.empty), (f"shorter than {report.limits.shortest:,} tokens", report.too_short),
             (f"longer than {report.limits.longest:,} tokens", report.too_long), ("exact duplicates", exact), ("near duplicates", near))
    return [f"{label}: {_listed(ids)}" for label, ids in found]


def _listed(ids: Sequence[int]) -> str:
    if not ids:
        return "none"
    more = ", ..." if len(ids) > LISTED else ""
    return f"{len(ids):,} (chunk {', '.join(map(str, ids[:LISTED]))}{more})"


def _spread(values: Sequence[int]) -> Spread:
    return Spread(sum(values), min(values), float(median(values)), max(values)) if values else Spread(0, 0, 0.0, 0)


def _documents(chunks: Sequence[ChunkRow]) -> list[DocumentNumbers]:
    found = []
    for _, group in groupby(chunks, key=lambda one: one.document):
        own = list(group)
        found.append(DocumentNumbers(own[0].source, guess_language(one.content for one in own), len(own), sum(one.tokens for one in own)))
    return found


def _table(head: Sequence[str], lines: Sequence[str]) -> str:
    return "\n".join([f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}", *lines])


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"
