"""A night's chain: `sft --after CPTJOB` starts from the model that this job makes, whatever was there before and whatever happens to it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from phases.cpt.config import CptConfig
from phases.sft.config import EvaluateConfig, ExportConfig, SftConfig
from phases.sft.data import missing_for_sft, plan_sft, settle_parent
from phases.sft.export import _source as export_source
from phases.shared.errors import ModelError, NotReady
from phases.shared.jobs.context import JobContext
from phases.shared.jobs.promises import promised_models
from phases.shared.jobs.queue import Job, request_cancel, request_stop, resume_job, submit_job
from phases.shared.models.folder import weights_hash
from phases.shared.options import resolve
from tests.sft.test_evaluate import add_questions
from tests.shared.jobs.training import Trainings, trainings
from tests.tiny_project import FAST, make_project

CONFIGS = {"cpt": CptConfig, "sft": SftConfig, "evaluate": EvaluateConfig, "export": ExportConfig}


@pytest.fixture
def queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Trainings]:
    monkeypatch.setenv("LEHRLING_LOCKS", str(tmp_path / "locks"))
    monkeypatch.setattr("phases.shared.jobs.worker.TICK_SECONDS", 0.1)
    monkeypatch.setattr("tests.shared.jobs.conftest.PATIENCE_SECONDS", 180.0)
    project = make_project(tmp_path)
    add_questions(project)
    with trainings(project) as queue:
        yield queue


def submit(queue: Trainings, kind: str, after: Job | None = None, **settings: Any) -> Job:
    fast = FAST if kind in ("cpt", "sft") else {}
    return submit_job(queue.projects, queue.project, kind, resolve(CONFIGS[kind], {**fast, **settings}), after=after and after.id)


def leave_an_older_model(queue: Trainings) -> None:
    """One of the name that the chain's own will have; whoever opened it would fail."""
    folder = queue.project.models / "cpt_model"
    folder.mkdir(parents=True)
    (folder / "model.json").write_text('{"kind": "adapter", "base": "old", "phase": "cpt", "job": "cpt-old"}')
    (folder / "adapter_model.safetensors").write_bytes(b"old")


def inputs_of(queue: Trainings, job: Job) -> Path:
    return queue.project.job_dir(job.id) / "inputs"


def test_a_chain_runs_through_a_stop_a_resume_and_a_restart_and_takes_the_new_model(queue: Trainings) -> None:
    leave_an_older_model(queue)
    cpt = submit(queue, "cpt", epochs=30, save_steps=2)
    sft = submit(queue, "sft", cpt, epochs=1, batch_size=16)
    evaluation = submit(queue, "evaluate", sft, max_new_tokens=4)
    export = submit(queue, "export", sft)
    request_cancel(queue.projects, export.id)  # what it would take is looked at below
    assert not (inputs_of(queue, sft) / "parent.json").exists()
    queue.work()
    queue.until(lambda: queue.whole_checkpoints(cpt))
    request_stop(queue.projects, cpt.id)
    given_up = queue.ended(evaluation)
    assert given_up.error["code"] == queue.get(sft).error["code"] == "predecessor" and queue.get(sft).attempt == 0
    assert f"Resume {cpt.id}: this job then waits for it again." in queue.get(sft).error["advice"]
    queue.rest()  # the window is closed
    resume_job(queue.projects, cpt.id)
    assert [queue.get(job).state for job in (cpt, sft, evaluation)] == ["queued"] * 3
    queue.work()
    queue.until(lambda: queue.get(sft).active)
    queue.rest()
    queue.work()
    measured = queue.ended(evaluation)
    assert [queue.get(job).state for job in (cpt, sft, evaluation)] == ["done"] * 3, (queue.get(sft).error, measured.error)
    made = queue.project.model_runs / cpt.id
    parent = json.loads((inputs_of(queue, sft) / "parent.json").read_text())
    assert (parent["cpt_job"], parent["adapter_hash"]) == (cpt.id, weights_hash(made))
    described = json.loads((queue.project.final_model / "model.json").read_text())
    assert described["job"] == sft.id and described["parent"] == {"name": "cpt", "job": cpt.id}
    assert [row["model"] for row in measured.result["table"]] == ["base", "cpt", "final"] and measured.result["absent"] == []
    places = json.loads((inputs_of(queue, evaluation) / "models.json").read_text())["present"]
    assert (places["cpt"], places["final"]) == (f"models/runs/{cpt.id}", f"models/runs/{sft.id}")
    awaited = json.loads((inputs_of(queue, export) / "model.json").read_text())
    assert export_source(JobContext(queue.project, export.id), awaited) == queue.project.model_runs / sft.id


def test_without_the_cpt_model_it_does_not_train_from_an_older_one(queue: Trainings) -> None:
    leave_an_older_model(queue)
    cpt = submit(queue, "cpt")
    sft = submit(queue, "sft", cpt)
    then = submit(queue, "evaluate", sft)
    request_cancel(queue.projects, cpt.id)
    queue.work()
    failed = queue.ended(sft)
    assert (failed.state, failed.resumable, failed.attempt) == ("failed", False, 0)
    assert f"{cpt.id}, which had to be done first, is cancelled" in failed.error["sentence"] and "start this one anew" in failed.error["advice"]
    assert queue.ended(then).state == "failed" and not (inputs_of(queue, sft) / "parent.json").exists()


def test_a_model_that_is_gone_before_its_turn_is_said(queue: Trainings) -> None:
    cpt = submit(queue, "cpt")
    sft = submit(queue, "sft", cpt)
    with pytest.raises(ModelError, match=f"{cpt.id} that this one waited for left no model"):
        settle_parent(queue.project, inputs_of(queue, sft))
    export = submit(queue, "export", sft)
    with pytest.raises(ModelError, match=f"{sft.id} that this export waited for left no model"):
        export_source(JobContext(queue.project, export.id), json.loads((inputs_of(queue, export) / "model.json").read_text()))


def test_the_plan_counts_with_what_will_be_made_and_refuses_what_will_not(queue: Trainings) -> None:
    project, own = queue.project, SftConfig(max_length=48)
    assert any("start later, after a CPT run" in one for one in missing_for_sft(project, own))
    cpt = submit(queue, "cpt", name="lamps")
    promised = promised_models(queue.projects, project, cpt.id)
    assert {name: (one.job, one.base) for name, one in promised.items()} == {"cpt-lamps": (cpt.id, project.base_model)}
    plan = plan_sft(project, SftConfig(parent="cpt-lamps", max_length=48), promised)
    assert plan.ready and plan.steps > 0 and any(cpt.id in one for one in plan.notes)
    with pytest.raises(NotReady, match="makes the model 'cpt-lamps', but the run is to start from 'cpt'"):
        submit(queue, "sft", cpt)
    sft = submit(queue, "sft", cpt, parent="cpt-lamps")
    assert set(promised_models(queue.projects, project, sft.id)) == {"cpt-lamps", "final-from-cpt-lamps"}
    assert plan_sft(project, SftConfig(parent="base"), promised).ready
