"""When a curve is sent to the browser again."""

from __future__ import annotations

from phases.shared.ui.redraw import redrawn


def test_a_curve_is_drawn_again_when_that_can_be_seen() -> None:
    first = redrawn("", ["run", "running"], 1000, 0.0)
    assert first is not None
    assert redrawn(first, ["run", "running"], 1000, 99.0) is None, "nothing is new"
    assert redrawn(first, ["run", "running"], 1049, 2.0) is None, "too little to see"
    assert redrawn(first, ["run", "running"], 1050, 2.0), "a twentieth more"
    assert redrawn(first, ["run", "running"], 1001, 15.0), "a little, after a while"
    assert redrawn(first, ["run", "done"], 1000, 2.0) and redrawn(first, ["other", "running"], 1000, 2.0)
    assert redrawn(redrawn("", ["run", "running"], 0, 0.0), ["run", "running"], 10, 1.0), "the first points come at once"


def test_a_long_run_is_drawn_some_hundred_times_and_not_at_each_step() -> None:
    drawn, times = "", 0
    for step in range(1, 20_001):  # a step a tick of two seconds
        if again := redrawn(drawn, ["run"], 90 * step, 0.001 * step):
            drawn, times = again, times + 1
    assert 100 < times < 250
