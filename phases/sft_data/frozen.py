"""What a writing job needs, frozen when it is submitted: the child reads these files and never the tables.

In: the knowledge base and the configuration. Out: `inputs/` with chunks.jsonl, documents.jsonl, asked.jsonl, styles.json and, for
the built-in writer, facts.jsonl; and back again as `Inputs`.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from phases.sft_data.config import BUILTIN, WriteConfig
from phases.sft_data.facts import Asking, DocumentText, FoundFact, find_facts
from phases.sft_data.prompts import StylePrompt, prompt_of
from phases.shared.database.asked import AskedPair, asked_pairs
from phases.shared.database.chunks import ChunkRow, training_chunks
from phases.shared.database.documents import document_text
from phases.shared.files import read_json_lines, write_atomically, write_json
from phases.shared.project import Project


@dataclass(frozen=True)
class Inputs:
    """The frozen world of a job. `facts` is empty unless the built-in writer works."""

    chunks: dict[int, ChunkRow]
    documents: dict[int, str]
    asked: list[AskedPair]
    styles: dict[str, StylePrompt]
    facts: list[FoundFact]


def styles_of(config: WriteConfig) -> list[str]:
    """The chosen styles, each once, in the order given."""
    return list(dict.fromkeys(name.strip() for name in config.style.split(",") if name.strip()))


def freeze_inputs(connection: sqlite3.Connection, project: Project, config: WriteConfig, inputs: Path) -> None:
    """Write everything that the job reads."""
    chunks = training_chunks(connection)
    sources = {chunk.document: chunk.source for chunk in chunks}
    documents = [DocumentText(number, source, document_text(connection, number)) for number, source in sources.items()]
    _write_lines(inputs / "chunks.jsonl", chunks)
    _write_lines(inputs / "documents.jsonl", documents)
    _write_lines(inputs / "asked.jsonl", asked_pairs(connection))
    if config.provider == BUILTIN:
        _write_lines(inputs / "facts.jsonl", find_facts(documents, chunks))
    write_json(inputs / "styles.json", {name: asdict(prompt_of(project, name)) for name in styles_of(config)})


def read_inputs(inputs: Path) -> Inputs:
    """What `freeze_inputs` wrote."""
    styles = json.loads((inputs / "styles.json").read_text(encoding="utf-8"))
    return Inputs(
        chunks={one["id"]: ChunkRow(**one) for one in read_json_lines(inputs / "chunks.jsonl")},
        documents={one["id"]: one["text"] for one in read_json_lines(inputs / "documents.jsonl")},
        asked=[AskedPair(**one) for one in read_json_lines(inputs / "asked.jsonl")],
        styles={name: StylePrompt(**one) for name, one in styles.items()},
        facts=[FoundFact(**{**one, "asking": Asking(**one["asking"])}) for one in read_json_lines(inputs / "facts.jsonl")])


def _write_lines(path: Path, records: Iterable[Any]) -> None:
    write_atomically(path, "".join(json.dumps(asdict(record), ensure_ascii=False) + "\n" for record in records))
