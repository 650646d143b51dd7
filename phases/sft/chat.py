"""Chat with a model of the project.

In: the conversation so far. Out: the answer, piece by piece, from the model host's process.

    python app.py chat NAME --model final --prompt TEXT
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from phases.shared.models.folder import model_path
from phases.shared.models.host_client import ModelHost, Sampling
from phases.shared.options import option
from phases.shared.project import Project


@dataclass(frozen=True)
class ChatSettings:
    """How an answer is drawn; the form and the flags of chat."""

    system: str = option("", label="System prompt", help="Said before the conversation; empty for none.")
    temperature: float = option(0.7, label="Temperature", help="0 always takes the likeliest token.", low=0.0, high=2.0)
    top_p: float = option(0.9, label="Top-p", help="Draw from the likeliest tokens that hold this share.", low=0.01, high=1.0)
    top_k: int = option(50, label="Top-k", help="Draw from this many likeliest tokens; 0 for all.", low=0, high=1000)
    max_new_tokens: int = option(256, label="Length", help="The answer ends here at the latest.", unit="tokens", low=1, high=2048)


def answer_stream(host: ModelHost, project: Project, model_name: str, history: Sequence[Mapping[str, str]],
                  settings: ChatSettings) -> Iterator[str]:
    """Pieces of the answer to the last message of `history` ({"role": "user" | "assistant", "content"}).

    Raises ModelError when the model is not there or cannot be loaded.
    """
    system = [{"role": "system", "content": settings.system}] if settings.system.strip() else []
    messages = [*system, *({"role": one["role"], "content": one["content"]} for one in history)]
    sampling = Sampling(settings.max_new_tokens, settings.temperature, settings.top_p, settings.top_k)
    yield from host.generate(model_path(project, model_name), messages, sampling)
