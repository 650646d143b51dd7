"""CSV and TSV -> records: each row one.

In: a table as text, in any usual encoding, parted by commas, semicolons, tabs or bars. Out: `Records`. The first row gives
the field names unless it holds numbers; a title above it is left out with a note.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path

from phases.rag_data.clean import safe_text, tidy_line
from phases.rag_data.extract.records import MOST_FIELDS, MOST_RECORDS, MOST_VALUE_CHARS, Records, checked, text_of
from phases.rag_data.extract.sniff import damaged
from phases.shared.errors import FileRejected

DELIMITERS = ",;\t|"
NAMED_DELIMITER = re.compile(r"\ufeff?sep=(.)\r?\n")  # Excel's own line
MOST_CAPTIONS = 5  # lines above a table
LONGEST_CAPTION = 200  # characters of it that the note shows
FEWEST_COLUMNS = 3  # of such a table; two may be a text with a comma in it
SAMPLE_CHARS = 65_536
SAMPLE_ROWS = 50
NUMBER = re.compile(r"[-+]?[\d.,]*\d[\d.,]*\s*%?")


def read_csv(path: Path, source: str, head: int = 0) -> Records:
    """Read a table whose delimiter is found out, or its first `head` rows. Raises FileRejected when a quotation mark never ends."""
    return _read(path, source, "", head)


def read_tsv(path: Path, source: str, head: int = 0) -> Records:
    """Read a table parted by tabs."""
    return _read(path, source, "\t", head)


def _read(path: Path, source: str, delimiter: str, head: int) -> Records:
    text, cut = text_of(path, head)
    text = text.replace("\x00", "")
    if named := NAMED_DELIMITER.match(text):
        text, delimiter = text[named.end():], named[1]
    captions, rows = _without_captions(_rows(text, delimiter or find_delimiter(text), source))
    first = next(rows, [])
    names, is_head = field_names(first)
    records, total, uneven = [], 0, 0
    for row in rows if is_head else _with(first, rows):
        total += 1
        if total > (head or MOST_RECORDS):
            if head:
                break
            continue
        uneven += len(row) > len(names)
        names += [f"Column {place}" for place in range(len(names) + 1, len(row) + 1)]
        records.append({name: checked(value, source) for name, value in zip(names, row, strict=False)})
    notes = [f"Left out what stands above the names of the columns: {' / '.join(captions)}"] if captions else []
    notes += [f"{uneven} rows have more fields than the first one."] if uneven else []
    return Records(records, None if cut or total > (head or total) else total, tuple(notes))


def _without_captions(rows: Iterator[list[str]]) -> tuple[list[str], Iterator[list[str]]]:
    """Lines of a single field above a table of several columns, as programs write a title or their source there; and the rows from the names on."""
    above = list(islice(rows, MOST_CAPTIONS + 1))
    filled = [sum(bool(one.strip()) for one in row) for row in above]
    first = next((place for place, count in enumerate(filled) if count > 1), 0)
    names_follow = bool(above) and filled[first] >= FEWEST_COLUMNS and not any(NUMBER.fullmatch(one.strip()) for one in above[first])
    captions = first if names_follow else 0
    return [tidy_line(safe_text("".join(row)))[:LONGEST_CAPTION] for row in above[:captions]], chain(above[captions:], rows)


def find_delimiter(text: str) -> str:
    """The delimiter that cuts most of the first rows into the same number of fields, and into the most of them."""
    sample = text[:SAMPLE_CHARS]

    def rank(delimiter: str) -> tuple[float, int]:
        rows = []
        try:
            for row in csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter):
                rows.append(len(row))
                if len(rows) > SAMPLE_ROWS:
                    break
        except csv.Error:
            return 0, 0
        fields, count = Counter(one for one in rows if one).most_common(1)[0] if any(rows) else (0, 0)
        return (count / len(rows) if fields > 1 else 0), fields

    return max(DELIMITERS, key=rank)


def _rows(text: str, delimiter: str, source: str) -> Iterator[list[str]]:
    """Rows with something in them."""
    csv.field_size_limit(MOST_VALUE_CHARS)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        for row in reader:
            if len(row) > MOST_FIELDS:
                raise FileRejected(f"'{source}' has more than {MOST_FIELDS} columns in line {reader.line_num}.",
                                   "Check that it is a table, and leave out columns.", subject=source, code="file_too_dense")
            if any(one.strip() for one in row):
                yield row
    except csv.Error as problem:
        if "field limit" in str(problem):
            raise FileRejected(f"'{source}' has a field of more than {MOST_VALUE_CHARS:,} characters near line {reader.line_num}.",
                               "A closing quotation mark may be missing there; or it is no table.", subject=source,
                               code="file_too_dense") from None
        raise damaged(source, f"line {reader.line_num}: {problem}") from None


def field_names(row: list[str]) -> tuple[list[str], bool]:
    """Field names from the first row, each once, and whether it was a head at all."""
    names = [tidy_line(safe_text(one).replace("\n", " ")) for one in row]
    if not any(names) or any(NUMBER.fullmatch(one) for one in names):
        return [f"Column {place}" for place in range(1, len(row) + 1)], False
    found: list[str] = []
    for place, name in enumerate(names, start=1):
        name = name or f"Column {place}"
        found.append(f"{name} ({place})" if name in found else name)
    return found, True


def _with(first: list[str], rows: Iterator[list[str]]) -> Iterator[list[str]]:
    if first:
        yield first
    yield from rows
