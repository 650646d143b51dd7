"""Counting tokens exactly as a training will, without torch: the base model's tokenizer, its begin token, its chat template.

In: the folder of a model (or None when it is not on this machine yet). Out: a `TextCounter`; `exact` is False where the counts
are an estimate, and `name` says whose they are.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from phases.shared.errors import ModelError
from phases.shared.models.base import BUILTIN_FOLDER
from phases.shared.training.tokenizers import chosen_template

LISTS_KEPT = 8  # counted lists that are kept: the plan is made anew with every change of the form
CHAT_TOKENS = 8  # about what a template adds to a question and its answer, where the template cannot be run


@dataclass(frozen=True)
class TextCounter:
    """`begin` is how many tokens the tokenizer puts before a text by itself."""

    name: str
    file: Path
    exact: bool
    begin: int

    def texts(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text alone, without begin and end."""
        return list(_text_lengths(self.file, self.file.stat().st_mtime_ns, tuple(texts)))

    def chats(self, pairs: Sequence[tuple[str, str]]) -> list[int]:
        """Tokens of each question with its answer in the model's chat template."""
        return list(_chat_lengths(self.file, self.file.stat().st_mtime_ns, tuple(pairs)))

    def runs_template(self) -> bool:
        """Whether the chat template could be run here, so that `chats` is exact."""
        return self.exact and _chat_writer(self.file.parent) is not None


def counter_of(folder: Path | None, name: str) -> TextCounter:
    """The counter of a model folder; without one, or when its tokenizer cannot be read here, the built-in model estimates."""
    if folder is not None and (folder / "tokenizer.json").is_file():
        return TextCounter(name, folder / "tokenizer.json", True, _begin_tokens(folder))
    return TextCounter(name, BUILTIN_FOLDER / "tokenizer.json", False, 0)


@lru_cache(maxsize=LISTS_KEPT)
def _text_lengths(file: Path, changed: int, texts: tuple[str, ...]) -> tuple[int, ...]:
    encoded = _tokenizer(file).encode_batch(list(texts), add_special_tokens=False)
    return tuple(len(one.ids) for one in encoded)


@lru_cache(maxsize=LISTS_KEPT)
def _chat_lengths(file: Path, changed: int, pairs: tuple[tuple[str, str], ...]) -> tuple[int, ...]:
    write = _chat_writer(file.parent)
    if write is None:
        lengths = _text_lengths(file, changed, tuple(f"{question}\n{answer}" for question, answer in pairs))
        return tuple(length + CHAT_TOKENS for length in lengths)
    return _text_lengths(file, changed, tuple(write(question, answer) for question, answer in pairs))


def _tokenizer(file: Path) -> Any:
    from tokenizers import Tokenizer
    try:
        tokenizer = Tokenizer.from_file(str(file))
    except Exception as problem:  # the library raises bare Exception
        raise ModelError(f"The tokenizer of '{file.parent.name}' cannot be read: {problem}.", "Choose another base model.",
                         subject=file.parent.name, code="tokenizer_unreadable") from None
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _described(folder: Path) -> dict[str, Any]:
    """tokenizer_config.json with the chat template and the special tokens as plain words."""
    content: dict[str, Any] = {}
    for name in ("special_tokens_map.json", "tokenizer_config.json"):
        if (folder / name).is_file():
            content |= json.loads((folder / name).read_text(encoding="utf-8"))
    if (folder / "chat_template.jinja").is_file():
        content["chat_template"] = (folder / "chat_template.jinja").read_text(encoding="utf-8")
    return {key: value["content"] if isinstance(value, dict) and "content" in value else value for key, value in content.items()}


def keeps_its_template(folder: Path) -> bool:
    """Whether a model trains and talks with the chat template that it brings; else with one of ours."""
    own, file = _described(folder).get("chat_template"), folder / "tokenizer.json"
    return bool(own) and chosen_template(own, _tokenizer(file).get_vocab() if file.is_file() else {})[0] == own


def _begin_tokens(folder: Path) -> int:
    """1 when the tokenizer begins every text with its begin token, as `leading_tokens` finds in the training."""
    begin = _described(folder).get("bos_token")
    tokenizer = _tokenizer(folder / "tokenizer.json")
    return int(begin is not None and tokenizer.encode("a").ids[:1] == [tokenizer.token_to_id(begin)])


def _chat_writer(folder: Path) -> Any:
    """A function (question, answer) -> text, as transformers renders the template; None when it needs more than that.

    A model without a template gets ours by the tokens that it has, as `prepare_tokenizer` chooses it.
    """
    from jinja2 import TemplateError
    described = _described(folder)
    template, end = chosen_template(described.get("chat_template"), _tokenizer(folder / "tokenizer.json").get_vocab())
    described["eos_token"] = end or described.get("eos_token")
    special = {name: value for name, value in described.items() if name.endswith("_token") and isinstance(value, str)}

    def write(question: str, answer: str) -> str:
        messages = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
        return compiled.render(messages=messages, add_generation_prompt=False, tools=None, documents=None, **special)

    try:
        compiled = _sandbox().from_string(template)
        write("a", "b")
    except (TemplateError, TypeError):  # a list of templates, or tags of transformers' own
        return None
    return write


def _sandbox() -> Any:
    """Jinja as transformers sets it up for chat templates."""
    from jinja2.exceptions import TemplateError
    from jinja2.ext import loopcontrols
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    def refuse(message: str) -> None:
        raise TemplateError(message)

    sandbox = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols])
    sandbox.filters["tojson"] = lambda value, indent=None: json.dumps(value, ensure_ascii=False, indent=indent)
    sandbox.globals |= {"raise_exception": refuse, "strftime_now": lambda form: datetime.now().strftime(form)}
    return sandbox
