"""What stands in the columns of a file of records: how many values are missing, and how often each label is given.

In: records as mappings from field names to values. Out: for each column {"name", "rows", "empty"}, and for a column of labels, by its name or
because few values sort many rows, also {"values": {label: rows}}, the most frequent first. The report of tab 1 shows them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

LABEL_NAME = re.compile(r"(?:.*[._ -])?(?:labels?|category|categories|class|kategorie|klasse|intent|sentiment|topic|thema)", re.IGNORECASE)
MOST_LABELS = 100
LONGEST_LABEL = 80
MOST_KINDS, MOST_NUMBERS, ROWS_PER_KIND = 12, 3, 10


def column_numbers(records: Sequence[Mapping[str, str]]) -> list[dict[str, Any]]:
    """The columns in the order in which they first appear; a record without a field has no value there."""
    filled: Counter[str] = Counter()
    for one in records:
        filled.update({name: int(bool(value.strip())) for name, value in one.items()})
    columns = []
    for name, count in filled.items():
        column: dict[str, Any] = {"name": name, "rows": len(records), "empty": len(records) - count}
        values = _labels(records, name)
        if LABEL_NAME.fullmatch(name) and values or _sorts(values):
            column["values"] = values
        columns.append(column)
    return columns


def _sorts(values: Mapping[str, int]) -> bool:
    """Whether few values sort many rows, as sex or country do whatever their column is called; numbers only where there are very few of them."""
    most = MOST_NUMBERS if all(one.replace(".", "", 1).lstrip("-").isdecimal() for one in values) else MOST_KINDS
    return 1 < len(values) <= most and sum(values.values()) >= ROWS_PER_KIND * len(values)


def _labels(records: Sequence[Mapping[str, str]], name: str) -> dict[str, int]:
    """None where the values are too many or too long to be labels."""
    counts: Counter[str] = Counter()
    for one in records:
        value = one.get(name, "").strip()
        counts.update([value] if value else [])
        if len(counts) > MOST_LABELS or len(value) > LONGEST_LABEL:
            return {}
    return dict(counts.most_common())
