"""The Hugging Face hub, asked only when a person wants it: search by words, and a look at a model before its download.

In: words, or a model's id. Out: `FoundModel`s, or a ModelError that says why a model cannot be used. HF_ENDPOINT names another hub.

    python app.py base-models --search "smollm"
"""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from phases.shared.errors import ModelError
from phases.shared.settings import hub_key, hub_keys_if_readable
from phases.shared.sizes import size

SEARCHED_AT_MOST = 20
TIMEOUT_SECONDS, REACH_SECONDS = 20.0, 8.0
TASK = "text-generation"

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class FoundModel:
    """A model that the hub knows. `parameters` and `licence` as far as its page tells, `chat` where it was trained to chat."""

    id: str
    parameters: int | None
    licence: str
    gated: bool
    chat: bool
    own_code: bool
    downloads: int


def search_hub(words: str, timeout: float = TIMEOUT_SECONDS) -> list[FoundModel]:
    """Text-generating models with safetensors weights whose id holds the words, the most used first. Raises ModelError."""
    if not words.strip():
        raise ModelError("There is nothing to search for.", "Give a word of the model's name, such as smollm.", code="search_empty")

    def ask() -> list[Any]:
        from huggingface_hub import HfApi, get_session
        from huggingface_hub.constants import ENDPOINT
        get_session().head(ENDPOINT, timeout=REACH_SECONDS)  # the library would try an unreachable hub six times
        return list(HfApi(token=hub_key(hub_keys_if_readable()) or None).list_models(search=words.strip(), filter=["safetensors"], pipeline_tag=TASK, sort="downloads",
                                        limit=SEARCHED_AT_MOST, expand=["downloads", "gated", "safetensors", "tags", "config"]))

    return [_found(one) for one in _in_time(ask, timeout, f"search for '{words.strip()}'")]


def _found(info: Any) -> FoundModel:
    tags = list(info.tags or ())
    licence = next((tag.partition(":")[2] for tag in tags if tag.startswith("license:")), "not told")
    config = info.config if isinstance(info.config, Mapping) else {}
    return FoundModel(info.id, info.safetensors.total if info.safetensors else None, licence, bool(info.gated),
                      "conversational" in tags, "custom_code" in tags or "auto_map" in config, info.downloads or 0)


def _in_time(ask: Callable[[], Answer], seconds: float, what: str) -> Answer:
    """The answer of the hub, or a ModelError when it cannot be reached in that time. The library itself would wait for ever."""
    said: list[Answer] = []
    failed: list[Exception] = []

    def work() -> None:
        try:
            said.append(ask())
        except Exception as problem:  # the border to a network library
            failed.append(problem)

    worker = threading.Thread(target=work, daemon=True)
    worker.start()
    worker.join(seconds)
    if failed:
        raise hub_error(what, failed[0]) from failed[0]
    if not said:
        raise ModelError(f"The hub did not answer the {what} within {seconds:.0f} seconds.",
                         "Try again later; the short list and folders on this machine need no network.", code="hub_slow")
    return said[0]


def hub_error(what: str, problem: Exception) -> ModelError:
    """Why the hub did not answer a request that is not a download."""
    return ModelError(f"The hub cannot be reached for the {what} ({type(problem).__name__}).",
                      "Connect to the network; the short list and folders on this machine work without it.", code="model_offline")


def look_before_download(hub_id: str, wanted: Callable[[str], bool], check_config: Callable[[Mapping[str, Any], str], None],
                         cache: Path, key: str = "") -> None:
    """Refuse what could not be used, or has no room, before gigabytes have come. Raises ModelError, or what the library raises.

    Args:
        wanted: which of its files would be downloaded. check_config: raises when its config.json tells of a model that cannot be used.
        cache: where the download would go. key: of the hub, "" for none.
    """
    from huggingface_hub import HfApi, hf_hub_download
    files = {one.rfilename: one.size or 0 for one in HfApi(token=key or None).model_info(hub_id, files_metadata=True, timeout=TIMEOUT_SECONDS)
             .siblings or ()}
    if not any(name.endswith(".safetensors") for name in files):
        pickled = next((name for name in files if name.endswith((".bin", ".pt", ".pth", ".ckpt"))), "")
        raise ModelError(f"The model '{hub_id}' has no safetensors weights" + (f", only {pickled}." if pickled else "."),
                         "Pickled weights can run code and are not loaded: choose a model in safetensors format.", subject=hub_id,
                         code="model_pickled" if pickled else "model_incomplete")
    if "config.json" in files:
        check_config(json.loads(Path(hf_hub_download(hub_id, "config.json", token=key or None)).read_text(encoding="utf-8")), hub_id)
    needed = sum(count for name, count in files.items() if wanted(name))
    free = shutil.disk_usage(next(place for place in (cache, *cache.parents) if place.exists())).free
    if needed > free:
        raise ModelError(f"{hub_id} is a download of {size(needed)}, and the disk has {size(free)} free.",
                         "Free some space, or choose a smaller model.", subject=hub_id, code="disk_full")
