"""Trained models onto the disk, for reading by any program that knows transformers or peft. For child processes only.

In: a model in memory and an empty folder's name. Out: safetensors, configuration and tokenizer files, no absolute path in them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from phases.shared.files import write_json


def save_adapter(model: Any, tokenizer: Any, folder: Path, base_name: str) -> None:
    """The adapter's weights and configuration (naming its base) and the tokenizer."""
    folder.mkdir(parents=True)
    model.save_pretrained(str(folder), save_embedding_layers=False)
    described = folder / "adapter_config.json"
    content = json.loads(described.read_text(encoding="utf-8"))
    targets = content.get("target_modules")
    write_json(described, {**content, "base_model_name_or_path": base_name,
                           "target_modules": sorted(targets) if isinstance(targets, list) else targets})
    save_tokenizer(tokenizer, folder)


def save_full(model: Any, tokenizer: Any, folder: Path, dtype: torch.dtype) -> Any:
    """A merged model in one precision, with tokenizer; returns the model as it was saved."""
    folder.mkdir(parents=True)
    model = model.to(dtype)
    model.config.dtype = dtype
    model.generation_config.do_sample = True
    model.save_pretrained(str(folder))
    save_tokenizer(tokenizer, folder)
    return model


def save_tokenizer(tokenizer: Any, folder: Path) -> None:
    """The tokenizer with its chat template, and without the path it was read from."""
    tokenizer.save_pretrained(str(folder))
    described = folder / "tokenizer_config.json"
    content = json.loads(described.read_text(encoding="utf-8"))
    for key in ("name_or_path", "is_local", "local_files_only", "trust_remote_code"):
        content.pop(key, None)
    write_json(described, content)


def last_logits(model: Any, tokenizer: Any, prompts: Sequence[str]) -> torch.Tensor:
    """What the model expects after each chat prompt: float32, shape (prompts, vocabulary)."""
    rows = []
    with torch.inference_mode():
        for prompt in prompts:
            ids = tokenizer.apply_chat_template([{"role": "user", "content": prompt}], add_generation_prompt=True,
                                                return_tensors="pt", return_dict=True)["input_ids"].to(model.device)
            rows.append(model(input_ids=ids, use_cache=False).logits[0, -1].float().cpu())
    return torch.stack(rows)
