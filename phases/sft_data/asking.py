"""A slot and a language model: the prompt that is sent, the shape of the answer, and the draft that is made of it.

In: a chunk, a style's prompt, what was asked about the chunk before. Out: a Draft whose evidence stands in the chunk, or whose pairs
carry the reason why they cannot be used.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any

from phases.sft_data.check import check_pair
from phases.sft_data.config import WriteConfig
from phases.sft_data.frozen import Inputs
from phases.sft_data.ledger import AskedFact, Draft, Phrasing
from phases.sft_data.prompts import fill_in
from phases.shared.database.chunks import ChunkRow
from phases.shared.llm.provider import CompletionRequest, Provider, ServiceError
from phases.shared.writing.ask import Unanswered, ask_for_data
from phases.shared.writing.evidence import find_evidence
from phases.shared.writing.slots import Slot, plan_slots

NOT_IN_THE_CHUNK = "evidence not in the chunk"
FEWEST_PHRASINGS = 2
QUESTIONS_SHOWN = 20
TOKENS_PER_QUESTION = 100  # how much text stands behind one question when everything is wanted
SPARE_SLOTS = 10

INSTRUCTION = """This is question number {number} about this text{others}.
Answer with one JSON object and nothing else:
{{"question": the question, understandable without the text before one's eyes,
 "answer": its answer,
 "evidence": the words of the text that prove the answer, copied letter by letter,
 "phrasings": [{phrasings} further ways to ask the same question in other words]}}"""


def answer_schema(phrasings: int) -> dict[str, Any]:
    """The shape of an answer. Strings are checked for blanks afterwards: not every service knows minLength."""
    text = {"type": "string"}
    return {"type": "object", "additionalProperties": False, "required": ["question", "answer", "evidence", "phrasings"],
            "properties": {"question": text, "answer": text, "evidence": text,
                           "phrasings": {"type": "array", "items": text, "minItems": FEWEST_PHRASINGS, "maxItems": max(phrasings, FEWEST_PHRASINGS)}}}


@dataclass
class ModelWriter:
    """Writes drafts with a language model. `stopping` says that the job is to end: slots that have not begun are left."""

    provider: Provider
    config: WriteConfig
    inputs: Inputs
    same: Callable[[str], str]
    stopping: Callable[[], bool]
    language: str

    @property
    def workers(self) -> int:
        return self.config.workers

    def close(self) -> None:
        self.provider.close()

    def slots(self) -> list[Slot]:
        """Twice as many slots as a perfect model would need, some more, and no further; all chunks in turn when everything is wanted."""
        chunks = self.inputs.chunks
        begin = {chunk: len(questions) for chunk, questions in self.asked.items()}
        if not self.config.count:
            rounds = {number: max(1, chunk.tokens // TOKENS_PER_QUESTION) for number, chunk in chunks.items()}
            return list(plan_slots(rounds, list(self.inputs.styles), self.config.seed, begin))
        most = 2 * math.ceil(self.config.count / self.config.phrasings) + SPARE_SLOTS
        rounds = dict.fromkeys(chunks, most + max(begin.values(), default=0))
        return list(islice(plan_slots(rounds, list(self.inputs.styles), self.config.seed, begin), most))

    @cached_property
    def asked(self) -> dict[int, list[str]]:
        """What was asked about each chunk before, one phrasing a fact."""
        asked: dict[int, dict[int, str]] = {}
        for pair in self.inputs.asked:
            if pair.state != "rejected":
                asked.setdefault(pair.chunk, {}).setdefault(pair.fact, pair.instruction)
        return {chunk: list(questions.values()) for chunk, questions in asked.items()}

    def draft(self, slot: Slot) -> Draft:
        """Ask for the slot. A failure that may pass becomes a draft; one that will not raises ServiceError."""
        if self.stopping():
            return Draft(skipped=True)
        chunk = self.inputs.chunks[slot.chunk]
        try:
            answer = ask_for_data(self.provider, self.request(slot, chunk), self.config.retries + 1, self.complaint)
        except ServiceError as error:
            if self.stopping():
                return Draft(skipped=True)
            if not error.passing:
                raise
            return Draft(failure=error.sentence, error=error)
        if isinstance(answer, Unanswered):
            return Draft(failure=answer.reason, spent=answer.spent)
        return self.draft_of(answer.data, chunk, answer.spent)

    def request(self, slot: Slot, chunk: ChunkRow) -> CompletionRequest:
        """The messages for a slot: the style's system prompt, its template with the text, and what shape the answer has."""
        style = self.inputs.styles[slot.style]
        known = self.asked.get(slot.chunk, [])[-QUESTIONS_SHOWN:]
        others = "; ask something else than: " + " | ".join(known) if known else ""
        number = len(self.inputs.styles) * slot.index + list(self.inputs.styles).index(slot.style) + 1
        tail = INSTRUCTION.format(number=number, others=others, phrasings=self.config.phrasings)
        system, user = fill_in(style, chunk, self.language, self.config.audience)
        return CompletionRequest(self.config.model, [{"role": "system", "content": system}, {"role": "user", "content": f"{user}\n\n{tail}"}],
                                 answer_schema(self.config.phrasings), self.config.temperature, self.config.max_tokens)

    def complaint(self, data: Any) -> str:
        """What is wrong with an answer of the right shape, for the model to mend; "" when nothing is."""
        empty = [key for key in ("question", "answer", "evidence") if not data[key].strip()]
        if empty:
            return f"'{empty[0]}' is empty."
        if len(self.further_phrasings(data)) < FEWEST_PHRASINGS:
            return "The phrasings repeat the question or each other: write each in other words."
        return ""

    def further_phrasings(self, data: Any) -> list[str]:
        """The phrasings that differ from the question and from each other."""
        distinct = {self.same(data["question"]): ""}
        for phrasing in data["phrasings"]:
            if phrasing.strip():
                distinct.setdefault(self.same(phrasing), phrasing.strip())
        return list(distinct.values())[1:]

    def draft_of(self, data: Any, chunk: ChunkRow, spent: Any) -> Draft:
        """The last phrasing is held out; each pair is checked against the chunk."""
        found = find_evidence(data["evidence"], chunk.content)
        questions = [data["question"].strip(), *self.further_phrasings(data)]
        phrasings = [self.checked(question, data["answer"].strip(), data["evidence"], chunk, found is not None) for question in questions]
        start, end = self.place(chunk, found)
        fact = AskedFact(chunk.document, start, end, "", questions[0], data["answer"].strip())
        return Draft(fact, tuple(phrasings[:-1]), phrasings[-1], spent=spent)

    def checked(self, question: str, answer: str, evidence: str, chunk: ChunkRow, proven: bool) -> Phrasing:
        reason = check_pair(question, answer, evidence, chunk.content) if proven else NOT_IN_THE_CHUNK
        return Phrasing(question, answer, reason)

    def place(self, chunk: ChunkRow, found: tuple[int, int] | None) -> tuple[int, int]:
        """Where the evidence stands in the document; the chunk's whole span when the chunk was edited or the evidence invented."""
        if found is None:
            return chunk.span_start, chunk.span_end
        text = self.inputs.documents[chunk.document]
        if text[chunk.span_start:chunk.span_end] == chunk.content:
            return chunk.span_start + found[0], chunk.span_start + found[1]
        return find_evidence(chunk.content[found[0]:found[1]], text) or (chunk.span_start, chunk.span_end)


def wait_unless(stopping: Callable[[], bool], sleep: Callable[[float], None], step: float = 0.2) -> Callable[[float], None]:
    """A pause that ends early, with a ServiceError, when the job is asked to stop."""
    def wait(seconds: float) -> None:
        while seconds > 0:
            if stopping():
                raise ServiceError("The job is asked to stop.", code="stopping")
            sleep(min(step, seconds))
            seconds -= step
    return wait
