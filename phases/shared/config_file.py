"""Settings of a job as a YAML file, to keep, to share and to begin the next run with.

In: a checked configuration. Out: text with only what differs from its preset, each with its help as a comment; and back: a
configuration, or a SettingError that names the key that is wrong.

    python app.py cpt NAME --print-config > settings.yaml        python app.py cpt NAME --config settings.yaml
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import yaml

from phases.shared.errors import SettingError
from phases.shared.options import as_mapping, options_of, resolve
from phases.shared.project import Project, save_project

KIND = "kind"


def differing(config: Any) -> dict[str, Any]:
    """The preset and method (where there are such) and every value that differs from what they set."""
    values = as_mapping(config)
    start = {name: values[name] for name in ("preset", "method") if name in values}
    usual = as_mapping(resolve(type(config), start))
    return start | {name: value for name, value in values.items() if value != usual[name]}


def settings_text(kind: str, config: Any) -> str:
    """The file's content."""
    about = {one.name: one for one in options_of(type(config))}
    lines = [f"# Settings of Lehrling for {kind}: the preset, and what differs from it.", f"{KIND}: {kind}"]
    for name, value in differing(config).items():
        written = yaml.safe_dump({name: value}, allow_unicode=True, sort_keys=False, width=10_000).rstrip("\n")
        lines.append(f"{written}  # {about[name].help}" if "\n" not in written else written)
    return "\n".join(lines) + "\n"


def read_settings(text: str, kind: str, config: type, source: str) -> dict[str, Any]:
    """The values that a file sets, checked. Raises SettingError for what is no such file, another kind, an unknown key or a wrong value.

    Args:
        source: what the file is called, for messages.
    """
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as problem:
        place = getattr(problem, "problem_mark", None)
        where = f" in line {place.line + 1}" if place else ""
        raise SettingError(f"{source} is no YAML{where}.", "Write one line a setting: name: value.", subject=source,
                           code="settings_unreadable") from None
    if not isinstance(content, dict):
        raise SettingError(f"{source} holds no settings.", "Write one line a setting: name: value.", subject=source,
                           code="settings_unreadable")
    values = {str(key): value for key, value in content.items()}
    found = values.pop(KIND, kind)
    if found != kind:
        raise SettingError(f"{source} holds settings for {found}, not for {kind}.", f"Load it there, or change its line '{KIND}'.",
                           subject=KIND, code="settings_kind")
    empty = next((key for key, value in values.items() if value is None or isinstance(value, dict | list)), None)
    if empty is not None:
        raise SettingError(f"'{empty}' in {source} is not one value.", f"Write {empty}: and a number, a word, or true or false.",
                           subject=empty, code="setting_kind")
    resolve(config, values)
    return values


def read_settings_file(path: Path, kind: str, config: type) -> dict[str, Any]:
    """The values of a file on this machine. Raises SettingError, also when it cannot be opened."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) else "it is no text"
        raise SettingError(f"{path} cannot be read: {reason}.", "Give the path of a YAML file.", subject=str(path),
                           code="settings_unreadable") from None
    return read_settings(text, kind, config, path.name)


def keep_as_default(project: Project, kind: str, config: Any) -> Project:
    """Write the settings into project.yaml: every further run of the project begins with them."""
    kept = dataclasses.replace(project, settings={**project.settings, kind: differing(config)})
    save_project(kept)
    return kept
