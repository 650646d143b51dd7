"""Chunks -> vectors for semantic search.

In: the active chunks that have no fresh vector. Out: one vector each in the table `embeddings`.
Command: `python app.py embed NAME --model FOLDER_OR_ID`.

    start_embedding  checks, then submits a job                               (window or command)
    prepare          freezes the chunks in inputs/chunks.jsonl                (the same process)
    run              embeds them, one record for each CHUNKS_A_RECORD chunks  (the job's child)
    apply            one record -> rows                                       (the worker)
"""

from __future__ import annotations

import base64
import json
import sqlite3
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from phases.rag_data.config import EmbedConfig
from phases.shared.database.connection import knowledge
from phases.shared.database.embeddings import chunks_without_vector, count_fresh, store_vector, vector_counts
from phases.shared.errors import ModelError, NotReady
from phases.shared.files import read_json_lines, write_json
from phases.shared.jobs.context import JobContext, JobStopped
from phases.shared.jobs.queue import Job, submit_job
from phases.shared.models.search_models import (
    EMBEDDER,
    folder_hash,
    locate_model,
    remembered_hash,
    search_settings,
    whole_name,
)
from phases.shared.project import Project
from phases.shared.settings import hub_key

CHUNKS_A_RECORD = 64


@dataclass(frozen=True)
class EmbedPlan:
    """Which model, with which hash of its files, would embed how many chunks; `missing` says why nothing can start."""

    model: str
    model_hash: str
    to_embed: int
    fresh: int
    missing: tuple[str, ...]


def plan_embedding(project: Project, config: EmbedConfig, *, glance: bool = False) -> EmbedPlan:
    """What a run would do: the model of the form, else the project's, else that of the vectors there are, else the default.

    A folder whose files have changed is another model: what it embedded before is embedded again.

    Args:
        glance: go by the sizes and times of the model's files, to be shown; a run reads them.
    """
    with knowledge(project) as connection:
        now = vector_counts(connection)
        model = whole_name(config.model.strip() or search_settings(project).embedding_model or now.model or EMBEDDER.example)
        model_hash = remembered_hash(model, project.embedding_model) if glance else folder_hash(model)
        fresh = count_fresh(connection, model, model_hash)
    active = now.fresh + now.missing
    missing = () if active else ("There are no chunks yet: add documents first.",)
    return EmbedPlan(model, model_hash, active - fresh, fresh, missing)


def start_embedding(projects: Path, project: Project, config: EmbedConfig) -> Job:
    """Submit the job. Raises NotReady without chunks, ModelError when the model can be neither folder nor hub id."""
    return submit_job(projects, project, "embed", config)


def prepare(project: Project, config: EmbedConfig, inputs: Path, arguments: Mapping[str, Any]) -> None:
    """Freeze the chunks that lack a fresh vector, and the name of the model."""
    plan = plan_embedding(project, config)
    if plan.missing:
        raise NotReady(plan.missing[0], f"In tab 1, or: python app.py ingest \"{project.name}\" FILE...", missing=plan.missing)
    locate_model(plan.model, EMBEDDER)
    with knowledge(project) as connection:
        chunks = chunks_without_vector(connection, plan.model, plan.model_hash)
    lines = [json.dumps(asdict(one), ensure_ascii=False) + "\n" for one in chunks]
    (inputs / "chunks.jsonl").write_text("".join(lines), encoding="utf-8")
    write_json(inputs / "plan.json", asdict(plan))


def run(context: JobContext, config: EmbedConfig) -> dict[str, Any]:
    """Embed what no record of this job holds yet. The model is loaded only when there is something to embed."""
    chunks = list(read_json_lines(context.inputs / "chunks.jsonl"))
    plan = json.loads((context.inputs / "plan.json").read_text(encoding="utf-8"))
    done = sum(len(record["chunks"]) for record in context.records())
    result = {"model": plan["model"], "unchanged": plan["fresh"]}
    if done < len(chunks):
        from phases.shared.models.embedding import embed_texts, load_embedder

        context.phase("loading")
        model = load_embedder(plan["model"], hub_key(context.keys))
        if folder_hash(plan["model"]) != plan["model_hash"]:
            raise ModelError(f"The embedding model '{plan['model']}' was replaced since this run began.", "Embed again.",
                             subject=plan["model"], code="model_replaced")
        context.phase("embedding")
        for start in range(done, len(chunks), CHUNKS_A_RECORD):
            if context.stop_requested():
                raise JobStopped({**result, "embedded": start})
            context.progress(start, len(chunks))
            these = chunks[start:start + CHUNKS_A_RECORD]
            vectors = embed_texts(model, [one["content"] for one in these], batch_size=config.batch_size)
            context.record(_record(plan, these, vectors))
    context.progress(len(chunks), len(chunks))
    return {**result, "embedded": len(chunks)}


def apply(connection: sqlite3.Connection, project: Project, job_id: str, record: Mapping[str, Any]) -> None:
    """Store the vectors of one record. A chunk that was edited meanwhile gets a vector that is stale from the beginning."""
    rows = np.frombuffer(base64.b64decode(record["vectors"]), dtype="<f4").reshape(len(record["chunks"]), -1)
    for one, vector in zip(record["chunks"], rows, strict=True):
        store_vector(connection, one["id"], one["content_hash"], record["model"], vector, record["model_hash"])


def _record(plan: Mapping[str, Any], chunks: list[dict[str, Any]], vectors: np.ndarray) -> dict[str, Any]:
    packed = base64.b64encode(np.asarray(vectors, dtype="<f4").tobytes()).decode("ascii")
    return {"model": plan["model"], "model_hash": plan["model_hash"], "vectors": packed,
            "chunks": [{"id": one["id"], "content_hash": one["content_hash"]} for one in chunks]}
