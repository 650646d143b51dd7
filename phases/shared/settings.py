"""Keys of services: from the environment, or from one file outside every project that only its owner can read.

In: the environment and `~/.config/lehrling/keys.yaml` (`LEHRLING_KEYS` names another file), lines of `NAME: value`.
Out: a mapping of names to keys. What the environment says wins. Command: `python app.py set-key OPENROUTER_API_KEY`.
Keys never enter a project, a job's files, a log or a message: `redact` takes them out of any text that came from outside.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path

import yaml

from phases.shared.errors import SettingError
from phases.shared.files import write_atomically
from phases.shared.project import projects_folder

WRITER_KEYS = ("OPENAI_API_KEY", "OPENROUTER_API_KEY", "OLLAMA_API_KEY")
HUB_KEYS = ("HF_TOKEN", "HUGGINGFACE_API_KEY")
KNOWN_KEYS = (*WRITER_KEYS, *HUB_KEYS)
PRIVATE_FILE, PRIVATE_FOLDER = 0o600, 0o700
REDACTED = "[key]"
SHORTEST_SECRET = 4


def keys_file() -> Path:
    """Where keys are stored: LEHRLING_KEYS, else `lehrling/keys.yaml` in the person's configuration folder."""
    given = os.environ.get("LEHRLING_KEYS")
    if given:
        return Path(given).expanduser()
    config = os.environ.get("XDG_CONFIG_HOME")
    return (Path(config) if config else Path.home() / ".config") / "lehrling" / "keys.yaml"


def load_keys() -> dict[str, str]:
    """All keys that are set, by name. Raises SettingError when others could read the file, or it is no mapping."""
    stored = _stored_keys(keys_file())
    given = {name: os.environ[name].strip() for name in KNOWN_KEYS if os.environ.get(name, "").strip()}
    return {**stored, **given}


def keys_named(names: Iterable[str]) -> dict[str, str]:
    """Those of these names that are set. Raises SettingError as `load_keys` does."""
    return {name: key for name, key in load_keys().items() if name in names}


def hub_key(keys: Mapping[str, str]) -> str:
    """The key of the Hugging Face hub under either of its names; "" when there is none."""
    return next((keys[name] for name in HUB_KEYS if keys.get(name)), "")


def hub_keys_if_readable() -> dict[str, str]:
    """The hub's keys for what mostly needs none: a file of keys that must be mended first does not keep an open model back."""
    try:
        return keys_named(HUB_KEYS)
    except SettingError:
        return {}


def save_key(name: str, value: str) -> None:
    """Store a key; an empty value forgets it. Raises SettingError for an unknown name or a value that is no key."""
    name, value = name.strip(), value.strip()
    if name not in KNOWN_KEYS:
        raise SettingError(f"'{name}' is not a key that a service here uses.", f"Known names: {', '.join(KNOWN_KEYS)}.",
                           subject=name, code="key_unknown")
    if any(not 33 <= ord(letter) <= 126 for letter in value):
        raise SettingError(f"What was given for {name} is not a key: it holds blanks or characters that no key has.",
                           "Copy the key alone, on one line.", subject=name, code="key_malformed")
    path = keys_file()
    _refuse_project_folder(path)
    keys = _stored_keys(path)
    keys.pop(name, None)
    if value:
        keys[name] = value
    if not path.parent.exists():
        path.parent.mkdir(parents=True, mode=PRIVATE_FOLDER)
        path.parent.chmod(PRIVATE_FOLDER)
    write_atomically(path, yaml.safe_dump(keys, sort_keys=True) if keys else "", mode=PRIVATE_FILE)


def redact(text: str, keys: Mapping[str, str] | Iterable[str]) -> str:
    """The text with every key replaced by `[key]`."""
    values = keys.values() if isinstance(keys, Mapping) else keys
    for value in sorted(values, key=len, reverse=True):
        if len(value) >= SHORTEST_SECRET:
            text = text.replace(value, REDACTED)
    return text


def _stored_keys(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    _refuse_open_file(path)
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (yaml.YAMLError, UnicodeDecodeError):
        content = None  # the parser's message would quote the line, and with it the key
    if not isinstance(content, dict):
        raise SettingError(f"The file of keys {path} cannot be read.", "Write one line a key: NAME: value.",
                           subject=str(path), code="keys_unreadable")
    return {str(name): str(value) for name, value in content.items() if value}


def _refuse_open_file(path: Path) -> None:
    about = path.stat()
    if stat.S_IMODE(about.st_mode) & 0o077:
        raise SettingError(f"The file of keys {path} can be read by other users of this machine.",
                           f"Mend it with: chmod 600 \"{path}\". If others may have read it, replace the keys too.",
                           subject=str(path), code="keys_open")


def _refuse_project_folder(path: Path) -> None:
    resolved = path.expanduser().resolve()
    inside = any((folder / "project.yaml").exists() for folder in resolved.parents)
    if inside or projects_folder() in resolved.parents:
        raise SettingError(f"Keys cannot be stored in {path}: it lies in a project, and projects are copied and shared.",
                           "Let LEHRLING_KEYS name a file elsewhere.", subject=str(path), code="keys_in_project")
