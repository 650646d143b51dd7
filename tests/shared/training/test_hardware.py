"""What a machine can train on is said before a job starts, and a run takes no more GPUs than it was given."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from phases.cpt.config import CptConfig
from phases.shared.training import hardware
from phases.shared.training.hardware import missing_hardware, usable_gpus, visible_devices


@pytest.fixture
def two_gpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A driver's program that lists two GPUs, first on the path, and a torch with CUDA: neither is here."""
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\nprintf '0\\n1\\n'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(hardware, "torch_has_cuda", lambda: True)
    hardware.installed_gpus.cache_clear()
    yield
    hardware.installed_gpus.cache_clear()


def with_settings(**settings: object) -> CptConfig:
    return dataclasses.replace(CptConfig(), **settings)


@pytest.mark.usefixtures("two_gpus")
def test_with_two_gpus_one_is_taken_unless_two_are_asked_for() -> None:
    gpus = usable_gpus(None)
    assert gpus == ("0", "1") and usable_gpus("1") == ("1",) and usable_gpus("") == () and usable_gpus("1,-1,0") == ("1",)
    assert visible_devices(with_settings(), gpus) == "0"
    assert visible_devices(with_settings(processes=2), gpus) is None
    assert visible_devices(with_settings(device="cpu", processes=2), gpus) == ""


@pytest.mark.usefixtures("two_gpus")
def test_more_processes_than_gpus_are_refused_except_on_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    assert missing_hardware(with_settings(processes=2, device="cuda")) == ()
    assert "3 processes are asked for, but 2 GPUs" in missing_hardware(with_settings(processes=3))[0]
    assert missing_hardware(with_settings(processes=3, device="cpu")) == ()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert "hides every GPU" in missing_hardware(with_settings(device="cuda"))[0]


def test_how_torch_was_built_is_read_without_importing_it() -> None:
    import torch
    assert hardware.torch_has_cuda() == (torch.version.cuda is not None)
