"""What speaks against a planned training, each with its reason: rules from published results and from our own measurements.

In: the facts of a plan. Out: sentences. Pure. Sources: LoRA Without Regret (Thinking Machines 2025; learning rates), arXiv 2409.07431
and 2504.05571 (few raw texts teach little, rewordings do), 2501.04961 (raw CPT spoils an instruct model), 2603.23562 (a tenth of
general text).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from phases.shared.sizes import size

FEW_STEPS, GOOD_STEPS = 100, 300
MANY_EPOCHS = 10
TINY_MODEL = 50_000_000  # parameters; below, higher rates and more passes are right
LARGE_MODEL = 2_500_000_000  # above, lower ones
RATES = {"cpt": (3e-4, 5e-4), "sft": (2e-4, 3e-4), "full": (1e-5, 1e-4)}
TINY_RATES, LARGE_RATES, LARGE_FULL_RATES = (2e-4, 5e-3), (5e-5, 3e-4), (5e-6, 5e-5)
WELL_KNOWN = 4.0  # perplexity of text that a model knows nearly by heart
FEW_EVALUATED = {"cpt": 1000, "sft": 10}  # tokens of held-out text, validation pairs
INSTRUCT = re.compile(r"(?:^|[-_.])(?:instruct|it|chat|sft|dpo|thinking)(?:$|[-_.])", re.IGNORECASE)
CHATS_UNLESS_BASE = re.compile(r"(?:qwen3|smollm3)[-_.](?!.*base)", re.IGNORECASE)  # families that name the plain model, not the one that chats


@dataclass(frozen=True)
class Facts:
    """What the rules look at. `evaluated` rows of `evaluated_tokens` are measured; `replay` is the share of general text."""

    kind: str
    base: str
    method: str
    steps: int
    epochs: float
    learning_rate: float
    max_length: int
    context: int | None
    evaluated: int
    evaluated_tokens: int
    parameters: int | None
    memory_bytes: int | None
    memory_total: int | None
    replay: float
    perplexity: float | None
    machine: str = "this machine"

    @property
    def tiny(self) -> bool:
        return self.parameters is not None and self.parameters < TINY_MODEL


def plan_warnings(facts: Facts) -> tuple[str, ...]:
    """Every rule that speaks, the weightiest first."""
    rules = (_memory, _instruct, _few_steps, _rate, _epochs, _length, _held_out, _known_already, _replay)
    return tuple(sentence for rule in rules if (sentence := rule(facts)))


def _few_steps(facts: Facts) -> str:
    if facts.steps >= FEW_STEPS:
        return ""
    more = ("Add documents, or other wordings of what they say: wordings teach more than epochs do." if facts.kind == "cpt" else
            "Write more pairs in tab 3.")
    return (f"Only {facts.steps} optimizer steps: a model learns little below {FEW_STEPS}; aim at {GOOD_STEPS}. {more} A smaller batch "
            "makes more steps too.")


def _epochs(facts: Facts) -> str:
    if facts.epochs <= MANY_EPOCHS or facts.tiny:
        return ""
    return (f"{facts.epochs:g} epochs read the same words {facts.epochs:g} times: beyond {MANY_EPOCHS} a model of this size learns them by "
            "heart and forgets other things. More texts or pairs help more.")


def _rate(facts: Facts) -> str:
    low, high = _advised_rates(facts)
    if low <= facts.learning_rate <= high:
        return ""
    way, harm = ("below", "the model may hardly change") if facts.learning_rate < low else ("above", "the loss may jump or diverge")
    return f"A learning rate of {facts.learning_rate:g} is {way} what works for this model and method ({low:g} to {high:g}): {harm}."


def _advised_rates(facts: Facts) -> tuple[float, float]:
    full = facts.method == "full"
    if facts.tiny:
        return TINY_RATES
    if (facts.parameters or 0) > LARGE_MODEL:
        return LARGE_FULL_RATES if full else LARGE_RATES
    return RATES["full" if full else facts.kind]


def _length(facts: Facts) -> str:
    if facts.context is None or facts.max_length <= facts.context:
        return ""
    longer = "longer texts are split" if facts.kind == "cpt" else "longer pairs are left out"
    return f"The model reads {facts.context:,} tokens at most, so the sequence length is {facts.context:,} and not {facts.max_length:,}; {longer}."


def _held_out(facts: Facts) -> str:
    measured = facts.evaluated_tokens if facts.kind == "cpt" else facts.evaluated
    if not 0 < measured < FEW_EVALUATED[facts.kind]:
        return ""
    unit = "tokens of held-out text" if facts.kind == "cpt" else "validation pairs"
    return f"Only {measured} {unit}: take the measured loss as a rough figure; chance alone moves it."


def _instruct(facts: Facts) -> str:
    if facts.kind != "cpt" or not trained_to_chat(facts.base):
        return ""
    return ("This base model was trained to chat. Reading raw text makes it forget that (in one report a chat score fell from 7.9 to 1.0): "
            "choose the plain model of its family, by name the one without Instruct, or with Base.")


def trained_to_chat(base: str) -> bool:
    """As far as its name tells: a hub id, or the folder of a model."""
    name = base.rstrip("/").rpartition("/")[2]
    return bool(INSTRUCT.search(name) or CHATS_UNLESS_BASE.match(name))


def suited_preset(parameters: int) -> str:
    """The preset that is made for models of that size."""
    return "small" if parameters < TINY_MODEL else "large" if parameters > LARGE_MODEL else "standard"


def step_notes(config: Any, parameters: int | None) -> tuple[str, ...]:
    """What is good to know of the settings: another preset for a model of this size, and how much one step reads."""
    return tuple(note for note in (_other_preset(config, parameters), _effective_batch(config)) if note)


def _other_preset(config: Any, parameters: int | None) -> str:
    suited = suited_preset(parameters) if parameters else config.preset
    if suited == config.preset:
        return ""
    return f"The preset {suited} is made for models of this size; the one that is chosen, {config.preset}, begins with other values."


def _effective_batch(config: Any) -> str:
    """Where a step reads more than one batch."""
    batch = config.batch_size * config.gradient_accumulation * config.all_processes
    if batch * config.adaptive_batch == config.batch_size:
        return ""
    more = [(config.gradient_accumulation, "{} times in a row"), (config.all_processes, "in {} processes")]
    parts = [f"{config.batch_size} at once", *(words.format(count) for count, words in more if count > 1)]
    grows = f", and up to {batch * config.adaptive_batch} where the noise asks for it" if config.adaptive_batch > 1 else ""
    return f"The effective batch is {batch}: {', '.join(parts)}{grows}."


def _known_already(facts: Facts) -> str:
    if facts.perplexity is None or facts.perplexity >= WELL_KNOWN:
        return ""
    return (f"The base model finds such text easy already (perplexity {facts.perplexity:.1f} before training): it may know it, and "
            "training adds little.")


def _replay(facts: Facts) -> str:
    if facts.kind != "cpt" or facts.replay > 0 or facts.tiny or facts.steps < GOOD_STEPS:
        return ""
    return "No general text is mixed in: what the model knows besides may fade over so many steps. About a tenth of it keeps the rest."


def _memory(facts: Facts) -> str:
    if not facts.memory_bytes or not facts.memory_total or facts.memory_bytes < 0.9 * facts.memory_total:
        return ""
    return (f"It needs about {size(facts.memory_bytes)} of memory, and {facts.machine} has {size(facts.memory_total)}: make "
            "the batch smaller and accumulate gradients instead, shorten the sequences, or turn gradient checkpointing on.")
