"""Tab 4: train the final model, measure it, talk to it, take it away.

    python app.py sft NAME        evaluate NAME        chat NAME        export NAME --format safetensors        push NAME OWNER/NAME
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from phases.sft import view
from phases.sft.chat import ChatSettings, answer_stream
from phases.sft.config import EvaluateConfig, ExportConfig, SftConfig
from phases.sft.data import plan_sft
from phases.sft.evaluate import latest_evaluation, missing_for_evaluation
from phases.sft.export import missing_for_export
from phases.sft.ui.push import build_push
from phases.shared.jobs.promises import promised_models
from phases.shared.jobs.queue import resume_job, submit_job
from phases.shared.models.base import base_model_choices
from phases.shared.options import resolve
from phases.shared.project import Project
from phases.shared.ui.downloads import download_link
from phases.shared.ui.figures import percent, size
from phases.shared.ui.forms import Form, build_form
from phases.shared.ui.job_panel import build_run_panel
from phases.shared.ui.job_words import head_line, run_line
from phases.shared.ui.kept import Kept, build_kept, kept_for, with_kept
from phases.shared.ui.layout import TabPlan
from phases.shared.ui.model_table import build_models
from phases.shared.ui.panels.evaluation import evaluation_html
from phases.shared.ui.panels.plan import plan_html
from phases.shared.ui.panels.runs import run_html
from phases.shared.ui.start_later import build_later, emptied, when
from phases.shared.ui.tables import Column, empty_state, event_html, table, text
from phases.shared.ui.texts import say, word
from phases.shared.ui.training_form import Training, build_plan, build_settings
from phases.shared.ui.window import BUTTON, QUICK, Pulse, Window, acts, opened, picks, shows, streams

TRAINING = Training("sft", "sft", say("sft.title"), SftConfig, plan_sft)


def state_line(projects: Path, project: Project) -> str:
    state, share, job = view.state_now(projects, project)
    if state == "model" and job is not None and job.state == "done":
        return run_line(job)
    return head_line(say(f"sft.state_{state}", share=percent(share)), job, made=state in ("final", "model"))


def build(window: Window, pulse: Pulse) -> None:
    with gr.Tabs(elem_classes="subtabs") as parts:
        for name, build_part in PARTS.items():
            with gr.Tab(say(f"sft.{name}"), id=name, render_children=True):
                build_part(window, pulse)
    pulse.load(opened("part", tuple(PARTS)), None, parts, **QUICK)


def _build_train(window: Window, pulse: Pulse) -> None:
    bases = [(say("training.project_base"), ""), *((one.label, one.id) for one in base_model_choices())]
    with gr.Row(elem_classes="columns"):
        with gr.Column(elem_classes="side"):
            settings = build_settings(window, TRAINING, {"base_model": bases, "parent": _named(view.USUAL_PARENTS)})
        with gr.Column(elem_classes="wide"):
            start = build_plan(window, pulse, TRAINING, settings)
            build_run_panel(window, pulse, "sft", SftConfig, start)
            build_models(window, pulse, "sft")
    parent = settings[0].fields["parent"]
    pulse.data.change(shows(window, _parents, 1), None, parent, **QUICK)


def _build_evaluate(window: Window, pulse: Pulse) -> None:
    with gr.Row(elem_classes="columns"):
        with gr.Column(elem_classes="side"), gr.Column(elem_classes="card"):
            gr.HTML(f"<h3>{html.escape(say('evaluation.ask'))}</h3><p class='soft'>{html.escape(say('evaluation.help'))}</p>")
            form = build_form(EvaluateConfig, "evaluate", several={"models": _named(view.USUAL_MODELS)})
            missing = gr.HTML("")
            start = gr.Button(say("evaluation.start"), variant="primary", interactive=False, elem_id="start-evaluate")
            later = build_later(window, pulse, "evaluate")
            run = event_html(elem_id="run-evaluate")
        with gr.Column(elem_classes="wide"), gr.Column(elem_classes="card"):
            result = gr.HTML("", elem_id="evaluation")
    pulse.data.change(shows(window, _evaluation, 3), None, [result, missing, start], **QUICK)
    pulse.data.change(shows(window, _measurable, 1), None, form.fields["models"], **QUICK)
    pulse.run["evaluate"].change(shows(window, _newest("evaluate"), 1), None, run, **QUICK)
    run.act(picks(window, _resumed), None, None, **BUTTON)
    emptied(start.click(acts(window, _submit("evaluate", form)), [*later.fields, *form.components], None, **BUTTON), later)


def _build_chat(window: Window, pulse: Pulse) -> None:
    with gr.Row(elem_classes="columns"):
        with gr.Column(elem_classes="side"), gr.Column(elem_classes="card"):
            gr.HTML(f"<h3>{html.escape(say('chat.model'))}</h3>")
            model = gr.Dropdown([], label=say("chat.which"), elem_id="chat-model", elem_classes="field")
            form = build_form(ChatSettings, "chat")
        with gr.Column(elem_classes="wide"), gr.Column(elem_classes="card"):
            talk = gr.Chatbot(height="calc(100vh - 410px)", min_height=240, show_label=False, elem_id="chat", placeholder=say("chat.empty"), buttons=["copy"],
                              render_markdown=False, allow_tags=False, feedback_options=None, layout="bubble")
            with gr.Row(elem_classes="tight"):
                question = gr.Textbox(show_label=False, placeholder=say("chat.ask"), elem_id="chat-question", scale=6, max_lines=4,
                                      container=False, label=say("chat.ask"))
                send = gr.Button(say("chat.send"), variant="primary", elem_id="chat-send")
                stop = gr.Button(say("chat.stop"), elem_id="chat-stop")
                clear = gr.Button(say("chat.clear"), elem_id="chat-clear")
    picked = build_kept("chat-model")
    model.input(acts(window, lambda window, project, name, kept: with_kept(kept, project.name, name)), [model, picked], picked, **QUICK)
    gr.on([pulse.data.change, picked.change], shows(window, _chat_models, 1), picked, model, **QUICK)
    answers = [event(_asked, [question, talk], [question, talk], **QUICK).success(
        streams(window, _answer(form)), [model, talk, *form.components], talk, concurrency_limit=4, show_progress="hidden", show_progress_on=[],
        api_visibility="private") for event in (send.click, question.submit)]
    stop.click(None, None, None, cancels=answers, api_visibility="private")
    clear.click(lambda: [], None, talk, cancels=answers, **QUICK)


def _build_export(window: Window, pulse: Pulse) -> None:
    with gr.Row(elem_classes="columns"):
        with gr.Column(elem_classes="side"), gr.Column(elem_classes="card"):
            gr.HTML(f"<h3>{html.escape(say('export.title'))}</h3><p class='soft'>{html.escape(say('export.help'))}</p>")
            form = build_form(ExportConfig, "export", choices={"model": []})
            missing = gr.HTML("", elem_id="missing-export")
            start = gr.Button(say("export.start"), variant="primary", interactive=False, elem_id="start-export")
            later = build_later(window, pulse, "export")
            run = event_html(elem_id="run-export")
        with gr.Column(elem_classes="wide"):
            with gr.Column(elem_classes="card"):
                files = gr.HTML(f"<h3>{html.escape(say('export.files'))}</h3>", elem_id="exports")
            build_push(window, pulse)
    pulse.data.change(shows(window, _exports, 1), None, files, **QUICK)
    inputs = [*later.fields, *form.components]
    pulse.data.change(shows(window, _exportable, 1), form.fields["model"], form.fields["model"], **QUICK).then(
        shows(window, _export_lacks(form), 2), inputs, [missing, start], **QUICK)
    gr.on([form.fields["model"].change, form.fields["format"].change, later.after.change], shows(window, _export_lacks(form), 2), inputs,
          [missing, start], trigger_mode="always_last", **QUICK)
    pulse.run["export"].change(shows(window, _newest("export"), 1), None, run, **QUICK)
    run.act(picks(window, _resumed), None, None, **BUTTON)
    emptied(start.click(acts(window, _submit("export", form)), inputs, None, **BUTTON), later)


def _submit(kind: str, form: Form) -> Any:
    def submit(window: Window, project: Project, at: str | None, after: str | None, *given: Any) -> None:
        submit_job(window.projects, project, kind, form.resolved(project, given), **when(at, after))
        gr.Info(say("training.queued"))

    return submit


def _resumed(window: Window, project: Project, event: dict) -> None:
    resume_job(window.projects, event["job"])
    gr.Info(say("training.queued"))


def _newest(kind: str) -> Any:
    def show(window: Window, project: Project) -> str:
        job = view.newest_job(window.projects, project, kind)
        return run_html(job, {}) if job else ""

    return show


def _evaluation(window: Window, project: Project) -> tuple[str, str, Any]:
    missing = missing_for_evaluation(project)
    lacks = plan_html("", [], [], missing) if missing else ""
    return evaluation_html(latest_evaluation(window.projects, project)), lacks, gr.update(interactive=not missing)


def _named(names: Sequence[str]) -> list[tuple[str, str]]:
    return [(word("model", name), name) for name in names]


def _parents(window: Window, project: Project) -> Any:
    return gr.update(choices=_named(view.parent_names(window.projects, project)))


def _measurable(window: Window, project: Project) -> Any:
    return gr.update(choices=_named(view.measurable_names(project)))


def _chat_models(window: Window, project: Project, kept: Kept) -> Any:
    """The model that a person chose, as long as it is there; else the one that has learned most."""
    names, picked = view.model_names(project), kept_for(kept, project.name, None)
    return gr.update(choices=_named(names), value=picked if picked in names else next(iter(names), None))


def _exportable(window: Window, project: Project, chosen: str | None) -> Any:
    names = view.exportable_names(window.projects, project)
    return gr.update(choices=_named(names), value=chosen if chosen in names else next(iter(names), ExportConfig().model))


def _export_lacks(form: Form) -> Any:
    """Why the export cannot start, beside its button, which is grey then."""

    def show(window: Window, project: Project, at: str | None, after: str | None, *given: Any) -> tuple[str, Any]:
        promised = promised_models(window.projects, project, after or None)
        missing = missing_for_export(project, form.resolved(project, given), promised)
        return plan_html("", [], [], missing) if missing else "", gr.update(interactive=not missing)

    return show


def _exports(window: Window, project: Project) -> str:
    files = view.exported_files(project)
    columns = (Column(say("export.file"), lambda one: text(one.name)), Column(say("export.size"), lambda one: size(one.bytes), "num"),
               Column("", lambda one: download_link(window.root_path, project, f"exports/{one.name}", say("export.download")), "num"))
    head = f"<h3>{html.escape(say('export.files'))}</h3>"
    return head + (table(columns, files, label=say("export.files")) if files else empty_state(say("export.empty")))


def _asked(question: str, talk: list[dict]) -> tuple[str, list[dict]]:
    if not question.strip():
        raise gr.Error(say("chat.no_question"), title=say("shell.error_title"), print_exception=False)
    return "", [*talk, {"role": "user", "content": html.escape(question.strip())}]


def _answer(form: Form) -> Any:
    def answer(window: Window, project: Project, model: str | None, talk: list[dict], *given: Any) -> Iterator[list[dict]]:
        history = [{"role": one["role"], "content": plain(one["content"])} for one in talk]
        said = ""
        for piece in answer_stream(window.host, project, model or "base", history, resolve(ChatSettings, form.values(given))):
            said += piece
            yield [*talk, {"role": "assistant", "content": html.escape(said)}]
        if not said.strip():
            yield [*talk, {"role": "assistant", "content": say("chat.nothing")}]

    return answer


def plain(content: Any) -> str:
    """A message's words. The chat shows them as HTML and so holds them escaped; Gradio hands back a list of parts."""
    parts = [content] if isinstance(content, str) else content
    return html.unescape("".join(part if isinstance(part, str) else part.get("text", "") for part in parts))


PARTS = {"train": _build_train, "evaluate": _build_evaluate, "chat": _build_chat, "export": _build_export}
PLAN = TabPlan(say("tab.sft"), "sft", state_line, build)
