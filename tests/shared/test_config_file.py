"""Settings go out as YAML and come back the same; what is wrong in a file is named."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from phases.cpt.config import CptConfig
from phases.shared.config_file import keep_as_default, read_settings, read_settings_file, settings_text
from phases.shared.errors import SettingError
from phases.shared.options import options_of, resolve
from phases.shared.project import create_project, open_project


def test_what_goes_out_comes_back_the_same() -> None:
    config = resolve(CptConfig, {"preset": "small", "epochs": 4, "base_model": "a: b # c", "gradient_checkpointing": True})
    text = settings_text("cpt", config)
    assert set(yaml.safe_load(text)) == {"kind", "preset", "method", "epochs", "base_model", "gradient_checkpointing"}
    assert resolve(CptConfig, read_settings(text, "cpt", CptConfig, "a file")) == config
    assert "# Times each text is read." in text


def test_every_field_survives() -> None:
    other = {one.name: (one.choices[-1] if one.choices else not one.default if one.kind is bool else "x" if one.kind is str else one.high)
             for one in options_of(CptConfig)}
    config = resolve(CptConfig, other)
    assert resolve(CptConfig, read_settings(settings_text("cpt", config), "cpt", CptConfig, "a file")) == config


@pytest.mark.parametrize(("text", "subject"), [
    ("epoch: 3", "epoch"), ("epochs: many", "epochs"), ("epochs: -1", "epochs"), ("preset: huge", "preset"), ("kind: sft", "kind"),
    ("epochs:", "epochs"), ("epochs: [1]", "epochs"), ("batch_size: 2.5", "batch_size"), ("- a", "mine.yaml"), ("a: [", "mine.yaml"), ("", "mine.yaml")])
def test_what_is_wrong_is_named(text: str, subject: str, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(SettingError) as refused:
        read_settings_file(tmp_path / "mine.yaml", "cpt", CptConfig)
    assert refused.value.subject == subject and (subject in str(refused.value) or "Epochs" in str(refused.value) or "Batch" in str(refused.value))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="No such file"):
        read_settings_file(tmp_path / "none.yaml", "cpt", CptConfig)


def test_kept_settings_are_those_of_the_next_run(projects: Path) -> None:
    project = create_project(projects, "Fells", settings={"ingest": {"chunk_size": 100}, "cpt": {"epochs": 7}})
    keep_as_default(project, "cpt", resolve(CptConfig, {"preset": "small", "lora_rank": 8}))
    again = open_project(projects, "Fells")
    assert again.settings == {"ingest": {"chunk_size": 100}, "cpt": {"preset": "small", "method": "lora", "lora_rank": 8}}
