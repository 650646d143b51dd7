"""How a thing is called inside a sentence: with or without "the", with a small or a capital letter.

In: all texts, and a name as it stands in a table's first column or in a heading. Out: the name for a running sentence, found
by looking how the documents themselves use it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

ARTICLE = re.compile(r"^(the|a|an|der|die|das) ", re.IGNORECASE)


class Naming:
    """What the running text of all documents knows about names."""

    def __init__(self, texts: Iterable[str]) -> None:
        lines = (line for text in texts for line in text.splitlines() if not line.lstrip().startswith(("|", "#", "```")))
        self._prose = " ".join(" ".join(line.split()) for line in lines)
        self._folded = self._prose.casefold()
        words = re.findall(r"[^\W\d_][\w'’-]*", self._prose)
        self._small = Counter(word for word in words if word[0].islower())
        inner = re.findall(r"(?<=[a-z,] )[A-ZÄÖÜ][\w'’-]*", self._prose)
        self._capital = Counter(inner)

    def is_name(self, word: str) -> bool:
        """Whether a capitalised word is a name: capital inside sentences, or never written small."""
        return self._capital[word] > self._small[word[:1].lower() + word[1:]] or self._small[word[:1].lower() + word[1:]] == 0

    def inside(self, phrase: str, plural: bool = False) -> str:
        """A phrase that began a sentence, for use inside one. `plural`: an unknown first word is a common noun, not a name."""
        first, blank, rest = phrase.partition(" ")
        if first in {"The", "A", "An"}:
            return first.lower() + blank + rest
        if rest and all(word[:1].isupper() or word[:1].isdigit() for word in rest.split()):
            return phrase
        unknown = self._capital[first] == 0
        common = unknown and (first.endswith("ed") or (plural and first.endswith("s")))
        return phrase if (self.is_name(first) and not common) or not first[1:].islower() else first[:1].lower() + phrase[1:]

    def called(self, name: str) -> str:
        """A row's or heading's name for a running sentence ("Engine house" -> "the engine house")."""
        bare = ARTICLE.sub("", name).strip()
        worded = self.inside(bare)
        if name != bare or self._takes_article(bare):
            return f"the {worded}"
        return worded

    def _takes_article(self, name: str) -> bool:
        found = [match.start() for match in re.finditer(rf"\b{re.escape(name.casefold())}\b", self._folded)]
        with_article = sum(self._folded.endswith("the ", 0, start) for start in found)
        words = name.split()
        if len(words) > 1 and words[-1].islower() and words[-1].isalpha():
            return with_article > 0 or not words[-1].endswith("ing")
        return bool(found) and with_article * 3 >= len(found)
