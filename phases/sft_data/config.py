"""What a job that writes question-answer pairs can be told.    python app.py sft-data NAME --provider builtin --count 100"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from phases.shared.options import option

BUILTIN = "builtin"
PROVIDERS = (BUILTIN, "ollama", "openrouter", "openai")


@dataclass(frozen=True)
class WriteConfig:
    """The settings of a writing job, for form, flags, `config.yaml` and model cards."""

    PRESETS: ClassVar[dict[str, dict[str, Any]]] = {
        "standard": {},
        "small": {"provider": BUILTIN, "count": 0},  # a small model learns what it was asked about: ask about everything
    }

    preset: str = option("standard", label="Preset", help="small: the built-in writer asks about every fact that it finds.",
                         choices=("standard", "small"))
    provider: str = option(BUILTIN, label="Provider", help="builtin writes by rules and needs no model; ollama and openai may be any address.",
                           choices=PROVIDERS)
    model: str = option("", label="Model", help="The provider's name for the model that writes; the built-in writer needs none.")
    base_url: str = option("", label="Address", help="Where the provider is; empty for its usual place. The provider's key is sent there.")
    style: str = option("factual", label="Style", help="factual, conversational, socratic, problem_solving, multiple_choice; several with commas.")
    count: int = option(100, label="Training pairs", help="As many as the data set shall gain; held-out phrasings and validation "
                        "questions come on top. 0: all that the documents give.", low=0, high=1_000_000)
    phrasings: int = option(4, label="Phrasings", help="Ways to ask each question in training; one more is held out for evaluation.",
                            low=2, high=8)
    validation_percent: float = option(10.0, label="Never asked", help="Share of the facts that are never asked in training, only in evaluation.",
                                       unit="%", low=0, high=50)
    dataset: str = option("sft_data", label="Data set", help="Its file is data/NAME.jsonl.")
    audience: str = option("", label="Audience", help="Whom the answers speak to, for example: 7th graders.")
    language: str = option("", label="Language", help="Language of questions and answers; empty for the project's.")
    temperature: float = option(0.6, label="Temperature", help="0 is always the likeliest word; higher is more varied.", low=0, high=2)
    workers: int = option(4, label="Workers", help="Requests at the same time.", low=1, high=64, advanced=True)
    retries: int = option(3, label="Retries", help="How often a failed request or an unusable answer is asked again.", low=0, high=10,
                          advanced=True)
    retry_pause: float = option(1.0, label="Pause before a retry", help="Doubled each time, unless the provider says how long.",
                                unit="seconds", low=0, high=60, advanced=True)
    timeout_seconds: float = option(120.0, label="Time for an answer", help="A slow machine needs more.", unit="seconds", low=0.1,
                                    high=3600, advanced=True)
    max_tokens: int = option(1024, label="Longest answer", help="A model that thinks before it answers needs more.", unit="tokens", low=64,
                             high=32768, advanced=True)
    seed: int = option(42, label="Seed", help="Decides the order in which chunks are asked about and which facts are never asked.",
                       low=0, high=2**31 - 1, advanced=True)
