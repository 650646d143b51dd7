"""Records (rows of a table, objects of a JSON file) -> text, as a template has it, or each a section of "- Field: value" lines.

In: records as mappings from field names to values. Out: Markdown text. Without a template, a section's heading is the record's
value in the first column of words that tell the records apart (a name, a title); values of several lines stand below the list.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import Any

from phases.rag_data.clean import safe_text, tidy_line
from phases.rag_data.extract.columns import column_numbers
from phases.rag_data.extract.document import Block, Extracted, assemble, closed_code, heading, paragraph
from phases.rag_data.extract.labels import Label
from phases.rag_data.extract.sniff import UTF16_MARKS
from phases.rag_data.extract.templated import Templated
from phases.rag_data.extract.text import decode
from phases.rag_data.templates import check_columns, columns_of
from phases.shared.errors import FileRejected

Record = Mapping[str, str]
MOST_RECORDS = 50_000
MOST_FIELDS = 500
MOST_VALUE_CHARS = 1_000_000
HEAD_BYTES = 2 * 1024**2
DEEPEST = 32
SAMPLE = 200
LONGEST_HEADING = 120
WORDS = re.compile(r"[^\W\d_]{3,}")
ADDRESS = re.compile(r"\w+://|\S+@\S+\.\w+$")


@dataclass(frozen=True)
class Records:
    """What a format's function read: the records, and how many the file holds (None: only its head was read)."""

    records: Sequence[Record]
    total: int | None
    notes: tuple[str, ...] = ()


def records_text(found: Records, source: str, template: str = "", labels: Mapping[str, Label] | None = None) -> Extracted:
    """The text of all records; the title is the file's name. Records beyond the most that are read are named in a note.

    Args:
        template: how a record reads; "" makes a section of each.
        labels: what fields are called where there is no template.

    Raises:
        FileRejected: the template asks for a column that there is not.
    """
    notes, records = found.notes, found.records
    if found.total is not None and found.total > len(records):
        notes = (*notes, f"Read the first {len(records):,} of {found.total:,} records; split the file to add the others.")
    if template:
        shaped = Templated(template)
        check_columns(shaped.template, columns_of(records), source)
        blocks: Iterable[Block] = list(shaped.blocks(records))
        notes = (*notes, *shaped.notes())
    else:
        column, labels = heading_column(records), labels or {}
        sections = (block for number, one in enumerate(records, start=1) for block in _section(one, column, number, labels))
        blocks = chain(_legend(records, labels, source), sections)
    return Extracted(assemble(blocks)[0], PurePosixPath(source).stem, notes=notes, columns=column_numbers(records))


def as_head(found: Records) -> Extracted:
    """The records as JSON, for who shows how they will read."""
    return Extracted(json.dumps({"records": list(found.records), "total": found.total}), notes=found.notes)


def _legend(records: Sequence[Record], labels: Mapping[str, Label], source: str) -> Iterator[Block]:
    """What the described fields mean, once, before the records."""
    told = [labels[name] for name in columns_of(records) if name in labels and labels[name].description]
    if told:
        yield Block(heading(1, f"Fields of {PurePosixPath(source).stem}"))
    for place, one in enumerate(told):
        yield Block(f"- {one.label}: {one.description}", tight=place > 0)


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


def _section(record: Record, column: str, number: int, labels: Mapping[str, Label]) -> Iterator[Block]:
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
        label = labels.get(name, Label(name))
        yield Block(f"- {label.label}: {value}{label.unit and ' '}{label.unit}", tight=place > 0)
    for name, value in record.items():
        if "\n" in value:
            yield Block(f"{labels.get(name, Label(name)).label}:\n{closed_code(paragraph(value))}")


def text_of(path: Path, head: int) -> tuple[str, bool]:
    """The text of a file, or for a head whole lines of its first bytes; and whether it goes on behind them."""
    if not head or path.stat().st_size <= HEAD_BYTES:
        return decode(path.read_bytes()), False
    with path.open("rb") as file:
        data = file.read(HEAD_BYTES)
    if not data.startswith(UTF16_MARKS):
        data = data[:data.rfind(b"\n") + 1] or data.decode("utf-8", errors="ignore").encode()
    text = decode(data)
    return text[:text.rfind("\n") + 1] or text, True


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
