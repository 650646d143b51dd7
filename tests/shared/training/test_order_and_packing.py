"""Orders repeat themselves for a seed and epoch; packing keeps every token and keeps texts apart."""

from __future__ import annotations

import random
from pathlib import Path

import datasets
import pytest
import torch
from transformers import TrainerCallback

from phases.cpt.config import CptConfig
from phases.cpt.train import training_rows
from phases.shared.jobs.context import JobStopped
from phases.shared.options import resolve
from phases.shared.training.loading import load_model
from phases.shared.training.order import STAGES, reading_order
from phases.shared.training.packing import packed_rows, shared_sequences
from phases.shared.training.trainer import TrainingData, build_trainer
from tests.tiny_models import make_tiny_model
from tests.tiny_project import FAST, context_of, continue_job, make_project, prepare_job


def table(lengths: list[int], learnt: list[int]) -> datasets.Dataset:
    return datasets.Dataset.from_list([{"input_ids": [7] * length, "labels": [-100] * (length - own) + [7] * own}
                                       for length, own in zip(lengths, learnt, strict=True)])


CHANCE = random.Random(3)
ROWS = table([CHANCE.randint(10, 99) for _ in range(103)], [CHANCE.randint(1, 10) for _ in range(103)])


@pytest.mark.parametrize("order", ["shuffled", "short_first", "curriculum"])
def test_an_order_is_a_function_of_seed_and_epoch(order: str) -> None:
    first, second = (reading_order(ROWS, order, 4, 42) for _ in range(2))
    list(second)  # what was drawn before must not matter
    for epoch in (0, 1, 5):
        first.set_epoch(epoch)
        second.set_epoch(epoch)
        assert list(first) == list(second) and sorted(first) == list(range(103)) and len(first) == 103
    assert list(first) != list(reading_order(ROWS, order, 4, 42)), "a new epoch draws anew"
    assert list(reading_order(ROWS, order, 4, 43)) != list(reading_order(ROWS, order, 4, 42))


@pytest.mark.parametrize(("order", "difficulty"), [("short_first", lambda row: len(row["input_ids"])),
                                                   ("curriculum", lambda row: sum(one != -100 for one in row["labels"]))])
def test_easy_rows_come_first(order: str, difficulty) -> None:
    read = [difficulty(ROWS[place]) for place in reading_order(ROWS, order, 4, 42)]
    wide = 4 * -(-103 // (4 * STAGES))
    stages = [read[start:start + wide] for start in range(0, 103, wide)]
    assert all(max(one) <= min(other) for one, other in zip(stages, stages[1:], strict=False)) and read != sorted(read)


@pytest.mark.parametrize("seed", range(5))
def test_every_row_is_in_one_sequence_that_holds_it(seed: int) -> None:
    chance = random.Random(seed)
    lengths = [chance.randint(1, 64) for _ in range(200)]
    sequences = shared_sequences(lengths, 64)
    assert sorted(row for one in sequences for row in one) == list(range(200))
    assert all(sum(lengths[row] for row in one) <= 64 for one in sequences)
    assert len(sequences) <= sum(lengths) / 64 * 1.15 + 1, "tight enough to be worth it"


@pytest.mark.parametrize("begin", [True, False])
def test_packed_texts_do_not_see_each_other_and_lose_no_token(tmp_path: Path, begin: bool) -> None:
    """The loss of packed sequences is that of the texts read one by one, over the same tokens."""
    model, tokenizer = load_model(make_tiny_model(tmp_path / "tiny", begin=begin))
    texts = [{"text": f"Lamp {number} burns for {number + 3} hours. " * (1 + number % 4), "last": number % 2 == 0} for number in range(9)]
    rows = training_rows(texts, tokenizer, tokenizer.eos_token_id, 48)
    trainer = build_trainer(resolve(CptConfig, FAST, {"packing": True, "batch_size": 2}), model, tokenizer,
                            TrainingData(rows, rows, "hash", 48), tmp_path / "out", TrainerCallback())
    assert len(trainer.train_dataset) == len(packed_rows(rows, 48)) < len(rows)
    apart, packed, predicted = 0.0, 0.0, []
    with torch.no_grad():
        for row in rows:
            ids = torch.tensor([row["input_ids"]])
            apart += torch.nn.functional.cross_entropy(model(input_ids=ids).logits[0, :-1], ids[0, 1:], reduction="sum").item()
        for batch in trainer.get_train_dataloader():
            batch = dict(batch)
            labels = batch.pop("labels")[0]
            logits = model(**batch).logits[0]
            packed += torch.nn.functional.cross_entropy(logits[:-1], labels[1:], reduction="sum").item()
            predicted += [token for token in labels[1:].tolist() if token != -100]
    assert sorted(predicted) == sorted(token for row in rows for token in row["labels"][1:])
    assert packed == pytest.approx(apart, rel=1e-5)


def test_a_packed_run_goes_on_exactly(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    for job in ("whole", "stopped"):
        prepare_job(project, "cpt", job, epochs=3, packing=True, batch_size=1, order="short_first")
    (project.job_dir("stopped") / "stop").touch()
    with pytest.raises(JobStopped):
        continue_job(context_of(project, "stopped"), "cpt")
    (project.job_dir("stopped") / "stop").unlink()
    results = [continue_job(context_of(project, job), "cpt") for job in ("whole", "stopped")]
    assert results[0]["steps"] == results[1]["steps"]
    assert len({(project.model_runs / job / "adapter_model.safetensors").read_bytes() for job in ("whole", "stopped")}) == 1
