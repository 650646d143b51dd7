"""Trained models onto the disk, for reading by any program that knows transformers or peft. For child processes only.

In: a model in memory and an empty folder's name. Out: safetensors, configuration and tokenizer files, no absolute path in them.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from phases.shared.files import write_json
from phases.shared.training.loading import stored_dtype


def save_adapter(model: Any, tokenizer: Any, folder: Path, base_name: str, base_folder: Path) -> None:
    """The adapter's weights and configuration (naming its base) and the tokenizer."""
    folder.mkdir(parents=True)
    model.save_pretrained(str(folder), save_embedding_layers=False)
    described = folder / "adapter_config.json"
    content = json.loads(described.read_text(encoding="utf-8"))
    targets = content.get("target_modules")
    write_json(described, {**content, "base_model_name_or_path": base_name,
                           "target_modules": sorted(targets) if isinstance(targets, list) else targets})
    save_tokenizer(tokenizer, folder, base_folder)


def save_full(model: Any, tokenizer: Any, folder: Path, base_folder: Path) -> Any:
    """A merged model in its base's precision, with tokenizer; returns the model in that precision."""
    folder.mkdir(parents=True)
    dtype = stored_dtype(base_folder)
    _round_weights(model, dtype)
    model.config.dtype = dtype
    model.config.use_cache = True  # the trainer turned it off; without it every answer is slow
    make_consistent(model.generation_config)
    model.save_pretrained(str(folder))
    save_tokenizer(tokenizer, folder, base_folder)
    return model


def _round_weights(model: Any, dtype: torch.dtype) -> None:
    """What is saved gets the precision; what is computed when a model is loaded (rotary frequencies) keeps its float32, as it has
    in every program that loads the files. `model.to` would round that too and answer differently."""
    saved = set(model.state_dict())
    for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
        if name in saved and tensor.is_floating_point():
            tensor.data = tensor.data.to(dtype)


def make_consistent(generation: Any) -> None:
    """Some models are published with a temperature and without sampling, which transformers refuses to save."""
    try:
        generation.validate(strict=True)
    except ValueError:
        generation.do_sample = True


def save_tokenizer(tokenizer: Any, folder: Path, base_folder: Path) -> None:
    """The tokenizer with its chat template, under a class name that older programs know, without the path it came from."""
    tokenizer.save_pretrained(str(folder))
    described = folder / "tokenizer_config.json"
    content = json.loads(described.read_text(encoding="utf-8"))
    for key in ("name_or_path", "is_local", "local_files_only", "trust_remote_code"):
        content.pop(key, None)
    if content.get("tokenizer_class") == "TokenizersBackend":
        content["tokenizer_class"] = "PreTrainedTokenizerFast"
    write_json(described, content)
    original = base_folder / "tokenizer.model"  # converters to other formats read it
    if original.is_file() and not (folder / original.name).exists():
        shutil.copyfile(original, folder / original.name)


def last_logits(model: Any, tokenizer: Any, prompts: Sequence[str]) -> torch.Tensor:
    """What the model expects after each chat prompt: float32, shape (prompts, vocabulary)."""
    rows = []
    with torch.inference_mode():
        for prompt in prompts:
            ids = tokenizer.apply_chat_template([{"role": "user", "content": prompt}], add_generation_prompt=True,
                                                return_tensors="pt", return_dict=True)["input_ids"].to(model.device)
            rows.append(model(input_ids=ids, use_cache=False).logits[0, -1].float().cpu())
    return torch.stack(rows)


def compare_logits(one: torch.Tensor, other: torch.Tensor) -> dict[str, Any]:
    """How far two models are apart: the largest difference of a logit, and how often they expect the same next token."""
    same = (one.argmax(-1) == other.argmax(-1)).sum().item()
    return {"largest_difference": round((one - other).abs().max().item(), 6), "same_next_token": f"{same} of {len(one)}"}
