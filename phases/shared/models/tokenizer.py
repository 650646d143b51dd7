"""Counting tokens as the project's base model would, without loading torch.

In: a project. Out: a `TokenCounter` with the tokenizer's name, its file and a function from text to its number of tokens.
`tokenizers` alone reads a `tokenizer.json`; transformers' AutoTokenizer would import torch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from phases.shared.errors import ModelError
from phases.shared.project import Project

BUILTIN_FOLDER = Path(__file__).parent / "builtin"
BUILTIN = "builtin"


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
