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
from typing import Any

from phases.job_commands import finished, knowledge_of, project_of, start, train
from phases.shared import project as project_folder
from phases.shared.errors import NotReady
from phases.shared.options import resolve
from phases.shared.project import open_project


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


# ---- tab 2 ----

def cpt(arguments: Namespace) -> dict[str, Any]:
    from phases.cpt.config import CptConfig
    from phases.cpt.corpus import plan_cpt
    return train(arguments, "cpt", CptConfig, lambda project, config, promised: plan_cpt(project, config))


# ---- tab 3 ----

def sft_data(arguments: Namespace) -> dict[str, Any]:
    from phases.sft_data.config import WriteConfig
    project = project_of(arguments)
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
    with knowledge_of(arguments) as connection:
        rows, total = pair_page(connection, arguments.page, state=arguments.state, style=arguments.style,
                                source=arguments.source)
    return {"page": arguments.page, "total": total, "pairs": [dataclasses.asdict(row) for row in rows]}


def accept(arguments: Namespace) -> dict[str, Any]:
    return _set_pair_state(arguments, "accepted", "")


def reject(arguments: Namespace) -> dict[str, Any]:
    return _set_pair_state(arguments, "rejected", arguments.reason)


def _set_pair_state(arguments: Namespace, state: str, reason: str) -> dict[str, Any]:
    from phases.sft_data.review import set_pair_state
    with knowledge_of(arguments) as connection:
        set_pair_state(connection, arguments.id, state, reason)
    return {"sentence": f"Pair {arguments.id} is {state}."}


def edit_pair(arguments: Namespace) -> dict[str, Any]:
    from phases.sft_data.review import edit_pair, get_pair
    with knowledge_of(arguments) as connection:
        row = get_pair(connection, arguments.id)
        edit_pair(connection, arguments.id, arguments.instruction or row.instruction, arguments.output or row.output)
    return {"sentence": f"Pair {arguments.id} is changed."}


def export_data(arguments: Namespace) -> dict[str, Any]:
    from phases.sft_data.convert import export_dataset
    with knowledge_of(arguments) as connection:
        path = export_dataset(project_of(arguments), connection, arguments.dataset)
    return {"sentence": f"Written: {path}", "file": str(path)}


def set_key(arguments: Namespace) -> dict[str, Any]:
    from phases.shared.settings import save_key
    save_key(arguments.name, sys.stdin.readline().strip())
    return {"sentence": f"{arguments.name} is stored in a file that only you can read."}


# ---- tab 4 ----

def models(arguments: Namespace) -> dict[str, Any]:
    from phases.shared.models.overview import model_rows
    return {"models": [dataclasses.asdict(one) for one in model_rows(project_of(arguments))]}


def delete_model(arguments: Namespace) -> dict[str, Any]:
    from phases.shared.models.overview import delete_model
    return {"sentence": delete_model(arguments.projects, project_of(arguments), arguments.model)}


def sft(arguments: Namespace) -> dict[str, Any]:
    from phases.sft.config import SftConfig
    from phases.sft.data import plan_sft
    return train(arguments, "sft", SftConfig, plan_sft)


def evaluate(arguments: Namespace) -> dict[str, Any]:
    from phases.sft.config import EvaluateConfig
    config = resolve(EvaluateConfig, project_of(arguments).settings.get("evaluate"), arguments.settings)
    return start(arguments, "evaluate", config)


def export(arguments: Namespace) -> dict[str, Any]:
    from phases.sft.config import ExportConfig
    config = resolve(ExportConfig, project_of(arguments).settings.get("export"), arguments.settings)
    return start(arguments, "export", config)


def push(arguments: Namespace) -> dict[str, Any]:
    from phases.sft.config import PushConfig
    from phases.sft.push import push_model, push_plan
    project = project_of(arguments)
    config = resolve(PushConfig, project.settings.get("push"), arguments.settings)
    if arguments.plan:
        return {"plan": dataclasses.asdict(push_plan(project, config, arguments.repo, arguments.after or ""))}
    try:
        job = push_model(arguments.projects, project, config, arguments.repo, arguments.after)
    except NotReady as error:
        raise NotReady(" ".join(error.missing), error.advice, subject="push", missing=error.missing) from None
    return finished(arguments, job)


def chat(arguments: Namespace) -> dict[str, Any]:
    from phases.sft.chat import ChatSettings, answer_stream
    from phases.shared.models.host_client import ModelHost
    project = project_of(arguments)
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
