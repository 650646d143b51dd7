"""One configuration class per kind of job: its fields feed the form, the flags, the job's YAML and the model card.

In: a frozen dataclass whose fields were made with `option()`. Out: a checked instance (`resolve`), a plain mapping
(`as_mapping`), or the list of its fields with label, help, unit and range (`options_of`).

    @dataclass(frozen=True)
    class SftConfig:
        PRESETS: ClassVar[dict[str, dict]] = {"standard": {}, "small": {"epochs": 12}}
        preset: str = option("standard", label="Preset", help="...", choices=("standard", "small"))
        epochs: float = option(2.0, label="Epochs", help="Times each pair is seen.", low=0.1, high=100)
"""

from __future__ import annotations

import dataclasses
import math
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from phases.shared.errors import SettingError


@dataclass(frozen=True)
class Option:
    """What a form, a flag and a model card need to know about one field."""

    name: str
    kind: type
    default: Any
    label: str
    help: str
    unit: str = ""
    low: float | None = None
    high: float | None = None
    choices: tuple[Any, ...] = ()
    advanced: bool = False
    group: str = ""

    @property
    def flag(self) -> str:
        return "--" + self.name.replace("_", "-")


def option(default: Any, *, label: str, help: str, unit: str = "", low: float | None = None,
           high: float | None = None, choices: tuple[Any, ...] = (), advanced: bool = False, group: str = "") -> Any:
    """A dataclass field that carries its label, help, unit and range once.

    Args:
        default: the value when nothing else is given; its field is annotated str, int, float or bool.
        unit: shown behind the label ("tokens", "GiB"); "" for pure numbers and words.
        low, high: inclusive range of a number.
        choices: the only values allowed.
        advanced: shown in the folded part of the form.
        group: shown in a folded part of its own, with the switches that are on counted in its heading.
    """
    about = {"label": label, "help": help, "unit": unit, "low": low, "high": high,
             "choices": tuple(choices), "advanced": advanced, "group": group}
    return dataclasses.field(default=default, metadata={"option": about})


def options_of(config: type) -> list[Option]:
    """The fields of a configuration class in their order, those of the folded part of the form last."""
    return list(_options_of(config))


@cache
def _options_of(config: type) -> tuple[Option, ...]:
    kinds = typing.get_type_hints(config)
    fields = [Option(name=field.name, kind=kinds[field.name], default=field.default, **field.metadata["option"])
              for field in dataclasses.fields(config) if "option" in field.metadata]
    return tuple(sorted(fields, key=lambda one: one.advanced))


def resolve(config: type, *layers: Mapping[str, Any] | None) -> Any:
    """A checked instance: preset < method < first layer < ... < last layer (project.yaml before form or flags).

    A class may say in `BY_METHOD` which defaults its field `method` brings, for each preset. A value of None means "not given here". Raises SettingError for an unknown key, a wrong kind or a value out of range.
    """
    fields = {one.name: one for one in options_of(config)}
    given: dict[str, Any] = {}
    for layer in layers:
        given.update({key: value for key, value in (layer or {}).items() if value is not None})
    for key in given:
        if key not in fields:
            raise SettingError(f"'{key}' is not a setting of {config.__name__}.",
                               f"Known settings: {', '.join(fields)}.", subject=key, code="setting_unknown")
    preset = given.get("preset", fields["preset"].default) if "preset" in fields else None
    values = {**_preset(config, preset), **by_method(config, given.get("method"), preset), **given}
    return config(**{name: _checked(fields[name], value) for name, value in values.items()})


def as_mapping(config: Any) -> dict[str, Any]:
    """The configuration as plain data, for YAML, JSON and model cards."""
    return {one.name: getattr(config, one.name) for one in options_of(type(config))}


def _preset(config: type, name: str | None) -> dict[str, Any]:
    if name is None:
        return {}
    presets = getattr(config, "PRESETS", {})
    if name not in presets:
        raise SettingError(f"There is no preset '{name}'.", f"Presets: {', '.join(presets)}.", subject="preset",
                           code="setting_choice")
    return presets[name]


def by_method(config: type, method: str | None, preset: str | None) -> dict[str, Any]:
    """The defaults that a training method brings; empty for the usual one."""
    return getattr(config, "BY_METHOD", {}).get(method, {}).get(preset, {})


def _checked(field: Option, value: Any) -> Any:
    value = _converted(field, value)
    if field.choices and value not in field.choices:
        raise SettingError(f"{field.label} cannot be '{value}'.",
                           f"Choose one of: {', '.join(map(str, field.choices))}.", subject=field.name,
                           code="setting_choice")
    too_low = field.low is not None and value < field.low
    too_high = field.high is not None and value > field.high
    if too_low or too_high:
        raise SettingError(f"{field.label} cannot be {value}{' ' + field.unit if field.unit else ''}.",
                           f"It lies between {field.low} and {field.high}.", subject=field.name, code="setting_range")
    return value


def _converted(field: Option, value: Any) -> Any:
    problem = SettingError(f"{field.label} cannot be '{value}'.", f"It is {_kind_in_words(field.kind)}.",
                           subject=field.name, code="setting_kind")
    if field.kind is bool:
        if isinstance(value, bool):
            return value
        if str(value).lower() in {"true", "yes", "on", "1"}:
            return True
        if str(value).lower() in {"false", "no", "off", "0"}:
            return False
        raise problem
    if field.kind is str:
        return str(value)
    if isinstance(value, bool):
        raise problem
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise problem from None
    if not math.isfinite(number) or (field.kind is int and number != int(number)):
        raise problem
    return int(number) if field.kind is int else number


def _kind_in_words(kind: type) -> str:
    return {int: "a whole number", float: "a number", bool: "on or off", str: "a text"}[kind]
