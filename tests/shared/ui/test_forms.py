"""Forms from configuration classes: what is shown, what comes back, which command does the same."""

from __future__ import annotations

import dataclasses
import shlex
from pathlib import Path

import gradio as gr
import pytest

from phases.cli import build_parser
from phases.cpt.config import CptConfig
from phases.rag_data.config import IngestConfig
from phases.sft_data.config import WriteConfig
from phases.shared.errors import SettingError
from phases.shared.options import options_of, resolve
from phases.shared.project import Project
from phases.shared.ui.forms import Form, advanced_label, build_form, command_for, fold_label


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "my handbook", settings={"cpt": {"batch_size": 2}})


@pytest.fixture
def form() -> Form:
    with gr.Blocks():
        return build_form(CptConfig, "cpt", choices={"base_model": [("built-in", "builtin")]})


def given(form: Form, **values: object) -> list[object]:
    shown = form.shown(CptConfig())
    return [values.get(name, value) for name, value in zip(form.fields, shown, strict=True)]


def test_what_is_shown_comes_back(form: Form, project: Project) -> None:
    assert form.resolved(project, form.shown(CptConfig(epochs=7.0))) == CptConfig(epochs=7.0)


def test_an_emptied_number_falls_back_to_the_project(form: Form, project: Project) -> None:
    assert form.resolved(project, given(form, batch_size=None)).batch_size == 2


def test_a_wrong_number_names_its_field(form: Form, project: Project) -> None:
    with pytest.raises(SettingError, match="Epochs"):
        form.resolved(project, given(form, epochs=-1))


def test_a_preset_fills_in_its_values_and_counts_as_unchanged(form: Form, project: Project) -> None:
    small = form.preset(project, "small")
    assert small.learning_rate == CptConfig.PRESETS["small"]["learning_rate"] and small.batch_size == 2
    assert form.changed(project, form.shown(resolve(CptConfig, {"preset": "small"}))) == {}


def test_changed_rare_settings_are_counted_in_the_heading(form: Form, project: Project) -> None:
    changed = form.changed(project, given(form, seed=7, weight_decay=0.1, epochs=9))
    assert set(changed) == {"seed", "weight_decay", "epochs"}
    assert "2 changed" in advanced_label(form, changed)["label"]


def test_the_command_does_the_same(form: Form, project: Project) -> None:
    values = given(form, preset="small", base_model="/models/my model", gradient_checkpointing=True, epochs=5.0)
    words = shlex.split(command_for("cpt", project, form, values))
    assert words[:4] == ["python", "app.py", "cpt", "my handbook"]
    arguments = build_parser().parse_args(words[2:])
    flags = {name: getattr(arguments, name) for name in arguments.setting_names}
    assert resolve(CptConfig, flags) == resolve(CptConfig, form.values(values))


@pytest.mark.parametrize("own", [{}, {"epochs": 7.0}, {"preset": "small"}, {"preset": "small", "epochs": 7.0}, {"method": "full"}])
@pytest.mark.parametrize("change", [{}, {"epochs": 3.0}, {"preset": "standard"}, {"preset": "standard", "learning_rate": 3e-4, "epochs": 3.0}, {"method": "lora"}])
def test_the_command_does_the_same_beside_kept_settings(form: Form, project: Project, own: dict, change: dict) -> None:
    """What the project begins with counts in the command too, so going back to a default needs its flag."""
    kept = dataclasses.replace(project, settings={"cpt": own})
    values = [change.get(name, value) for name, value in zip(form.fields, form.shown(resolve(CptConfig, own)), strict=True)]
    arguments = build_parser().parse_args(shlex.split(command_for("cpt", kept, form, values))[2:])
    assert resolve(CptConfig, own, {name: getattr(arguments, name) for name in arguments.setting_names}) == form.resolved(kept, values)


def test_several_choices_are_one_text(project: Project) -> None:
    with gr.Blocks():
        form = build_form(WriteConfig, "sft-data", several={"style": [("Factual", "factual"), ("Socratic", "socratic")]})
    shown = form.shown(WriteConfig(style="factual, socratic"))
    assert ["factual", "socratic"] in shown
    assert form.resolved(project, shown).style == "factual,socratic"


def test_a_method_brings_its_learning_rate_and_leaves_what_a_person_set(form: Form, project: Project) -> None:
    chosen = form.with_method(project, given(form, method="full", epochs=9.0))
    assert (chosen.learning_rate, chosen.epochs, chosen.batch_size) == (5e-5, 9.0, 4)
    assert form.with_method(project, given(form, method="full", learning_rate=7e-4)).learning_rate == 7e-4
    back = form.with_method(project, [{"method": "lora", "learning_rate": 5e-5}.get(name, value)
                                      for name, value in zip(form.fields, given(form), strict=True)])
    assert back.learning_rate == 3e-4
    command = command_for("cpt", project, form, form.shown(chosen))
    assert "--method full" in command and "--learning-rate" not in command and "--epochs 9" in command


def test_a_group_is_a_fold_of_its_own_that_counts_what_is_on(project: Project) -> None:
    with gr.Blocks():
        form = build_form(IngestConfig, "ingest")
    assert set(form.folds) == {"cleaning"} and set(form.fields) == {one.name for one in options_of(IngestConfig)}
    shown = form.shown(IngestConfig(remove_urls=True, join_lines=False))
    assert fold_label(form, "cleaning", shown, ("remove_urls", "join_lines", "join_hyphenation"))["label"] == "Cleaning (2 of 3 on)"
    assert command_for("ingest", project, form, shown).endswith("--remove-urls --no-join-lines")
