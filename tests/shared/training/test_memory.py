"""Memory and parameters computed from config.json agree with the models that it describes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from safetensors import safe_open

from phases.shared.models.base import BUILTIN_FOLDER
from phases.shared.training.memory import read_shape, trained_parameters, training_memory

QWEN_HALF = {"model_type": "qwen2", "hidden_size": 896, "num_hidden_layers": 24, "num_attention_heads": 14, "num_key_value_heads": 2,
             "intermediate_size": 4864, "vocab_size": 151936, "max_position_embeddings": 32768, "tie_word_embeddings": True}
USUAL = {"method": "lora", "batch_size": 4, "max_length": 512, "rank": 32, "gradient_checkpointing": False, "dtype_bytes": 4}


def test_parameters_are_those_of_the_weights() -> None:
    shape = read_shape(BUILTIN_FOLDER / "config.json")
    with safe_open(BUILTIN_FOLDER / "model.safetensors", "numpy") as weights:
        stored = sum(weights.get_slice(name).get_shape()[0] * (weights.get_slice(name).get_shape() + [1])[1] for name in weights.keys())  # noqa: SIM118
    assert shape.parameters == stored
    assert read_shape(QWEN_HALF).parameters == pytest.approx(494_032_768, rel=0.001)  # as its model card says; biases left out


def test_names_of_other_families_and_of_models_that_see_are_understood() -> None:
    gpt2 = read_shape({"model_type": "gpt2", "n_embd": 768, "n_layer": 12, "n_head": 12, "vocab_size": 50257, "n_positions": 1024})
    assert gpt2.parameters == pytest.approx(124_439_808, rel=0.01) and gpt2.context == 1024
    assert read_shape({"text_config": QWEN_HALF, "vision_config": {}}) == read_shape(QWEN_HALF)


def test_adapter_parameters_are_those_of_peft(tmp_path: Path) -> None:
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM
    model = AutoModelForCausalLM.from_pretrained(BUILTIN_FOLDER)
    adapted = get_peft_model(model, LoraConfig(r=16, target_modules="all-linear", task_type="CAUSAL_LM"))
    assert trained_parameters(read_shape(BUILTIN_FOLDER / "config.json"), "lora", 16) == adapted.get_nb_trainable_parameters()[0]


def test_what_saves_memory_is_seen_to_save_it() -> None:
    shape = read_shape(json.loads(json.dumps(QWEN_HALF)))
    usual = training_memory(shape, **USUAL)
    assert training_memory(shape, **{**USUAL, "method": "full"}) > usual > training_memory(shape, **{**USUAL, "method": "qlora"})
    for cheaper in ({"gradient_checkpointing": True}, {"batch_size": 1}, {"max_length": 128}, {"rank": 4}, {"dtype_bytes": 2}):
        assert training_memory(shape, **{**USUAL, **cheaper}) < usual, cheaper
