"""Parquet -> records: each row one, nested columns by dotted names.

In: a Parquet file. Out: `Records`. Columns of bytes (pictures, sounds), and the row numbers that pandas adds, are left out with a note.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow
from pyarrow.parquet import ParquetFile

from phases.rag_data.extract.records import MOST_RECORDS, Records, flatten
from phases.rag_data.extract.sniff import damaged

ROWS_AT_A_TIME = 1_000
NAMELESS_INDEX = re.compile(r"__index_level_\d+__")  # what pandas calls an index to which nobody gave a name


def read_parquet(path: Path, source: str, head: int = 0) -> Records:
    """Read the rows of a table, or its first `head` ones. Raises FileRejected when its parts cannot be read."""
    records: list[dict[str, str]] = []
    left_out: set[str] = set()
    most = head or MOST_RECORDS
    try:
        with ParquetFile(path, pre_buffer=False) as file:
            indexes = _nameless_indexes(file)
            columns = [name for name in file.schema_arrow.names if name not in indexes] if indexes else None
            for batch in file.iter_batches(min(most, ROWS_AT_A_TIME), columns=columns, use_threads=False):
                for row in batch.to_pylist()[:most - len(records)]:
                    records.append(flatten(without_bytes(row, left_out), source))
                if len(records) >= most:
                    break
            total = file.metadata.num_rows
    except (pyarrow.ArrowException, OSError, UnicodeDecodeError) as problem:
        raise damaged(source, type(problem).__name__) from None
    notes = [f"Left out what is not text in: {', '.join(sorted(left_out))}."] if left_out else []
    notes += [note_on_indexes(indexes)] if indexes else []
    return Records(records, None if head and total > len(records) else total, tuple(notes))


def note_on_indexes(names: Iterable[str]) -> str:
    """What to say of an index that was not read."""
    return f"Left out the row numbers that pandas added: {', '.join(names)}."


def _nameless_indexes(file: ParquetFile) -> list[str]:
    """The columns that are pandas' index and nobody's data; an index with a name is data."""
    about = file.schema_arrow.pandas_metadata or {}
    return [one for one in about.get("index_columns", ()) if isinstance(one, str) and NAMELESS_INDEX.fullmatch(one)]


def without_bytes(value: Any, left_out: set[str], name: str = "") -> Any:
    """A value without the bytes in it; `left_out` gathers the names of their columns."""
    if isinstance(value, dict):
        return {key: without_bytes(one, left_out, name or str(key)) for key, one in value.items()}
    if isinstance(value, list):
        return [without_bytes(one, left_out, name) for one in value]
    if isinstance(value, bytes):
        left_out.add(name)
        return None
    return value
