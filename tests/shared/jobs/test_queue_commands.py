"""The queue on the command line: start later, start after another job, change the order."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from phases.cli import main
from phases.shared.jobs.queue import get_job, list_jobs, queue_place
from phases.words import state_line
from tests.tiny_project import make_project


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """A command on the tiny project; what still waits at the end is cancelled, so that the worker in the background leaves."""
    monkeypatch.setenv("LEHRLING_LOCKS", str(tmp_path / "locks"))
    projects = make_project(tmp_path).root.parent

    def run(*words: str) -> tuple[int, Any]:
        capsys.readouterr()
        code = main([*words, "--projects", str(projects), "--json"])
        return code, json.loads(capsys.readouterr().out)

    yield run
    for job in list_jobs(projects, states=("queued", "running")):
        run("cancel", "lamps", job.id)


def test_a_job_for_the_night_and_one_after_it(command: Any, tmp_path: Path) -> None:
    projects = tmp_path / "projects"
    night = command("cpt", "lamps", "--at", "2126-12-24 22:00", "--detach")[1]["job"]
    then = command("cpt", "lamps", "--after", night, "--detach")[1]["job"]
    assert get_job(projects, night).not_before.startswith("2126-12-2") and get_job(projects, then).after == night
    assert [queue_place(projects, job) for job in (night, then)] == [1, 2]
    code, listed = command("jobs", "--move", then, "first")
    assert code == 0 and {one["state"] for one in listed["jobs"]} == {"queued"}
    assert [queue_place(projects, job) for job in (night, then)] == [2, 1]
    command("jobs", "--move", night, "up")
    assert [queue_place(projects, job) for job in (night, then)] == [1, 2]


def test_an_id_behind_the_name_chooses_the_job(command: Any, tmp_path: Path) -> None:
    projects = tmp_path / "projects"
    first, second = (command("cpt", "lamps", "--at", "2126-12-24 22:00", "--detach")[1]["job"] for _ in range(2))
    assert command("stop", "lamps", first) == (0, {"job": first, "sentence": f'{first} is stopped. Go on with: python app.py resume "lamps" {first}'})
    assert [get_job(projects, job).state for job in (first, second)] == ["stopped", "queued"]
    assert command("resume", "lamps", first, "--detach")[0] == 0 and get_job(projects, first).state == "queued"
    assert command("cancel", "lamps", first)[0] == 0 and get_job(projects, first).state == "cancelled"
    for word in ("stop", "cancel"):
        for wrong, what in ((first, "is cancelled, not running or queued"), (f"{second}9", f"no job '{second}9'")):
            code, said = command(word, "lamps", wrong)
            assert code == 1 and what in said["error"]["sentence"] and said["error"]["advice"] == f"It could be: {second} (queued)."
    code, said = command("resume", "lamps", "cpt-1")
    assert code == 1 and said["error"]["advice"].startswith("No job of 'lamps' is stopped or interrupted or failed.")
    assert get_job(projects, second).state == "queued"


def test_wrong_words_are_refused_and_start_nothing(command: Any, tmp_path: Path) -> None:
    code, said = command("cpt", "lamps", "--at", "tonight")
    assert code == 2 and "Write it as 22, 22:00" in said["error"]["advice"]
    code, said = command("cpt", "lamps", "--after", "cpt-1")
    assert code == 1 and "no job 'cpt-1'" in said["error"]["sentence"]
    code, said = command("jobs", "--move", "cpt-1", "up")
    assert code == 1 and list_jobs(tmp_path / "projects") == []


def test_what_was_understood_is_said_back() -> None:
    said = state_line({"job": "cpt-1", "state": "queued", "not_before": "2126-12-24T12:00:00.000+00:00", "resumable": True})
    assert "cpt-1: queued. It starts Tuesday 2126-12-24 at " in said
