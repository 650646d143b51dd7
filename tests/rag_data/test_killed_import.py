"""Killed at any moment, an import leaves whole documents only, and going on, or running it again, completes it without duplicates.

A few moments by default; `LEHRLING_KILL_POINTS=21 python -m pytest tests/rag_data/test_killed_import.py` kills after each number of
stored files from 0 to 20, every process in turn.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from phases.rag_data.config import IngestConfig
from phases.rag_data.ingest import ingest_files
from phases.shared.database.connection import knowledge
from phases.shared.jobs.context import RECORDS_FILE
from phases.shared.jobs.queue import Job, get_job, resume_job
from phases.shared.jobs.wait import wait_for_job
from phases.shared.project import Project, create_project
from tests.rag_data.files import make_docx, make_pdf

FILES = 20
CONFIG = IngestConfig(chunk_size=64, chunk_overlap=8)
WORKER = ("import sys; from pathlib import Path; from phases.shared.jobs.wait import wait_for_job; "
          "wait_for_job(Path(sys.argv[1]), sys.argv[2], lambda job: None)")
POINTS = int(os.environ.get("LEHRLING_KILL_POINTS", "0"))
MOMENTS = ([(victim, after) for victim in ("job", "worker", "both") for after in range(POINTS)]
           or [("job", 0), ("job", 9), ("worker", 4), ("both", 13)])


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("files")
    made = [make_pdf(folder / "00.pdf"), make_docx(folder / "01.docx")]
    for number in range(2, FILES):
        made.append(folder / f"{number:02}.md")
        made[-1].write_text("\n\n".join(f"## Part {part}\n\nThe keeper of house {number} climbs {part} steps, then rests. " * 3
                                        for part in range(60)))
    return made


@pytest.fixture(scope="module")
def uninterrupted(files: list[Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    projects = tmp_path_factory.mktemp("whole") / "projects"
    project = create_project(projects, "house")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LEHRLING_LOCKS", str(projects.parent / "locks"))
        job = wait_for_job(projects, ingest_files(projects, project, CONFIG, files).id, lambda _: None)
    assert len(job.result["added"]) == FILES
    return {"result": job.result, "rows": rows_of(project)}


@pytest.fixture
def project(projects: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("LEHRLING_LOCKS", str(projects.parent / "locks"))
    return create_project(projects, "house")


@pytest.fixture
def worker(project: Project, files: list[Path]) -> Iterator[tuple[Job, subprocess.Popen]]:
    """The import under way, worked off by another process."""
    projects = project.root.parent
    job = ingest_files(projects, project, CONFIG, files)
    process = subprocess.Popen([sys.executable, "-c", WORKER, str(projects), job.id])
    yield job, process
    process.kill()
    process.wait()


def rows_of(project: Project) -> dict[str, list[tuple]]:
    """All that an import stores, but for the job's name and the time."""
    with knowledge(project) as connection:
        return {"documents": [tuple(row) for row in connection.execute(
                    "SELECT id, source, sha256, media, bytes, pages, title, text, state FROM documents ORDER BY id")],
                "records": [tuple(row) for row in connection.execute("SELECT * FROM chunk_records ORDER BY id")],
                "chunks": [tuple(row) for row in connection.execute("SELECT * FROM rag_chunks ORDER BY id")]}


def check_whole(project: Project, whole: dict[str, list[tuple]]) -> int:
    """Sound files, and of each document that is there all there is to it; returns how many documents."""
    with knowledge(project) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        connection.execute("INSERT INTO rag_chunks_fts (rag_chunks_fts, rank) VALUES ('integrity-check', 1)")
    now = rows_of(project)
    stored = {document[0] for document in now["documents"]}
    assert now["documents"] == whole["documents"][:len(stored)]
    for table in ("records", "chunks"):
        assert now[table] == whole[table][:len(now[table])]
    assert len(now["records"]) == len(now["chunks"]) == sum(record[1] in stored for record in whole["records"])
    return len(stored)


def records_written(project: Project, job: Job) -> int:
    path = project.job_dir(job.id) / RECORDS_FILE
    return path.read_bytes().count(b"\n") if path.exists() else 0


def wait_until_under_way(project: Project, job: Job, after: int) -> int:
    """The number of the job's process, when it has recorded so many files."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        child = get_job(project.root.parent, job.id).child_pid
        if child and records_written(project, job) >= after:
            return child
        time.sleep(0.005)
    raise AssertionError(f"{records_written(project, job)} files after a minute")


@pytest.mark.parametrize(("victim", "after"), MOMENTS)
def test_killed_at_any_moment(project: Project, files: list[Path], worker: tuple[Job, subprocess.Popen], uninterrupted: dict[str, Any],
                              victim: str, after: int) -> None:
    (job, process), projects, whole = worker, project.root.parent, uninterrupted["rows"]
    child = wait_until_under_way(project, job, after)
    if victim != "job":
        process.kill()
        process.wait()
    if victim != "worker":
        os.kill(child, signal.SIGKILL)
    check_whole(project, whole)
    ended = wait_for_job(projects, job.id, lambda _: None)
    documents = check_whole(project, whole)
    if victim == "worker":
        assert (ended.state, documents) == ("done", FILES)
    elif ended.state != "done":
        assert (ended.state, ended.resumable) == ("interrupted", True)
        assert after <= documents
        again = resume_job(projects, job.id) if victim == "job" else ingest_files(projects, project, CONFIG, files)
        ended = wait_for_job(projects, again.id, lambda _: None)
    if victim != "both":
        assert ended.result == uninterrupted["result"]
    assert rows_of(project) == whole


def test_it_is_killed_in_the_midst(project: Project, worker: tuple[Job, subprocess.Popen], uninterrupted: dict[str, Any]) -> None:
    """Else the test above would prove nothing: some documents are stored then, and some are not."""
    job, _ = worker
    os.kill(wait_until_under_way(project, job, FILES // 2), signal.SIGKILL)
    assert wait_for_job(project.root.parent, job.id, lambda _: None).state == "interrupted"
    assert FILES // 2 <= check_whole(project, uninterrupted["rows"]) < FILES
