"""The services that can be chosen, by the word that stands in a job's configuration.

In: the word, an address, the keys. Out: a Provider. A new service is one more line here. Client libraries load when they are used.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from phases.shared.errors import SettingError
from phases.shared.llm.provider import Provider
from phases.shared.llm.retry import Retry


@dataclass(frozen=True)
class ServiceKind:
    """One line of the list. `key_name` is the key it takes; `needs_key` when it asks for one at its usual address."""

    label: str
    place: str
    key_name: str
    needs_key: bool


SERVICES: Mapping[str, ServiceKind] = {
    "ollama": ServiceKind("Ollama", "phases.shared.llm.ollama:Ollama", "OLLAMA_API_KEY", needs_key=False),
    "openrouter": ServiceKind("OpenRouter", "phases.shared.llm.openrouter:OpenRouter", "OPENROUTER_API_KEY", needs_key=True),
    "openai": ServiceKind("OpenAI-compatible", "phases.shared.llm.openai_compatible:OpenAICompatible", "OPENAI_API_KEY", needs_key=True),
}


def open_service(name: str, base_url: str, keys: Mapping[str, str], *, timeout: float = 120.0, retry: Retry | None = None,
                 **transport: Any) -> Provider:
    """The service of that name, not asked yet. Raises SettingError for an unknown name, ServiceError for a bad address."""
    if name not in SERVICES:
        raise SettingError(f"There is no provider '{name}'.", f"Choose one of: {', '.join(SERVICES)}.", subject="provider")
    kind = SERVICES[name]
    module, _, provider = kind.place.partition(":")
    return getattr(import_module(module), provider)(base_url, keys.get(kind.key_name, ""), timeout=timeout, retry=retry, **transport)


def missing_key(name: str, base_url: str, keys: Mapping[str, str]) -> str:
    """The name of the key that this service needs and that is not set; "" when nothing is missing.

    A service at an address of the person's own may need no key.
    """
    kind = SERVICES[name]
    return kind.key_name if kind.needs_key and not base_url and not keys.get(kind.key_name) else ""
