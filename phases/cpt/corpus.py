"""Chunks -> training text: what continued pretraining will read, frozen when the job is submitted.

In: the active chunks of the knowledge base that are not held out. Out, in the job's inputs/: texts.jsonl, held_out.jsonl,
base.json; and data/cpt_data.txt for a person to read (it is never read back).

    python app.py cpt NAME --plan
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from phases.cpt.config import CptConfig
from phases.shared.database.chunks import ChunkRow, held_out_chunks, training_chunks
from phases.shared.database.connection import knowledge
from phases.shared.database.documents import list_documents
from phases.shared.errors import ModelError, NotReady
from phases.shared.files import write_atomically, write_json
from phases.shared.models.base import locate_base
from phases.shared.project import Project
from phases.shared.training.hardware import missing_hardware
from phases.shared.training.plan import Plan, few_steps_warning, optimizer_steps, pieces_in


def missing_for_cpt(project: Project, config: CptConfig | None = None) -> tuple[str, ...]:
    """Why tab 2 cannot start, a sentence each; empty when it can."""
    missing = []
    with knowledge(project) as connection:
        if not training_chunks(connection):
            missing.append("There are no chunks to train on yet: add documents in tab 1 first.")
    try:
        locate_base(base_name(project, config or CptConfig()))
    except ModelError as problem:
        missing.append(str(problem))
    return (*missing, *missing_hardware(config or CptConfig()))


def base_name(project: Project, config: CptConfig) -> str:
    """The base model of the job: the job's own choice, else the project's."""
    return config.base_model.strip() or project.base_model


def plan_cpt(project: Project, config: CptConfig) -> Plan:
    """Texts, tokens and optimizer steps of a run, from the counts in the knowledge base."""
    with knowledge(project) as connection:
        chunks, held_out = training_chunks(connection), held_out_chunks(connection)
    sequences = pieces_in((chunk.tokens for chunk in chunks), config.max_length)
    steps = optimizer_steps(sequences, config.batch_size, config.gradient_accumulation, config.epochs, config.processes) if chunks else 0
    warnings = few_steps_warning(steps) if chunks else ()
    if held_out:
        warnings += (f"{len(held_out)} chunks are held out to measure perplexity and are not trained on.",)
    elif chunks:
        warnings += ("No chunks are held out, so perplexity will not be measured.",)
    return Plan(len(chunks), sum(chunk.tokens for chunk in chunks), math.ceil(steps), warnings)


def prepare(project: Project, config: CptConfig, inputs: Path, arguments: Mapping[str, Any]) -> None:
    """Freeze the texts and the base model's name; write data/cpt_data.txt. Raises NotReady."""
    missing = missing_for_cpt(project, config)
    if missing:
        raise NotReady(missing[0], missing=missing)
    with knowledge(project) as connection:
        chunks, held_out = training_chunks(connection), held_out_chunks(connection)
        titles = {one.id: one.title or one.source for one in list_documents(connection)}
    _write_lines(inputs / "texts.jsonl", text_rows(chunks))
    _write_lines(inputs / "held_out.jsonl", [{"chunk": chunk.id, "text": chunk.content} for chunk in held_out])
    write_json(inputs / "base.json", {"base": base_name(project, config)})
    write_atomically(project.cpt_text, readable_text(chunks, titles))


def text_rows(chunks: Sequence[ChunkRow]) -> list[dict[str, Any]]:
    """One row a chunk, in document order; `last` marks the end of a document, where the model learns to end."""
    rows = []
    for _, group in groupby(chunks, key=lambda chunk: chunk.document):
        document = list(group)
        rows += [{"chunk": chunk.id, "document": chunk.document, "source": chunk.source, "text": chunk.content,
                  "last": chunk is document[-1]} for chunk in document]
    return rows


def readable_text(chunks: Sequence[ChunkRow], titles: Mapping[int, str]) -> str:
    """The training text for a person: a header for each document, a number for each chunk."""
    parts = []
    for document, group in groupby(chunks, key=lambda chunk: chunk.document):
        own = list(group)
        title = titles.get(document) or own[0].source
        parts.append(f"===== {title}" + (f" ({own[0].source})" if title != own[0].source else "") + " =====\n")
        parts += [f"--- chunk {chunk.id} ---\n{chunk.content}\n" for chunk in own]
    return "\n".join(parts)


def _write_lines(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    write_atomically(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
