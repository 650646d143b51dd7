"""An existing knowledge base, added like a file: its chunks come in as they are, as one document for each of their sources.

In: the chunks that the parser child read from `rag_db.sqlite` or `wissensbasis.sqlite`. Out: documents with their chunks, each chunk
a span of its document's text. Where a chunk begins with the end of the one before, the text stands in the document once.
Command: `python app.py ingest NAME rag_db.sqlite`
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path, PurePosixPath
from typing import Any

from phases.rag_data.chunk import Section, held_out_sections
from phases.rag_data.clean import Cleaning
from phases.rag_data.collect import clean_source_path, free_name
from phases.rag_data.extract.formats import format_of
from phases.rag_data.extract.parser import Parser
from phases.shared.database.chunks import NewChunk
from phases.shared.database.documents import NewDocument

MEDIA = "sqlite"
SHORTEST_OVERLAP, LONGEST_OVERLAP = 20, 4_000


def is_database(source: str) -> bool:
    return format_of(source).media == MEDIA


def read_existing(path: Path, source: str, holdout_percent: float, count: Callable[[str], int]) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
    """The documents of a knowledge base, as {"document", "chunks"}, and notes. Raises FileRejected when it cannot be read."""
    with Parser(Cleaning()) as parser:
        found = parser.extract(path, source)
    lines = [json.loads(line) for line in found.text.split("\n")]
    parts: dict[str, dict[str, Any]] = {}
    for name, group in groupby(lines, key=lambda one: one["source"]):
        called = free_name(clean_source_path(name) if name else PurePosixPath(source).name, parts)
        parts[called] = _document(called, list(group), holdout_percent, count)
    return list(parts.values()), found.notes


def _document(called: str, lines: Sequence[Mapping[str, Any]], holdout_percent: float, count: Callable[[str], int]) -> dict[str, Any]:
    """One source's chunks, in their order. The document's hash is that of its name and chunks: the same ones add nothing again."""
    text, spans = "", []
    for line in lines:
        shared = _overlap(text, line["content"])
        start = len(text) - shared if shared else len(text) + (2 if text else 0)
        text += line["content"][shared:] if shared else ("\n\n" if text else "") + line["content"]
        spans.append(Section(start, start + len(line["content"])))
    apart = all(one.end <= following.start for one, following in zip(spans, spans[1:], strict=False))
    held = held_out_sections(text, spans, holdout_percent) if apart else frozenset()
    chunks = [NewChunk(line["content"], span.start, span.end, count(line["content"]), span in held, _metadata(line["metadata"], span))
              for line, span in zip(lines, spans, strict=True)]
    digest = hashlib.sha256("\x1e".join([MEDIA, called, *(one.content for one in chunks)]).encode()).hexdigest()
    document = NewDocument(called, digest, MEDIA, len(text.encode()), text)
    return {"document": asdict(document), "chunks": [asdict(one) for one in chunks]}


def _metadata(given: Mapping[str, Any], span: Section) -> dict[str, Any]:
    """What was there, with page and headings only where they have the form that they have here, and the chunk's own place."""
    page, headings = given.get("page"), given.get("headings")
    kept = {key: value for key, value in given.items() if key not in ("page", "headings", "start", "end")}
    if isinstance(page, int) and not isinstance(page, bool):
        kept["page"] = page
    kept["headings"] = headings if isinstance(headings, list) and all(isinstance(one, str) for one in headings) else []
    return {**kept, "start": span.start, "end": span.end}


def _overlap(text: str, piece: str) -> int:
    """How many characters at the end of the text stand again at the beginning of the piece; 0 for a mere few."""
    tail, begin = text[-LONGEST_OVERLAP:], piece[:SHORTEST_OVERLAP]
    if len(begin) < SHORTEST_OVERLAP:
        return 0
    place = tail.find(begin)
    while place >= 0:
        if piece.startswith(tail[place:]):
            return len(tail) - place
        place = tail.find(begin, place + 1)
    return 0
