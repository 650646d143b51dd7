"""The writing job through the real queue: a child process, the worker, kill -9, resume."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from phases.sft_data.config import WriteConfig
from phases.sft_data.generate import write_pairs_job
from phases.shared.database.chunks import NewChunk, hash_of
from phases.shared.database.connection import knowledge
from phases.shared.database.documents import NewDocument, add_document
from phases.shared.files import read_json_lines
from phases.shared.jobs.queue import Job, list_jobs, request_stop, resume_job
from phases.shared.jobs.wait import wait_for_job
from phases.shared.options import resolve
from phases.shared.project import Project, create_project
from tests.services.llm_server import KEY, MODELS, LanguageModelService, language_model_service


@pytest.fixture
def project(projects: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Project:
    monkeypatch.setenv("LEHRLING_LOCKS", str(tmp_path / "locks"))
    monkeypatch.setenv("LEHRLING_KEYS", str(tmp_path / "keys" / "keys.yaml"))
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    made = create_project(projects, "station")
    sections = [" ".join(f"Buoy {number}{letter} lies {number * 7 + place} miles from the pier." for place, letter in enumerate("abcdef"))
                for number in range(10)]
    text, chunks = "", []
    for section in sections:
        chunks.append(NewChunk(section, len(text), len(text) + len(section), len(section) // 4))
        text += section + "\n\n"
    with knowledge(made) as connection:
        add_document(connection, NewDocument("buoys.md", hash_of(text), "md", len(text), text), chunks, "test")
    return made


@pytest.fixture
def service() -> Iterator[LanguageModelService]:
    with language_model_service() as running:
        yield running


def submitted(projects: Path, project: Project, service: LanguageModelService, count: int) -> Job:
    given = {"provider": "openai", "model": MODELS[0], "base_url": service.openai_url, "count": count, "workers": 2, "retry_pause": 0.05}
    return write_pairs_job(projects, project, resolve(WriteConfig, given))


def lines(project: Project) -> list[dict[str, str]]:
    return list(read_json_lines(project.dataset_file()))


def slots(project: Project, job: Job) -> list[tuple]:
    return [(record["slot"], record["pairs"]) for record in read_json_lines(project.job_dir(job.id) / "records.jsonl") if "slot" in record]


def test_killed_and_resumed_ends_in_the_same_pairs(projects: Path, project: Project, service: LanguageModelService) -> None:
    service.mode, service.seconds = "slow", 0.15

    def kill_halfway(job: Job) -> None:
        if job.child_pid and len(slots(project, job)) >= 3:
            os.kill(job.child_pid, signal.SIGKILL)

    job = wait_for_job(projects, submitted(projects, project, service, 60).id, kill_halfway)
    assert (job.state, job.resumable) == ("interrupted", True)
    killed = slots(project, job)
    assert 3 <= len(killed) < 15
    service.seconds = 0
    ended = wait_for_job(projects, resume_job(projects, job.id).id, lambda job: None)
    assert ended.state == "done" and ended.result["written"] == len(lines(project)) == 60
    assert slots(project, job)[:len(killed)] == killed

    other = create_project(projects, "uninterrupted")
    other.database.write_bytes(_without_pairs(project))
    whole = wait_for_job(projects, submitted(projects, other, service, 60).id, lambda job: None)
    assert whole.state == "done" and slots(other, whole) == slots(project, job)
    with knowledge(project) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"


def _without_pairs(project: Project) -> bytes:
    """The database as it was before the job: the same documents and chunks, nothing asked."""
    with knowledge(project) as connection:
        for table in ("evaluation_questions", "dataset_pairs", "pairs", "facts", "applied_records"):
            connection.execute(f"DELETE FROM {table}")
    return project.database.read_bytes()


def test_stop_keeps_what_is_written_and_resume_writes_the_rest(projects: Path, project: Project, service: LanguageModelService) -> None:
    service.mode, service.seconds = "slow", 0.15

    def stop_halfway(job: Job) -> None:
        if len(slots(project, job)) >= 3 and job.active:
            request_stop(projects, job.id)

    job = wait_for_job(projects, submitted(projects, project, service, 60).id, stop_halfway)
    assert (job.state, job.resumable) == ("stopped", True)
    assert 0 < job.result["written"] == len(lines(project)) < 60
    service.seconds = 0
    assert wait_for_job(projects, resume_job(projects, job.id).id, lambda job: None).result["written"] == 60


def test_a_failed_job_says_why_and_shows_no_key(projects: Path, project: Project, service: LanguageModelService) -> None:
    service.mode = "refused"
    job = wait_for_job(projects, submitted(projects, project, service, 10).id, lambda job: None)
    assert job.state == "failed" and job.resumable
    assert "refused the key" in job.error["sentence"] and "set-key OPENAI_API_KEY" in job.error["advice"]
    assert service.completions[0]["headers"]["authorization"] == f"Bearer {KEY}"
    for path in projects.rglob("*"):
        assert path.is_dir() or KEY.encode() not in path.read_bytes(), path
    assert KEY not in json.dumps([job.error, job.result, job.config]) and len(list_jobs(projects)) == 1
