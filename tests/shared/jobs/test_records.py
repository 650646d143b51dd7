"""Records become rows once each; of some that come together, those before one that is refused stay."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from phases.shared.database.connection import knowledge
from phases.shared.files import append_json_line
from phases.shared.jobs.records import RecordTail, apply_new
from phases.shared.project import Project, create_project


def store(connection: sqlite3.Connection, project: Project, job: str, record: dict[str, Any]) -> None:
    connection.execute("INSERT INTO datasets (name) VALUES (?)", (record["name"],))
    if record["name"] == "bad":
        raise ValueError("no name for a set")


def names(project: Project) -> list[str]:
    with knowledge(project) as connection:
        return [row["name"] for row in connection.execute("SELECT name FROM datasets ORDER BY id")]


def test_records_before_a_refused_one_are_stored_and_nothing_of_it(projects: Path) -> None:
    project, path = create_project(projects, "house"), projects / "records.jsonl"
    for number, name in enumerate(("a", "b", "bad", "c"), start=1):
        append_json_line(path, {"sequence": number, "name": name})
    tail = RecordTail(path)
    for _ in range(2):  # also when it is tried again
        with pytest.raises(ValueError, match="no name for a set"):
            apply_new(tail, store, project, "job-1")
        assert names(project) == ["a", "b"]
    assert apply_new(tail, lambda connection, _, __, record: connection.execute("INSERT INTO datasets (name) VALUES (?)", (record["name"],)),
                     project, "job-1")
    assert names(project) == ["a", "b", "bad", "c"]
    assert apply_new(RecordTail(path), store, project, "job-1")  # from the start, as another worker does: each counts once
    assert names(project) == ["a", "b", "bad", "c"]
