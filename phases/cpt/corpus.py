"""Chunks -> training text: what continued pretraining will read, frozen when the job is submitted.

In: the active chunks of the knowledge base that are not held out. Out, in the job's inputs/: texts.jsonl, held_out.jsonl,
base.json; and data/cpt_data.txt for a person to read (it is never read back).

    python app.py cpt NAME --plan
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from phases.cpt.config import CptConfig
from phases.shared.database.chunks import ChunkRow, held_out_chunks, training_chunks
from phases.shared.database.connection import knowledge
from phases.shared.database.documents import list_documents
from phases.shared.errors import ModelError, NotReady
from phases.shared.evaluation.general import general_texts
from phases.shared.files import write_atomically, write_json
from phases.shared.models.base import locate_base
from phases.shared.models.folder import named, replaced
from phases.shared.models.machine import machine_for, too_large
from phases.shared.project import Project
from phases.shared.training.counting import TextCounter, counter_of
from phases.shared.training.methods import missing_for_measuring, missing_for_start
from phases.shared.training.packing import shared_sequences
from phases.shared.training.plan import Plan, Rows, base_facts, make_plan

PROBED_HELD_OUT = 8


def missing_for_cpt(project: Project, config: CptConfig | None = None) -> tuple[str, ...]:
    """Why tab 2 cannot start, a sentence each; empty when it can."""
    config = config or CptConfig()
    missing = []
    with knowledge(project) as connection:
        if not training_chunks(connection):
            missing.append("There are no chunks to train on yet: add documents in tab 1 first.")
        missing += missing_for_measuring(config, bool(held_out_chunks(connection)), "chunks")
    try:
        name = base_name(project, config)
        locate_base(name)
        missing += too_large(name, config.method, config.device, machine_for(config))
    except ModelError as problem:
        missing.append(str(problem))
    return (*missing, *missing_for_start(config))


def base_name(project: Project, config: CptConfig) -> str:
    """The base model of the job: the job's own choice, else the project's."""
    return config.base_model.strip() or project.base_model


def plan_cpt(project: Project, config: CptConfig) -> Plan:
    """What a run with these settings will do; its steps and tokens are the run's own."""
    with knowledge(project) as connection:
        chunks, held_out = training_chunks(connection), held_out_chunks(connection)
    base = base_facts(base_name(project, config))
    counter = counter_of(base.folder, base.name)
    longest = min(config.max_length, base.context or config.max_length)
    lengths = row_lengths(counter, text_rows(chunks), longest)
    evaluated = row_lengths(counter, [{"text": one.content, "last": False} for one in held_out], longest)
    if config.packing:
        lengths, evaluated = (packed_lengths(some, longest) for some in (lengths, evaluated))
    warnings = () if held_out else ("No chunks are held out, so perplexity will not be measured.",)
    notes = (f"{len(held_out)} chunks are held out to measure perplexity and are not trained on.",) if held_out else ()
    notes += replaced(project, named("cpt", config.name))
    measured = sum(evaluated) + sum(counter.texts(general_texts(project.language)[0]))
    rows = Rows(len(chunks), lengths, evaluated, measured, counter.name, counter.exact, warnings, notes)
    return make_plan(project, "cpt", config, base, rows, missing_for_cpt(project, config))


def row_lengths(counter: TextCounter, texts: Sequence[Mapping[str, Any]], max_length: int) -> list[int]:
    """Tokens of the rows that the training makes of texts; a row of one token predicts nothing and is none."""
    counted = counter.texts([one["text"] for one in texts])
    lengths = [(counter.begin or bool(start)) + end - start for one, length in zip(texts, counted, strict=True)
               for start, end in piece_borders(length + bool(one["last"]), max_length)]
    return [length for length in lengths if length > 1]


def packed_lengths(lengths: Sequence[int], max_length: int) -> list[int]:
    """Tokens of the sequences that rows make when they are packed."""
    return [sum(lengths[row] for row in together) for together in shared_sequences(lengths, max_length)]


def piece_borders(length: int, max_length: int) -> list[tuple[int, int]]:
    """Where a text of so many tokens is cut into pieces of about equal length, each with room for one token before it."""
    count = max(1, -(-length // (max_length - 1)))
    borders = [round(number * length / count) for number in range(count + 1)]
    return list(zip(borders, borders[1:], strict=False))


def prepare(project: Project, config: CptConfig, inputs: Path, arguments: Mapping[str, Any]) -> None:
    """Freeze the texts and the base model's name; write data/cpt_data.txt. Raises NotReady, SettingError."""
    chunks = _freeze(project, config, inputs, held_out=None)
    with knowledge(project) as connection:
        titles = {one.id: one.title or one.source for one in list_documents(connection)}
    write_atomically(project.cpt_text, readable_text(chunks, titles))


def makes(config: CptConfig, inputs: Path) -> tuple[str, str]:
    """The name of the model that a job with these inputs publishes, and its base model."""
    return named("cpt", config.name), json.loads((inputs / "base.json").read_text(encoding="utf-8"))["base"]


def prepare_probe(project: Project, config: CptConfig, inputs: Path, arguments: Mapping[str, Any]) -> None:
    """As for the run, with only some of what is held out: enough to tell how long a token of it takes. Raises NotReady."""
    _freeze(project, config, inputs, held_out=PROBED_HELD_OUT)


def _freeze(project: Project, config: CptConfig, inputs: Path, held_out: int | None) -> list[ChunkRow]:
    named("cpt", config.name)
    missing = missing_for_cpt(project, config)
    if missing:
        raise NotReady(missing[0], missing=missing)
    with knowledge(project) as connection:
        chunks, kept_aside = training_chunks(connection), held_out_chunks(connection)[:held_out]
    _write_lines(inputs / "texts.jsonl", text_rows(chunks))
    _write_lines(inputs / "held_out.jsonl", [{"chunk": chunk.id, "text": chunk.content} for chunk in kept_aside])
    write_json(inputs / "base.json", {"base": base_name(project, config)})
    return chunks


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
