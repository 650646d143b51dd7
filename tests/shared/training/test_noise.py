"""The adaptive batch: its estimate is right where the truth is known, and a run with it goes on exactly."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from phases.shared.jobs.context import JobStopped
from phases.shared.training.noise import FEWEST, GatheringAdamW, estimate
from tests.tiny_project import context_of, continue_job, make_project, prepare_job


def noisy(signal: float, spread: float, batch: int, most: int, steps: int) -> GatheringAdamW:
    """An optimizer that was shown gradients of mean `signal` and, for one example, deviation `spread` in each of 400 directions."""
    chance = torch.Generator().manual_seed(3)
    weights = torch.nn.Parameter(torch.zeros(400))
    optimizer = GatheringAdamW([weights], lr=1e-9, batch=batch, most=most, clipping=1e9)
    for _ in range(steps):
        weights.grad = torch.full((400,), signal) + spread / batch ** 0.5 * torch.randn(400, generator=chance)
        optimizer.step()
    return optimizer


def test_the_estimate_is_that_of_known_noise() -> None:
    optimizer = noisy(signal=0.5, spread=3.0, batch=4, most=16, steps=600)
    true = 3.0 ** 2 * 400 / (0.5 ** 2 * 400)
    assert optimizer.noise_scale == pytest.approx(true, rel=0.15)
    assert optimizer.kept["wanted"] == pytest.approx(true / 4, abs=1)


def test_without_noise_the_batch_stays_small_and_in_noise_it_grows_to_its_limit() -> None:
    assert noisy(signal=1.0, spread=0.01, batch=4, most=16, steps=200).kept["wanted"] == FEWEST
    assert noisy(signal=0.01, spread=9.0, batch=4, most=16, steps=400).kept["wanted"] == 16


def test_estimate_of_exact_moments() -> None:
    signal, noise = 2.0, 30.0
    assert estimate(signal + noise / 4, signal + noise / 12, 4, 3) == pytest.approx((signal, noise))


def test_a_step_is_adamw_on_the_mean_gradient_clipped_as_a_whole() -> None:
    gradients = [torch.tensor([3.0, -1.0]), torch.tensor([1.0, 5.0])]
    ours, usual = (torch.nn.Parameter(torch.ones(2)) for _ in range(2))
    gathering = GatheringAdamW([ours], lr=0.1, weight_decay=0.1, batch=1, most=4, clipping=1.0)
    plain = torch.optim.AdamW([usual], lr=0.1, weight_decay=0.1)
    for _ in range(2):
        for gradient in gradients:
            ours.grad = gradient.clone()
            gathering.step()
        usual.grad = sum(gradients) / 2
        torch.nn.utils.clip_grad_norm_([usual], 1.0)
        plain.step()
    assert torch.equal(ours, usual) and gathering.kept["gathered"] == 0


def test_its_state_goes_with_the_checkpoint_in_the_middle_of_a_grown_batch(tmp_path: Path) -> None:
    shown = [torch.randn(8, generator=torch.Generator().manual_seed(number)) for number in range(90)]
    whole, parts = (torch.nn.Parameter(torch.zeros(8)) for _ in range(2))
    usual = {"lr": 0.1, "batch": 1, "most": 16, "clipping": 1.0}
    one, other = GatheringAdamW([whole], **usual), GatheringAdamW([parts], **usual)
    for number, gradient in enumerate(shown):
        whole.grad = gradient.clone()
        one.step()
        parts.grad = gradient.clone()
        other.step()
        if number == 70:
            assert other.kept["wanted"] > FEWEST and other.kept["gathered"] > 0, "the moment must be one in which something can be lost"
            torch.save(other.state_dict(), tmp_path / "optimizer.pt")
            other = GatheringAdamW([parts], **usual)
            other.load_state_dict(torch.load(tmp_path / "optimizer.pt", weights_only=True))
    assert torch.equal(whole, parts) and one.kept == other.kept


@pytest.mark.parametrize("method", ["lora", "full"])
def test_an_adaptive_run_goes_on_exactly_and_tells_its_batch(tmp_path: Path, method: str) -> None:
    project = make_project(tmp_path)
    for job in ("whole", "stopped"):
        prepare_job(project, "cpt", job, epochs=7.0, batch_size=2, adaptive_batch=8, save_steps=50, method=method)
    for _ in range(3):  # 1, 2 and 3 batches in, that is also with half a step gathered
        (project.job_dir("stopped") / "stop").touch()
        with pytest.raises(JobStopped):
            continue_job(context_of(project, "stopped"), "cpt")
        (project.job_dir("stopped") / "stop").unlink()
    results = [continue_job(context_of(project, job), "cpt") for job in ("whole", "stopped")]
    figures = [{key: one[key] for key in ("steps", "weight_changes", "last_batch", "noise_scale")} for one in results]
    assert figures[0] == figures[1] and figures[0]["steps"] > figures[0]["weight_changes"] > 4
    assert figures[0]["last_batch"] >= 4 and figures[0]["noise_scale"] > 0
    names = ("adapter_model.safetensors", "model.safetensors")
    weights = [next(project.model_runs / job / name for name in names if (project.model_runs / job / name).is_file()).read_bytes()
               for job in ("whole", "stopped")]
    assert weights[0] == weights[1]
