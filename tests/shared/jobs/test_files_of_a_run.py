"""What a child writes into runs/JOB/ and what a window reads from it."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from phases.shared.files import append_json_line
from phases.shared.jobs.context import JobContext
from phases.shared.jobs.metrics import curve_rows, latest_metrics, log_tail, loss_points
from phases.shared.jobs.reasons import Ending, interruption, record_of
from phases.shared.jobs.remaining import RemainingTime
from phases.shared.project import create_project


@pytest.fixture
def context(projects: Path) -> JobContext:
    project = create_project(projects, "Fells")
    project.job_dir("parse-1").mkdir(parents=True)
    return JobContext(project, "parse-1")


def write_losses(folder: Path, lines: list[dict[str, Any]]) -> None:
    (folder / "loss.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


def test_records_go_on_behind_a_line_that_a_kill_cut_off(context: JobContext) -> None:
    assert [context.record({"n": 1}), context.record({"n": 2})] == [1, 2]
    with (context.job_dir / "records.jsonl").open("a") as file:
        file.write('{"n": 3, "sequ')
    again = JobContext(context.project, context.job_id, attempt=2)
    assert len(again.records()) == 2
    assert again.record({"n": 3}) == 3
    assert again.records() == [{"n": n, "sequence": n} for n in (1, 2, 3)]


def test_progress_is_written_seldom_but_phases_and_ends_always(context: JobContext) -> None:
    def shown() -> dict[str, Any]:
        return json.loads((context.job_dir / "progress.json").read_text(encoding="utf-8"))

    context.phase("training")
    for step in range(1, 1000):
        context.progress(step, 1000, loss=2.0)
    assert shown()["done"] < 999
    context.progress(1000, 1000, loss=1.5)
    assert (shown()["phase"], shown()["done"], shown()["loss"]) == ("training", 1000, 1.5)
    context.phase("saving")
    assert (shown()["phase"], shown()["done"]) == ("saving", 0)


def test_a_long_curve_is_drawn_from_few_points_with_its_peaks(tmp_path: Path) -> None:
    losses = [{"step": step, "loss": 2 + math.sin(step / 500)} for step in range(20_000)]
    losses[7_777]["loss"], losses[12_345]["loss"] = 50.0, 0.01
    losses[-1]["eval_loss"] = 1.7
    write_losses(tmp_path, losses)
    points = loss_points(tmp_path)
    assert 300 < len(points) <= 500
    assert [point["step"] for point in points] == sorted({point["step"] for point in points})
    assert {50.0, 0.01} <= {point["loss"] for point in points}
    assert points[0]["step"] == 0 and points[-1]["eval_loss"] == 1.7
    assert points[0]["smoothed"] == pytest.approx(points[0]["loss"])
    assert abs(points[-1]["smoothed"] - points[-1]["loss"]) < 0.1


def test_a_long_curve_is_read_from_few_rows(tmp_path: Path) -> None:
    def rows(every: int) -> list[int]:
        lines = [{"step": step, "loss": 3.0, **({"eval_loss": 2.0} if every and step % every == 0 else {})} for step in range(1, 5001)]
        (tmp_path / "loss.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        return [one["step"] for one in curve_rows(tmp_path)]

    assert curve_rows(tmp_path) == []
    assert rows(500) == [1, *range(500, 5001, 500)]
    for every in (0, 7):
        assert (rows(every)[0], rows(every)[-1]) == (1, 5000) and 15 < len(rows(every)) <= 20


def test_steps_that_a_resumed_run_made_again_count_once(tmp_path: Path) -> None:
    write_losses(tmp_path, [{"step": 1, "loss": 4.0}, {"step": 2, "loss": 9.0}, {"step": 2, "loss": 3.0}, {"step": 3, "loss": 2.0},
                            {"step": 3, "eval_loss": 2.5}])
    with (tmp_path / "loss.jsonl").open("a") as file:
        file.write('{"step": 4, "lo')
    points = loss_points(tmp_path)
    assert [(point["step"], point["loss"]) for point in points] == [(1, 4.0), (2, 3.0), (3, 2.0)]
    assert points[2]["eval_loss"] == 2.5
    assert loss_points(tmp_path / "none") == []


def test_the_latest_figures_and_the_end_of_the_log(tmp_path: Path) -> None:
    assert latest_metrics(tmp_path) == {} and log_tail(tmp_path) == ""
    for step in range(3):
        append_json_line(tmp_path / "metrics.jsonl", {"step": step})
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"step"')
    assert latest_metrics(tmp_path) == {"step": 2}
    lines = [f"line {number}" for number in range(100_000)]
    (tmp_path / "log.txt").write_text("\n".join(lines) + "\n 10%|#\r 50%|#####\r100%|##########\n", encoding="utf-8")
    assert log_tail(tmp_path, lines=3).splitlines() == ["line 99998", "line 99999", "100%|##########"]


def test_the_time_that_is_left_follows_the_speed() -> None:
    left = RemainingTime()
    assert left.update({"phase": "training", "done": 0, "total": 100, "time": 0.0}) is None
    assert left.update({"phase": "training", "done": 10, "total": 100, "time": 10.0}) == 90.0
    slower = left.update({"phase": "training", "done": 20, "total": 100, "time": 40.0})
    assert 80 < slower < 240  # smoothed between one and three seconds a step
    assert left.update({"phase": "training", "done": 20, "total": 100, "time": 45.0}) == slower
    assert left.update({"phase": "saving", "done": 0, "total": 0, "time": 46.0}) is None


@pytest.mark.parametrize(("ending", "code"), [
    (Ending(-9, rebooted=False, memory_kills=0), "signal"),
    (Ending(-9, rebooted=False, memory_kills=1), "out_of_memory"),
    (Ending(-15, rebooted=False, memory_kills=1), "signal"),
    (Ending(None, rebooted=True, memory_kills=0), "rebooted"),
    (Ending(None, rebooted=False, memory_kills=0), "vanished"),
    (Ending(28, rebooted=False, memory_kills=0), "disk_full"),
    (Ending(1, rebooted=False, memory_kills=0), "exit_status"),
])
def test_memory_is_blamed_only_when_the_system_counted_it(ending: Ending, code: str) -> None:
    assert interruption(ending)["code"] == code


def test_a_full_disk_is_seen_behind_what_a_library_made_of_it_and_a_circle_of_causes_ends() -> None:
    stumbled = RuntimeError("could not tidy up")
    stumbled.__cause__ = OSError(28, "No space left")
    assert record_of(stumbled)["code"] == "disk_full"
    first, second = RuntimeError("one"), RuntimeError("two")
    first.__cause__, second.__cause__ = second, first
    assert record_of(first)["code"] == "unexpected"
