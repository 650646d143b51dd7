"""What a run's curves say: each rule speaks when it should, and is quiet on a healthy run."""

from __future__ import annotations

from typing import Any

from phases.shared.training.curve_advice import curve_advice


def points(train: list[float], evaluated: dict[int, float] | None = None) -> list[dict[str, Any]]:
    return [{"step": step, "loss": loss, "smoothed": loss, **({"eval_loss": evaluated[step]} if step in (evaluated or {}) else {})}
            for step, loss in enumerate(train, 1)]


FALLING = [3 - step * 0.02 for step in range(100)]
EVEN = [{"step": step, "tokens_per_second": 900.0} for step in range(100)]


def test_a_healthy_run_is_left_alone() -> None:
    assert curve_advice(points(FALLING, {10: 3.0, 50: 2.4, 90: 2.0}), EVEN, 60.0) == ()
    assert curve_advice([], []) == ()


def test_learning_by_heart_is_seen_with_its_best_step() -> None:
    said = curve_advice(points(FALLING, {10: 3.0, 30: 2.5, 60: 2.6, 90: 2.9}), EVEN)
    assert len(said) == 1 and "best at step 30" in said[0] and "2.50 to 2.90" in said[0]


def test_one_worse_evaluation_or_a_hair_s_breadth_is_no_rise() -> None:
    assert curve_advice(points(FALLING, {30: 2.5, 60: 2.9}), EVEN) == ()
    assert curve_advice(points(FALLING, {30: 2.5, 60: 2.51, 90: 2.52}), EVEN) == ()


def test_a_loss_that_does_not_fall_is_said_only_after_enough_steps() -> None:
    assert "hardly fallen in 40 steps" in curve_advice(points([3.0] * 40), EVEN)[0]
    assert curve_advice(points([3.0] * 20), EVEN) == ()


def test_a_run_that_slows_down_or_takes_hours_is_told_what_helps() -> None:
    slowing = [{"step": step, "tokens_per_second": 900.0 if step < 90 else 100.0} for step in range(100)]
    assert "100 tokens a second, 900 before" in curve_advice(points(FALLING), slowing)[0]
    slow = [{"step": step, "tokens_per_second": 50.0} for step in range(100)]
    assert "4 hours" in curve_advice(points(FALLING), slow, 4 * 3600.0)[0]
    assert curve_advice(points(FALLING), slow, 600.0) == ()
