"""Continued pretraining on a real tiny model: what it reads, what it writes, what it says."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from safetensors import safe_open

from phases.cpt.config import CptConfig
from phases.cpt.corpus import missing_for_cpt, plan_cpt
from phases.cpt.train import pieces, training_rows
from phases.shared.database.chunks import held_out_chunks, training_chunks
from phases.shared.database.connection import knowledge
from phases.shared.errors import NotReady
from phases.shared.files import read_json_lines
from phases.shared.models.card import id_ranges
from phases.shared.options import resolve
from phases.shared.project import Project, create_project
from tests.tiny_models import make_tiny_model
from tests.tiny_project import FAST, context_of, continue_job, make_project, prepare_job, run_job

JOB = "cpt-20260101-000000-abcd"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, dict]:
    project = make_project(tmp_path_factory.mktemp("cpt"))
    return project, run_job(project, "cpt", JOB, epochs=6)


def test_result_says_what_was_learnt(trained: tuple[Project, dict]) -> None:
    project, result = trained
    plan = plan_cpt(project, resolve(CptConfig, FAST, {"epochs": 6}))
    assert result["model"] == "models/cpt_model" and result["steps"] == plan.steps == 24
    assert result["perplexity_after"] < result["perplexity_before"] * 0.8
    assert result["general_tokens"] > 1000 and result["general_language"] == "en"
    assert result["general_before"] > 1 and result["general_after"] != result["general_before"]
    kept = json.loads((project.job_dir(JOB) / "perplexity_before.json").read_text())
    assert (kept["value"], kept["general"]) == (result["perplexity_before"], result["general_before"])
    assert result["perplexity_tokens"] > 30 and result["tokens"] > 1000 and result["seconds"] > 0
    losses = list(read_json_lines(project.job_dir(JOB) / "loss.jsonl"))
    assert [one["step"] for one in losses] == list(range(1, 25))
    assert all({"step", "loss", "rate", "epoch"} <= set(one) for one in losses) and "eval_loss" in losses[-1]
    assert losses[-1]["loss"] < losses[0]["loss"] and losses[-1]["rate"] < max(one["rate"] for one in losses)
    metrics = list(read_json_lines(project.job_dir(JOB) / "metrics.jsonl"))
    assert all(one["tokens_per_second"] > 0 and one["gradient_norm"] > 0 and one["memory_bytes"] > 10**7 for one in metrics)


def test_published_model_is_the_immutable_run(trained: tuple[Project, dict]) -> None:
    project, _ = trained
    run, published = project.model_runs / JOB, project.cpt_model
    names = sorted(file.name for file in run.iterdir())
    assert names == sorted(file.name for file in published.iterdir())
    assert all((run / name).read_bytes() == (published / name).read_bytes() for name in names)
    assert {"adapter_model.safetensors", "adapter_config.json", "tokenizer.json", "model.json", "README.md"} <= set(names)
    described = json.loads((published / "model.json").read_text())
    assert (described["kind"], described["job"], described["base"]) == ("adapter", JOB, project.base_model)
    adapter = json.loads((published / "adapter_config.json").read_text())
    assert (adapter["r"], adapter["lora_alpha"]) == (4, 8) and len(adapter["target_modules"]) == 14
    with safe_open(published / "adapter_model.safetensors", "pt") as weights:
        assert any("mlp.down_proj" in name for name in weights.keys())  # noqa: SIM118 (safe_open is no mapping)
    assert not list(project.models.glob(".*")), "nothing half-made is left beside it"


def test_card_tells_the_lineage(trained: tuple[Project, dict]) -> None:
    project, result = trained
    card = (project.cpt_model / "README.md").read_text()
    data_hash = json.loads(next(project.checkpoints.glob("*/*/manifest.json")).read_text())["data"]
    for fact in (JOB, data_hash, "lamps0.txt, lamps1.txt", "| chunks | 14 |", "| learning rate | 0.01 |", "| seed | 42 |",
                 f"{result['perplexity_before']:.6g}", f"{result['perplexity_after']:.6g}",
                 "| chunk ids | 1 to 4, 6 to 12, 14 to 16 |", f"{result['general_before']:.6g}", f"{result['general_after']:.6g}", "| general language | en |", "| trl |"):
        assert fact in card, fact


def test_card_shows_the_course_of_the_training(trained: tuple[Project, dict]) -> None:
    project, _ = trained
    table = [line.strip("| ").split(" | ") for line in (project.cpt_model / "README.md").read_text().split("## Curves\n\n")[1].split("\n\n")[0].splitlines()]
    assert table[0] == ["step", "epoch", "training loss, smoothed", "held-out loss", "learning rate"]
    rows = {int(row[0]): row[1:] for row in table[2:]}
    losses = {one["step"]: one for one in read_json_lines(project.job_dir(JOB) / "loss.jsonl")}
    measured = {step: one["eval_loss"] for step, one in losses.items() if "eval_loss" in one}
    assert set(rows) == {1, 24, *measured} and 3 < len(measured) < 24
    assert {step: float(row[2]) for step, row in rows.items() if row[2] != "-"} == pytest.approx(measured, rel=1e-5)
    assert float(rows[1][1]) == pytest.approx(losses[1]["loss"], rel=1e-5) and float(rows[24][1]) < float(rows[1][1])
    assert float(rows[24][3]) == pytest.approx(losses[24]["rate"], rel=1e-5)


@pytest.mark.parametrize(("ids", "said"), [([], ""), ([4], "4"), ([3, 1, 2, 2, 9], "1 to 3, 9"), (range(2, 400, 2), f"{', '.join(map(str, range(2, 122, 2)))}, and others up to 398")])
def test_chunks_are_named_shortly(ids: list[int], said: str) -> None:
    assert id_ranges(ids) == said


def test_readable_text_holds_training_chunks_only(trained: tuple[Project, dict]) -> None:
    project, _ = trained
    text = project.cpt_text.read_text()
    with knowledge(project) as connection:
        assert all(chunk.content in text for chunk in training_chunks(connection))
        assert not any(chunk.content in text for chunk in held_out_chunks(connection))
    assert "===== Lamps 0 (lamps0.txt) =====" in text


def test_without_held_out_text_perplexity_is_none_and_says_so(tmp_path: Path) -> None:
    project = make_project(tmp_path, held_out=False)
    result = run_job(project, "cpt", JOB, epochs=1)
    assert result["perplexity_before"] is None and result["perplexity_after"] is None
    assert result["general_after"] > 1, "general text is there always"
    assert "not measured: no chunks are held out" in (project.cpt_model / "README.md").read_text()
    assert any("No chunks are held out" in one for one in plan_cpt(project, CptConfig()).warnings)


def test_what_is_missing_is_said(projects: Path, tmp_path: Path) -> None:
    project = create_project(projects, "empty", base_model=str(tmp_path / "nowhere"))
    said = missing_for_cpt(project)
    assert any("no chunks" in one for one in said) and any("no model" in one for one in said)
    with pytest.raises(NotReady) as refused:
        prepare_job(project, "cpt", JOB)
    assert refused.value.missing == said


def test_few_steps_are_warned_of_and_held_out_chunks_told(trained: tuple[Project, dict]) -> None:
    plan = plan_cpt(trained[0], CptConfig())
    assert any("Only 12 optimizer steps" in one for one in plan.warnings) and "2 chunks are held out" in plan.notes[0]


@pytest.mark.parametrize("begin", [[], [1]])
@pytest.mark.parametrize("length", [2, 15, 16, 17, 100, 1001])
def test_every_token_is_predicted_exactly_once(begin: list[int], length: int) -> None:
    ids = list(range(10, 10 + length))
    made = pieces(ids, begin, 16)
    assert max(map(len, made)) <= 16
    targets = [token for piece in made for token in piece[1:]]  # a causal model predicts all but the first of a piece
    assert targets == (ids if begin else ids[1:])
    assert all(piece[0] == (begin or ids)[0] if begin or not number else piece[0] == made[number - 1][-1]
               for number, piece in enumerate(made))


@pytest.mark.parametrize("begin", [True, False])
def test_rows_begin_and_end_as_the_model_expects(tmp_path: Path, begin: bool) -> None:
    from phases.shared.training.loading import read_tokenizer
    tokenizer = read_tokenizer(make_tiny_model(tmp_path / "tiny", begin=begin))
    text = "The keeper tends lamp A and lamp B. " * 20
    rows = training_rows([{"text": text, "last": False}, {"text": text, "last": True}], tokenizer, tokenizer.eos_token_id, 32)
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    seen = [token for row in rows for token in row["labels"][1:]]
    assert seen == (ids + ids + [tokenizer.eos_token_id] if begin else ids[1:] + ids[1:] + [tokenizer.eos_token_id])
    assert all((row["input_ids"][0] == tokenizer.bos_token_id) is begin for row in rows)
    assert [row["input_ids"].count(tokenizer.eos_token_id) for row in rows[-2:]] == [0, 1]


def test_a_finished_run_that_was_not_published_is_not_trained_again(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    run_job(project, "cpt", JOB, epochs=1)
    before = (project.cpt_model / "README.md").read_bytes()
    shutil.rmtree(project.cpt_model)
    shutil.rmtree(project.checkpoints)
    continue_job(context_of(project, JOB), "cpt")
    assert (project.cpt_model / "README.md").read_bytes() == before and not project.checkpoints.exists()
