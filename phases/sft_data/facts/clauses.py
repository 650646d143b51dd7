"""A small grammar of sentences: subject, verb and what follows.

In: one sentence. Out: its main `Clause`, whose subject stands for itself, or nothing. Sentences with pronouns as subjects,
conditions, negations, modal verbs or relative clauses are left alone: a wrong fact is worse than none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from phases.sft_data.facts.blocks import Block
from phases.sft_data.facts.lexicon import (
    BAD_STARTS,
    BE,
    CLAUSES,
    GENERIC,
    MODALS,
    NEGATIONS,
    PARTICIPLES,
    PREPOSITIONS,
    VERBS,
)
from phases.sft_data.facts.naming import Naming
from phases.sft_data.facts.record import Asking, FoundFact
from phases.sft_data.facts.values import is_short

LONGEST_SENTENCE = 240
MOST_SUBJECT_WORDS = 9
NOUNS_IN_LY = {"supply", "family", "assembly", "reply", "anomaly", "fly", "monopoly", "jelly", "lily", "ally", "july", "italy"}
MARKUP = re.compile(r"(?:\*\*|__|`)([^`*]+?)(?:\*\*|__|`)")
SET_ASIDE = re.compile(r" \([^()]*\)")
UNREADABLE = re.compile(r"[?*`\[\]<>{}|=()\\]|://|:$")
CONDITION = re.compile(r",? (?:if|when|whenever|unless|while|until|than|except|only|provided|as long as|as soon as|depending)\b", re.IGNORECASE)
RELATIVE = re.compile(r" (?:that|which|who|whom|whose)\b")
CUTS = re.compile(r" (?:because|so that|but|although|though|where|before (?:it|they|he|she|the)\b|as (?:it|they|the)\b)(?= )")
LIST_GOES_ON = re.compile(r"(?!and (?:the|a|an|its|it|they|is|are|was|were)\b)(?:and |or )?[\w'’-]+(?: [\w'’-]+){0,2}(?:,| and | or | nor )")


@dataclass(frozen=True)
class Clause:
    """A main clause. `subject` is written as inside a sentence; `rest` is what follows the verb."""

    document: int
    start: int
    end: int
    sentence: str
    subject: str
    verb: str
    rest: str
    naming: Naming

    @property
    def is_named(self) -> bool:
        """Whether the subject is a proper name."""
        return self.subject[:1].isupper() and all(word[:1].isupper() or word[:1].isdigit() or word in {"of", "the", "de", "van", "von"}
                                                  for word in self.subject.split())

    def fact(self, attribute: str, answer: str, kind: str, asking: Asking, subject: str = "") -> Iterator[FoundFact]:
        """The fact, when its answer is short and its question is whole."""
        answer = answer.strip()
        named = f"{asking.inverted} {asking.plain}"
        if is_short(answer) and answer.casefold() not in named.casefold() and not set(answer.lower().split()) & NEGATIONS:
            yield FoundFact(self.document, 0, self.start, self.end, subject or self.subject, attribute, answer, kind, self.sentence, asking)


def read_clause(document: int, sentence: Block, naming: Naming) -> Clause | None:
    """The main clause of a sentence that the grammar can read."""
    text = SET_ASIDE.sub("", MARKUP.sub(r"\1", " ".join(sentence.text.split())))
    main = _main_clause(text) if len(text) <= LONGEST_SENTENCE and not UNREADABLE.search(text) else ""
    words = main.split()
    place = next((index for index, word in enumerate(words) if index and _is_verb(word, words, index)), 0)
    if not place or words[place].lower() in MODALS or not words[place + 1:]:
        return None
    subject, rest = " ".join(words[:place]), words[place + 1:]
    if not is_subject(subject, naming) or set(map(str.lower, rest[:3])) & (NEGATIONS | MODALS - {"do", "did", "does"}):
        return None
    inside = naming.inside(subject, plural=words[place] in {"are", "were", "have"})
    return Clause(document, sentence.start, sentence.end, sentence.text, inside, words[place], " ".join(rest), naming)


def is_subject(subject: str, naming: Naming) -> bool:
    """Whether a noun phrase says by itself what it is about."""
    words = subject.split()
    lower = [word.lower().strip(",.:;\"") for word in words]
    if not 1 <= len(words) <= MOST_SUBJECT_WORDS or not words[0][:1].isupper() or lower[0] in BAD_STARTS or re.search(r"[:;,\"]", subject):
        return False
    if set(lower[1:]) & (CLAUSES - {"and"} | {"it", "its", "their", "they", "you", "your", "this", "these", "his", "her", "our", "my"}):
        return False
    if lower[-1] in PREPOSITIONS or (lower[-1].endswith("ly") and lower[-1] not in NOUNS_IN_LY) or lower[0].endswith("ing") or \
            (lower[0].endswith("ly") and not words[-1][:1].isupper()):
        return False
    if set(lower[1:]) & {"called", "named", "used", "given", "made", "based", "above", "below", "following", "same", "current"}:
        return False
    core = [word for word in lower if word not in {"the", "a", "an"}]
    if len(core) == 1 and (core[0] in GENERIC or core[0].rstrip("s") in GENERIC):
        return False
    return lower[0] not in {"a", "an"} or len(core) == 1


def _main_clause(text: str) -> str:
    """The sentence up to its first side clause; empty when a condition or a list makes a single fact doubtful."""
    text = text.rstrip(".!").strip()
    head, *tail = re.split(r", (?!\d{4}\b)|: | \u2013 | \u2014 |--", text, maxsplit=1)
    if tail and (LIST_GOES_ON.match(tail[0]) or re.match(r"(?:or|if|when|unless|only|except|whenever|depending|but not|respectively|not)\b", tail[0])):
        return ""
    cut = CUTS.search(head)
    head = head[:cut.start()] if cut else head
    head = _without_second_clause(head)
    return "" if CONDITION.search(head) or RELATIVE.search(head) else head


def _without_second_clause(text: str) -> str:
    """What stands before an "and" that begins another statement."""
    for place in re.finditer(r" (?:and|or) (?:then )?", text):
        after = text[place.end():].lower().split()
        ends = {word for word in after[:6] if word in BE | MODALS | {"has", "have", "had"} or word in VERBS}
        begins = after and (after[0] in {"the", "a", "an", "its", "their", "his", "her", "it", "they", "he", "she", "not", "can"}
                            or after[0] in VERBS or _is_participle(after[0]))
        before = text[:place.start()].lower().split()
        if "between" not in before[-4:] and (ends or begins) and any(word in BE or word in VERBS or word in {"has", "have", "had"} for word in before[1:]):
            return text[:place.start()]
    return text


def _is_verb(word: str, words: list[str], index: int) -> bool:
    lower = word.lower()
    if lower in BE or lower in MODALS or lower in {"has", "have", "had"}:
        return True
    if lower not in VERBS or not word.islower():
        return False
    before = words[index - 1].lower()
    return before not in PREPOSITIONS | {"the", "a", "an", "and"}


def _is_participle(word: str) -> bool:
    return word in PARTICIPLES or (word.endswith("ed") and len(word) > 3)


def joined(*parts: str) -> str:
    """The parts that are there, with single blanks."""
    return " ".join(" ".join(part for part in parts if part).split())


def as_sentence(*parts: str) -> str:
    """The parts as one sentence with a capital and a full stop."""
    text = joined(*parts)
    return f"{text[:1].upper()}{text[1:]}."
