"""A project with chunks and pairs on the tiny model, and its jobs run as the worker's child runs them.

In: a folder. Out: a real project with a real database; `run_job` prepares and runs one job in this process, and

    python -m tests.tiny_project PROJECT_FOLDER KIND JOB_ID

goes on with a prepared job in a process of its own, which a test can kill.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

from phases.shared.database.chunks import NewChunk, training_chunks
from phases.shared.database.connection import knowledge
from phases.shared.database.documents import NewDocument, add_document
from phases.shared.database.written import store_written
from phases.shared.jobs.context import JobContext
from phases.shared.options import as_mapping, resolve
from phases.shared.project import Project, create_project, open_project
from tests.tiny_models import make_tiny_model

PHASES = {  # kind: configuration, prepare, run
    "cpt": ("phases.cpt.config:CptConfig", "phases.cpt.corpus:prepare", "phases.cpt.train:run"),
    "sft": ("phases.sft.config:SftConfig", "phases.sft.data:prepare", "phases.sft.train:run"),
    "cpt-probe": ("phases.cpt.config:CptConfig", "phases.cpt.corpus:prepare_probe", "phases.cpt.train:probe"),
    "sft-probe": ("phases.sft.config:SftConfig", "phases.sft.data:prepare", "phases.sft.train:probe"),
    "export": ("phases.sft.config:ExportConfig", "phases.sft.export:prepare", "phases.sft.export:run"),
}
FAST = {"threads": 1, "lora_rank": 4, "learning_rate": 1e-2, "max_length": 48}


def make_project(folder: Path, *, held_out: bool = True, **model: Any) -> Project:
    """Two documents of eight chunks; one chunk of each is held out."""
    base = make_tiny_model(folder / "tiny", **model)
    project = create_project(folder / "projects", "lamps", base_model=str(base))
    with knowledge(project) as connection:
        for number in range(2):
            sentences = [f"Lamp {number}{place} of the Norvik station burns for {place + 3} hours. " * (1 + place % 3)
                         for place in range(8)]
            text, chunks = "".join(sentences), []
            for place, sentence in enumerate(sentences):
                start = sum(map(len, sentences[:place]))
                chunks.append(NewChunk(sentence, start, start + len(sentence), 20, held_out=held_out and place == 4))
            add_document(connection, NewDocument(f"lamps{number}.txt", f"{number}" * 64, "txt", len(text), text, f"Lamps {number}"),
                         chunks, "tiny")
    return project


def add_pairs(project: Project, facts: int = 20) -> None:
    """Two pairs for each fact; every tenth fact is for validation."""
    with knowledge(project) as connection:
        chunks = training_chunks(connection)
        for number in range(facts):
            chunk = chunks[number % len(chunks)]
            split = "validation" if number % 10 == 9 else "train"
            fact = {"document": chunk.document, "start": number, "end": number + 9, "subject": f"Lamp {number}",
                    "attribute": "hours", "answer": f"{number + 3} hours", "split": split}
            pairs = [{"instruction": words.format(number), "output": fact["answer"], "split": split, "state": "open", "reason": ""}
                     for words in ("How long does lamp {} burn?", "What are the hours of lamp {}?")]
            store_written(connection, "writing", {"slot": f"{chunk.id}/factual/{number}", "chunk": chunk.id,
                          "chunk_hash": chunk.content_hash, "style": "factual", "provider": "builtin", "model": "",
                          "dataset": "sft_data", "fact": fact, "pairs": pairs})


def prepare_job(project: Project, kind: str, job_id: str, **settings: Any) -> JobContext:
    """Freeze a job's inputs and settings, as submitting does."""
    config, prepare, _ = map(_named, PHASES[kind])
    chosen = resolve(config, {key: value for key, value in {**FAST, **settings}.items() if key in config.__dataclass_fields__})
    folder = project.job_dir(job_id)
    (folder / "inputs").mkdir(parents=True)
    prepare(project, chosen, folder / "inputs", {})
    (folder / "settings.json").write_text(json.dumps(as_mapping(chosen)))
    return context_of(project, job_id)


def continue_job(context: JobContext, kind: str) -> dict[str, Any]:
    """Run a prepared job, from its newest checkpoint where it has one."""
    config, _, run = map(_named, PHASES[kind])
    settings = json.loads((context.job_dir / "settings.json").read_text())
    return run(context, resolve(config, settings))


def run_job(project: Project, kind: str, job_id: str, **settings: Any) -> dict[str, Any]:
    return continue_job(prepare_job(project, kind, job_id, **settings), kind)


def context_of(project: Project, job_id: str) -> JobContext:
    return JobContext(project, job_id)


def _named(dotted: str) -> Any:
    module, name = dotted.split(":")
    return getattr(importlib.import_module(module), name)


if __name__ == "__main__":
    place = Path(sys.argv[1])
    continue_job(context_of(open_project(place.parent, place.name), sys.argv[3]), sys.argv[2])
