"""What each method trains: a LoRA adapter, one on a base in 4 bits (QLoRA), or every weight. For child processes only (torch).

In: a model folder and the settings. Out: the model as it is trained, and afterwards as it is kept, in full precision.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model, get_peft_model_state_dict, set_peft_model_state_dict
from safetensors.torch import load_file

from phases.shared.errors import NotReady
from phases.shared.models.base import fetch_base
from phases.shared.models.folder import DESCRIPTION, read_model_info
from phases.shared.training.loading import (
    agree,
    device_name,
    load_error,
    load_folder,
    load_model,
    read_tokenizer,
    weights_dtype,
    working_dtype,
)
from phases.shared.training.methods import missing_for_method
from phases.shared.training.saving import make_consistent, save_full
from phases.shared.training.tokenizers import prepare_tokenizer

ADAPTER_WEIGHTS = "adapter_model.safetensors"


def lora_config(config: Any) -> LoraConfig | None:
    """LoRA on every linear layer but the output; None for full fine-tuning."""
    if config.method == "full":
        return None
    return LoraConfig(r=config.lora_rank, lora_alpha=config.lora_alpha or 2 * config.lora_rank, lora_dropout=config.lora_dropout,
                      target_modules="all-linear", task_type="CAUSAL_LM")


def load_base_to_train(folder: Path, config: Any) -> Any:
    """The model in a folder, on its device, as the method trains it. Raises ModelError, SettingError, NotReady."""
    if config.method == "qlora":
        return load_in_4_bits(folder, config)
    model = load_folder(folder, weights_dtype(config.method, config.precision, config.device))
    make_consistent(model.generation_config)  # full checkpoints hold it too
    return model.to(device_name(config.device))


def load_parent_to_train(place: Path, config: Any, scratch: Path) -> tuple[Any, Any]:
    """Model and tokenizer of a base, an adapter (merged into its base) or a full model. `scratch` is used and removed."""
    if config.method != "qlora":
        model, tokenizer = load_model(place, dtype=weights_dtype(config.method, config.precision, config.device), device=config.device)
        make_consistent(model.generation_config)
        return model, tokenizer
    try:
        folder = _merged(place, config, scratch)
        tokenizer = prepare_tokenizer(read_tokenizer(folder))
        model = load_in_4_bits(folder, config)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    agree(model, tokenizer)
    return model, tokenizer


def _merged(place: Path, config: Any, scratch: Path) -> Path:
    """A folder that can be read in 4 bits: of an adapter, a merged copy in `scratch`."""
    if not (place / DESCRIPTION).is_file() or read_model_info(place).kind != "adapter":
        return fetch_base(str(place), on_download=lambda: None)
    shutil.rmtree(scratch, ignore_errors=True)  # of an attempt that was killed
    model, tokenizer = load_model(place, dtype=working_dtype(config.precision, config.device), device="cpu")
    save_full(model, tokenizer, scratch, fetch_base(read_model_info(place).base, on_download=lambda: None))
    return scratch


def load_in_4_bits(folder: Path, config: Any) -> Any:
    """NF4 with double quantisation, its small layers in float32 (QLoRA, sections 3 and 5). Raises NotReady, ModelError."""
    missing = missing_for_method(config)
    if missing:
        raise NotReady(missing[0], missing=missing)
    from peft import prepare_model_for_kbit_training
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig
    compute = working_dtype(config.precision, config.device)
    quantisation = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True,
                                      bnb_4bit_compute_dtype=compute)
    place = device_name(config.device)
    device = torch.cuda.current_device() if place == "cuda" else place
    try:
        model = AutoModelForCausalLM.from_pretrained(str(folder), dtype=compute, quantization_config=quantisation, device_map={"": device},
                                                     trust_remote_code=False, use_safetensors=True, local_files_only=True)
    except Exception as problem:  # the border to a library that raises a dozen kinds
        raise load_error(folder, problem) from problem
    return prepare_model_for_kbit_training(model, use_gradient_checkpointing=config.gradient_checkpointing,
                                           gradient_checkpointing_kwargs={"use_reentrant": False})


def in_full_precision(trained: Any, parent: Path, config: Any) -> Any:
    """An adapter that was trained on 4 bits, on its parent in full precision: never merge into rounded weights.

    In main memory, since a GPU that needed the 4 bits has no room for the whole.
    """
    if config.method != "qlora":
        return trained
    model, _ = load_model(parent, dtype=working_dtype(config.precision, config.device), device="cpu")
    adapted = get_peft_model(model, lora_config(config))
    set_peft_model_state_dict(adapted, get_peft_model_state_dict(trained, save_embedding_layers=False))
    return adapted


def merged(trained: Any) -> Any:
    """The model without an adapter on it: merged, or as it is after full fine-tuning."""
    return trained.merge_and_unload() if hasattr(trained, "merge_and_unload") else trained


def put_back(model: Any, checkpoint: Path) -> None:
    """Give a trained model the weights of one of its checkpoints."""
    if (checkpoint / ADAPTER_WEIGHTS).is_file():
        set_peft_model_state_dict(model, load_file(checkpoint / ADAPTER_WEIGHTS))
        return
    for part in sorted(checkpoint.glob("model*.safetensors")):
        model.load_state_dict(load_file(part), strict=False)  # weights that are tied are stored once


def count_trained(model: Any) -> tuple[int, int]:
    """Parameters that are trained, and all of them (those in 4 bits counted one by one)."""
    if hasattr(model, "get_nb_trainable_parameters"):
        return model.get_nb_trainable_parameters()
    every = sum(one.numel() for one in model.parameters())
    return sum(one.numel() for one in model.parameters() if one.requires_grad), every
