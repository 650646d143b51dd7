"""Opening `wissensbasis.sqlite`: pragmas, migrations, transactions.

In: a project (or any database file with a list of migrations). Out: a connection that is ready to use.
Rollback journal and `synchronous=FULL`: what a commit acknowledged survives `kill -9` and a power cut. (WAL had a
corruption bug with several writers up to SQLite 3.51.2: https://www.sqlite.org/wal.html#walresetbug.)
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from phases.shared.database.schema import KNOWLEDGE_MIGRATIONS
from phases.shared.errors import StorageError
from phases.shared.project import Project

BUSY_SECONDS = 30.0


@contextmanager
def knowledge(project: Project) -> Iterator[sqlite3.Connection]:
    """The project's knowledge base, closed at the end of the block."""
    with closing(open_database(project.database, KNOWLEDGE_MIGRATIONS)) as connection:
        yield connection


def open_database(path: Path, migrations: Sequence[str]) -> sqlite3.Connection:
    """A connection in autocommit mode (use `transaction`), rows by name, schema brought up to date.

    Raises StorageError when the file is no database or was written by a newer version of the program.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        connection.row_factory = sqlite3.Row
        for pragma in ("foreign_keys=ON", "synchronous=FULL", f"busy_timeout={int(BUSY_SECONDS * 1000)}"):
            connection.execute(f"PRAGMA {pragma}")
        migrate(connection, migrations, path.name)
    except sqlite3.DatabaseError as problem:
        connection.close()
        raise StorageError(f"{path.name} cannot be opened: {problem}.",
                           "If it is damaged, restore it from a copy of the project folder.", subject=path.name,
                           code="database_unreadable") from problem
    except BaseException:
        connection.close()
        raise
    return connection


def migrate(connection: sqlite3.Connection, migrations: Sequence[str], name: str) -> None:
    """Apply the migrations that are missing, and note their number, in one transaction."""
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > len(migrations):
        raise StorageError(f"{name} was written by a newer version of Lehrling (schema {version}, known {len(migrations)}).",
                           "Open it with that version, or update this one.", subject=name, code="database_newer")
    if version == len(migrations):
        return
    with transaction(connection):
        version = connection.execute("PRAGMA user_version").fetchone()[0]  # another process may have been faster
        for script in migrations[version:]:
            for statement in statements_of(script):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version={max(version, len(migrations))}")


def statements_of(script: str) -> Iterator[str]:
    """The single statements of a script; triggers with inner semicolons stay whole."""
    pending = ""
    for line in script.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            yield pending
            pending = ""


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """One short writing transaction; inside another one it joins that."""
    if connection.in_transaction:
        yield connection
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


@contextmanager
def savepoint(connection: sqlite3.Connection) -> Iterator[None]:
    """A part of a transaction that can fail alone: what it did is taken back, what stood before stays."""
    connection.execute("SAVEPOINT part")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK TO part")
        raise
    finally:
        connection.execute("RELEASE part")
