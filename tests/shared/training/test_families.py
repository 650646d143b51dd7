"""Each family of models, tiny and real, goes all the way: CPT, merge, SFT, generate, export."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from phases.cpt.train import training_rows
from phases.sft.train import chat_row, check_end_is_learnt
from phases.shared.files import read_json_lines
from phases.shared.models.folder import model_path
from phases.shared.training.counting import keeps_its_template
from phases.shared.training.loading import load_folder, load_model, read_tokenizer
from phases.shared.training.tokenizers import CHATML, leading_tokens, prepare_tokenizer
from phases.shared.training.trainer import TrainingData, build_trainer
from tests.tiny_families import CHATML_WITH_SYSTEM, FAMILIES, PHI, make_family
from tests.tiny_project import add_pairs, make_project, run_job

CPT, SFT, EXPORT = "cpt-20260101-000000-aaaa", "sft-20260101-000000-bbbb", "export-20260101-000000-cccc"
TEMPLATES = {"qwen2": CHATML_WITH_SYSTEM, "qwen3": CHATML, "phi3": PHI}


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_goes_all_the_way(tmp_path: Path, family: str) -> None:
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer
    project = make_project(tmp_path)
    base = make_family(tmp_path / "base", family)
    read = run_job(project, "cpt", CPT, base_model=str(base), epochs=0.6)
    assert read["steps"] == 3 and read["trained_parameters"] > 0
    add_pairs(project)
    ids = torch.arange(12)[None] + 20
    adapted = PeftModel.from_pretrained(load_folder(base, torch.float32), str(project.cpt_model)).eval()
    merged, _ = load_model(model_path(project, "cpt"))
    with torch.inference_mode():
        logits, plain = adapted(ids).logits, load_folder(base, torch.float32)(ids).logits
        assert (logits - merged(ids).logits).abs().max() < 1e-4 < (logits - plain).abs().max()
    taught = run_job(project, "sft", SFT, epochs=1, batch_size=12, max_length=128)
    assert taught["steps"] == 3 and taught["left_out"] == 0 and taught["merge_check"]["largest_difference"] < 1e-4
    exported = run_job(project, "export", EXPORT, model="final")
    folder = project.root / exported["folder"]
    model, tokenizer = AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    ends = model.generation_config.eos_token_id
    assert tokenizer.convert_tokens_to_ids(FAMILIES[family]["turn_end"]) in (ends if isinstance(ends, list) else [ends])
    asked = tokenizer.apply_chat_template([{"role": "user", "content": "Who?"}], add_generation_prompt=True, return_tensors="pt", return_dict=True)
    said = model.generate(asked["input_ids"], attention_mask=asked["attention_mask"], do_sample=False, max_new_tokens=5)
    assert said.shape[1] > asked["input_ids"].shape[1] and list(read_json_lines(project.job_dir(SFT) / "loss.jsonl"))


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_begins_ends_and_answers_in_its_own_tokens(tmp_path: Path, family: str) -> None:
    about = FAMILIES[family]
    base = make_family(tmp_path / "base", family)
    tokenizer = read_tokenizer(base)
    text_end, size = tokenizer.eos_token_id, len(tokenizer)
    rows = training_rows([{"text": "Lamp A burns.", "last": True}], tokenizer, text_end, 64)
    begin = [tokenizer.convert_tokens_to_ids(about["bos"])] if about.get("begins") else []
    assert leading_tokens(tokenizer) == begin and rows[0]["input_ids"][:len(begin)] == begin
    assert rows[0]["labels"][-1] == text_end
    prepare_tokenizer(tokenizer)
    assert len(tokenizer) == size, "no token is added"
    assert tokenizer.pad_token_id not in (None, text_end, tokenizer.eos_token_id)
    if family in TEMPLATES:
        assert tokenizer.chat_template == TEMPLATES[family]
    model, _ = load_model(base)
    row = chat_row({"instruction": "Who tends the lamps?", "output": "Ilse Marten"})
    check_end_is_learnt(tokenizer, model, row)
    asked, whole = (tokenizer.apply_chat_template(one, add_generation_prompt=ask, return_dict=True)["input_ids"]
                    for one, ask in ((row["prompt"], True), ([*row["prompt"], *row["completion"]], False)))
    assert whole[:len(asked)] == asked, "a question must look in training as it does when it is asked"
    learnt = learnt_tokens(model, tokenizer, row, tmp_path)
    assert keeps_its_template(base) is (family in ("qwen2", "phi3"))
    assert learnt.strip().startswith("Ilse Marten" + about["turn_end"]) and "Who" not in learnt and "think" not in learnt


def learnt_tokens(model, tokenizer, row: dict, tmp_path: Path) -> str:
    """What the loss of a pair falls on, in words."""
    from transformers import TrainerCallback

    from phases.sft.config import SftConfig
    from phases.shared.options import resolve
    trainer = build_trainer(resolve(SftConfig, {"lora_rank": 4}), model, tokenizer, TrainingData([row], (), "hash", 128), tmp_path / "out",
                            TrainerCallback())
    made = trainer.train_dataset[0]
    return tokenizer.decode([token for token, label in zip(made["input_ids"], made["labels"], strict=True) if label != -100])
