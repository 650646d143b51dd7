"""Which language a text is written in, guessed from its most common words.

In: text. Out: "en", "de", "fr", "es", or "unknown" where there are too few common words to tell, as in tables and lists.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

UNKNOWN = "unknown"
LEAST_WORDS = 3
LEAST_SHARE = 0.08
LEAD = 1.3  # how far ahead of the second language: Romance languages share many of these words
WORD = re.compile(r"[^\W\d_]+")
COMMON = {
    "en": "the of and to in is that it for was on are with as be at this by from or have an not which were has but their been",
    "de": "der die und in den von zu das mit sich des auf für ist im dem nicht ein eine als auch es an werden aus er hat dass sie nach wird bei einer um am sind",
    "fr": "le la les des et de du un une dans est que qui pour pas sur plus par au avec il elle sont ce cette aux ne se ou nous vous",
    "es": "el la los las de del y que en un una es por con para no se su al lo como más pero sus le ya este entre cuando son o",
}
LANGUAGES_OF = {word: tuple(language for language, words in COMMON.items() if word in words.split())
                for words in COMMON.values() for word in words.split()}


def guess_language(texts: Iterable[str]) -> str:
    """The language of texts that belong together, such as the chunks of one document."""
    found: Counter[str] = Counter()
    words = 0
    for text in texts:
        for word in WORD.findall(text.casefold()):
            words += 1
            found.update(LANGUAGES_OF.get(word, ()))
    (best, hits), (_, second) = [*found.most_common(2), (UNKNOWN, 0), (UNKNOWN, 0)][:2]
    sure = hits >= LEAST_WORDS and hits >= LEAST_SHARE * words and hits >= LEAD * second
    return best if sure else UNKNOWN
