"""The loss from whole logits is the chunked head's: same number, same gradients, same count of tokens."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import TrainerCallback

from phases.cpt.config import CptConfig
from phases.cpt.train import training_rows
from phases.shared.options import resolve
from phases.shared.training import trainer as trainer_module
from phases.shared.training.loading import load_model
from phases.shared.training.trainer import TrainingData, build_trainer
from tests.tiny_models import make_tiny_model
from tests.tiny_project import FAST


@pytest.mark.parametrize("packing", [False, True])
def test_whole_and_chunked_logits_agree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, packing: bool) -> None:
    model, tokenizer = load_model(make_tiny_model(tmp_path / "tiny"))
    texts = [{"text": f"Lamp {number} burns for {number + 3} hours. " * (1 + number % 4), "last": number % 2 == 0} for number in range(9)]
    rows = training_rows(texts, tokenizer, tokenizer.eos_token_id, 48)
    for row in rows:
        row["labels"][2:4] = [-100, -100]  # as in questions, which are not learnt
    trainer = build_trainer(resolve(CptConfig, FAST, {"packing": packing, "batch_size": 3}), model, tokenizer,
                            TrainingData(rows, (), "hash", 48), tmp_path / "out", TrainerCallback())
    found: list[tuple[list[float], list[torch.Tensor], list[int]]] = []
    for most_bytes in (2**40, 0):
        monkeypatch.setattr(trainer_module, "WHOLE_LOGITS_BYTES", most_bytes)
        losses, tokens = [], []
        trainer.model.zero_grad()
        trainer._total_train_tokens = 0
        for batch in trainer.get_train_dataloader():
            trainer.model.train()
            for count in (None, torch.tensor(57)):
                loss = trainer.compute_loss(trainer.model, dict(batch), num_items_in_batch=count)
                loss.backward()
                losses.append(loss.item())
            tokens.append(trainer._metrics["train"]["num_tokens"][0])
        found.append((losses, [one.grad.clone() for one in trainer.model.parameters() if one.grad is not None], tokens))
    (whole, gradients, counted), (chunked, other_gradients, other_counted) = found
    assert whole == pytest.approx(chunked, rel=1e-5) and len(whole) > 3
    assert counted == other_counted and counted[-1] > 0
    assert any(one.abs().max() > 0 for one in gradients)
    for one, other in zip(gradients, other_gradients, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)
