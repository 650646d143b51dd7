"""The report on the knowledge base as Markdown.

In: a `Report` (report_numbers.py). Out: the text of `data/report.md`, which `python app.py report NAME` prints too.
"""

from __future__ import annotations

from collections.abc import Sequence

from phases.rag_data.report_numbers import Report

LISTED = 40
WIDEST_BAR = 30


def as_markdown(report: Report, name: str) -> str:
    """The report to read."""
    sizes = [f"| {label} | {one.total:,} | {one.smallest:,} | {one.median:,g} | {one.largest:,} |"
             for label, one in (("tokens", report.tokens), ("words", report.words), ("characters", report.characters))]
    most = max((one.chunks for one in report.histogram), default=0)
    bins = [f"| {one.start:,} to {one.end - 1:,} | {one.chunks:,} | {_bar(one.chunks, most)} |" for one in report.histogram]
    documents = [f"| {_cell(one.source)} | {one.language} | {one.chunks:,} | {one.tokens:,} |" for one in report.documents]
    parts = [f"# Report: {name}", f"Made {report.made}.",
             f"{counted(len(report.documents), 'document')}, {counted(report.chunks, 'chunk')}, "
             f"{report.excluded:,} excluded, {report.held_out:,} held out for measuring.",
             "## Sizes\n\n" + _table(("per chunk in use", "in all", "smallest", "median", "largest"), sizes),
             "## Tokens per chunk\n\n" + _table(("tokens", "chunks", ""), bins),
             "## Findings\n\n" + "\n".join(f"- {one}" for one in findings(report)),
             "## Languages\n\n" + _table(("language", "chunks"), [f"| {one} | {count:,} |" for one, count in report.languages.items()]),
             "## Duplicates\n\n" + _duplicates(report), *_columns(report), *_cleaning(report),
             "## Documents\n\n" + _table(("document", "language", "chunks", "tokens"), documents)]
    return "\n\n".join(parts) + "\n"


def findings(report: Report) -> list[str]:
    """What a person should look at, as lines with the chunks' numbers."""
    exact = [one.chunk for one in report.duplicates if one.exact]
    near = [one.chunk for one in report.duplicates if not one.exact]
    found = (("empty", report.empty), (f"shorter than {report.settings.shortest:,} tokens", report.too_short),
             (f"longer than {report.settings.longest:,} tokens", report.too_long), ("exact duplicates", exact), ("near duplicates", near),
             (f"in another language than {', '.join(report.expected)}", report.other_language))
    return [f"{label}: {_listed(ids)}" for label, ids in found]


def counted(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def _duplicates(report: Report) -> str:
    twins = [f"| {one.chunk} | {one.of} | {'the same text' if one.exact else f'{100 * one.similarity:.0f} % alike'} |"
             for one in report.duplicates[:LISTED]]
    more = f"\n\n... and {len(report.duplicates) - LISTED:,} more." if len(report.duplicates) > LISTED else ""
    return _table(("chunk", "repeats chunk", "how"), twins) + more if twins else "None."


def _columns(report: Report) -> list[str]:
    """Missing values and labels of files of records; nothing where there are none."""
    if not report.columns:
        return []
    rows = [f"| {_cell(one.source)} | {_cell(one.name)} | {one.rows:,} | {one.empty:,} | {100 * one.empty / max(one.rows, 1):.0f} % |"
            for one in report.columns]
    parts = ["## Columns of records\n\n" + _table(("document", "column", "rows", "without a value", "share"), rows)]
    labels = [f"| {_cell(one.source)} | {_cell(one.name)} | {_cell(label)} | {count:,} |"
              for one in report.columns for label, count in one.values.items()]
    return [*parts, "## Labels\n\n" + _table(("document", "column", "label", "rows"), labels)] if labels else parts


def _cleaning(report: Report) -> list[str]:
    rows = [f"| {step.replace('_', ' ')} | {count:,} |" for step, count in report.cleaning.items()]
    return ["## Cleaning\n\n" + _table(("step", "changes"), rows)] if rows else []


def _bar(value: int, most: int) -> str:
    return "\u2588" * max(1, round(WIDEST_BAR * value / most)) if value else ""


def _listed(ids: Sequence[int]) -> str:
    if not ids:
        return "none"
    more = ", ..." if len(ids) > LISTED else ""
    return f"{len(ids):,} (chunk {', '.join(map(str, ids[:LISTED]))}{more})"


def _table(head: Sequence[str], lines: Sequence[str]) -> str:
    return "\n".join([f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}", *lines])


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
