"""Texts with facts in them, as the fact finder gets them."""

from __future__ import annotations

from phases.rag_data.chunk import chunk_document
from phases.rag_data.config import IngestConfig
from phases.rag_data.extract.formats import extract_document
from phases.sft_data.facts import DocumentText, FoundFact, find_facts
from phases.shared.database.chunks import ChunkRow, hash_of
from phases.shared.project import SAMPLE_DOCUMENTS


def whole(text: str, document: int = 1, held_out: bool = False) -> ChunkRow:
    """A chunk that holds a whole text."""
    return chunk_of(text, document, document, 0, len(text), held_out)


def chunk_of(text: str, document: int, number: int, start: int, end: int, held_out: bool = False, state: str = "active") -> ChunkRow:
    content = text[start:end]
    return ChunkRow(number, content, f"{document}.md", number, {}, document, hash_of(content), state, "document", held_out, 10, start, end)


def facts_in(*texts: str) -> list[FoundFact]:
    documents = [DocumentText(number, f"{number}.md", text) for number, text in enumerate(texts, 1)]
    return find_facts(documents, [whole(one.text, one.id) for one in documents])


def asked_in(*texts: str) -> list[tuple[str, str]]:
    """Direct question and answer of each fact."""
    return [(f"{one.asking.wh} {one.asking.inverted}?", one.answer) for one in facts_in(*texts)]


def sample() -> tuple[list[DocumentText], list[ChunkRow]]:
    """The sample documents as the program reads and cuts them."""
    documents: list[DocumentText] = []
    chunks: list[ChunkRow] = []
    for number, path in enumerate(sorted(SAMPLE_DOCUMENTS.iterdir()), 1):
        read = extract_document(path, path.name)
        documents.append(DocumentText(number, path.name, read.text))
        for chunk in chunk_document(read, IngestConfig(), lambda text: len(text) // 4):
            chunks.append(chunk_of(read.text, number, len(chunks) + 1, chunk.start, chunk.end, chunk.held_out))
    return documents, chunks
