"""The training that a person would write by hand with TRL and PEFT, for `training.py` to compare a job with.

    python -m tests.benchmarks.bare_trl SETTINGS.json

In: a JSON file with `model` (a folder), `rows` (JSON lines of `input_ids`, or of `text` where the program tokenises), `out`
(a folder), `log` (a file), and the settings of `CptConfig` under their own names. Out: one line a step in `log`:
{"step", "time", "tokens"} (seconds since 1970; tokens read so far). Knows nothing of the program.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback
from trl import SFTConfig, SFTTrainer


class StepLog(TrainerCallback):
    """When each step ended and how many tokens had been read by then."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any], **_: Any) -> None:
        if "loss" in logs:
            line = {"step": state.global_step, "time": time.time(), "tokens": logs["num_tokens"], "loss": logs["loss"]}
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")


def main(path: Path) -> None:
    given = json.loads(path.read_text(encoding="utf-8"))
    if given["threads"]:
        torch.set_num_threads(given["threads"])
    model = AutoModelForCausalLM.from_pretrained(given["model"], dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(given["model"])
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    rows = [json.loads(line) for line in Path(given["rows"]).read_text(encoding="utf-8").splitlines()]
    settings = SFTConfig(
        output_dir=given["out"], use_cpu=True, bf16=False, learning_rate=given["learning_rate"], lr_scheduler_type="cosine",
        num_train_epochs=given["epochs"], per_device_train_batch_size=given["batch_size"], optim="adamw_torch",
        gradient_accumulation_steps=given["gradient_accumulation"], weight_decay=given["weight_decay"],
        max_grad_norm=given["max_grad_norm"], gradient_checkpointing=given["gradient_checkpointing"],
        max_length=given["max_length"], packing=False, seed=given["seed"], logging_steps=1, save_strategy="steps",
        save_steps=given["save_steps"], save_total_limit=2, train_sampling_strategy="group_by_length", report_to="none",
        disable_tqdm=True)
    adapter = LoraConfig(r=given["lora_rank"], lora_alpha=2 * given["lora_rank"], lora_dropout=given["lora_dropout"],
                         target_modules="all-linear", task_type="CAUSAL_LM")
    trainer = SFTTrainer(model=model, args=settings, train_dataset=Dataset.from_list(rows), processing_class=tokenizer,
                         peft_config=adapter, callbacks=[StepLog(Path(given["log"]))])
    trainer.train()
    trainer.save_model(given["out"])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
