"""What every language model service looks like to the rest: a request, a completion, a list of models, one kind of failure.

In: messages and the JSON schema of the answer. Out: the text that the model wrote, with its token counts.
A new service is one file with a class of this shape, one line in `services.py`, and passes `tests/shared/llm/test_contract.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from phases.shared.errors import ProviderError


@dataclass(frozen=True)
class CompletionRequest:
    """One question to a model.

    Args:
        messages: {"role": "system" | "user" | "assistant", "content": text} in order.
        schema: JSON schema that the answer should fit; None asks for free text. Services keep to it more or less:
            the caller checks.
        max_tokens: the longest answer, in tokens.
    """

    model: str
    messages: Sequence[Mapping[str, str]]
    schema: Mapping[str, Any] | None = None
    temperature: float = 0.6
    max_tokens: int = 1024


@dataclass(frozen=True)
class Completion:
    """What came back. `cut` says that the model ran into `max_tokens`; `cost` is in US dollars where the service tells it."""

    text: str
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cut: bool = False
    cost: float = 0.0


class Provider(Protocol):
    """A language model service. Both calls raise ServiceError; `close` frees the connections."""

    name: str

    def complete(self, request: CompletionRequest) -> Completion: ...

    def list_models(self) -> list[str]: ...

    def close(self) -> None: ...


PASSING = frozenset({"provider_down", "provider_timeout", "provider_cut", "provider_busy", "provider_broken", "provider_rubbish"})


class ServiceError(ProviderError):
    """A service that failed, with the seconds it asked to wait (`Retry-After`), if it did."""

    retry_after: float | None = None

    @property
    def passing(self) -> bool:
        """Whether the same request may succeed a little later."""
        return self.code in PASSING


def try_service(provider: Provider, model: str = "") -> str:
    """Ask the service for its models, and the chosen one for a word. Returns a sentence; raises ServiceError."""
    models = provider.list_models()
    if not model:
        return f"{provider.name} answers and offers {_models_in_words(models)}. Choose one of them."
    request = CompletionRequest(model, [{"role": "user", "content": "Answer with the one word: ready"}], max_tokens=256)
    provider.complete(request)
    return f"{provider.name} answers, and the model '{model}' writes."


def _models_in_words(models: Sequence[str]) -> str:
    if not models:
        return "no models"
    return "1 model" if len(models) == 1 else f"{len(models)} models"
