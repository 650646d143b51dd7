"""OpenRouter: the OpenAI-compatible protocol at one address, with its own words for routing.

`require_parameters` sends a request only to hosts that know every parameter, the schema included; when no host of a model does,
OpenRouter answers 404 "No endpoints found ...", and a plainer form is tried. https://openrouter.ai/docs/features/provider-routing
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from phases.shared.llm.openai_compatible import OpenAICompatible

OPENROUTER_URL = "https://openrouter.ai/api/v1"


class OpenRouter(OpenAICompatible):
    """OpenRouter with a key. It tells what a completion cost."""

    name = "OpenRouter"
    key_name = "OPENROUTER_API_KEY"
    extra: Mapping[str, Any] = {"provider": {"require_parameters": True}, "usage": {"include": True}}

    @classmethod
    def default_url(cls) -> str:
        return OPENROUTER_URL

    def misses_a_parameter(self, status: int, text: str) -> bool:
        return status == 404 and "no endpoints found" in text.lower() and "parameter" in text.lower()
