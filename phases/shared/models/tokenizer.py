"""Counting tokens as the project's base model would, without loading torch.

In: a project. Out: a `TokenCounter` with the tokenizer's name, its file and a function from text to its number of tokens.
`tokenizers` alone reads a `tokenizer.json`; transformers' AutoTokenizer would import torch.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from phases.shared.errors import ModelError
from phases.shared.project import Project

BUILTIN_FOLDER = Path(__file__).parent / "builtin"
BUILTIN = "builtin"
BLANK = "\u2581"  # how SentencePiece writes a blank
BLANKS_ONLY = {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": BLANK},
                                                   {"type": "Replace", "pattern": {"String": " "}, "content": BLANK}]}
WORD_END = re.compile(r"(?<=[^ ]) (?=.)", re.DOTALL)
WORDS_KEPT, TEXTS_KEPT = 200_000, 20_000


@dataclass(frozen=True)
class TokenCounter:
    """`name` says which tokenizer counts; it is stored with every chunk. `file` is for a child process, which loads it again."""

    name: str
    count: Callable[[str], int]
    file: Path


def token_counter(project: Project) -> TokenCounter:
    """The counter of the project's base model.

    A model of the hub that was never downloaded cannot count: then the built-in tokenizer does, and the name says so.

    Raises:
        ModelError: a tokenizer.json is missing from a local folder, or cannot be read.
    """
    base = project.base_model
    if base == BUILTIN:
        return load_counter(BUILTIN, BUILTIN_FOLDER / "tokenizer.json")
    folder = Path(base).expanduser()
    if folder.is_dir():
        return load_counter(folder.name, folder / "tokenizer.json")
    cached = _cached_tokenizer(base)
    if cached is None:
        return load_counter(f"{BUILTIN} ({base} is not downloaded yet)", BUILTIN_FOLDER / "tokenizer.json")
    return load_counter(base, cached)


def _cached_tokenizer(repository: str) -> Path | None:
    """The tokenizer.json in the hub's cache on this machine; asks no network."""
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        found = try_to_load_from_cache(repository, "tokenizer.json")
    except HFValidationError:
        return None
    return Path(found) if isinstance(found, str) else None


def load_counter(name: str, path: Path) -> TokenCounter:
    """The counter of a tokenizer.json. Raises ModelError when it is missing or cannot be read."""
    from tokenizers import Tokenizer

    if not path.is_file():
        raise ModelError(f"'{name}' has no tokenizer.json.", "Choose another base model, or save its fast tokenizer there.",
                         subject=name, code="tokenizer_missing")
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as problem:  # the library raises bare Exception
        raise ModelError(f"The tokenizer of '{name}' cannot be read: {problem}.", "Choose another base model.",
                         subject=name, code="tokenizer_unreadable") from None
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return TokenCounter(name, lambda text: len(tokenizer.encode_batch_fast([text], add_special_tokens=False)[0]), path)


def remembering(counter: TokenCounter) -> Callable[[str], int]:
    """The same numbers, faster for many texts of one kind: what was counted once is remembered, word by word where words are
    counted apart from each other."""
    model = json.loads(counter.file.read_text(encoding="utf-8"))
    if not _words_stand_alone(model):
        return lru_cache(TEXTS_KEPT)(counter.count)
    word = lru_cache(WORDS_KEPT)(counter.count)
    whole = sorted((one["content"] for one in model["added_tokens"]), key=len, reverse=True)
    part_ends = re.compile("|".join(map(re.escape, whole)) or "(?!)")

    def count(text: str) -> int:
        parts = part_ends.split(text)
        return len(parts) - 1 + sum(sum(map(word, _words(part))) for part in parts if part)

    return count


def _words(text: str) -> list[str]:
    """The words of a text; blanks beyond the one that ends a word belong to the next."""
    return WORD_END.split(text) if "  " in text or text[0] == " " or text[-1] == " " else text.split(" ")


def _words_stand_alone(model: dict[str, Any]) -> bool:
    """Whether no token reaches from one word into the next: then a text has as many tokens as its words.

    So it is with byte-pair encoding in the manner of SentencePiece, which only writes blanks as letters, if the vocabulary
    has no blank behind another letter: the pairs that are joined are tokens themselves. Tokens that were added (special ones,
    line ends) part a text, and stand for themselves.
    """
    pairs = model["model"]
    return (pairs["type"] == "BPE" and model["pre_tokenizer"] is None and model["normalizer"] == BLANKS_ONLY
            and not pairs.get("dropout") and not any(BLANK in one.lstrip(BLANK) for one in pairs["vocab"])
            and not any(one[key] for one in model["added_tokens"] for key in ("single_word", "lstrip", "rstrip", "normalized")))
