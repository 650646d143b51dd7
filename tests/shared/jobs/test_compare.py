"""Runs side by side: only what differs is shown, and what cannot be compared is refused."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from phases.cpt.config import CptConfig
from phases.shared.errors import JobError
from phases.shared.jobs.compare import compare_runs, curves
from phases.shared.jobs.metrics import files_seen, metric_points
from phases.shared.jobs.queue import Job
from phases.shared.options import as_mapping
from phases.shared.ui.compare_panel import toggled
from phases.shared.ui.panels.comparison import comparison_html
from phases.shared.ui.panels.runs import history_table, small_plots, sparkline
from phases.words import show_comparison

EMPTY: dict[str, Any] = {field.name: None for field in dataclasses.fields(Job)}


def job(name: str, kind: str = "cpt", result: dict[str, Any] | None = None, **settings: Any) -> Job:
    return Job(**{**EMPTY, "id": name, "kind": kind, "state": "done", "resumable": False, "created": "2026-01-01T10:00:00+00:00",
                  "config": as_mapping(CptConfig(**settings)), "result": result})


ONE = job("cpt-1-aaaa", result={"steps": 10, "train_loss": 2.5, "merge_check": {"x": 1}}, epochs=3.0)
TWO = job("cpt-2-bbbb", result={"steps": 10, "train_loss": 2.25, "perplexity_after": 7.0}, epochs=9.0, base_model="<b>")


def test_only_what_differs_is_told() -> None:
    found = compare_runs([ONE, TWO])
    assert found["settings"] == {"base_model": ["", "<b>"], "epochs": [3.0, 9.0]}
    assert found["results"] == {"train_loss": [2.5, 2.25], "perplexity_after": [None, 7.0]}
    assert show_comparison(found).splitlines()[0].split() == ["cpt-1-aaaa", "cpt-2-bbbb"] and "epochs" in show_comparison(found)
    assert "differ in nothing" in show_comparison(compare_runs([ONE, dataclasses.replace(ONE, id="cpt-3-cccc")]))
    drawn = comparison_html([ONE, TWO], found, CptConfig)
    assert "Epochs" in drawn and "2.25" in drawn and "&lt;b&gt;" in drawn and "Steps" not in drawn
    assert "Perplexity" not in drawn, "one run alone was measured: that is no difference"


@pytest.mark.parametrize("jobs", [[ONE], [ONE, ONE], [ONE, job("sft-1-dddd", "sft")]])
def test_what_cannot_be_compared_is_refused(jobs: list[Job]) -> None:
    with pytest.raises(JobError):
        compare_runs(jobs)


def test_curves_of_several_runs_share_the_points(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        lines = [{"step": step, "loss": 3.0, **({"eval_loss": 2.0} if step % 500 == 0 else {})} for step in range(5000)]
        (tmp_path / name / "loss.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    folders = {name: tmp_path / name for name in ("a", "b")}
    points = curves(folders, "smoothed", 200)
    assert {name for name, _, _ in points} == {"a", "b"} and 100 < len(points) <= 200
    assert [step for name, step, _ in curves(folders, "eval_loss", 200) if name == "a"] == list(range(0, 5000, 500))


def test_small_curves_come_from_both_files_and_are_thinned(tmp_path: Path) -> None:
    assert metric_points(tmp_path) == [] and files_seen(tmp_path) == [0, 0, 0]
    lines = [{"step": step, "tokens_per_second": 9.0, "gradient_norm": 1.0, "memory_bytes": 2**31} for step in range(1, 1002)]
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in [*lines, {"step": 1001, "tokens_per_second": 5.0}]))
    metrics = metric_points(tmp_path, 100)
    assert len(metrics) <= 101 and (metrics[0]["step"], metrics[-1]["tokens_per_second"]) == (1, 5.0)
    rate, speed, norm, memory = small_plots([{"step": 1, "rate": 0.1}, {"step": 2}], metrics[:3])
    assert rate == [(1, 0.1, "")] and speed[0] == (1, 9.0, "") and norm[0][1] == 1.0 and memory[0] == (1, 2.0, "main memory")
    on_gpu = small_plots([], [{"step": 1, "memory_bytes": 2**30, "process_bytes": 2**31}])[3]
    assert on_gpu == [(1, 1.0, "GPU"), (1, 2.0, "main memory")]
    assert files_seen(tmp_path)[1] > 0


def test_the_history_has_a_tick_and_a_curve_for_each_run() -> None:
    drawn = history_table([ONE, TWO], CptConfig, ONE.id, [TWO.id], {ONE.id: [3.0, 2.0, 2.5]})
    assert drawn.count('role="checkbox"') == 2 and drawn.count('aria-checked="true"') == 1 and drawn.count("<polyline") == 1
    assert "Perplexity" in drawn and "Held-out loss" in history_table([job("sft-1-dddd", "sft", {"validation_loss": 1.5})], CptConfig, "")
    presets = [job("cpt-3-cccc", preset="small", learning_rate=2e-3, epochs=10.0, max_length=512), job("cpt-4-eeee", preset="small", packing=True)]
    assert ">Preset Small corpus, small model<" in history_table(presets[:1], CptConfig, ""), "what a preset brings was not changed"
    assert "Learning rate 0.0003, Epochs 3, Sequence length 2048, Packing on" in history_table(presets[1:], CptConfig, "")
    assert sparkline([1.0]) == "" and "0.0,1.0" in sparkline([3.0, 2.0]) and sparkline([2.0, 2.0])
    assert toggled(toggled(["a"], "b"), "a") == ["b"]
