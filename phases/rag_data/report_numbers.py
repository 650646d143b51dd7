"""What the knowledge base holds and what is wrong with it: numbers, token histogram, findings, duplicates, languages, columns.

In: chunks, as rows, and how their documents were read. Out: a `Report`. Pure; report.py reads and writes, report_text.py makes
Markdown of it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from statistics import median
from typing import Any

from phases.rag_data.clean.switches import added_up
from phases.rag_data.config import ReportConfig
from phases.rag_data.language import UNKNOWN
from phases.rag_data.similar import Duplicate, find_duplicates
from phases.shared.database.chunks import ChunkRow

MOST_BINS = 20


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
    """A document; `language` is the one of most of its chunks, "unknown" where their words do not tell."""

    source: str
    language: str
    chunks: int
    tokens: int


@dataclass(frozen=True)
class ColumnNumbers:
    """A column of a file of records: how many rows there are, how many without a value, and how often each label is given where
    the column holds labels."""

    source: str
    name: str
    rows: int
    empty: int
    values: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Report:
    """Sizes, findings, languages and duplicates are of the chunks that are not excluded; findings are ids of chunks.

    `expected` are the languages that chunks should be in, `languages` counts chunks, `cleaning` what each step changed.
    """

    made: str
    settings: ReportConfig
    expected: list[str]
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
    other_language: list[int]
    languages: dict[str, int]
    duplicates: list[Duplicate]
    documents: list[DocumentNumbers]
    columns: list[ColumnNumbers]
    cleaning: dict[str, int]


def make_report(chunks: Sequence[ChunkRow], config: ReportConfig, made: str = "", language: str = "en",
                readings: Mapping[str, Mapping[str, Any]] | None = None) -> Report:
    """Count and compare.

    Args:
        chunks: all there are, in reading order, each with its language.
        language: the project's, for when the settings expect none.
        readings: how each document was read, by its name.
    """
    used = [one for one in chunks if one.state != "excluded"]
    full = [one for one in used if one.content.strip()]
    expected = expected_languages(config.language or language)
    languages = Counter(one.language or UNKNOWN for one in full)
    return Report(
        made, config, expected, len(chunks), len(chunks) - len(used), sum(one.held_out for one in used),
        tokens=_spread([one.tokens for one in used]), words=_spread([len(one.content.split()) for one in used]),
        characters=_spread([len(one.content) for one in used]), histogram=token_histogram([one.tokens for one in used]),
        empty=[one.id for one in used if not one.content.strip()],
        too_short=[one.id for one in full if one.tokens < config.shortest],
        too_long=[one.id for one in full if one.tokens > config.longest],
        other_language=[one.id for one in full if (one.language or UNKNOWN) not in {*expected, UNKNOWN}],
        languages=dict(languages.most_common()), duplicates=find_duplicates(full, config.similarity), documents=_documents(chunks),
        columns=[ColumnNumbers(source, **column) for source, reading in (readings or {}).items() for column in reading.get("columns") or ()],
        cleaning={step: one["count"] for step, one in added_up(one.get("cleaning") or {} for one in (readings or {}).values()).items()})


def expected_languages(words: str) -> list[str]:
    """ "de-AT, en" as ["de", "en"]."""
    return list(dict.fromkeys(re.split(r"[-_]", one.strip())[0].lower() for one in words.split(",") if one.strip()))


def token_histogram(tokens: Sequence[int]) -> list[Bin]:
    """Bins of one round width (1, 2 or 5 with noughts), from 0 to the longest chunk, twenty at most."""
    if not tokens:
        return []
    width = next(step * 10 ** power for power in range(12) for step in (1, 2, 5) if max(tokens) < MOST_BINS * step * 10 ** power)
    counts = [0] * (max(tokens) // width + 1)
    for one in tokens:
        counts[one // width] += 1
    return [Bin(number * width, (number + 1) * width, count) for number, count in enumerate(counts)]


def _spread(values: Sequence[int]) -> Spread:
    return Spread(sum(values), min(values), float(median(values)), max(values)) if values else Spread(0, 0, 0.0, 0)


def _documents(chunks: Sequence[ChunkRow]) -> list[DocumentNumbers]:
    found = []
    for _, group in groupby(chunks, key=lambda one: one.document):
        own = list(group)
        told = Counter({one.language: 0 for one in own})
        for one in own:
            told[one.language] += len(one.content)
        named = [language for language, _ in told.most_common() if language not in {None, UNKNOWN}]
        found.append(DocumentNumbers(own[0].source, named[0] if named else UNKNOWN, len(own), sum(one.tokens for one in own)))
    return found
