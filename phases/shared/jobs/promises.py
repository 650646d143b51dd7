"""Models that jobs in the queue are going to make: what a job that waits for them may start from, measure or export.

In: the queue, a project, and the id of the job that is waited for. Out: a `Promise` for each model by its name. Whoever takes one reads
the result of that very job, models/runs/JOB, which nothing replaces; a model of the same name that is there already is not meant.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from phases.shared.database import jobs as table
from phases.shared.jobs.kinds import KINDS, JobKind, load_named
from phases.shared.options import resolve
from phases.shared.project import Project

Promises = Mapping[str, "Promise"]


@dataclass(frozen=True)
class Promise:
    """A model that is not there yet.

    name: as the project will call it ("cpt", "cpt-NAME", "final" ...). job: the one that makes it, of the kind `kind`. base: the base
    model at its root.
    """

    name: str
    job: str
    kind: str
    base: str


def promised_models(projects: Path, project: Project, after: str | None) -> dict[str, Promise]:
    """What a job of the project that waits for the job `after` may count on; nothing where it waits for none."""
    if after is None:
        return {}
    with table.job_table(projects) as connection:
        return promises_before(connection, project, after)


def promises_before(connection: sqlite3.Connection, project: Project, after: str | None,
                    kinds: Mapping[str, JobKind] = KINDS) -> dict[str, Promise]:
    """The models of the job `after` and of those that it waits for in turn; of two with one name the later. A job that is done has
    kept its promise: its model counts like any other."""
    found: dict[str, Promise] = {}
    while after is not None and (row := table.select_job(connection, after)) is not None and row["state"] != "done":
        promise = _promise(project, row, kinds)
        if promise is not None:
            found.setdefault(promise.name, promise)
        after = row["after"]
    return found


def coming_models(projects: Path, project: Project) -> dict[str, Promise]:
    """The models that any job of the project which waits or runs will make."""
    with table.job_table(projects) as connection:
        rows = table.select_jobs(connection, project.name, ("queued", "running"), None, 200)
    return {one.name: one for one in (_promise(project, row, KINDS) for row in rows) if one is not None}


def _promise(project: Project, row: sqlite3.Row, kinds: Mapping[str, JobKind]) -> Promise | None:
    kind = kinds.get(row["kind"])
    inputs = project.job_dir(row["id"]) / "inputs"
    if kind is None or not kind.makes or row["project"] != project.name or not inputs.is_dir():
        return None
    name, base = load_named(kind.makes)(resolve(load_named(kind.config), json.loads(row["config"])), inputs)
    return Promise(name, row["id"], row["kind"], base)
