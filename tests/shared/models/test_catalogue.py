"""The short list agrees with the published models, and with what this machine can hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from phases.cpt.config import CptConfig
from phases.cpt.corpus import missing_for_cpt
from phases.shared.errors import ModelError
from phases.shared.models.base import check_config, known_to_transformers, locate_base
from phases.shared.models.catalogue import base_model_choices, memory_for
from phases.shared.models.machine import Machine, short_list, too_large
from phases.shared.options import resolve
from tests.conftest import Commands
from tests.tiny_project import make_project

GIB = 1024**3
PUBLISHED = {  # weights in the files on the hub
    "HuggingFaceTB/SmolLM2-135M": 134_515_008, "HuggingFaceTB/SmolLM2-360M": 361_821_120, "HuggingFaceTB/SmolLM2-1.7B": 1_711_376_384,
    "Qwen/Qwen2.5-0.5B": 494_032_768, "Qwen/Qwen2.5-7B": 7_615_616_512, "Qwen/Qwen3-8B-Base": 8_190_735_360,
    "meta-llama/Llama-3.2-1B": 1_235_814_400, "meta-llama/Llama-3.2-3B": 3_212_749_824, "google/gemma-3-1b-pt": 999_885_952,
    "microsoft/Phi-3-mini-4k-instruct": 3_821_079_552, "mistralai/Mistral-7B-v0.3": 7_248_023_552, "openai-community/gpt2": 124_439_808}


@pytest.mark.parametrize("name", PUBLISHED)
def test_parameters_are_those_of_the_published_weights(name: str) -> None:
    """Biases and the smallest norms are left out, and GPT-2's positions: under one per cent."""
    info = next(one for one in base_model_choices() if one.id == name)
    assert info.shape.parameters == pytest.approx(PUBLISHED[name], rel=0.008)


def test_the_list_tells_what_matters_before_a_choice() -> None:
    rows = {one["id"]: one for one in short_list(Machine(16 * GIB, 0))}
    assert rows["Qwen/Qwen2.5-3B"]["licence"].startswith("Qwen Research") and rows["Qwen/Qwen2.5-1.5B"]["licence"] == "Apache-2.0"
    assert {name for name, one in rows.items() if one["gated"]} == {"meta-llama/Llama-3.2-1B", "meta-llama/Llama-3.2-3B", "google/gemma-3-1b-pt"}
    assert {name for name, one in rows.items() if one["instruct"]} == {"microsoft/Phi-3-mini-4k-instruct", "microsoft/Phi-4-mini-instruct"}
    assert (rows["Qwen/Qwen2.5-0.5B"]["size"], rows["Qwen/Qwen2.5-0.5B"]["download_bytes"]) == ("494M", pytest.approx(988e6, rel=0.008))
    assert rows["openai-community/gpt2"]["download_bytes"] == pytest.approx(498e6, rel=0.008), "four bytes a weight"
    assert all(one["memory"]["qlora"] < one["memory"]["lora"] < one["memory"]["full"] for one in rows.values() if one["id"] != "builtin")


def test_what_fits_follows_the_machine() -> None:
    def fits(machine: Machine) -> dict[str, list[str]]:
        return {one["id"]: one["fits"] for one in short_list(machine)}

    laptop, card = fits(Machine(16 * GIB, 0)), fits(Machine(64 * GIB, 24 * GIB))
    assert laptop["HuggingFaceTB/SmolLM2-135M"] == ["lora", "full"] and laptop["Qwen/Qwen2.5-7B"] == []
    assert card["Qwen/Qwen2.5-7B"] == ["lora", "qlora"] and card["Qwen/Qwen3-0.6B-Base"] == ["lora", "qlora", "full"]


def test_a_model_too_large_for_the_machine_is_said() -> None:
    small = Machine(8 * GIB, 0)
    said = too_large("Qwen/Qwen2.5-7B", "lora", "auto", small)
    assert "7.6B parameters" in said[0] and "there are 8.0 GiB" in said[0] and "smaller model." in said[0]
    assert "or LoRA" in too_large("Qwen/Qwen3-0.6B-Base", "full", "auto", small)[0]
    assert too_large("HuggingFaceTB/SmolLM2-135M", "lora", "auto", small) == ()
    assert too_large("owner/never-seen", "full", "auto", small) == (), "nothing is known of it before its download"
    both = Machine(64 * GIB, 8 * GIB)
    assert too_large("Qwen/Qwen2.5-7B", "lora", "auto", both) and not too_large("Qwen/Qwen2.5-7B", "lora", "cpu", both)
    assert too_large("Qwen/Qwen2.5-7B", "qlora", "auto", small) == (), "that a GPU is missing is said elsewhere"


def test_the_start_is_refused_when_the_base_is_too_large(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    (tmp_path / "large").mkdir()
    for file in (tmp_path / "tiny").iterdir():
        (tmp_path / "large" / file.name).write_bytes(file.read_bytes())
    described = tmp_path / "large" / "config.json"
    described.write_text(described.read_text().replace('"intermediate_size": 64', '"intermediate_size": 900000000'))
    said = missing_for_cpt(project, resolve(CptConfig, {"base_model": str(tmp_path / "large")}))
    assert len(said) == 1 and "too large for this machine" in said[0]


def test_memory_is_the_preflights_own_estimate() -> None:
    from phases.shared.training.memory import training_memory
    shape = next(one for one in base_model_choices() if one.id == "HuggingFaceTB/SmolLM2-360M").shape
    assert memory_for(shape, "lora", on_gpu=False) == training_memory(
        shape, method="lora", batch_size=1, max_length=1024, rank=32, gradient_checkpointing=True, dtype_bytes=4)


def test_kinds_of_models_are_known_without_loading_transformers() -> None:
    for kind in ("llama", "qwen3", "gemma3_text", "phi3", "mistral", "gpt2", "gpt-sw3"):
        assert known_to_transformers(kind), kind
    assert not known_to_transformers("llama99")
    check_config({"model_type": "phi3", "auto_map": {"AutoConfig": "code.C"}, "architectures": ["Phi3ForCausalLM"]}, "phi")
    with pytest.raises(ModelError, match="comes with it"):
        check_config({"model_type": "mine", "auto_map": {"AutoConfig": "code.C"}}, "mine")


def test_a_misspelt_id_is_answered_with_the_nearest() -> None:
    with pytest.raises(ModelError, match="Qwen/Qwen2.5-0.5B"):
        locate_base("qwen2.5 0.5b")


def test_the_command_prints_the_list(lehrling: Commands) -> None:
    said = lehrling("base-models").out
    assert "Qwen/Qwen3-0.6B-Base" in said and "Llama 3.2 licence (to accept)" in said and "instruct" in said and "This machine:" in said
