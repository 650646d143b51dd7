"""The state line of tab 4."""

from __future__ import annotations

from pathlib import Path

from phases.sft.tab import state_line
from tests.tiny_project import add_pairs, make_project


def test_the_state_line_names_what_the_first_training_needs(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    assert state_line(tmp_path / "projects", project) == "needs pairs"
    add_pairs(project)
    assert state_line(tmp_path / "projects", project) == "needs a CPT model"
