"""The command line says the same as the window of the same thing."""

from __future__ import annotations

import dataclasses
import re

from phases.shared.models.machine import Machine, short_list
from phases.shared.training.plan import Plan
from phases.shared.ui.panels.base_models import short_list_html
from phases.shared.ui.panels.plan import plan_figures
from phases.words import show_base_models, show_plan, show_push

AMOUNT = re.compile(r"[\d.,]+ (?:bytes|[KMGT]i?B)")


def test_a_plan_has_one_size_in_the_window_and_in_the_command() -> None:
    plan = Plan(4, 900, 12, (), 4, memory_bytes=3 * 2**30, memory_from="run", disk_bytes=150_000_000, download="a/b", download_bytes=270_000_000)
    window = AMOUNT.findall(" ".join(value for _, value in plan_figures(plan)))
    assert window == ["3.0 GiB", "143 MiB", "257 MiB"]
    assert AMOUNT.findall(show_plan(dataclasses.asdict(plan))) == window


def test_base_models_have_one_size_in_the_window_and_in_the_command() -> None:
    machine = Machine(16 * 2**30, 8 * 2**30)
    rows = short_list(machine)
    said = show_base_models({"models": rows, "machine": dataclasses.asdict(machine)})
    assert "This machine: 16.0 GiB, GPU 8.0 GiB." in said
    assert sorted(AMOUNT.findall(said)) == sorted(AMOUNT.findall(short_list_html(rows, machine)))


def test_a_push_names_sizes_in_the_same_unit() -> None:
    said = show_push({"plan": {"folder": "f", "repo": "a/b", "files": [["model.safetensors", 12 * 2**20]], "bytes": 12 * 2**20 + 1, "notes": [],
                               "missing": []}})
    assert AMOUNT.findall(said) == ["12.0 MiB", "12.0 MiB"]
