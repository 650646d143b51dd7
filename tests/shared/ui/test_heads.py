"""What stands under the names of the tabs: the state of the data, and beside it the job."""

from __future__ import annotations

from pathlib import Path

import pytest

from phases.cpt import tab as cpt
from phases.cpt.config import CptConfig
from phases.sft import tab as sft
from phases.sft.config import EvaluateConfig, ExportConfig, SftConfig
from phases.sft_data import tab as sft_data
from phases.sft_data.config import WriteConfig
from phases.shared.jobs.queue import request_cancel, submit_job
from phases.shared.models.folder import ModelInfo, write_model_info
from phases.shared.options import resolve
from phases.shared.project import Project
from phases.shared.ui.status_bar import queue_table
from tests.tiny_project import FAST, add_pairs, make_project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = make_project(tmp_path)
    add_pairs(project)
    return project


def has_model(project: Project, folder: str, phase: str) -> None:
    place = project.models / folder
    place.mkdir(parents=True)
    write_model_info(place, ModelInfo("adapter" if phase == "cpt" else "full", project.base_model, phase=phase))


def test_a_job_that_waits_or_was_cancelled_hides_no_model(project: Project) -> None:
    projects = project.root.parent
    assert cpt.state_line(projects, project) == "ready to train"
    job = submit_job(projects, project, "cpt", resolve(CptConfig, FAST))
    assert cpt.state_line(projects, project) == "ready to train · job waiting"
    has_model(project, "cpt_model", "cpt")
    assert cpt.state_line(projects, project) == "model ready · job waiting"
    request_cancel(projects, job.id)
    assert cpt.state_line(projects, project) == "model ready · job cancelled"


def test_tab_4_tells_model_and_job(project: Project) -> None:
    projects = project.root.parent
    has_model(project, "cpt_model", "cpt")
    assert sft.state_line(projects, project) == "ready to train"
    job = submit_job(projects, project, "sft", resolve(SftConfig, FAST))
    assert sft.state_line(projects, project) == "ready to train · job waiting"
    request_cancel(projects, job.id)
    has_model(project, "final", "sft")
    assert sft.state_line(projects, project) == "model ready · job cancelled"
    submit_job(projects, project, "evaluate", resolve(EvaluateConfig, {"models": "final"}))
    assert sft.state_line(projects, project) == "model ready · Evaluation waiting"


def test_tab_3_tells_its_pairs_while_more_are_to_be_written(project: Project) -> None:
    projects = project.root.parent
    assert sft_data.state_line(projects, project) == "40 pairs, 36 to train on"
    submit_job(projects, project, "sft-data", resolve(WriteConfig, {"count": 10}))
    assert sft_data.state_line(projects, project) == "40 pairs · job waiting"


def test_the_queue_says_what_waits_in_words_and_offers_only_moves_that_can_be(project: Project) -> None:
    projects = project.root.parent
    cpt_job = submit_job(projects, project, "cpt", resolve(CptConfig, FAST, {"name": "lamps"}))
    alone = queue_table(projects)
    assert alone.count(" disabled>") == 3 and "CPT" in alone and "model cpt-lamps, 3 epochs" in alone
    submit_job(projects, project, "sft", resolve(SftConfig, FAST, {"parent": "cpt-lamps"}), after=cpt_job.id)
    has_model(project, "final", "sft")
    submit_job(projects, project, "export", resolve(ExportConfig))
    rows = queue_table(projects).split("<tr")[2:]
    assert "after CPT, model cpt-lamps, 3 epochs" in rows[1] and "model final, safetensors" in rows[2]
    assert [row.count(" disabled>") for row in rows] == [2, 0, 1]
    assert not any(f">{cpt_job.id}" in row for row in rows), "ids are for those who look for them"
