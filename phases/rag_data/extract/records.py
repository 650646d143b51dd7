"""Records (rows of a table, objects of a JSON file) -> text: each a short section of "- Field: value" lines.

In: records as mappings from field names to values. Out: Markdown text. A section's heading is the record's value in the first
column of words that tell the records apart (a name, a title); values of several lines stand below the list.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from phases.rag_data.clean import safe_text, tidy_line
from phases.rag_data.extract.columns import column_numbers
from phases.rag_data.extract.document import Block, Extracted, assemble, heading
from phases.shared.errors import FileRejected

Record = Mapping[str, str]
MOST_RECORDS = 50_000
MOST_FIELDS = 500
MOST_VALUE_CHARS = 1_000_000
DEEPEST = 32
SAMPLE = 200
LONGEST_HEADING = 120
WORDS = re.compile(r"[^\W\d_]{3,}")
ADDRESS = re.compile(r"\w+://|\S+@\S+\.\w+$")


def records_text(records: Sequence[Record], total: int, source: str, notes: tuple[str, ...] = ()) -> Extracted:
    """The text of all records; the title is the file's name. `total`: how many the file holds; a note names those beyond."""
    if total > len(records):
        notes = (*notes, f"Read the first {len(records):,} of {total:,} records; split the file to add the others.")
    column = heading_column(records)
    return Extracted(assemble(block for number, one in enumerate(records, start=1) for block in _section(one, column, number))[0],
                     PurePosixPath(source).stem, notes=notes, columns=column_numbers(records))


def heading_column(records: Sequence[Record]) -> str:
    """The first column whose values are short words and mostly differ; else the first of words; else "" (numbered headings)."""
    sample = records[:SAMPLE]
    named = []
    for column in dict.fromkeys(name for one in sample for name in one):
        values = [one[column] for one in sample if one.get(column)]
        fitting = [value for value in values if WORDS.search(value) and len(value) <= LONGEST_HEADING and not ADDRESS.match(value)]
        if len(fitting) * 2 > len(sample):
            named.append((column, len(set(fitting)) / len(fitting)))
    return next((column for column, distinct in named if distinct > 0.5), named[0][0] if named else "")


def _section(record: Record, column: str, number: int) -> Iterator[Block]:
    """Heading, short values as a list, long ones as text. Fields without a value are left out, and so is the heading's own
    field where another stands below it: it would only ask what the title of a title is.
    """
    short = {name: value for name, value in record.items() if value and "\n" not in value}
    if not any(record.values()):
        return
    title = tidy_line(short.get(column, ""))[:LONGEST_HEADING]
    if title and title == short[column] and sum(map(bool, record.values())) > 1:
        del short[column]
    yield Block(heading(1, title or f"Record {number}"))
    for place, (name, value) in enumerate(short.items()):
        yield Block(f"- {name}: {value}", tight=place > 0)
    for name, value in record.items():
        if "\n" in value:
            yield Block(f"{name}:\n{re.sub(r'^(?=#)', ' ', value, flags=re.MULTILINE)}")


def flatten(value: Any, source: str) -> dict[str, str]:
    """Nested objects and lists as one record with dotted names: {"a": {"b": 1}} is {"a.b": "1"}.

    Lists of plain values become one value parted by commas. Raises FileRejected for what is nested too deep or too large.
    """
    found: dict[str, str] = {}
    _gather(value, "", 0, found, source)
    return found


def _gather(value: Any, name: str, depth: int, found: dict[str, str], source: str) -> None:
    if depth > DEEPEST:
        raise too_deep(source)
    if isinstance(value, dict):
        for key, inner in value.items():
            key = tidy_line(safe_text(str(key)).replace("\n", " "))
            _gather(inner, f"{name}.{key}" if name else key, depth + 1, found, source)
    elif isinstance(value, list) and any(isinstance(one, dict | list) for one in value):
        for number, inner in enumerate(value, start=1):
            _gather(inner, f"{name}.{number}" if name else str(number), depth + 1, found, source)
    else:
        plain = ", ".join(map(shown, value)) if isinstance(value, list) else shown(value)
        if len(found) >= MOST_FIELDS:
            raise FileRejected(f"'{source}' has a record of more than {MOST_FIELDS} fields.",
                               "Save it as a list of smaller records.", subject=source, code="file_too_dense")
        found[name or "value"] = checked(plain, source)


def checked(value: str, source: str) -> str:
    """A value made safe. Raises FileRejected for one that is longer than any text a person writes."""
    if len(value) > MOST_VALUE_CHARS:
        raise FileRejected(f"'{source}' holds a single value of {len(value):,} characters.",
                           "Check that it is text, and split it.", subject=source, code="file_too_dense")
    return re.sub(r"\n{3,}", "\n\n", safe_text(value)).strip()


def shown(value: Any) -> str:
    """A plain JSON value as words; null is nothing."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else f"{value:.15g}" if isinstance(value, float) else str(value)


def too_deep(source: str) -> FileRejected:
    return FileRejected(f"'{source}' is nested more than {DEEPEST} levels deep.", "Save it as a flat list of records.",
                        subject=source, code="file_too_dense")
