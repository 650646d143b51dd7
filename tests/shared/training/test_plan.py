"""The plan says before the start what the run does: steps and tokens exactly, the rest with where it comes from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from phases.cpt.config import CptConfig
from phases.cpt.corpus import plan_cpt
from phases.sft.config import SftConfig
from phases.sft.data import plan_sft
from phases.shared.files import read_json_lines, sha256_of
from phases.shared.models.catalogue import base_model_choices
from phases.shared.models.machine import Machine
from phases.shared.options import resolve
from phases.shared.project import Project, create_project
from phases.shared.training.advice import Facts, plan_warnings, step_notes, trained_to_chat
from phases.shared.training.measured import (
    MEASURED_FILE,
    Measurement,
    Workload,
    find_measurement,
    keep_measurement,
    padded_batches,
    seconds_of_batch,
    seconds_of_run,
    settings_key,
)
from tests.tiny_project import FAST, add_pairs, make_project, run_job

CPT, SFT = "cpt-20260101-000000-abcd", "sft-20260101-000000-abcd"
ODD = {"batch_size": 3, "gradient_accumulation": 2, "epochs": 1.7}


@pytest.fixture(scope="module", params=[True, False], ids=["begin", "no begin"])
def project(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Project:
    made = make_project(tmp_path_factory.mktemp("plan"), begin=request.param)
    add_pairs(made)
    return made


def chosen(config: type, **settings: object) -> object:
    return resolve(config, {key: value for key, value in {**FAST, **settings}.items() if key in config.__dataclass_fields__})


def test_steps_and_tokens_are_those_of_the_run_and_its_figures_serve_the_next_plan(project: Project) -> None:
    for kind, job, config, plan_of in (("cpt", CPT, CptConfig, plan_cpt), ("sft", SFT, SftConfig, plan_sft)):
        settings = {**ODD, "max_length": 24 if kind == "cpt" else 48}
        plan = plan_of(project, chosen(config, **settings))
        assert plan.ready and plan.exact and plan.seconds is None and plan.memory_from == "estimate"
        result = run_job(project, kind, job, **settings)
        steps = [one["step"] for one in read_json_lines(project.job_dir(job) / "loss.jsonl")]
        assert (plan.steps, plan.tokens_in_all) == (result["steps"], result["tokens"]) and steps == list(range(1, plan.steps + 1))
        again = plan_of(project, chosen(config, **settings))
        assert again.seconds_from == again.memory_from == "run" and again.seconds > result["seconds"] / 2
        assert plan_of(project, chosen(config, **{**settings, "batch_size": 2})).seconds is None, "other settings were not measured"


def test_pairs_that_are_too_long_are_left_out_of_the_plan_as_of_the_run(project: Project) -> None:
    plan = plan_sft(project, chosen(SftConfig, parent="base", max_length=19))
    assert plan_sft(project, SftConfig(parent="base", max_length=64)).memory_bytes == plan_sft(project, SftConfig(parent="base")).memory_bytes, \
        "the longest pair counts, not the longest that is allowed"
    assert 0 < plan.sequences < plan.texts and any("left out" in one for one in plan.warnings)
    result = run_job(project, "sft", f"{SFT[:-4]}{plan.sequences:04}", parent="base", max_length=19)
    assert (result["pairs"], result["tokens"]) == (plan.sequences, plan.tokens_in_all)
    none = plan_sft(project, SftConfig(parent="base", max_length=8))
    assert not none.ready and "Every pair is longer" in none.missing[0]


def test_a_probe_measures_and_leaves_nothing_else(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    add_pairs(project)
    before = {path: sha256_of(path) for path in project.root.rglob("*") if path.is_file()}
    for kind, config, plan_of, more in (("cpt", CptConfig, plan_cpt, {}), ("sft", SftConfig, plan_sft, {"parent": "base"})):
        job = f"{kind}-probe-20260101-000000-abcd"
        result = run_job(project, f"{kind}-probe", job, **more)
        assert result["tokens_per_second"] > 0 and result["measured_steps"] >= 5
        plan = plan_of(project, chosen(config, **more))
        assert plan.seconds_from == plan.memory_from == "probe" and plan.seconds > 0 and plan.memory_bytes == result["peak_bytes"]
        left = {path.name for path in project.job_dir(job).iterdir()}
        assert MEASURED_FILE in left and not left & {"probe", "loss.jsonl", "metrics.jsonl"}
    assert {path: sha256_of(path) for path in before} == before and not project.cpt_model.exists() and not project.checkpoints.exists()


def test_what_is_missing_makes_a_plan_not_ready(projects: Path) -> None:
    plan = plan_cpt(create_project(projects, "empty"), CptConfig())
    assert not plan.ready and "no chunks" in plan.missing[0] and plan.steps == 0 and plan.warnings == ()


def test_a_model_to_download_is_named_with_its_size_and_estimated(project: Project) -> None:
    plan = plan_cpt(project, CptConfig(base_model="Qwen/Qwen2.5-0.5B"))
    assert (plan.download, plan.exact) == ("Qwen/Qwen2.5-0.5B", False) and plan.download_bytes == pytest.approx(10**9, rel=0.05)
    unknown = plan_cpt(project, CptConfig(base_model="someone/some-model"))
    assert (unknown.download, unknown.download_bytes, unknown.memory_bytes) == ("someone/some-model", None, None) and unknown.steps > 0


FACTS = Facts(kind="cpt", base="Qwen/Qwen2.5-0.5B", method="lora", steps=500, epochs=3.0, learning_rate=3e-4, max_length=2048,
              context=32768, evaluated=50, evaluated_tokens=9000, parameters=494_000_000, memory_bytes=2**30, memory_total=2**34, replay=0.1,
              perplexity=20.0)


@pytest.mark.parametrize(("change", "words"), [
    ({"steps": 99}, "aim at 300"), ({"epochs": 11}, "by heart"), ({"learning_rate": 1e-3}, "above"), ({"learning_rate": 1e-5}, "below"),
    ({"method": "full"}, "above"), ({"kind": "sft", "learning_rate": 4e-4}, "above"), ({"context": 1024}, "1,024"), ({"evaluated_tokens": 400}, "rough"),
    ({"kind": "sft", "learning_rate": 2e-4, "evaluated": 3}, "3 validation pairs"), ({"base": "Qwen/Qwen2.5-0.5B-Instruct"}, "trained to chat"),
    ({"base": "google/gemma-3-1b-it"}, "trained to chat"), ({"perplexity": 2.1}, "2.1"), ({"replay": 0.0}, "general text"),
    ({"memory_bytes": 2**34}, "16.0 GiB")])
def test_each_rule_speaks_alone_and_with_its_reason(change: dict, words: str) -> None:
    assert plan_warnings(FACTS) == ()
    said = plan_warnings(replace(FACTS, **change))
    assert len(said) == 1 and words in said[0]


@pytest.mark.parametrize(("base", "chats"), [
    ("Qwen/Qwen3-0.6B", True), ("Qwen/Qwen3-0.6B-Base", False), ("HuggingFaceTB/SmolLM3-3B", True), ("HuggingFaceTB/SmolLM3-3B-Base", False),
    ("Qwen/Qwen3-4B-Thinking-2507", True), ("TinyLlama/TinyLlama-1.1B-Chat-v1.0", True), ("microsoft/Phi-4-mini-instruct", True),
    ("~/models/gemma-3-1b-it/", True), ("google/gemma-3-1b-pt", False), ("Qwen/Qwen2.5-7B", False), ("openai-community/gpt2", False),
    ("builtin", False)])
def test_a_model_that_chats_is_known_by_its_name(base: str, chats: bool) -> None:
    assert bool(plan_warnings(replace(FACTS, base=base))) is chats


def test_every_instruct_model_of_the_short_list_is_warned_of_and_no_other() -> None:
    assert {one.id for one in base_model_choices() if one.instruct} == {one.id for one in base_model_choices() if trained_to_chat(one.id)}


@pytest.mark.parametrize(("settings", "parameters", "words"), [
    ({}, 494_000_000, ()), ({"preset": "small"}, 5_700_000, ()), ({"preset": "large"}, 3_100_000_000, ("The effective batch is 8: 1 at once, 8 times in a row.",)),
    ({}, 5_700_000, ("The preset small is made for models of this size; the one that is chosen, standard, begins with other values.",)),
    ({}, 7_600_000_000, ("The preset large ",)), ({}, None, ()),
    ({"gradient_accumulation": 3, "processes": 2}, None, ("The effective batch is 24: 4 at once, 3 times in a row, in 2 processes.",)),
    ({"adaptive_batch": 4}, None, ("The effective batch is 4: 4 at once, and up to 16 where the noise asks for it.",))])
def test_the_preset_for_the_size_and_the_effective_batch_are_told(settings: dict, parameters: int | None, words: tuple[str, ...]) -> None:
    said = step_notes(resolve(CptConfig, settings), parameters)
    assert len(said) == len(words) and all(note.startswith(begin) for note, begin in zip(said, words, strict=True))


def test_the_plan_tells_them(project: Project) -> None:
    notes = plan_cpt(project, chosen(CptConfig, batch_size=3, gradient_accumulation=2)).notes
    assert [note.split(":")[0] for note in notes[-2:]] == [
        "The preset small is made for models of this size; the one that is chosen, standard, begins with other values.", "The effective batch is 6"]


def test_small_models_may_learn_fast_and_often() -> None:
    assert plan_warnings(replace(FACTS, parameters=5_700_000, epochs=12, learning_rate=2e-3, replay=0.0)) == ()


@pytest.mark.parametrize("config", [CptConfig, SftConfig])
@pytest.mark.parametrize(("preset", "parameters"), [("standard", 494_000_000), ("small", 5_700_000), ("large", 3_000_000_000)])
@pytest.mark.parametrize("method", ["lora", "full"])
def test_no_preset_is_warned_of(config: type, preset: str, parameters: int, method: str) -> None:
    own = resolve(config, {"preset": preset, "method": method})
    kind = "cpt" if config is CptConfig else "sft"
    assert plan_warnings(replace(FACTS, kind=kind, method=method, parameters=parameters, learning_rate=own.learning_rate, epochs=own.epochs)) == ()


def test_time_follows_the_lengths_of_the_batches() -> None:
    measured = [(100, 1.0), (100, 1.2), (100, 9.0), (300, 3.2)]
    assert seconds_of_batch(100, measured) == 1.2 and seconds_of_batch(200, measured) == pytest.approx(2.2)
    assert seconds_of_batch(500, measured) == pytest.approx(5.2) and seconds_of_batch(50, [(100, 1.0)]) == 0.5
    assert padded_batches([5, 5, 5, 9], 4) == [36] and sum(padded_batches(list(range(1, 33)), 4)) == sum(4 * n for n in range(4, 33, 4))
    rates = Measurement("k", "j", "probe", ((10, 1.0),), 1, start_seconds=7.0, end_seconds=2.0, save_seconds=0.5,
                        seconds_per_evaluated_token=0.01, seconds_per_perplexity_token=0.02)
    assert seconds_of_run(Workload([10] * 4, 1, 2.0, 0, 0, 0, 0, at_once=2), rates) == pytest.approx(7 + 4 + 2)
    work = Workload([10] * 4, 1, 2.0, evaluated_tokens=100, evaluations=3, saves=4, perplexity_tokens=100)
    assert seconds_of_run(work, rates) == pytest.approx(7 + 8 + 3 + 4 + 2 + 2)


def test_a_whole_run_counts_more_than_a_probe_and_only_the_same_settings_count(projects: Path) -> None:
    project = create_project(projects, "Fells")
    key = settings_key("builtin", "cpt", CptConfig())
    for name, source in (("one", "run"), ("two", "probe")):
        project.job_dir(name).mkdir()
        keep_measurement(project.job_dir(name), Measurement(key, name, source, ((1, 1.0),), 1, 1.0, 1.0, 1.0, 0.0, 0.0))
    (project.job_dir("one") / "other.json").write_text("{}")
    assert find_measurement(project, key).job == "one" and find_measurement(project, "other") is None
    assert plan_cpt(project, CptConfig(processes=2)).memory_bytes == 2 * plan_cpt(project, CptConfig()).memory_bytes, "on a CPU"
    for change in ({"processes": 2}, {"batch_size": 8}, {"max_length": 1024}, {"lora_rank": 8}, {"gradient_checkpointing": True}, {"threads": 1}):
        assert settings_key("builtin", "cpt", CptConfig(**change)) != key
    assert settings_key("builtin", "cpt", CptConfig(epochs=9.0, learning_rate=1e-3, seed=7)) == key


def test_a_run_on_a_cluster_is_not_judged_by_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("phases.shared.training.methods.missing_for_slurm", lambda config: ())  # no sbatch where tests run
    monkeypatch.setattr("phases.shared.models.machine.this_machine", lambda: Machine(2**20, 0))
    project = make_project(tmp_path)
    slurm = {"max_length": 48, "runner": "slurm", "device": "cpu"}
    assert any("too large for this machine" in one for one in plan_cpt(project, CptConfig(max_length=48)).missing)
    plan = plan_cpt(project, CptConfig(**slurm))
    assert plan.ready and not any("GiB" in one for one in plan.warnings)
    said = plan.notes[-1]
    assert "goes to the Slurm cluster" in said and "estimated from the model alone" in said and "cannot be told here" in said
    roomy = plan_cpt(project, CptConfig(**slurm, memory=64))
    assert roomy.ready and "cannot be told" not in roomy.notes[-1]
    monkeypatch.setattr("phases.shared.models.machine.memory_for", lambda *about: 100 * 2**30)
    assert any("too large for the node that is asked of the cluster" in one for one in plan_cpt(project, CptConfig(**slurm, memory=64)).missing)
    assert plan_cpt(project, CptConfig(**{**slurm, "device": "auto"}, memory=64, gpus=1)).ready, "of its GPU nothing is known"


def test_what_a_node_measured_serves_the_plan_that_is_made_elsewhere(projects: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = CptConfig(runner="slurm", partition="gpu", gpus=1)
    key = settings_key("builtin", "cpt", config)
    monkeypatch.setattr("platform.node", lambda: "node17")
    monkeypatch.setattr("phases.shared.training.measured.usable_cores", lambda: 96)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    assert settings_key("builtin", "cpt", config) == key
    assert len({settings_key("builtin", "cpt", replace(config, **one)) for one in ({}, {"partition": "cpu"}, {"gpus": 2}, {"runner": "local"})}) == 4
