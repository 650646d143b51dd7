"""What becomes of a draft: its set, its duplicates, its place in the count. Decided one slot after the other, in slot order.

In: drafts of a slot each, from whichever writer. Out: the record of the slot, and the figures of the job. A resumed job replays its
records and goes on in the same state, so that it ends in the same pairs as one that was never interrupted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from phases.shared.llm.provider import ServiceError
from phases.shared.writing.ask import Spent
from phases.shared.writing.slots import Slot

TRAIN, VALIDATION, HELD_OUT = "train", "validation", "held_out"
DUPLICATE = "the same question exists already"
UNTAUGHT = "no training pair of this question was kept"


@dataclass(frozen=True)
class AskedFact:
    """A span of a document that is asked about. A model's fact has no subject: its span alone says what it is."""

    document: int
    start: int
    end: int
    subject: str
    attribute: str
    answer: str


@dataclass(frozen=True)
class Phrasing:
    """One way to ask, and its answer; `reason` says why it cannot be used."""

    instruction: str
    output: str
    reason: str = ""


@dataclass(frozen=True)
class Draft:
    """What a writer made of a slot. `failure` is the reason when there is nothing, `error` the service's part in it."""

    fact: AskedFact | None = None
    train: tuple[Phrasing, ...] = ()
    held_out: Phrasing | None = None
    failure: str = ""
    error: ServiceError | None = None
    skipped: bool = False
    spent: Spent = field(default_factory=Spent)


class Ledger:
    """The job's state between slots. `wanted` is the number of training pairs, 0 for all; `same` normalises a question."""

    def __init__(self, wanted: int, validation_percent: float, same: Callable[[str], str], questions: Iterable[str] = (),
                 facts: Iterable[tuple[AskedFact, str, bool]] = ()) -> None:
        """Begin with what exists: its questions, and its facts with their set and whether any of their pairs is kept."""
        self.wanted, self.same = wanted, same
        self.sets: Counter[str] = Counter()
        self.rejected: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()
        self.slots = 0
        self.spent = Spent()
        self._share = validation_percent / 100
        self._questions = {same(question) for question in questions}
        self._splits: dict[tuple[str, str], str] = {}
        self._taught: set[tuple[str, str]] = set()
        self._spans: dict[tuple[int, bool], list[tuple[AskedFact, str]]] = {}  # by document, and whether the fact has a name
        self._facts: set[AskedFact] = set()
        for fact, split, kept in facts:
            self._remember(fact, split, {split} if kept else set())

    @property
    def missing(self) -> int:
        """Training pairs that are still wanted."""
        return max(0, self.wanted - self.sets[TRAIN])

    @property
    def complete(self) -> bool:
        return bool(self.wanted) and not self.missing

    def decide(self, slot: Slot, draft: Draft) -> dict[str, Any]:
        """The record of a slot: which set its fact belongs to, and which of its pairs are kept."""
        record = {"slot": slot.name, "chunk": slot.chunk, "style": slot.style, "spent": asdict(draft.spent)}
        if draft.failure or draft.fact is None:
            record |= {"failed": draft.failure or "nothing was written", "pairs": []}
        else:
            split = self._split_of(draft.fact)
            record |= {"fact": {**asdict(draft.fact), "split": split}, "pairs": self._pairs(draft, split)}
        self.replay(record)
        return record

    def replay(self, record: Mapping[str, Any]) -> None:
        """Take a record into the state: one that was just decided, or one of an earlier attempt."""
        self.slots += 1
        self.spent += Spent(**record["spent"])
        if "failed" in record:
            self.failed[record["failed"]] += 1
        for pair in record["pairs"]:
            self._questions.add(self.same(pair["instruction"]))
            if pair["state"] == "rejected":
                self.rejected[pair["reason"]] += 1
            else:
                self.sets[pair["split"]] += 1
        if record["pairs"]:
            kept = {pair["split"] for pair in record["pairs"] if pair["state"] != "rejected"}
            fact = {key: value for key, value in record["fact"].items() if key != "split"}
            self._remember(AskedFact(**fact), record["fact"]["split"], kept)

    def _pairs(self, draft: Draft, split: str) -> list[dict[str, Any]]:
        """The last phrasing comes last: it is the one that evaluation asks, of facts in training and of those that are not."""
        new: set[str] = set()
        last = (draft.held_out,) if draft.held_out else ()
        if split == VALIDATION:
            return self._judged((*draft.train, *last), VALIDATION, new, len(draft.train) + 1)
        pairs = self._judged(draft.train, TRAIN, new, self.missing if self.wanted else len(draft.train))
        kept = any(pair["state"] != "rejected" for pair in pairs)
        return pairs + self._judged(last, HELD_OUT, new, 1, reason="" if kept or self._is_taught(draft) else UNTAUGHT)

    def _judged(self, phrasings: Iterable[Phrasing], split: str, new: set[str], most: int, reason: str = "") -> list[dict[str, Any]]:
        """Pairs with their state; no more than `most` of them are kept, what is over is not written at all."""
        pairs: list[dict[str, Any]] = []
        for phrasing in phrasings:
            if most <= 0:
                break
            question = self.same(phrasing.instruction)
            why = phrasing.reason or (DUPLICATE if question in self._questions | new else "") or reason
            new.add(question)
            most -= not why
            pairs.append({"instruction": phrasing.instruction, "output": phrasing.output, "split": split,
                          "state": "rejected" if why else "open", "reason": why})
        return pairs

    def _is_taught(self, draft: Draft) -> bool:
        """Whether an earlier slot, in another style or job, trains the same fact."""
        return draft.fact is not None and _key(draft.fact) in self._taught

    def _split_of(self, fact: AskedFact) -> str:
        """The set of a fact: that of the same fact elsewhere, that of an overlapping span, else by turns.

        By turns and not by chance: of few facts chance may leave none for evaluation.
        """
        if fact.subject and _key(fact) in self._splits:
            return self._splits[_key(fact)]
        kinds = (False,) if fact.subject else (False, True)  # two names in one sentence are two facts; a span alone may be any of them
        near = {split for named in kinds for other, split in self._spans.get((fact.document, named), ())
                if other.start < fact.end and fact.start < other.end}
        if near:
            return VALIDATION if VALIDATION in near else TRAIN
        count = len(self._facts)
        return VALIDATION if int((count + 1) * self._share) > int(count * self._share) else TRAIN

    def _remember(self, fact: AskedFact, split: str, kept: set[str]) -> None:
        """A named fact keeps its set whatever became of its pairs; a span counts once a pair of it is kept."""
        if fact.subject:
            self._splits.setdefault(_key(fact), split)
            if TRAIN in kept:
                self._taught.add(_key(fact))
        if kept and fact not in self._facts:
            self._facts.add(fact)
            self._spans.setdefault((fact.document, bool(fact.subject)), []).append((fact, split))


def _key(fact: AskedFact) -> tuple[str, str]:
    """What a fact is about, with or without articles: "The fog horn" in a table's row is "the fog horn" in a sentence."""
    return _bare(fact.subject), _bare(fact.attribute)


def _bare(words: str) -> str:
    return " ".join(word for word in words.casefold().split() if word not in ("the", "a", "an"))
