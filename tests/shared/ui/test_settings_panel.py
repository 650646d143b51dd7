"""Settings out of the form and into it: what the buttons of the fold do."""

from __future__ import annotations

from pathlib import Path

import gradio as gr
import pytest
import yaml

from phases.cpt.config import CptConfig
from phases.shared.errors import SettingError
from phases.shared.project import create_project, open_project
from phases.shared.ui.forms import Form, build_form
from phases.shared.ui.settings_panel import _kept, _read, _written
from phases.shared.ui.window import Window


@pytest.fixture
def form() -> Form:
    with gr.Blocks():
        return build_form(CptConfig, "cpt")


def test_a_saved_file_fills_the_form_again_and_can_be_kept(form: Form, projects: Path, tmp_path: Path) -> None:
    window, project = Window(projects), create_project(projects, "Fells")
    shown = form.shown(CptConfig(epochs=9.0, base_model="builtin"))
    text = _written("cpt", form)(window, project, *shown)
    assert yaml.safe_load(text) == {"kind": "cpt", "preset": "standard", "method": "lora", "epochs": 9.0, "base_model": "builtin"}
    (tmp_path / "mine.yaml").write_text(text)
    assert _read("cpt", form)(window, project, str(tmp_path / "mine.yaml")) == shown
    _kept("cpt", form)(window, project, *shown)
    assert open_project(projects, "Fells").settings["cpt"]["epochs"] == 9.0


def test_a_wrong_file_is_refused_by_name(form: Form, projects: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("epoch: 9")
    with pytest.raises(SettingError, match="'epoch' is not a setting"):
        _read("cpt", form)(Window(projects), create_project(projects, "Fells"), str(tmp_path / "mine.yaml"))
