"""Each method, precision and way to end: what it makes, that it goes on exactly, and what is said where it cannot run."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from phases.cpt.config import CptConfig
from phases.cpt.corpus import missing_for_cpt
from phases.sft.config import SftConfig
from phases.shared.errors import NotReady, SettingError
from phases.shared.files import read_json_lines
from phases.shared.jobs.context import JobStopped
from phases.shared.models.folder import list_models, model_path
from phases.shared.options import resolve
from phases.shared.project import Project
from phases.shared.training import trainer
from phases.shared.training.adapters import lora_config
from phases.shared.training.loading import device_name, load_model, weights_dtype, working_dtype
from phases.shared.training.methods import missing_for_method
from phases.shared.training.stopping import since_best
from phases.shared.training.trainer import TrainingData, trainer_config
from tests.tiny_project import FAST, add_pairs, context_of, continue_job, make_project, prepare_job, run_job

CPT, SFT = "cpt-20260101-000000-aaaa", "sft-20260101-000000-bbbb"


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, dict, dict]:
    """Every weight trained, in CPT and then in SFT on top of it."""
    project = make_project(tmp_path_factory.mktemp("full"))
    read = run_job(project, "cpt", CPT, method="full", epochs=4)
    add_pairs(project)
    return project, read, run_job(project, "sft", SFT, method="full", epochs=2, batch_size=8)


def test_full_cpt_makes_a_full_model_and_says_so(full: tuple[Project, dict, dict]) -> None:
    project, read, _ = full
    described = {one.name: one for one in list_models(project)}
    assert (described["cpt"].kind, described["final"].kind) == ("full", "full")
    assert (project.cpt_model / "model.safetensors").is_file() and not (project.cpt_model / "adapter_model.safetensors").exists()
    assert read["trained_share"] == 1.0 and read["perplexity_after"] < read["perplexity_before"]
    card = (project.cpt_model / "README.md").read_text()
    assert "every weight trained" in card and "| method | full |" in card and "- full\n" in card and "- lora" not in card


def test_every_weight_has_moved(full: tuple[Project, dict, dict]) -> None:
    states = [load_model(model_path(full[0], name))[0].state_dict() for name in ("base", "cpt", "final")]
    for name, value in states[0].items():
        assert not torch.equal(value, states[1][name]) and not torch.equal(states[1][name], states[2][name]), name


def test_a_full_model_is_the_parent_of_the_next_and_can_be_exported(full: tuple[Project, dict, dict]) -> None:
    project, _, taught = full
    described = json.loads((project.final_model / "model.json").read_text())
    assert described["parent"] == {"name": "cpt", "job": CPT} and taught["merge_check"]["largest_difference"] == 0
    exported = run_job(project, "export", "export-20260101-000000-cccc", model="cpt")
    assert exported["parity"]["largest_difference"] == 0


def outcome(project: Project, job: str) -> tuple[bytes, bytes]:
    return (project.model_runs / job / "model.safetensors").read_bytes(), (project.job_dir(job) / "loss.jsonl").read_bytes()


def test_the_best_of_a_full_training_is_put_back(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    result = run_job(project, "cpt", CPT, method="full", epochs=12, save_steps=4, keep_best=True, learning_rate=0.1,
                     min_learning_rate=1.0, max_grad_norm=100.0)
    kept, made = (load_file(place / "model.safetensors") for place in (project.checkpoints / CPT / f"checkpoint-{result['checkpoint']}",
                                                                       project.cpt_model))
    assert result["checkpoint"] < result["steps"] and all(torch.equal(kept[name], made[name]) for name in kept)


@pytest.mark.parametrize("damaged", ["best", "all"])
def test_a_best_that_is_damaged_is_not_put_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damaged: str) -> None:
    """One bit of the weights is turned once the training has ended: the next best is taken, or with none the last state."""
    project = make_project(tmp_path)
    look, taken = trainer.best_checkpoint, []

    def damage_first(loss_file: Path, root: Path, identity: dict) -> tuple:
        measured = {one["step"]: one["eval_loss"] for one in read_json_lines(loss_file) if "eval_loss" in one}
        there = sorted((one for one in root.glob("checkpoint-*")), key=lambda one: measured[int(one.name.split("-")[1])])
        for folder in there[:1] if damaged == "best" else there:
            content = bytearray((folder / "adapter_model.safetensors").read_bytes())
            content[-1] ^= 1
            (folder / "adapter_model.safetensors").write_bytes(content)
        taken.extend(there)
        return look(loss_file, root, identity)

    monkeypatch.setattr(trainer, "best_checkpoint", damage_first)
    result = run_job(project, "cpt", CPT, epochs=12, save_steps=4, keep_best=True, learning_rate=0.05)
    log, made = (project.job_dir(CPT) / "log.txt").read_text(), load_file(project.cpt_model / "adapter_model.safetensors")
    assert f"adapter_model.safetensors of the checkpoint {taken[0].name} is damaged" in log and len(taken) >= 2
    if damaged == "all":
        assert "ends with its last step" in log and result["checkpoint"] == result["steps"]
    else:
        kept = load_file(taken[1] / "adapter_model.safetensors")
        assert result["checkpoint"] == int(taken[1].name.split("-")[1]) and all(torch.equal(kept[name], made[name]) for name in kept)


def test_full_fine_tuning_goes_on_exactly(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    settings = {"method": "full", "epochs": 2, "save_steps": 3}
    for job in ("whole", "stopped"):
        prepare_job(project, "cpt", job, **settings)
    (project.job_dir("stopped") / "stop").touch()
    with pytest.raises(JobStopped):
        continue_job(context_of(project, "stopped"), "cpt")
    (project.job_dir("stopped") / "stop").unlink()
    assert (project.checkpoints / "stopped" / "checkpoint-1" / "model.safetensors").is_file()
    for job in ("whole", "stopped"):
        continue_job(context_of(project, job), "cpt")
    assert outcome(project, "whole") == outcome(project, "stopped")


def test_the_share_that_is_trained_is_told(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    figures = run_job(project, "cpt", CPT, epochs=1)
    model, _ = load_model(model_path(project, "base"))
    own = sum(4 * (one.in_features + one.out_features) for one in model.modules()
              if isinstance(one, torch.nn.Linear) and one is not model.lm_head)
    assert figures["trained_parameters"] == own and 0.05 < figures["trained_share"] < 0.5
    assert f"| trained parameters | {own} |" in (project.cpt_model / "README.md").read_text()


def test_early_stopping_ends_with_the_best_and_repeats_itself(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    settings = {"epochs": 40, "save_steps": 4, "patience": 2, "learning_rate": 0.05}
    result = run_job(project, "cpt", "whole", **settings)
    measured = {one["step"]: one["eval_loss"] for one in read_json_lines(project.job_dir("whole") / "loss.jsonl") if "eval_loss" in one}
    best = min(measured, key=measured.get)
    assert result["ended_early"] and result["steps"] == best + 8 < 160 and result["checkpoint"] == best
    prepare_job(project, "cpt", "again", **settings)
    (project.job_dir("again") / "stop").touch()
    with pytest.raises(JobStopped):
        continue_job(context_of(project, "again"), "cpt")
    (project.job_dir("again") / "stop").unlink()
    assert continue_job(context_of(project, "again"), "cpt")["steps"] == result["steps"]
    kept, made = (load_file(place / "adapter_model.safetensors") for place in (project.checkpoints / "whole" / f"checkpoint-{best}",
                                                                               project.model_runs / "whole"))
    assert all(torch.equal(kept[name], made[name]) for name in kept), "the weights are those of the best checkpoint"
    shutil.rmtree(project.model_runs / "again")  # killed after the last step: it comes to the same end
    assert continue_job(context_of(project, "again"), "cpt")["steps"] == result["steps"]
    adapters = [(project.model_runs / job / "adapter_model.safetensors").read_bytes() for job in ("whole", "again")]
    assert adapters[0] == adapters[1]


@pytest.mark.parametrize(("measured", "passed"), [([], 0), ([3.0], 0), ([3, 2, 1], 0), ([1, 2, 2], 2), ([2, 1, 1], 1)])
def test_measurements_since_the_best(measured: list[float], passed: int) -> None:
    assert since_best(measured) == passed


def test_the_rate_ends_where_it_was_told_to(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    run_job(project, "cpt", CPT, epochs=5, min_learning_rate=0.25)
    rates = [one["rate"] for one in read_json_lines(project.job_dir(CPT) / "loss.jsonl")]
    assert max(rates) == pytest.approx(1e-2) and rates[-1] == pytest.approx(0.25e-2, rel=0.1)


@pytest.mark.parametrize(("config", "given", "rate"), [
    (CptConfig, {}, 3e-4), (CptConfig, {"method": "full"}, 5e-5), (SftConfig, {"method": "full"}, 5e-5),
    (SftConfig, {}, 2e-4), (CptConfig, {"method": "full", "learning_rate": 3e-4}, 3e-4),
    (CptConfig, {"method": "full", "preset": "small"}, 5e-4), (CptConfig, {"method": "qlora"}, 3e-4)])
def test_a_method_brings_its_learning_rate_unless_one_is_given(config: type, given: dict, rate: float) -> None:
    assert resolve(config, given).learning_rate == rate


def test_what_the_trainer_gets_without_a_word_is_what_the_documentation_states(tmp_path: Path) -> None:
    for config, rank, rate, epochs, checkpointing in ((CptConfig(), 32, 3e-4, 3.0, False), (SftConfig(), 16, 2e-4, 2.0, True)):
        given = trainer_config(config, TrainingData([], [], "", config.max_length), tmp_path, sequences=400)
        assert (given.learning_rate, given.num_train_epochs, given.per_device_train_batch_size, given.max_length) == (rate, epochs, 4, 2048)
        assert (given.weight_decay, given.max_grad_norm, given.gradient_checkpointing, given.seed) == (0.001, 1.0, checkpointing, 42)
        assert given.warmup_steps == round(0.03 * epochs * 100) and str(given.lr_scheduler_type.value).startswith("cosine")
        adapter = lora_config(config)
        assert (adapter.r, adapter.lora_alpha, adapter.target_modules, adapter.lora_dropout) == (rank, 2 * rank, "all-linear", 0.0)


def test_bf16_is_computed_in_on_request(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    figures = run_job(project, "cpt", CPT, epochs=1, precision="bf16", device="cpu")
    exact = run_job(project, "cpt", "cpt-20260102-000000-aaaa", epochs=1, precision="float32", device="cpu")
    assert figures["perplexity_before"] != exact["perplexity_before"]
    assert figures["perplexity_before"] == pytest.approx(exact["perplexity_before"], rel=0.02)


@pytest.mark.skipif(torch.cuda.is_available(), reason="says what is missing where there is no GPU")
def test_what_this_machine_cannot_do_is_said_before_the_start(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    for given, words in (({"method": "qlora"}, "QLoRA needs an NVIDIA GPU"), ({"method": "qlora", "device": "cpu"}, "device is set to cpu"),
                         ({"device": "cuda"}, "device is set to cuda"), ({"precision": "fp16"}, "fp16 needs an NVIDIA GPU")):
        said = missing_for_cpt(project, resolve(CptConfig, given))
        assert len(said) == 1 and words in said[0], given
        with pytest.raises(NotReady):
            prepare_job(project, "cpt", "x" + str(len(words)), **given)
    with pytest.raises(SettingError, match="set to cuda"):
        device_name("cuda")
    with pytest.raises(SettingError, match="fp16 needs"):
        working_dtype("fp16")
    assert missing_for_method(resolve(CptConfig, FAST)) == ()


def test_early_stopping_without_anything_held_out_is_refused(tmp_path: Path) -> None:
    project = make_project(tmp_path, held_out=False)
    assert any("held-out chunks" in one for one in missing_for_cpt(project, resolve(CptConfig, {"patience": 2})))
    assert missing_for_cpt(project, CptConfig()) == ()
    assert "on a Slurm cluster only" in missing_for_cpt(project, CptConfig(nodes=2))[0]


def test_weights_that_are_trained_are_held_in_float32() -> None:
    """Small steps on bf16 weights would be rounded away; those under an adapter may be smaller."""
    assert weights_dtype("full", "bf16", "cpu") is torch.float32
    assert weights_dtype("lora", "bf16", "cpu") is torch.bfloat16 and weights_dtype("lora", "auto", "cpu") is torch.float32
