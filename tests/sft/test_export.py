"""Exported files load in plain transformers and answer as the project's model does."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from phases.sft.export import compare, free_name
from phases.shared.errors import ModelError, NotReady
from phases.shared.models.folder import model_path
from phases.shared.project import Project
from phases.shared.training.loading import load_model
from phases.shared.training.saving import _round_weights
from tests.tiny_project import add_pairs, context_of, continue_job, make_project, prepare_job, run_job


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = make_project(tmp_path_factory.mktemp("export"))
    run_job(project, "cpt", "cpt-1", epochs=4)
    add_pairs(project)
    run_job(project, "sft", "sft-1", epochs=4)
    return project


@pytest.mark.parametrize("name", ["final", "cpt", "base"])
def test_an_export_is_the_model(project: Project, name: str) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer
    result = run_job(project, "export", f"export-{name}", model=name)
    folder = project.root / result["folder"]
    assert folder.name.startswith("safetensors_20") and result["parity"]["same_text"] == "3 of 3"
    assert {"model.safetensors", "config.json", "tokenizer.json", "generation_config.json"} <= set(result["files"])
    exported, tokenizer = AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    ours, our_tokenizer = load_model(model_path(project, name))
    ids = tokenizer("The Norvik station keeps", return_tensors="pt")["input_ids"]
    assert torch.equal(ids, our_tokenizer("The Norvik station keeps", return_tensors="pt")["input_ids"])
    assert torch.equal(exported(ids).logits, ours(ids).logits)
    assert tokenizer.chat_template and tokenizer.pad_token_id != tokenizer.eos_token_id


def test_a_model_in_bfloat16_answers_alike_over_its_whole_context(tmp_path: Path) -> None:
    """Rounding must reach the weights alone: rotary frequencies in bfloat16 change the answers to longer prompts."""
    from transformers import AutoModelForCausalLM
    project = make_project(tmp_path, precision="bfloat16", context=512)
    run_job(project, "cpt", "cpt-1", epochs=1)
    folder = project.root / run_job(project, "export", "export-1", model="cpt")["folder"]
    exported = AutoModelForCausalLM.from_pretrained(folder)
    assert exported.dtype == torch.bfloat16
    model, tokenizer = load_model(model_path(project, "cpt"))
    _round_weights(model, torch.bfloat16)
    ids = tokenizer("The Norvik station keeps three lamps. " * 40, return_tensors="pt")["input_ids"]
    assert ids.shape[1] > 200 and torch.equal(exported(ids).logits, model(ids).logits)


def test_a_second_export_of_a_day_gets_another_name(tmp_path: Path) -> None:
    (tmp_path / "safetensors_20260101").mkdir()
    (tmp_path / "safetensors_20260101-2").mkdir()
    assert free_name(tmp_path, "safetensors_20260101").name == "safetensors_20260101-3"
    assert free_name(tmp_path, "safetensors_20260102").name == "safetensors_20260102"


def test_files_that_differ_are_not_given_away(project: Project, tmp_path: Path) -> None:
    model, tokenizer = load_model(model_path(project, "final"))
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    with torch.no_grad():
        model.model.norm.weight[0] += 0.01
    with pytest.raises(ModelError, match="do not answer"):
        compare(model, tokenizer, tmp_path)


def test_a_model_trained_again_since_is_not_exported(project: Project) -> None:
    context = prepare_job(project, "export", "export-late")
    described = project.final_model / "model.json"
    before = described.read_text()
    described.write_text(before.replace("sft-1", "sft-2"))
    with pytest.raises(ModelError, match="Export it again"):
        continue_job(context_of(project, context.job_id), "export")
    described.write_text(before)


def test_a_missing_model_is_said(project: Project) -> None:
    with pytest.raises(NotReady, match="no model 'final-other'"):
        prepare_job(project, "export", "export-missing", model="final-other")
    assert not list(project.exports.glob(".*"))
