"""What each command of tab 1 does: parsed arguments -> the record that `--json` prints.

As in `commands.py`: every function takes the namespace of `phases/cli.py` and calls the same function as the window's button.
"""

from __future__ import annotations

import dataclasses
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

from phases.job_commands import finished, knowledge_of, project_of
from phases.shared.errors import FileRejected, StorageError
from phases.shared.options import resolve


def ingest(arguments: Namespace) -> dict[str, Any]:
    from phases.rag_data.config import IngestConfig
    from phases.rag_data.ingest import ingest_files
    project = project_of(arguments)
    config = resolve(IngestConfig, project.settings.get("ingest"), _with_template(arguments))
    done = finished(arguments, ingest_files(arguments.projects, project, config, [Path(one) for one in arguments.files]))
    nothing = done.get("rejected") and not any(done.get(word) for word in ("added", "replaced", "unchanged"))
    return {**done, "taken": False} if nothing else done


def reingest(arguments: Namespace) -> dict[str, Any]:
    from phases.rag_data.reread import reread_documents
    project = project_of(arguments)
    return finished(arguments, reread_documents(arguments.projects, project, arguments.documents, arguments.settings))


def clean_preview(arguments: Namespace) -> dict[str, Any]:
    from phases.rag_data.clean_preview import preview_record
    return {"project": arguments.project, **preview_record(project_of(arguments), arguments.what, arguments.settings)}


def import_dataset(arguments: Namespace) -> dict[str, Any]:
    from phases.rag_data.config import DatasetConfig
    from phases.rag_data.hub import import_dataset
    project = project_of(arguments)
    config = resolve(DatasetConfig, project.settings.get("dataset"), _with_template(arguments))
    return finished(arguments, import_dataset(arguments.projects, project, config, arguments.dataset, look=arguments.look))


def sample_data(arguments: Namespace) -> dict[str, Any]:
    from phases.rag_data.sample_records import add_sample_records
    project = project_of(arguments)
    return finished(arguments, add_sample_records(arguments.projects, project, arguments.kind, arguments.count, arguments.seed))


def preview(arguments: Namespace) -> dict[str, Any]:
    from phases.rag_data.config import IngestConfig
    from phases.rag_data.preview import preview_file
    from phases.shared.models.tokenizer import token_counter
    project = project_of(arguments)
    config = resolve(IngestConfig, project.settings.get("ingest"), _with_template(arguments))
    path = Path(arguments.file)
    return dataclasses.asdict(preview_file(config, path, path.name, token_counter(project).count))


def _with_template(arguments: Namespace) -> dict[str, Any]:
    """The settings that were given, with the template from its file; in a flag, \\n stands for a new line."""
    template = arguments.settings["template"]
    if arguments.template_file:
        template = _read_template(Path(arguments.template_file))
    elif template:
        template = template.replace("\\n", "\n")
    return {**arguments.settings, "template": template}


def _read_template(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise FileRejected(f"The template '{path}' cannot be read: {type(problem).__name__}.", "It is a text file in UTF-8.",
                           subject=path.name, code="file_missing") from None


def documents(arguments: Namespace) -> list[dict[str, Any]]:
    from phases.shared.database.documents import document_readings, list_documents
    with knowledge_of(arguments) as connection:
        readings = document_readings(connection)
        return [{**dataclasses.asdict(one), "reading": readings[one.source]} for one in list_documents(connection)]


def remove(arguments: Namespace) -> dict[str, Any]:
    from phases.shared.database.documents import list_documents, remove_document
    with knowledge_of(arguments) as connection:
        known = {one.source: one.id for one in list_documents(connection)}
        if arguments.source not in known:
            raise FileRejected(f"The project has no document '{arguments.source}'.",
                               f"Its documents: {', '.join(known) or 'none'}.", subject=arguments.source)
        remove_document(connection, known[arguments.source])
    return {"sentence": f"'{arguments.source}' and its chunks are removed."}


def chunks(arguments: Namespace) -> dict[str, Any]:
    from phases.rag_data.view import chunk_lines, page_there
    lines, total = chunk_lines(project_of(arguments), "", arguments.source, arguments.state, arguments.contains, arguments.page,
                               language=arguments.language)
    return {"project": arguments.project, "page": page_there(arguments.page, total), "total": total,
            "chunks": [dataclasses.asdict(row) for row, _ in lines]}


def edit_chunk(arguments: Namespace) -> dict[str, Any]:
    from phases.rag_data.view import save_chunk
    save_chunk(project_of(arguments), arguments.id, sys.stdin.read() if arguments.content == "-" else arguments.content)
    return {"sentence": f"Chunk {arguments.id} is changed."}


def exclude(arguments: Namespace) -> dict[str, Any]:
    return _set_chunk_state(arguments, "excluded")


def include(arguments: Namespace) -> dict[str, Any]:
    return _set_chunk_state(arguments, "active")


def _set_chunk_state(arguments: Namespace, state: str) -> dict[str, Any]:
    from phases.shared.database.chunks import set_chunk_state
    with knowledge_of(arguments) as connection:
        set_chunk_state(connection, arguments.id, state)
    return {"sentence": f"Chunk {arguments.id} is {state}."}


def delete_chunk(arguments: Namespace) -> dict[str, Any]:
    from phases.shared.database.chunks import delete_chunk
    with knowledge_of(arguments) as connection:
        delete_chunk(connection, arguments.id)
    return {"sentence": f"Chunk {arguments.id} is deleted."}


def split_chunk(arguments: Namespace) -> dict[str, Any]:
    from phases.rag_data.view import split_chunk_at
    first, second = split_chunk_at(project_of(arguments), arguments.id, arguments.at)
    return {"sentence": f"Chunk {first.id} is split: its second part is chunk {second.id}.", "chunks": [first.id, second.id]}


def merge_chunks(arguments: Namespace) -> dict[str, Any]:
    from phases.rag_data.view import merge_chunk_with_next
    merged = merge_chunk_with_next(project_of(arguments), arguments.id)
    return {"sentence": f"Chunk {merged.id} now holds the text of the one behind it too.", "chunk": merged.id}


def report(arguments: Namespace) -> dict[str, Any]:
    from phases.rag_data.config import ReportConfig
    from phases.rag_data.report import MARKDOWN, write_report
    project = project_of(arguments)
    record = write_report(project, resolve(ReportConfig, project.settings.get("report"), arguments.settings))
    return {**record, "file": str(project.data / MARKDOWN)}


def exclude_duplicates(arguments: Namespace) -> dict[str, Any]:
    from phases.rag_data.config import ReportConfig
    from phases.rag_data.report import exclude_duplicates
    project = project_of(arguments)
    config = resolve(ReportConfig, project.settings.get("report"), {"similarity": arguments.similarity})
    found = exclude_duplicates(project, similarity=config.similarity)
    return {"project": project.name, "excluded": [dataclasses.asdict(one) for one in found]}


def undo(arguments: Namespace) -> dict[str, Any]:
    from phases.shared.database.changes import undo_last
    with knowledge_of(arguments) as connection:
        undone = undo_last(connection)
    if undone is None:
        raise StorageError("There is no change to undo.", subject=arguments.project)
    return {"sentence": f"Undone: {undone}."}


def embed(arguments: Namespace) -> dict[str, Any]:
    from phases.rag_data.config import EmbedConfig
    from phases.rag_data.embed import start_embedding
    project = project_of(arguments)
    config = resolve(EmbedConfig, project.settings.get("embed"), arguments.settings)
    return finished(arguments, start_embedding(arguments.projects, project, config))


def search(arguments: Namespace) -> dict[str, Any]:
    from phases.shared.database.embeddings import vector_counts
    from phases.shared.models.host_client import ModelHost
    from phases.shared.search import search_project
    with ModelHost() as host:
        hits = search_project(project_of(arguments), arguments.query, arguments.limit, host=host, mode=arguments.mode,
                              threshold=arguments.threshold, reranked=arguments.rerank or bool(arguments.rerank_model),
                              reranker=arguments.rerank_model)
    with knowledge_of(arguments) as connection:
        missing = vector_counts(connection).missing if arguments.mode != "text" else 0
    return {"project": arguments.project, "query": arguments.query, "mode": arguments.mode, "without_vector": missing,
            "hits": [dataclasses.asdict(hit) for hit in hits]}
