"""Where keys come from, and where they do not go."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from phases.shared.errors import SettingError
from phases.shared.project import create_project
from phases.shared.settings import KNOWN_KEYS, keys_file, load_keys, redact, save_key

KEY = "sk-or-v1-0123456789abcdef"


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in KNOWN_KEYS:
        monkeypatch.delenv(name, raising=False)
    path = tmp_path / "private" / "keys.yaml"
    monkeypatch.setenv("LEHRLING_KEYS", str(path))
    return path


def test_saved_and_loaded_and_private(place: Path) -> None:
    save_key("OPENROUTER_API_KEY", f" {KEY}\n")
    assert load_keys() == {"OPENROUTER_API_KEY": KEY}
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    assert stat.S_IMODE(place.parent.stat().st_mode) == 0o700
    save_key("OPENROUTER_API_KEY", "")
    assert load_keys() == {}


def test_environment_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    save_key("OPENAI_API_KEY", "sk-from-the-file")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-from-the-environment")
    assert load_keys()["OPENAI_API_KEY"] == "sk-from-the-environment"


def test_a_file_that_others_can_read_is_refused(place: Path) -> None:
    save_key("OPENAI_API_KEY", KEY)
    place.chmod(0o640)
    with pytest.raises(SettingError) as caught:
        load_keys()
    assert f'chmod 600 "{place}"' in caught.value.advice and KEY not in str(caught.value)


def test_a_damaged_file_does_not_show_its_keys(place: Path) -> None:
    save_key("OPENAI_API_KEY", KEY)
    place.write_text(f"OPENAI_API_KEY: [{KEY}", encoding="utf-8")
    with pytest.raises(SettingError) as caught:
        load_keys()
    assert KEY not in str(caught.value) and caught.value.__cause__ is None


@pytest.mark.parametrize("value", ["two words", "line\nbreak", "schlüssel"])
def test_what_is_no_key_is_refused(value: str) -> None:
    with pytest.raises(SettingError):
        save_key("OPENAI_API_KEY", value)
    assert load_keys() == {}


def test_unknown_names_are_refused() -> None:
    with pytest.raises(SettingError) as caught:
        save_key("MY_KEY", KEY)
    assert "OPENROUTER_API_KEY" in caught.value.advice


def test_never_into_a_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = create_project(tmp_path / "projects", "shared")
    monkeypatch.setenv("LEHRLING_KEYS", str(project.data / "keys.yaml"))
    with pytest.raises(SettingError):
        save_key("OPENAI_API_KEY", KEY)
    assert not keys_file().exists()


def test_redact_takes_the_longest_first() -> None:
    assert redact("a sk-1234567 b sk-1234 c", {"A": "sk-1234", "B": "sk-1234567"}) == "a [key] b [key] c"
    assert redact("a b", ["a"]) == "a b"
