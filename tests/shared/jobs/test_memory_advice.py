"""Full memory is answered with the settings that would need less, by their present values."""

from __future__ import annotations

import pytest

from phases.cpt.config import CptConfig
from phases.shared.jobs.memory_advice import CLOSE_OTHERS, memory_advice
from phases.shared.jobs.reasons import Ending, disk_full, interruption, record_of, with_levers
from phases.shared.options import as_mapping, resolve
from phases.shared.training.memory_errors import memory_error


def advice(**settings: object) -> str:
    return memory_advice(as_mapping(resolve(CptConfig, settings)))


def test_each_lever_is_named_with_its_value_and_only_while_it_can_be_pulled() -> None:
    said = advice(batch_size=8, gradient_accumulation=3, max_length=512)
    assert said.startswith("Make the batch smaller (8 now; with gradient accumulation 6 and batch 4 the run learns the same); or turn gradient "
                           "checkpointing on (off now); or make the sequences shorter (512 tokens now)")
    assert said.endswith("choose a smaller base model; or load the base model in 4 bits (QLoRA; lora now) on a GPU that can. Then start a new run.")
    small = advice(method="qlora", batch_size=1, gradient_checkpointing=True)
    assert small == "Make the sequences shorter (2048 tokens now); or choose a smaller base model. Then start a new run."


@pytest.mark.parametrize(("size", "batch", "accumulation"), [(9, 3, 3), (7, 1, 7), (6, 3, 2)])
def test_the_smaller_batch_learns_the_same(size: int, batch: int, accumulation: int) -> None:
    assert f"gradient accumulation {accumulation} and batch {batch} " in advice(batch_size=size) and batch * accumulation == size


def test_full_fine_tuning_is_told_of_lora_and_processes_of_fewer() -> None:
    assert "train an adapter only (LoRA; full now)" in advice(method="full")
    assert "fewer processes on a CPU (3 now" in advice(processes=3)


@pytest.mark.parametrize("why", [interruption(Ending(-9, rebooted=False, memory_kills=1)), record_of(MemoryError())], ids=["killed", "no more given"])
def test_memory_that_the_system_refused_is_answered_like_that_of_a_step(why: dict[str, str]) -> None:
    settings = as_mapping(CptConfig(batch_size=6))
    told = with_levers(why, settings)
    assert "(6 now; " in told["advice"] and told["advice"].endswith(f"Then start a new run. {CLOSE_OTHERS}")
    assert {**told, "advice": ""} == {**why, "advice": ""}
    assert with_levers(why, {"files": ["a.pdf"]})["advice"] == CLOSE_OTHERS, "an import has no such settings"


def test_other_reasons_stay_as_they_are() -> None:
    step = memory_error(CptConfig(), 512).as_record()
    assert "(512 tokens now)" in step["advice"], "as short as the model reads, not as was asked"
    for why in (step, disk_full()):
        assert with_levers(why, as_mapping(CptConfig())) is why
