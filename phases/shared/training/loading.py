"""Models into memory: base models, adapters merged into their base, full models. For child processes only (torch).

In: a folder or an id. Out: (model, tokenizer), ready to train on or to chat with; float32 on a CPU, bfloat16 on CUDA.
"""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import torch

from phases.shared.errors import ModelError, SettingError
from phases.shared.models.base import fetch_base, model_hash
from phases.shared.models.folder import DESCRIPTION, read_model_info
from phases.shared.training.tokenizers import end_ids, prepare_tokenizer

DEFAULT_CONTEXT = 2048


def device_name(wanted: str = "auto") -> str:
    """Where to compute: "cuda", "cpu" or "mps". Raises SettingError when the wanted one is not there."""
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if wanted == "auto":
        return "cuda" if there["cuda"] else "cpu"
    if not there[wanted]:
        raise SettingError(f"The device is set to {wanted}, and torch cannot use it here.", "Choose auto or cpu.", subject="device",
                           code="device_missing")
    return wanted


def working_dtype(precision: str = "auto", device: str = "auto") -> torch.dtype:
    """What is computed in. auto: bfloat16 where the GPU computes in it, else float32. Raises SettingError for fp16 without a GPU."""
    place = device_name(device)
    if precision == "auto":
        return torch.bfloat16 if place == "cuda" and torch.cuda.is_bf16_supported() else torch.float32
    if precision == "fp16" and place != "cuda":
        raise SettingError("The precision fp16 needs an NVIDIA GPU.", "Choose auto, bf16 or float32.", subject="precision",
                           code="precision_missing")
    return {"float32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[precision]


def weights_dtype(method: str, precision: str, device: str) -> torch.dtype:
    """What weights are held in during a training: those that are trained in float32, or small steps would be rounded away."""
    return torch.float32 if method == "full" else working_dtype(precision, device)


def load_model(place: str | Path, *, dtype: torch.dtype | None = None, device: str = "auto") -> tuple[Any, Any]:
    """Model (in evaluation mode, on its device) and tokenizer of a model folder, base name or hub id.

    An adapter is merged into its base. Raises ModelError in words.
    """
    folder = Path(place)
    dtype = dtype or working_dtype("auto", device)
    if (folder / DESCRIPTION).is_file() and read_model_info(folder).kind == "adapter":
        model, tokenizer = _load_adapter(folder, dtype)
    else:
        folder = fetch_base(str(place), on_download=lambda: None)
        model, tokenizer = load_folder(folder, dtype), prepare_tokenizer(read_tokenizer(folder))
    agree(model, tokenizer)
    return model.to(device_name(device)).eval(), tokenizer


def _load_adapter(folder: Path, dtype: torch.dtype) -> tuple[Any, Any]:
    from peft import PeftModel
    info = read_model_info(folder)
    base = fetch_base(info.base, on_download=lambda: None)
    if info.base_hash and model_hash(base) != info.base_hash:
        raise ModelError(f"The base model '{info.base}' has changed since '{folder.name}' was trained on it.",
                         "Bring the old files back, or run tab 2 (CPT) again.", subject=info.base, code="model_base_changed")
    model = PeftModel.from_pretrained(load_folder(base, dtype), str(folder))
    return model.merge_and_unload(), prepare_tokenizer(read_tokenizer(folder))


def load_folder(folder: Path, dtype: torch.dtype) -> Any:
    """The causal language model in a folder, on the CPU. Raises ModelError."""
    from transformers import AutoModelForCausalLM
    try:
        return AutoModelForCausalLM.from_pretrained(str(folder), dtype=dtype, trust_remote_code=False, use_safetensors=True,
                                                    local_files_only=True)
    except Exception as problem:  # the border to a library that raises a dozen kinds for one broken folder
        raise load_error(folder, problem) from problem


def read_tokenizer(folder: Path) -> Any:
    """The tokenizer as the folder brings it. Raises ModelError."""
    from transformers import AutoTokenizer
    try:
        tokenizer = AutoTokenizer.from_pretrained(str(folder), trust_remote_code=False, local_files_only=True)
    except Exception as problem:  # as above
        raise load_error(folder, problem) from problem
    if tokenizer.eos_token_id is None:
        raise ModelError(f"The tokenizer of '{folder.name}' names no end token.", "Choose another model.", subject=folder.name,
                         code="model_tokenizer")
    return tokenizer


def load_error(folder: Path, problem: Exception) -> ModelError:
    if isinstance(problem, torch.OutOfMemoryError | MemoryError):
        return ModelError(f"'{folder.name}' does not fit into memory.", "Close other programs, or choose a smaller model.",
                          subject=folder.name, code="model_memory")
    if "trust_remote_code" in str(problem):
        return ModelError(f"'{folder.name}' brings its own program code, which is never run here.",
                          "Choose a model that transformers knows by itself.", subject=folder.name, code="model_remote_code")
    return ModelError(f"'{folder.name}' cannot be loaded: {type(problem).__name__}: {problem}.",
                      "Fetch the model again, or choose another one.", subject=folder.name, code="model_unreadable")


def agree(model: Any, tokenizer: Any) -> None:
    """The model ends and pads as its tokenizer does, so that a generation stops at the end of an answer."""
    model.generation_config.eos_token_id = sorted(end_ids(tokenizer, model))
    model.generation_config.pad_token_id = tokenizer.pad_token_id


def context_length(model: Any) -> int:
    """The longest sequence the model can read, in tokens."""
    return int(getattr(model.config.get_text_config(), "max_position_embeddings", DEFAULT_CONTEXT) or DEFAULT_CONTEXT)


def stored_dtype(folder: Path) -> torch.dtype:
    """How a model folder keeps its weights: bfloat16 or float32."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config = {**config, **(config.get("text_config") or {})}
    kept = config.get("dtype") or config.get("torch_dtype")
    return torch.bfloat16 if kept in ("bfloat16", "float16") else torch.float32


def set_threads(threads: int) -> None:
    """CPU threads of this process; 0 leaves what the system gives."""
    if threads:
        torch.set_num_threads(threads)
        with contextlib.suppress(RuntimeError):  # can be set only once in a process
            torch.set_num_interop_threads(1)
