"""The facts of all documents, in their order, without those that contradict each other.

In: documents and the chunks that may be asked about. Out: `Findings`: the facts, and how many were left out and why.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from phases.sft_data.facts.blocks import Block, heading_text, read_blocks, sentences
from phases.sft_data.facts.key_values import find_in_list
from phases.sft_data.facts.naming import Naming
from phases.sft_data.facts.prose import find_in_sentence
from phases.sft_data.facts.record import DocumentText, FoundFact
from phases.sft_data.facts.tables import find_in_table
from phases.shared.database.chunks import ChunkRow


@dataclass(frozen=True)
class Findings:
    """`contradictory` and `repeated` count what was left out: other answers to the same question, and the same fact again."""

    facts: tuple[FoundFact, ...]
    contradictory: int
    repeated: int


def find_facts(documents: Sequence[DocumentText], chunks: Sequence[ChunkRow]) -> list[FoundFact]:
    """All facts in document order that lie inside an active chunk that is not held out."""
    return list(find_all(documents, chunks).facts)


def find_all(documents: Sequence[DocumentText], chunks: Sequence[ChunkRow]) -> Findings:
    """As `find_facts`, with the numbers of what was left out.

    A contradiction counts wherever it stands, in held-out sections too: its question would have two answers.
    """
    naming = Naming(document.text for document in documents)
    found = [fact for document in documents for fact in _find_in_document(document, naming) if _holds_answer(fact)]
    answers: dict[tuple[str, str], set[str]] = defaultdict(set)
    for fact in found:
        answers[fact.key].add(" ".join(fact.answer.casefold().split()))
    single = [fact for fact in found if len(answers[fact.key]) == 1]
    placed = [inside for fact in single if (inside := _in_chunk(fact, chunks))]
    first = {fact.key: fact for fact in reversed(placed)}
    kept = tuple(fact for fact in placed if first[fact.key] is fact)
    return Findings(kept, len(found) - len(single), len(placed) - len(kept))


def _find_in_document(document: DocumentText, naming: Naming) -> Iterator[FoundFact]:
    heading = ""
    for kind, group in groupby(read_blocks(document.text), key=lambda block: block.kind):
        blocks = list(group)
        if kind == "heading":
            heading = heading_text(blocks[-1])
        elif kind == "row":
            yield from find_in_table(document.id, blocks, naming)
        elif kind == "item":
            yield from find_in_list(document.id, blocks, heading, naming)
        else:
            yield from _find_in_prose(document.id, blocks, naming)


def _find_in_prose(document: int, blocks: Sequence[Block], naming: Naming) -> Iterator[FoundFact]:
    for block in blocks:
        for sentence in sentences(block):
            yield from find_in_sentence(document, sentence, naming)


def _holds_answer(fact: FoundFact) -> bool:
    """A column's unit stands in the table's head; everything else is in the evidence word for word."""
    sentence, answer = " ".join(fact.sentence.split()), " ".join(fact.answer.split())
    return answer in sentence or (fact.kind == "table" and answer.rpartition(" ")[0] in sentence)


def _in_chunk(fact: FoundFact, chunks: Sequence[ChunkRow]) -> FoundFact | None:
    for chunk in chunks:
        inside = chunk.document == fact.document and chunk.span_start <= fact.start and fact.end <= chunk.span_end
        if inside and chunk.state == "active" and not chunk.held_out:
            return fact.in_chunk(chunk.id)
    return None
