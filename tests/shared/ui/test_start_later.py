"""The group "Start later" and the list of what waits, both from the queue as it is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from phases.cpt.config import CptConfig
from phases.sft.config import SftConfig
from phases.sft.view import parent_names
from phases.shared.errors import SettingError
from phases.shared.jobs.queue import request_cancel, submit_job
from phases.shared.options import resolve
from phases.shared.project import Project
from phases.shared.ui import start_later
from phases.shared.ui.job_words import waits_words
from phases.shared.ui.panels.runs import run_html
from phases.shared.ui.status_bar import queue_table
from phases.shared.ui.window import Window
from tests.tiny_project import FAST, add_pairs, make_project

NIGHT = "2126-12-24 22:00"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = make_project(tmp_path)
    add_pairs(project)
    return project


def test_what_stands_in_the_fields_is_what_a_job_is_submitted_with(project: Project) -> None:
    assert start_later.when("", "") == start_later.when(" ", None) == start_later.when(None, None) == {"not_before": None, "after": None}
    with pytest.raises(SettingError, match="is past"):
        start_later.when("2020-01-01 10:00", "")
    projects = project.root.parent
    night = submit_job(projects, project, "cpt", resolve(CptConfig, FAST, {"name": "night"}), **start_later.when(NIGHT, ""))
    then = submit_job(projects, project, "sft", resolve(SftConfig, FAST, {"parent": "cpt-night"}), **start_later.when("", night.id))
    assert night.not_before.startswith("2126-12-24T") and (then.after, then.not_before) == (night.id, None)
    assert start_later.later_flags(NIGHT, night.id) == f" --after {night.id} --at '{NIGHT}'" and start_later.later_flags("", "") == ""
    assert parent_names(projects, project) == ["cpt", "cpt-night", "base"]
    assert waits_words(night) == f"until {NIGHT}" and waits_words(then) == f"after {night.id}"
    assert f"until {NIGHT}" in run_html(night, {}) and f"after {night.id}" in run_html(then, {})
    listed = queue_table(projects)
    assert listed.index(f"until {NIGHT}") < listed.index("after CPT, model cpt-night")
    assert {f'data-act="{act}"' for act in ("first", "up", "down", "cancel")} <= set(re.findall(r'data-act="\w+"', listed))


def test_the_note_says_when_by_which_clock_and_what_is_no_time(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    window = Window(project.root.parent)
    zone = r"\d\d:\d\d (UTC|\S+ \(UTC[+-]\d\d:\d\d\))"
    assert re.search(f"clock of this machine says {zone}", start_later._note(window, project, "", ""))
    assert re.search(r"starts Tuesday 2126-12-24 at 22:00 \(\S+\), in ", start_later._note(window, project, NIGHT, ""))
    assert re.search(r"starts (today|tomorrow) at 22:00 \(\S+\), in ", start_later._note(window, project, "10 pm", ""))
    wrong = start_later._note(window, project, "tonight", "")
    assert 'class="warning"' in wrong and "is no time" in wrong and "Write it as 22, 22:00, 10 pm" in wrong


def test_the_jobs_to_choose_from_follow_the_queue_and_keep_the_chosen_one(project: Project) -> None:
    window = Window(project.root.parent)
    job = submit_job(window.projects, project, "cpt", resolve(CptConfig, FAST))
    assert [value for _, value in start_later._jobs(window, project, "")["choices"]] == ["", job.id]
    assert "does not start before this job is done: CPT, waiting" in start_later._note(window, project, "", job.id)
    request_cancel(window.projects, job.id)
    assert [value for _, value in start_later._jobs(window, project, "")["choices"]] == [""]
    assert start_later._jobs(window, project, job.id)["choices"][1] == (f"CPT, cancelled ({job.id})", job.id)
