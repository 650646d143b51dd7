"""Reading a knowledge base that another program, or another project, made: its `rag_chunks`, and nothing else of it.

In: a database file that nobody vouches for. Out: `ForeignChunk` records by source and place. The file is opened read-only; an
authorizer lets SQLite do nothing but read plain tables of known names, so no view, trigger, function or attached file comes in.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from phases.shared.errors import FileRejected

TABLE = "rag_chunks"
STATES = "chunk_records"  # a project's own knowledge base says there which chunks a person excluded
COLUMNS = ("id", "content", "source", "chunk_index", "metadata")
MOST_CHUNKS = 100_000
MOST_CHARACTERS = 100_000_000
LONGEST_CONTENT = 1_000_000
LONGEST_METADATA = 100_000
READING = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_PRAGMA}


@dataclass(frozen=True)
class ForeignChunk:
    """A chunk as it stands there; `source` is "" where none is named."""

    content: str
    source: str
    metadata: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ForeignChunks:
    """All chunks, by source in the order in which sources come up, then by chunk_index; and how many were left out."""

    chunks: list[ForeignChunk]
    without_text: int
    excluded: int


def read_foreign_chunks(path: Path, name: str) -> ForeignChunks:
    """Read the chunks of a database. Raises FileRejected when it is none, has no such table, or too much in it."""
    try:
        with _opened(path) as connection:
            columns = _columns(connection, name)
            return _read(connection, columns, name)
    except sqlite3.DatabaseError as problem:
        raise _refused(name, f"cannot be read as a database: {problem}", "Check that it was copied whole, while no program wrote to it.",
                       "file_damaged") from None


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
        for pragma in ("trusted_schema=OFF", "cell_size_check=ON", "mmap_size=0", "query_only=ON"):
            connection.execute(f"PRAGMA {pragma}")
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST_CONTENT * 8)
        connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
        connection.text_factory = lambda data: data.decode("utf-8", errors="replace")
        connection.set_authorizer(_authorized)
        yield connection


def _authorized(action: int, first: str | None, second: str | None, *_: str | None) -> int:
    """Reading of the chunks, of their states, and of the list of tables; of the pragmas the one that lists columns."""
    if action == sqlite3.SQLITE_READ and first not in (TABLE, STATES, "sqlite_master", "pragma_table_xinfo"):
        return sqlite3.SQLITE_DENY
    if action == sqlite3.SQLITE_PRAGMA and first != "table_xinfo":
        return sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_OK if action in READING else sqlite3.SQLITE_DENY


def _columns(connection: sqlite3.Connection, name: str) -> list[str]:
    """Those of the known columns that the table has."""
    found = _definition(connection, TABLE)
    if found is None:
        raise _refused(name, f"has no table {TABLE}, and so is no knowledge base", "Add the documents that it was made from.",
                       "file_wrong_kind")
    if not _is_plain(found):
        raise _refused(name, f"has no plain table {TABLE}: what bears that name computes its rows",
                       f"Copy the rows into a plain table {TABLE}.", "file_wrong_kind")
    columns = _stored_columns(connection, TABLE, COLUMNS)
    if "content" not in columns:
        raise _refused(name, f"has a table {TABLE} without a column 'content'", "Name the column with the texts 'content'.", "file_wrong_kind")
    return columns


def _definition(connection: sqlite3.Connection, table: str) -> tuple[str, str] | None:
    return connection.execute("SELECT type, sql FROM sqlite_master WHERE name = ?", (table,)).fetchone()


def _is_plain(definition: tuple[str, str] | None) -> bool:
    return definition is not None and definition[0] == "table" and not str(definition[1]).lstrip().upper().startswith("CREATE VIRTUAL")


def _stored_columns(connection: sqlite3.Connection, table: str, known: tuple[str, ...]) -> list[str]:
    """Those of the known columns that the table has and does not compute."""
    rows = connection.execute(f"PRAGMA table_xinfo({table})").fetchall()
    return [column for column in known if any(row[1] == column and not row[6] for row in rows)]


def _excluded(connection: sqlite3.Connection) -> set[int]:
    """The ids of chunks that a person excluded; none where nothing says so."""
    if not _is_plain(_definition(connection, STATES)) or len(_stored_columns(connection, STATES, ("id", "state"))) < 2:
        return set()
    return {row[0] for row in connection.execute(f"SELECT id FROM {STATES} WHERE state = 'excluded'")}


def _read(connection: sqlite3.Connection, columns: list[str], name: str) -> ForeignChunks:
    order = ", ".join(one for one in ("chunk_index", "id") if one in columns) or "rowid"
    named = ", ".join(f'"{one}"' for one in columns)
    by_source: dict[str, list[ForeignChunk]] = {}
    excluded = _excluded(connection) if "id" in columns else set()
    count = characters = without_text = left_out = 0
    for row in connection.execute(f"SELECT {named} FROM {TABLE} ORDER BY {order}"):
        values = dict(zip(columns, row, strict=True))
        content, source = values["content"], values.get("source")
        count += 1
        if values.get("id") in excluded:
            left_out += 1
            continue
        if not isinstance(content, str) or not content.strip():
            without_text += 1
            continue
        characters += len(content)
        if count > MOST_CHUNKS or characters > MOST_CHARACTERS or len(content) > LONGEST_CONTENT:
            raise _refused(name, f"holds more than {MOST_CHUNKS:,} chunks, more than {MOST_CHARACTERS:,} characters, or a chunk of more than "
                                 f"{LONGEST_CONTENT:,}", "Split it.", "file_too_large")
        source = source.strip() if isinstance(source, str) else ""
        by_source.setdefault(source, []).append(ForeignChunk(content, source, _metadata(values.get("metadata"))))
    return ForeignChunks([one for chunks in by_source.values() for one in chunks], without_text, left_out)


def _metadata(value: Any) -> dict[str, Any]:
    """Metadata where it is a JSON object of reasonable size; else nothing."""
    if not isinstance(value, str) or len(value) > LONGEST_METADATA:
        return {}
    try:
        found = json.loads(value)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _refused(name: str, what: str, advice: str, code: str) -> FileRejected:
    return FileRejected(f"'{name}' {what}.", advice, subject=name, code=code)
