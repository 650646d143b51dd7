"""What each command does: parsed arguments -> the record that `--json` prints.

Every function takes the namespace of `phases/cli.py` and calls the same function as the window's button. Heavy modules
are imported inside, so that `--help` stays fast.
"""

from __future__ import annotations

import dataclasses
import importlib
import sys
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from phases.job_commands import finished, start, train
from phases.shared import project as project_folder
from phases.shared.errors import FileRejected, StorageError
from phases.shared.options import resolve
from phases.shared.project import Project, open_project


def load(dotted: str) -> Any:
    """The object behind "package.module:name"."""
    module, _, name = dotted.partition(":")
    return getattr(importlib.import_module(module), name)


# ---- projects ----

def demo(arguments: Namespace) -> dict[str, Any]:
    from phases.demo import run_demo
    return run_demo(arguments.projects, arguments.name)


def projects(arguments: Namespace) -> list[dict[str, Any]]:
    from phases.shared.database.chunks import knowledge_summary
    from phases.shared.database.connection import knowledge
    found = []
    for name in project_folder.list_projects(arguments.projects):
        project = open_project(arguments.projects, name)
        with knowledge(project) as connection:
            summary = dataclasses.asdict(knowledge_summary(connection))
        found.append({"name": name, "language": project.language, "base_model": project.base_model, **summary,
                      "cpt_model": project.cpt_model.is_dir(), "final_model": project.final_model.is_dir()})
    return found


def new(arguments: Namespace) -> dict[str, Any]:
    made = project_folder.create_project(arguments.projects, arguments.project, language=arguments.language,
                                         domain=arguments.domain, base_model=arguments.base_model)
    return {"project": made.name, "folder": str(made.root)}


def base_models(arguments: Namespace) -> dict[str, Any]:
    from phases.shared.models.hub import search_hub
    from phases.shared.models.machine import short_list, this_machine
    if arguments.search is not None:
        return {"search": arguments.search, "models": [dataclasses.asdict(one) for one in search_hub(arguments.search)]}
    machine = this_machine()
    return {"machine": dataclasses.asdict(machine), "models": short_list(machine)}


# ---- tab 1 ----

def ingest(arguments: Namespace) -> dict[str, Any]:
    from phases.rag_data.config import IngestConfig
    from phases.rag_data.ingest import ingest_files
    project = _project(arguments)
    config = resolve(IngestConfig, project.settings.get("ingest"), _with_template(arguments))
    done = finished(arguments, ingest_files(arguments.projects, project, config, [Path(one) for one in arguments.files]))
    nothing = done.get("rejected") and not any(done.get(word) for word in ("added", "replaced", "unchanged"))
    return {**done, "taken": False} if nothing else done


def reingest(arguments: Namespace) -> dict[str, Any]:
    from phases.rag_data.reread import reread_documents
    project = _project(arguments)
    return finished(arguments, reread_documents(arguments.projects, project, arguments.documents, arguments.settings))


def clean_preview(arguments: Namespace) -> dict[str, Any]:
    from phases.rag_data.clean_preview import preview_record
    return preview_record(_project(arguments), arguments.what, arguments.settings)


def import_dataset(arguments: Namespace) -> dict[str, Any]:
    from phases.rag_data.config import DatasetConfig
    from phases.rag_data.hub import import_dataset
    project = _project(arguments)
    config = resolve(DatasetConfig, project.settings.get("dataset"), _with_template(arguments))
    return finished(arguments, import_dataset(arguments.projects, project, config, arguments.dataset, look=arguments.look))


def sample_data(arguments: Namespace) -> dict[str, Any]:
    from phases.rag_data.sample_records import add_sample_records
    project = _project(arguments)
    return finished(arguments, add_sample_records(arguments.projects, project, arguments.kind, arguments.count, arguments.seed))


def preview(arguments: Namespace) -> dict[str, Any]:
    from phases.rag_data.config import IngestConfig
    from phases.rag_data.preview import preview_file
    from phases.shared.models.tokenizer import token_counter
    project = _project(arguments)
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
    with _knowledge(arguments) as connection:
        readings = document_readings(connection)
        return [{**dataclasses.asdict(one), "reading": readings[one.source]} for one in list_documents(connection)]


def remove(arguments: Namespace) -> dict[str, Any]:
    from phases.shared.database.documents import list_documents, remove_document
    with _knowledge(arguments) as connection:
        known = {one.source: one.id for one in list_documents(connection)}
        if arguments.source not in known:
            raise FileRejected(f"The project has no document '{arguments.source}'.",
                               f"Its documents: {', '.join(known) or 'none'}.", subject=arguments.source)
        remove_document(connection, known[arguments.source])
    return {"sentence": f"'{arguments.source}' and its chunks are removed."}


def chunks(arguments: Namespace) -> dict[str, Any]:
    from phases.rag_data.language import note_languages, with_languages
    from phases.shared.database.chunk_pages import chunk_page
    with _knowledge(arguments) as connection:
        if arguments.language:
            note_languages(connection)
        rows, total = chunk_page(connection, arguments.page, source=arguments.source, state=arguments.state,
                                 contains=arguments.contains, language=arguments.language)
    return {"page": arguments.page, "total": total, "chunks": [dataclasses.asdict(row) for row in with_languages(rows)]}


def edit_chunk(arguments: Namespace) -> dict[str, Any]:
    from phases.shared.database.chunks import edit_chunk
    from phases.shared.models.tokenizer import token_counter
    content = sys.stdin.read() if arguments.content == "-" else arguments.content
    count = token_counter(_project(arguments)).count
    with _knowledge(arguments) as connection:
        edit_chunk(connection, arguments.id, content, count(content))
    return {"sentence": f"Chunk {arguments.id} is changed."}


def exclude(arguments: Namespace) -> dict[str, Any]:
    return _set_chunk_state(arguments, "excluded")


def include(arguments: Namespace) -> dict[str, Any]:
    return _set_chunk_state(arguments, "active")


def _set_chunk_state(arguments: Namespace, state: str) -> dict[str, Any]:
    from phases.shared.database.chunks import set_chunk_state
    with _knowledge(arguments) as connection:
        set_chunk_state(connection, arguments.id, state)
    return {"sentence": f"Chunk {arguments.id} is {state}."}


def delete_chunk(arguments: Namespace) -> dict[str, Any]:
    from phases.shared.database.chunks import delete_chunk
    with _knowledge(arguments) as connection:
        delete_chunk(connection, arguments.id)
    return {"sentence": f"Chunk {arguments.id} is deleted."}


def split_chunk(arguments: Namespace) -> dict[str, Any]:
    from phases.rag_data.view import split_chunk_at
    first, second = split_chunk_at(_project(arguments), arguments.id, arguments.at)
    return {"sentence": f"Chunk {first.id} is split: its second part is chunk {second.id}.", "chunks": [first.id, second.id]}


def merge_chunks(arguments: Namespace) -> dict[str, Any]:
    from phases.rag_data.view import merge_chunk_with_next
    merged = merge_chunk_with_next(_project(arguments), arguments.id)
    return {"sentence": f"Chunk {merged.id} now holds the text of the one behind it too.", "chunk": merged.id}


def report(arguments: Namespace) -> dict[str, Any]:
    from phases.rag_data.config import ReportConfig
    from phases.rag_data.report import MARKDOWN, write_report
    project = _project(arguments)
    record = write_report(project, resolve(ReportConfig, project.settings.get("report"), arguments.settings))
    return {**record, "file": str(project.data / MARKDOWN)}


def exclude_duplicates(arguments: Namespace) -> dict[str, Any]:
    from phases.rag_data.config import ReportConfig
    from phases.rag_data.report import exclude_duplicates
    project = _project(arguments)
    config = resolve(ReportConfig, project.settings.get("report"), {"similarity": arguments.similarity})
    found = exclude_duplicates(project, similarity=config.similarity)
    return {"excluded": [dataclasses.asdict(one) for one in found]}


def undo(arguments: Namespace) -> dict[str, Any]:
    from phases.shared.database.changes import undo_last
    with _knowledge(arguments) as connection:
        undone = undo_last(connection)
    if undone is None:
        raise StorageError("There is no change to undo.", subject=arguments.project)
    return {"sentence": f"Undone: {undone}."}


def embed(arguments: Namespace) -> dict[str, Any]:
    from phases.rag_data.config import EmbedConfig
    from phases.rag_data.embed import start_embedding
    project = _project(arguments)
    config = resolve(EmbedConfig, project.settings.get("embed"), arguments.settings)
    return finished(arguments, start_embedding(arguments.projects, project, config))


def search(arguments: Namespace) -> dict[str, Any]:
    from phases.shared.database.embeddings import vector_counts
    from phases.shared.models.host_client import ModelHost
    from phases.shared.search import search_project
    with ModelHost() as host:
        hits = search_project(_project(arguments), arguments.query, arguments.limit, host=host, mode=arguments.mode,
                              threshold=arguments.threshold, reranked=arguments.rerank or bool(arguments.rerank_model),
                              reranker=arguments.rerank_model)
    with _knowledge(arguments) as connection:
        missing = vector_counts(connection).missing if arguments.mode != "text" else 0
    return {"query": arguments.query, "mode": arguments.mode, "without_vector": missing,
            "hits": [dataclasses.asdict(hit) for hit in hits]}


# ---- tab 2 ----

def cpt(arguments: Namespace) -> dict[str, Any]:
    from phases.cpt.config import CptConfig
    from phases.cpt.corpus import plan_cpt
    return train(arguments, "cpt", CptConfig, plan_cpt)


# ---- tab 3 ----

def sft_data(arguments: Namespace) -> dict[str, Any]:
    from phases.sft_data.config import WriteConfig
    project = _project(arguments)
    config = resolve(WriteConfig, project.settings.get("sft-data"), arguments.settings)
    if arguments.test:
        from phases.sft_data.generate import test_provider
        from phases.shared.settings import load_keys
        return {"test": test_provider(config, load_keys())}
    from phases.sft_data.generate import check_styles
    check_styles(config)
    return start(arguments, "sft-data", config)


def pairs(arguments: Namespace) -> dict[str, Any]:
    from phases.sft_data.review import pair_page
    with _knowledge(arguments) as connection:
        rows, total = pair_page(connection, arguments.page, state=arguments.state, style=arguments.style,
                                source=arguments.source)
    return {"page": arguments.page, "total": total, "pairs": [dataclasses.asdict(row) for row in rows]}


def accept(arguments: Namespace) -> dict[str, Any]:
    return _set_pair_state(arguments, "accepted", "")


def reject(arguments: Namespace) -> dict[str, Any]:
    return _set_pair_state(arguments, "rejected", arguments.reason)


def _set_pair_state(arguments: Namespace, state: str, reason: str) -> dict[str, Any]:
    from phases.sft_data.review import set_pair_state
    with _knowledge(arguments) as connection:
        set_pair_state(connection, arguments.id, state, reason)
    return {"sentence": f"Pair {arguments.id} is {state}."}


def edit_pair(arguments: Namespace) -> dict[str, Any]:
    from phases.sft_data.review import edit_pair, get_pair
    with _knowledge(arguments) as connection:
        row = get_pair(connection, arguments.id)
        edit_pair(connection, arguments.id, arguments.instruction or row.instruction, arguments.output or row.output)
    return {"sentence": f"Pair {arguments.id} is changed."}


def export_data(arguments: Namespace) -> dict[str, Any]:
    from phases.sft_data.convert import export_dataset
    with _knowledge(arguments) as connection:
        path = export_dataset(_project(arguments), connection, arguments.dataset)
    return {"sentence": f"Written: {path}", "file": str(path)}


def set_key(arguments: Namespace) -> dict[str, Any]:
    from phases.shared.settings import save_key
    save_key(arguments.name, sys.stdin.readline().strip())
    return {"sentence": f"{arguments.name} is stored in a file that only you can read."}


# ---- tab 4 ----

def models(arguments: Namespace) -> dict[str, Any]:
    from phases.shared.models.overview import model_rows
    return {"models": [dataclasses.asdict(one) for one in model_rows(_project(arguments))]}


def delete_model(arguments: Namespace) -> dict[str, Any]:
    from phases.shared.models.overview import delete_model
    return {"sentence": delete_model(arguments.projects, _project(arguments), arguments.model)}


def sft(arguments: Namespace) -> dict[str, Any]:
    from phases.sft.config import SftConfig
    from phases.sft.data import plan_sft
    return train(arguments, "sft", SftConfig, plan_sft)


def evaluate(arguments: Namespace) -> dict[str, Any]:
    from phases.sft.config import EvaluateConfig
    config = resolve(EvaluateConfig, _project(arguments).settings.get("evaluate"), arguments.settings)
    return start(arguments, "evaluate", config)


def export(arguments: Namespace) -> dict[str, Any]:
    from phases.sft.config import ExportConfig
    config = resolve(ExportConfig, _project(arguments).settings.get("export"), arguments.settings)
    return start(arguments, "export", config)


def chat(arguments: Namespace) -> dict[str, Any]:
    from phases.sft.chat import ChatSettings, answer_stream
    from phases.shared.models.host_client import ModelHost
    project = _project(arguments)
    settings = ChatSettings(system=arguments.system, temperature=arguments.temperature, top_p=arguments.top_p,
                            top_k=arguments.top_k, max_new_tokens=arguments.max_new_tokens)
    history: list[dict[str, str]] = []
    answers = []
    with ModelHost() as host:
        for question in _questions(arguments.prompt):
            history.append({"role": "user", "content": question})
            answer = ""
            for piece in answer_stream(host, project, arguments.model, history, settings):
                answer += piece
                _echo(piece, arguments)
            _echo("\n", arguments)
            history.append({"role": "assistant", "content": answer})
            answers.append({"question": question, "answer": answer})
    return {"project": project.name, "model": arguments.model, "answers": answers,
            "answer": answers[-1]["answer"] if answers else ""}


def _echo(text: str, arguments: Namespace) -> None:
    if not arguments.json:
        print(text, end="", flush=True)


def _questions(prompt: str | None) -> Iterator[str]:
    """The one given question, or lines from standard input until it ends."""
    if prompt is not None:
        yield prompt
        return
    while True:
        if sys.stdin.isatty():
            print("> ", end="", file=sys.stderr, flush=True)
        line = sys.stdin.readline()
        if not line:
            return
        if line.strip():
            yield line.strip()


# ---- shared by the above ----

def _project(arguments: Namespace) -> Project:
    return open_project(arguments.projects, arguments.project)


def _knowledge(arguments: Namespace) -> Any:
    from phases.shared.database.connection import knowledge
    return knowledge(_project(arguments))
