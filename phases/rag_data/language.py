"""Which language a text is written in, by py3langid (naive Bayes over byte n-grams, 139 languages; Lui and Baldwin, ACL 2012).

In: text. Out: an ISO 639-1 code such as "de", or "unknown" where there is too little to tell: a few words, tables of numbers,
lists of names, code, two languages at once. The model is opened at the first text (see language_model.py).
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from itertools import islice
from typing import Any

from phases.shared.database.chunks import ChunkRow, fill_languages

UNKNOWN = "unknown"
NO_LANGUAGE = {"zxx", "und", "mul"}
LEAST_LETTERS = 20
LEAST_CONFIDENCE = 0.7
MOST_CHARACTERS = 6000  # more tells nothing new
LEAST_SAMPLE = 300  # characters that tell a language nearly as surely as a whole chunk
MOST_IN_ALL = 3_000_000  # characters of one document that are looked at, as far as its chunks are not too many
SIGNS = r"[\d_#*|<>\[\]{}()=+/\\-]+"
NO_WORDS = re.compile(rf"```.*?```|~~~.*?~~~|`[^`\n]*`|\b(?:https?://|www\.)\S+|\S+@\S+|{SIGNS}", re.DOTALL)
CODE_OR_ADDRESS = ("`", "~~~", "://", "www.", "@")  # without any of these, `SIGNS` finds what `NO_WORDS` finds, in a quarter of the time
SIGNS_ALONE = re.compile(SIGNS)


@cache
def identifier() -> Any:
    """The model, opened once a process."""
    from phases.rag_data.language_model import load_identifier

    return load_identifier()


def guess_language(texts: Iterable[str]) -> str:
    """The language of texts that belong together, such as the chunks of one document.."""
    words = ""
    for text in texts:
        words = f"{words} {' '.join(_without_signs(text).split())}".strip()
        if len(words) >= MOST_CHARACTERS:
            break
    if len(list(islice(filter(str.isalpha, words), LEAST_LETTERS))) < LEAST_LETTERS:
        return UNKNOWN if words.isascii() or len(words) < LEAST_LETTERS / 2 else _guess(words)
    return _guess(words)


def sample_length(chunks: int) -> int:
    """Characters of each chunk that are looked at in a document of so many chunks: a book is read whole, a thousand books are not."""
    return min(MOST_CHARACTERS, max(LEAST_SAMPLE, MOST_IN_ALL // max(chunks, 1)))


def note_languages(connection: sqlite3.Connection) -> int:
    """Give every chunk its language that has none, as in knowledge bases from before and after an edit; returns how many."""
    return fill_languages(connection, lambda text: guess_language([text]))


def with_languages(chunks: Iterable[ChunkRow]) -> list[ChunkRow]:
    """A page of chunks, each with its language, for showing; nothing is stored."""
    return [replace(one, language=guess_language([one.content])) if one.language is None else one for one in chunks]


def _without_signs(text: str) -> str:
    """A text without code, addresses, numbers and signs."""
    return (NO_WORDS if any(one in text for one in CODE_OR_ADDRESS) else SIGNS_ALONE).sub(" ", text)


def _guess(words: str) -> str:
    language, confidence = identifier().classify(words[:MOST_CHARACTERS])
    return language if confidence >= LEAST_CONFIDENCE and language not in NO_LANGUAGE else UNKNOWN
