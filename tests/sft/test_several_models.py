"""Several CPT models and several final models in one project: their names, their parents, and what deleting one leaves."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from phases.cli import main
from phases.cpt.config import CptConfig
from phases.cpt.corpus import plan_cpt
from phases.sft.config import EvaluateConfig, ExportConfig, SftConfig
from phases.sft.data import final_name, missing_for_sft, plan_sft
from phases.sft.evaluate import prepare as prepare_evaluation
from phases.sft.evaluate import run as evaluate
from phases.shared.errors import ModelError, NotReady, SettingError
from phases.shared.files import sha256_of
from phases.shared.jobs.queue import request_cancel, submit_job
from phases.shared.models.folder import list_models, model_folder, model_path, read_model_info
from phases.shared.models.overview import delete_model, model_rows
from phases.shared.project import Project
from tests.sft.test_evaluate import add_questions
from tests.tiny_project import context_of, continue_job, make_project, prepare_job, run_job

PLAIN, NAMED = "cpt-20260101-000000-aaaa", "cpt-20260101-000000-bbbb"
SHORT, LONG = "sft-20260101-000000-aaaa", "sft-20260101-000000-bbbb"


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = make_project(tmp_path_factory.mktemp("several"))
    run_job(project, "cpt", PLAIN, epochs=1)
    assert run_job(project, "cpt", NAMED, epochs=2, name="lamps")["model"] == "models/cpt-lamps"
    add_questions(project)
    assert run_job(project, "sft", SHORT, epochs=1, parent="cpt-lamps", name="short")["model"] == "models/final-short"
    run_job(project, "sft", LONG, epochs=2, parent="cpt-lamps")
    return project


def test_each_model_says_what_made_it_and_from_what(several: Project) -> None:
    rows = {one.name: one for one in model_rows(several)}
    assert list(rows) == ["base", "cpt", "cpt-lamps", "final-from-cpt-lamps", "final-short"]
    assert [one.phase for one in rows.values()] == ["base", "cpt", "cpt", "sft", "sft"]
    assert rows["cpt-lamps"].children == ("final-from-cpt-lamps", "final-short") and rows["cpt"].children == ()
    assert all(rows[name].made_from == "cpt-lamps" and rows[name].bytes > 10**5 for name in ("final-short", "final-from-cpt-lamps"))
    assert [one.name for one in model_rows(several, "cpt")] == ["cpt", "cpt-lamps"]
    assert read_model_info(model_folder(several, "final-short")).parent == {"name": "cpt-lamps", "job": NAMED}
    assert rows["cpt-lamps"].figures["general_after"] > 1 and "final-short" in model_path(several, "final-short")
    assert "Final model short" in (several.models / "final-short" / "README.md").read_text()


def test_a_model_of_an_older_version_is_known_by_what_it_measured(several: Project, tmp_path: Path) -> None:
    for name, phase in (("cpt-lamps", "cpt"), ("final-short", "sft")):
        described = json.loads((several.models / name / "model.json").read_text())
        assert described.pop("phase") == phase
        (tmp_path / "model.json").write_text(json.dumps({**described, "kind": "full"}))
        assert read_model_info(tmp_path, name).phase == phase


def test_names_and_parents_that_cannot_be_are_refused(several: Project) -> None:
    for name in ("../evil", "Großes", "a,b", "-a", "x" * 41):
        with pytest.raises(SettingError, match="name of a model"):
            plan_cpt(several, CptConfig(name=name))
        with pytest.raises(SettingError, match="name of a model"):
            prepare_job(several, "sft", f"refused-{abs(hash(name))}", name=name)
    (said,) = missing_for_sft(several, SftConfig(parent="final-short"))
    assert "no CPT model 'final-short'" in said and "cpt, cpt-lamps, or base" in said
    assert final_name(SftConfig(name="final-x")) == "final-x" and final_name(SftConfig(parent="base", name="y")) == "final-y"


def test_the_plan_says_which_model_would_be_replaced(several: Project) -> None:
    assert any("'cpt-lamps' already" in one for one in plan_cpt(several, CptConfig(name="lamps")).notes)
    assert any("'final-short' already" in one for one in plan_sft(several, SftConfig(name="short")).notes)
    assert not any("already" in one for one in plan_cpt(several, CptConfig(name="other")).notes)


def test_cpt_run_again_leaves_the_final_models_and_their_parent(several: Project) -> None:
    """The parent's run keeps its bytes; the earlier final model can be measured and, its SFT resumed, comes out the same."""
    project = several
    run, final = project.model_runs / NAMED, project.models / "final-short"
    before = {file: sha256_of(file) for folder in (run, final) for file in folder.iterdir()}
    run_job(project, "cpt", "cpt-20260102-000000-cccc", epochs=3, name="lamps")
    assert {file: sha256_of(file) for file in before} == before
    assert sha256_of(model_folder(project, "cpt-lamps") / "adapter_model.safetensors") != before[run / "adapter_model.safetensors"]
    context = context_of(project, "evaluate-1")
    context.inputs.mkdir(parents=True)
    config = EvaluateConfig(models="final-short,cpt-lamps,cpt-gone", max_new_tokens=2)
    prepare_evaluation(project, config, context.inputs, {})
    result = evaluate(context, config)
    assert [row["model"] for row in result["table"]] == ["final-short", "cpt-lamps"] and result["absent"] == ["cpt-gone"]
    (project.model_runs / SHORT / "model.json").unlink()  # as a run that was killed before its end
    shutil.rmtree(project.model_runs / SHORT)
    continue_job(context_of(project, SHORT), "sft")
    weights = final / "model.safetensors"
    assert sha256_of(weights) == before[weights] and read_model_info(final).parent["job"] == NAMED


def test_the_commands_list_and_refuse(several: Project, capsys: pytest.CaptureFixture[str]) -> None:
    given = ("--projects", str(several.root.parent))
    assert main(["models", "lamps", *given]) == 0
    listed = capsys.readouterr().out
    assert listed.splitlines()[0].split() == ["name", "kind", "made", "from", "job", "made", "figures", "size"]
    assert any(line.startswith("final-short") and "cpt-lamps" in line for line in listed.splitlines()) and "general_after" in listed
    assert main(["delete-model", "lamps", "base", *given]) == 1 and "no model that this project made" in capsys.readouterr().err
    assert main(["cpt", "lamps", "--name", "../evil", "--plan", *given]) == 2
    assert main(["sft", "lamps", "--parent", "cpt-x", "--plan", *given]) == 1
    assert "choose one of cpt, cpt-lamps, or base" in capsys.readouterr().out


def test_deleting_waits_for_the_jobs_that_need_the_model_and_leaves_its_run(several: Project) -> None:
    project, projects = several, several.root.parent
    job = submit_job(projects, project, "export", ExportConfig(model="cpt-lamps"))
    with pytest.raises(ModelError, match=f"needed by {job.id}, which is queued"):
        delete_model(projects, project, "cpt-lamps")
    assert model_folder(project, "cpt-lamps").is_dir()
    request_cancel(projects, job.id)
    made_by = read_model_info(model_folder(project, "cpt-lamps")).job
    said = delete_model(projects, project, "cpt-lamps")
    assert f"models/runs/{made_by}" in said and (project.model_runs / made_by).is_dir()
    assert "cpt-lamps" not in [one.name for one in list_models(project)] and not list(project.models.glob(".*"))
    assert "final-short was made from it" not in said, "that was made from the run before"
    for name in ("base", "cpt-lamps"):
        with pytest.raises(ModelError, match="no model that this project made"):
            delete_model(projects, project, name)
    with pytest.raises(NotReady, match="no model 'cpt-lamps'"):
        prepare_job(project, "export", "late", model="cpt-lamps")
