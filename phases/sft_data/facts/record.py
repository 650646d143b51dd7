"""The records of the fact finder.

In: nothing. Out: `DocumentText`, and `FoundFact` with the parts of its questions.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class DocumentText:
    """A document's extracted text; facts are spans of it."""

    id: int
    source: str
    text: str


@dataclass(frozen=True)
class Asking:
    """The parts that questions are built from.

    `wh` + `inverted` is a direct question ("when" + "was the winch installed"), `wh` + `plain` an indirect one ("when" +
    "the winch was installed"), `statement` the fact as a sentence, `topic` what is asked for as a noun phrase ("the capacity
    of the north cistern"), empty where there is none.
    """

    wh: str
    inverted: str
    plain: str
    statement: str
    topic: str = ""


@dataclass(frozen=True)
class FoundFact:
    """A fact and its evidence: `sentence` is the document's text from `start` to `end`, and holds `answer`.

    `chunk` is the id of the chunk that holds the evidence, `kind` the rule that found it.
    """

    document: int
    chunk: int
    start: int
    end: int
    subject: str
    attribute: str
    answer: str
    kind: str
    sentence: str
    asking: Asking

    @property
    def key(self) -> tuple[str, str]:
        """What the fact is about: facts with the same key say the same thing, or contradict each other."""
        return _plain(self.subject), _plain(self.attribute)

    def in_chunk(self, chunk: int) -> FoundFact:
        return replace(self, chunk=chunk)


def _plain(words: str) -> str:
    return re.sub(r"\b(the|a|an)\b ?", "", " ".join(words.casefold().split())).strip()
