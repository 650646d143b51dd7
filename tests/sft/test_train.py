"""Supervised fine-tuning on a real tiny model: answer-only loss, the end learnt, a merged model that stands alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from phases.sft.config import SftConfig
from phases.sft.data import missing_for_sft, plan_sft
from phases.sft.train import chat_row, check_end_is_learnt, fitting_rows
from phases.shared.errors import ModelError, NotReady
from phases.shared.files import read_json_lines
from phases.shared.jobs.context import JobStopped
from phases.shared.models.folder import list_models, model_path
from phases.shared.options import resolve
from phases.shared.project import Project
from phases.shared.training.loading import load_model, read_tokenizer
from phases.shared.training.tokenizers import prepare_tokenizer
from phases.shared.training.trainer import TrainingData, build_trainer
from tests.tiny_models import make_tiny_model
from tests.tiny_project import FAST, add_pairs, context_of, continue_job, make_project, prepare_job, run_job

CPT, SFT = "cpt-20260101-000000-aaaa", "sft-20260101-000000-bbbb"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, dict]:
    project = make_project(tmp_path_factory.mktemp("sft"))
    run_job(project, "cpt", CPT, epochs=4)
    add_pairs(project)
    return project, run_job(project, "sft", SFT, epochs=40, batch_size=8)


def answer(model, tokenizer, question: str) -> str:
    ids = tokenizer.apply_chat_template([{"role": "user", "content": question}], add_generation_prompt=True,
                                        return_tensors="pt", return_dict=True)["input_ids"]
    out = model.generate(ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=20)
    return tokenizer.decode(out[0, ids.shape[1]:])


def test_model_learns_the_form_of_an_answer_and_to_stop(trained: tuple[Project, dict]) -> None:
    project, result = trained
    assert result["model"] == "models/final" and result["pairs"] == 36 and result["validation_loss"] > 0
    for name, ends in (("final", True), ("cpt", False)):
        model, tokenizer = load_model(model_path(project, name))
        replies = [answer(model, tokenizer, f"How long does lamp {number} burn?") for number in (3, 5, 12)]
        assert all(reply.endswith(" hours</s>") is ends for reply in replies), (name, replies)


def test_final_model_stands_alone_and_knows_its_parents(trained: tuple[Project, dict]) -> None:
    from transformers import AutoModelForCausalLM
    project, result = trained
    model = AutoModelForCausalLM.from_pretrained(project.final_model)
    assert model.config.use_cache is True and next(model.parameters()).dtype is torch.float32
    described = json.loads((project.final_model / "model.json").read_text())
    assert described["kind"] == "full" and described["parent"] == {"name": "cpt", "job": CPT} and described["job"] == SFT
    assert [one.name for one in list_models(project)] == ["base", "cpt", "final"]
    assert result["merge_check"]["same_next_token"] == "4 of 4" and result["merge_check"]["largest_difference"] < 1e-3
    card = (project.final_model / "README.md").read_text()
    assert f"cpt ({CPT})" in card and "| merge check | largest difference " in card and "same next token 4 of 4 |" in card
    assert f"| {result['steps']} | " in card.split("## Curves")[1].split("## Settings")[0] and "held-out loss" in card


def test_final_differs_from_its_parents(trained: tuple[Project, dict]) -> None:
    project, _ = trained
    weights = [load_model(model_path(project, name))[0].state_dict()["model.layers.0.mlp.up_proj.weight"]
               for name in ("base", "cpt", "final")]
    assert not torch.equal(weights[0], weights[1]) and not torch.equal(weights[1], weights[2])


def test_loss_falls_on_the_answer_and_its_end_only(trained: tuple[Project, dict], tmp_path: Path) -> None:
    project, _ = trained
    from transformers import TrainerCallback
    model, tokenizer = load_model(model_path(project, "base"))
    rows = [chat_row({"instruction": "How long does lamp 7 burn?", "output": "10 hours"})]
    data = TrainingData(rows, (), "hash", 48)
    trainer = build_trainer(resolve(SftConfig, FAST), model, tokenizer, data, tmp_path, TrainerCallback())
    row = trainer.train_dataset[0]
    learnt = [token for token, label in zip(row["input_ids"], row["labels"], strict=True) if label != -100]
    assert tokenizer.decode(learnt) == "10 hours</s>"
    assert tokenizer.decode(row["input_ids"]).startswith("<s><|user|>How long")
    batch = trainer.data_collator([row, {"input_ids": [5, 6], "labels": [5, 6]}])
    assert (batch["labels"][batch["attention_mask"] == 0] == -100).all()
    assert (batch["labels"] == tokenizer.eos_token_id).sum() == 1, "padding must not hide the end token"


def test_pairs_too_long_are_left_out_and_counted(tmp_path: Path) -> None:
    tokenizer = prepare_tokenizer(read_tokenizer(make_tiny_model(tmp_path / "tiny")))
    pairs = [{"pair": 1, "instruction": "Who?", "output": "Ilse"}, {"pair": 2, "instruction": "Who?", "output": "Ilse " * 60}]
    rows, left_out = fitting_rows(pairs, tokenizer, 48)
    assert [row["completion"][0]["content"] for row in rows] == ["Ilse"] and left_out == [2]


def test_a_template_that_never_ends_is_refused(tmp_path: Path) -> None:
    folder = make_tiny_model(tmp_path / "tiny")
    template = folder / "chat_template.jinja"
    template.write_text(template.read_text().replace("{{ '</s>' }}", ""))
    model, tokenizer = load_model(folder)
    with pytest.raises(ModelError, match="never stop"):
        check_end_is_learnt(tokenizer, model, chat_row({"instruction": "Who?", "output": "Ilse"}))


def test_cpt_run_again_does_not_change_the_lineage(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    run_job(project, "cpt", CPT, epochs=1)
    add_pairs(project)
    context = prepare_job(project, "sft", SFT, epochs=1)
    run_job(project, "cpt", "cpt-20260102-000000-cccc", epochs=2)
    continue_job(context, "sft")
    assert json.loads((project.final_model / "model.json").read_text())["parent"]["job"] == CPT
    (project.model_runs / CPT / "adapter_model.safetensors").unlink()
    with pytest.raises(ModelError, match="gone or has changed"):
        run_again(project, SFT)


def run_again(project: Project, job: str) -> None:
    (project.model_runs / job / "model.json").unlink()
    continue_job(context_of(project, job), "sft")


def test_from_the_base_stands_beside_the_final_model(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    add_pairs(project)
    assert any("no CPT model" in one for one in missing_for_sft(project))
    result = run_job(project, "sft", SFT, epochs=1, parent="base")
    assert result["model"] == "models/final-from-base" and not project.final_model.exists()


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    with pytest.raises(NotReady) as refused:
        prepare_job(project, "sft", SFT)
    assert len(refused.value.missing) == 2 and "tab 2" in refused.value.missing[0] and "tab 3" in refused.value.missing[1]


def test_plan_counts_pairs_and_warns(trained: tuple[Project, dict]) -> None:
    plan = plan_sft(trained[0], resolve(SftConfig, {"batch_size": 8}))
    assert (plan.texts, plan.steps) == (36, 10) and plan.tokens > 100 and "Only 10 optimizer steps" in plan.warnings[0]


def test_a_stopped_run_keeps_the_best_checkpoint_and_ends(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    add_pairs(project)
    context = prepare_job(project, "sft", SFT, parent="base", epochs=8, batch_size=8, keep_best=True, save_steps=4,
                          gradient_checkpointing=False)
    (context.job_dir / "stop").touch()
    with pytest.raises(JobStopped):
        continue_job(context, "sft")
    (context.job_dir / "stop").unlink()
    result = continue_job(context, "sft")
    measured = {one["step"]: one["eval_loss"] for one in read_json_lines(context.job_dir / "loss.jsonl") if "eval_loss" in one}
    assert result["checkpoint"] == min(measured, key=measured.get)
