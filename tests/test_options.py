"""Configuration classes: layers, checks and what they tell forms and flags."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import pytest

from phases.shared.errors import SettingError
from phases.shared.options import as_mapping, option, options_of, resolve


@dataclass(frozen=True)
class Sample:
    PRESETS: ClassVar[dict[str, dict]] = {"standard": {}, "small": {"rate": 0.002, "epochs": 20}}
    preset: str = option("standard", label="Preset", help="Where to begin.", choices=("standard", "small"))
    epochs: int = option(3, label="Epochs", help="Rounds.", low=1, high=100)
    rate: float = option(3e-4, label="Learning rate", help="Step size.", low=1e-7, high=1.0)
    packing: bool = option(False, label="Packing", help="Fill up.")


def test_later_layers_win_over_earlier_ones_and_all_over_the_preset() -> None:
    config = resolve(Sample, {"preset": "small", "epochs": 5}, {"epochs": None, "packing": "yes"})
    assert config == Sample(preset="small", epochs=5, rate=0.002, packing=True)


def test_texts_from_flags_become_numbers() -> None:
    assert resolve(Sample, {"epochs": "7", "rate": "1e-3"}) == Sample(epochs=7, rate=0.001)


@pytest.mark.parametrize(("given", "subject"), [
    ({"epoch": 3}, "epoch"), ({"epochs": 0}, "epochs"), ({"epochs": 2.5}, "epochs"), ({"rate": "fast"}, "rate"),
    ({"rate": float("nan")}, "rate"), ({"packing": "perhaps"}, "packing"), ({"preset": "huge"}, "preset"), ({"epochs": True}, "epochs")])
def test_wrong_settings_are_named(given: dict, subject: str) -> None:
    with pytest.raises(SettingError) as caught:
        resolve(Sample, given)
    assert caught.value.subject == subject
    assert caught.value.advice


def test_fields_carry_what_a_form_needs() -> None:
    rate = options_of(Sample)[2]
    assert (rate.name, rate.kind, rate.flag, rate.label, rate.low) == ("rate", float, "--rate", "Learning rate", 1e-7)
    assert as_mapping(Sample()) == {"preset": "standard", "epochs": 3, "rate": 3e-4, "packing": False}
