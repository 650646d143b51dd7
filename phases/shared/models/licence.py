"""The licence of a base model as a model card states it: in the words of the Hugging Face hub.

In: a base model as a person chose it (builtin, a hub id, a folder). Out: the card's fields (`license`, and where that is "other" its name).
https://huggingface.co/docs/hub/repositories-licenses lists the words.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from phases.shared.models.base import HUB_ID
from phases.shared.models.catalogue import APACHE, BUILTIN, GEMMA, LLAMA, MIT, QWEN_RESEARCH, base_model_choices

UNKNOWN = "unknown"
WORDS = {APACHE: "apache-2.0", MIT: "mit", GEMMA: "gemma", LLAMA: "llama3.2"}


def licence_fields(base: str) -> dict[str, str]:
    """What is known here of the licence, without asking the hub; {"license": "unknown"} when nothing is."""
    if base == BUILTIN:
        return {"license": "other", "license_name": "lehrling-builtin-base"}
    known = next((one for one in base_model_choices() if one.id == base), None)
    if known is not None and known.licence == QWEN_RESEARCH:
        return {"license": "other", "license_name": "qwen-research", "license_link": f"https://huggingface.co/{base}/blob/main/LICENSE"}
    if known is not None:
        return {"license": WORDS[known.licence]}
    if HUB_ID.fullmatch(base):
        return {"license": UNKNOWN}
    return {"license": str(front_matter(Path(base).expanduser() / "README.md").get("license") or UNKNOWN)}


def front_matter(card: Path) -> dict[str, Any]:
    """The fields at the head of a model card; none when there is no card, or no readable head."""
    try:
        parts = card.read_text(encoding="utf-8").split("---\n", 2)
        content = yaml.safe_load(parts[1]) if len(parts) == 3 and not parts[0].strip() else {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return {}
    return content if isinstance(content, dict) else {}
