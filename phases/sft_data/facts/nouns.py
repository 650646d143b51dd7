"""Facts that have a noun for what they tell ("the capacity of the north cistern"): from tables, lists and sentences.

In: subject, label and answer. Out: the parts of their questions.
"""

from __future__ import annotations

import re

from phases.sft_data.facts.lexicon import PREPOSITIONS
from phases.sft_data.facts.record import Asking, FoundFact
from phases.sft_data.facts.values import asks_for

SINGULAR_ENDINGS = ("ss", "us", "is", "news", "series", "species")


def noun_asking(topic: str, verb: str, answer: str, label: str) -> Asking:
    """ "What is the capacity of the north cistern?" from topic, verb and answer."""
    return Asking(wh=asks_for(label, answer), inverted=f"{verb} {topic}", plain=f"{topic} {verb}",
                  statement=_capital(f"{topic} {verb} {answer}."), topic=topic)


def labelled_fact(place: tuple[int, int, int, str], subject: str, label: str, answer: str, kind: str) -> FoundFact:
    """A fact of a table cell or a key-value line. `place`: document, start, end and the text between."""
    document, start, end, sentence = place
    label = small_label(label)
    topic = f"the {label} {_link(label)} {subject}"
    asking = noun_asking(topic, "are" if is_plural(label) else "is", answer, label)
    return FoundFact(document, 0, start, end, subject, label, answer, kind, sentence, asking)


def small_label(label: str) -> str:
    """A column's or key's name inside a sentence; abbreviations keep their capitals."""
    words = label.strip().rstrip(":").split()
    return " ".join(word if sum(map(str.isupper, word)) > 1 or (index and len(word) == 1) else word[:1].lower() + word[1:]
                    for index, word in enumerate(words))


def is_plural(label: str) -> bool:
    """Whether a label's head noun is a plural ("years of service")."""
    head = re.split(rf" (?:{'|'.join(sorted(PREPOSITIONS))}) ", label)[0].split()[-1].lower()
    return head.endswith("s") and not head.endswith(SINGULAR_ENDINGS) and len(head) > 3


def _link(label: str) -> str:
    words = label.split()
    return "for" if (len(words) > 1 and words[-1].endswith("ed") and words[-1] != "speed") or any(word in PREPOSITIONS - {"of"} for word in words) else "of"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
