"""The many ways to ask about a fact: those for training, and those that are kept for evaluation.

In: a fact. Out: its training questions in an order that differs from fact to fact, and its one reserved question. Every reserved
wording holds one of RESERVED_WORDS, and no training wording does, for any fact: what evaluation asks is new to the model.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import TypeVar

from phases.sft_data.facts import FoundFact
from phases.sft_data.facts.nouns import is_plural
from phases.sft_data.facts.values import is_person, kind_of

T = TypeVar("T")
RESERVED_WORDS = ("tell me", "i would like to know", "belongs to", "do you know", "can you say", "remind me")

DIRECT = ("{Wh} {inverted}?",)
INDIRECT = ("State {wh} {plain}.", "Write down {wh} {plain}.", "Note {wh} {plain}.", "Explain briefly {wh} {plain}.",
            "Answer in a few words: {wh} {inverted}?", "Find out {wh} {plain}.", "Someone asks {wh} {plain}. What is the answer?")
GAPS = ("Fill the gap: {gap}", "Complete the sentence: {gap}", "Which words are missing? {gap}", "What stands in the gap? {gap}")
ABOUT = ("About {subject}: {wh} {inverted}?", "A question about {subject}: {wh} {inverted}?", "Topic: {subject}. {Wh} {inverted}?",
         "Quick question on {subject}: {wh} {inverted}?")
NOUN_ORDERS = ("State {topic}.", "Give {topic}.", "Name {topic}.", "Look up {topic}.", "Please report {topic}.")
NOUN_FRAGMENTS = ("{Subject}: {label}?", "{Topic}?", "{Label} of {subject}?", "{Subject} - {label}?")
NOUN_OTHERS = ("What is given as {topic}?", "For {subject}, {wh} {verb} the {label}?", "Which {label} is recorded for {subject}?",
               "What do you have to enter as {topic}?", "{Plain} {wh}?")
ECHO = "{Plain} {wh}?"

RESERVED_NOUNS = ("Tell me {topic}.", "I would like to know {topic}. {That}?", "Which {label} belongs to {subject}?", "Do you know {wh} {plain}?",
                  "Can you say {wh} {plain}?", "Remind me of {topic}, please.", "Can you say which {label} belongs to {subject}?",
                  "Do you know {topic}?")
RESERVED_CLAUSES = ("Tell me {wh} {plain}.", "I would like to know {wh} {plain}.", "Do you know {wh} {plain}?", "Can you say {wh} {plain}?",
                    "Remind me {wh} {plain}, please.", "Tell me something: {wh} {inverted}?", "Which answer belongs to this question: {wh} {inverted}?")


def train_questions(fact: FoundFact) -> list[str]:
    """All training wordings of a fact, without repetition.

    The first is the plain question; those after it are of different sorts, and other sorts come first for other facts.
    """
    parts = _parts(fact)
    groups = [INDIRECT, _other_words(fact), GAPS, ABOUT]
    if _has_noun(fact):
        groups = [NOUN_ORDERS, NOUN_FRAGMENTS, (*_other_words(fact), *NOUN_OTHERS), INDIRECT, GAPS, ABOUT]
    turned = [_turned(group, fact, salt) for salt, group in enumerate(groups) if group]
    turned = _turned(turned, fact, len(groups))
    rounds = [*DIRECT, *(template for place in range(2) for group in turned for template in group[place:place + 1])]
    return list(dict.fromkeys(_written(template, parts) for template in rounds))


def reserved_question(fact: FoundFact) -> str:
    """The one wording of a fact that only evaluation uses."""
    templates = RESERVED_NOUNS if _has_noun(fact) else RESERVED_CLAUSES
    return _written(_turned(templates, fact, 99)[0], _parts(fact))


def is_reserved(question: str) -> bool:
    """Whether a question holds words that are kept for evaluation."""
    folded = " ".join(question.casefold().split())
    return any(words in folded for words in RESERVED_WORDS)


def _turned(items: Sequence[T], fact: FoundFact, salt: int) -> list[T]:
    """The items beginning at another one for each fact."""
    digest = hashlib.sha256("\n".join((*fact.key, str(salt))).encode("utf-8")).digest()
    turn = int.from_bytes(digest[:8]) % len(items)
    return [*items[turn:], *items[:turn]]


def _has_noun(fact: FoundFact) -> bool:
    return fact.kind in {"table", "key_value", "noun"} and bool(fact.asking.topic) and fact.attribute != "identity"


def _other_words(fact: FoundFact) -> tuple[str, ...]:
    """Another question word for the same thing, and the question in the order of a statement."""
    wh, kind = fact.asking.wh, kind_of(fact.answer)
    others = {
        "when": "In which year {inverted}?" if kind == "year" else "On which date {inverted}?" if kind == "date" and fact.answer[0].isdigit() else "",
        "how often": "At what intervals {inverted}?" if fact.answer.startswith("every") else "",
        "where": "In which place {inverted}?" if fact.answer.startswith(("in ", "on ", "at ")) else "",
        "how long": "For what length of time {inverted}?" if fact.kind == "action" else "",
        "what colour": "In which colour {inverted}?", "by whom": "Who is it by whom {plain}?" if is_person(fact.answer) else "",
        "who": "Which person {inverted}?" if is_person(fact.answer) and fact.kind == "passive" else "",
    }
    found = [others[wh]] if others.get(wh) else []
    if wh.startswith("at what time"):
        found.append("At which hour {inverted}?")
    if wh == "how much" and fact.attribute in {"weigh", "cost"}:
        found.append("What {inverted}?")
    if fact.asking.topic and not _has_noun(fact):
        found.append("State {topic}.")
    echoes = wh in {"when", "where", "how often", "by whom", "what", "how much", "how long"} or wh.startswith(("at what", "how many", "in which"))
    if echoes and fact.kind not in {"noun", "table", "key_value", "role"} and not re.search(r"\b(?:have|has)$", fact.asking.plain):
        found.append(ECHO)
    return tuple(found)


def _parts(fact: FoundFact) -> dict[str, str]:
    asking, label = fact.asking, fact.attribute
    verb = asking.inverted.split()[0]
    plural = verb in {"are", "were"} or is_plural(label)
    that = "Who is it" if asking.wh == "who" else "What are they" if plural else "What is it"
    bare = re.sub(r"^the ", "", fact.subject)
    return {"wh": asking.wh, "inverted": asking.inverted, "plain": asking.plain, "topic": asking.topic, "subject": fact.subject,
            "label": label, "verb": verb, "That": that, "gap": _gap(fact), "Wh": _capital(asking.wh), "Plain": _capital(asking.plain),
            "Topic": _capital(re.sub(r"^the ", "", asking.topic)), "Label": _capital(label), "Subject": _capital(bare)}


def _gap(fact: FoundFact) -> str:
    head, found, tail = fact.asking.statement.rpartition(fact.answer)
    if found:
        return f"{head}___{tail}"
    start = fact.answer[:1].upper() + fact.answer[1:]
    return fact.asking.statement.replace(start, "___", 1)


def _written(template: str, parts: dict[str, str]) -> str:
    return template.format(**parts)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
