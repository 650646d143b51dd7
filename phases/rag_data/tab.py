"""Tab 1: documents in, chunks out, to search, read and correct. Only drawing and wiring; `view.py` does the reading.

    python app.py        the same as commands: ingest, import-dataset, preview, documents, chunks, embed, search, edit-chunk, exclude,
                         split-chunk, merge-chunks, delete-chunk, undo (ui/ holds the parts of the tab with commands of their own)
"""

from __future__ import annotations

import html
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from phases.rag_data import view
from phases.rag_data.config import IngestConfig
from phases.rag_data.ui.cleaning import build_cleaning
from phases.rag_data.ui.datasets import build_datasets
from phases.rag_data.ui.documents import build_documents
from phases.rag_data.ui.editor import Editor, build_editor, opened, refreshed
from phases.rag_data.ui.report import build_report
from phases.rag_data.ui.template import build_preview, build_template
from phases.shared.jobs.queue import list_jobs
from phases.shared.models.search_models import SEARCH_MODES
from phases.shared.options import resolve
from phases.shared.project import Project
from phases.shared.ui.forms import Form, build_form, edited, filter_choices
from phases.shared.ui.layout import TabPlan
from phases.shared.ui.panels.knowledge import chunks_table, embedding_line, report, summary_line
from phases.shared.ui.tables import event_html
from phases.shared.ui.texts import many, say, word
from phases.shared.ui.window import BUTTON, QUICK, SLOW_BUTTON, Pulse, Window, acts, filled, in_view, picks, shows

STATES = [("rag.every_state", ""), ("rag.only_active", "active"), ("rag.only_excluded", "excluded"), ("rag.only_held_out", "held_out")]


@dataclass(frozen=True)
class Browser:
    """The right side: filters, the table, and which page of it is shown."""

    query: gr.Textbox
    mode: gr.Dropdown
    reranked: gr.Checkbox
    source: gr.Dropdown
    state: gr.Dropdown
    contains: gr.Textbox
    language: gr.Dropdown
    page: gr.State
    chosen: gr.State
    rows: gr.HTML

    @property
    def inputs(self) -> list[Any]:
        return [self.query, self.mode, self.reranked, self.source, self.state, self.contains, self.language, self.page, self.chosen]


def state_line(projects: Path, project: Project) -> str:
    now = view.summary(project)
    if not now.documents:
        return say("rag.state_empty")
    return say("rag.state", documents=many("document", now.documents), chunks=many("chunk", now.chunks))


def build(window: Window, pulse: Pulse) -> None:
    with gr.Row(elem_classes="columns"):
        with gr.Column(elem_classes="side"):
            form = _build_add(window, pulse)
            build_datasets(window, pulse)
            build_documents(window, pulse, form)
        with gr.Column(elem_classes="wide"):
            browser, summary, undo = _build_browser(window)
            editor = build_editor(window, browser.chosen)
            embedding = _build_embedding(window, browser)
            repeated = build_report(window, pulse)
    for rows in (browser.rows, repeated):
        _opens_editor(window, browser, rows, editor)
    undos = [undo, editor.undo]
    changed = pulse.data.change(shows(window, _overview, 5), [browser.source, browser.language],
                                [summary, *undos, browser.source, browser.language], **QUICK)
    changed = changed.then(shows(window, _embedding, 3), browser.mode, embedding, **QUICK)
    changed.then(shows(window, _rows, 1), browser.inputs, browser.rows, **QUICK)  # with the filters as they are by now
    undone = [one.click(acts(window, _undo), None, undos, **BUTTON).success for one in undos]
    for event in (pulse.data.change, *undone):
        event(shows(window, refreshed, len(editor.parts)), editor.state, editor.parts, **QUICK)
    pulse.load(shows(window, lambda window, project: gr.update(visible=view.can_rerank(project)), 1), None, browser.reranked, **QUICK)


def _build_add(window: Window, pulse: Pulse) -> Form:
    with gr.Column(elem_classes="card"):
        gr.HTML(f"<h3>{html.escape(say('rag.add'))}</h3><p class='soft'>{html.escape(say('rag.formats'))}</p>")
        files = gr.File(label=say("rag.drop"), show_label=False, file_count="multiple", height=120, elem_id="upload")
        template = gr.Column(visible=False, elem_id="template-part")
        form = build_form(IngestConfig, "ingest")
        build_template(window, form, files, template)
        build_cleaning(window, form, files)
        with gr.Row(elem_classes="buttons"):
            add = gr.Button(say("rag.add_button"), variant="primary", elem_id="add-documents", interactive=False)
            preview = gr.Button(say("preview.button"), interactive=False, elem_id="preview-files")
        build_preview(window, form, files, preview)
        told = gr.HTML("", elem_id="ingest-report")
    pulse.load(shows(window, _filled(form), len(form.components)), None, form.components, **QUICK).then(**filled("ingest"))
    files.change(_ready, files, add, **QUICK)
    add.click(acts(window, _add(form)), [files, *form.components], files, **SLOW_BUTTON)
    pulse.run["ingest"].change(shows(window, _report, 1), None, told, **QUICK)
    return form


def _build_browser(window: Window) -> tuple[Browser, gr.HTML, gr.Button]:
    with gr.Column(elem_classes="card"):
        with gr.Row(elem_classes="tight"):
            summary = gr.HTML(f"<h3>{html.escape(say('rag.knowledge'))}</h3>", elem_classes="grow")
            undo = gr.Button(say("rag.undo"), size="sm", interactive=False, elem_id="undo-chunk")
        with gr.Row(elem_classes="tight filters"):
            query = gr.Textbox(label=say("rag.search"), placeholder=say("rag.search_hint"), elem_id="search", scale=4,
                               max_lines=1, elem_classes="field")
            mode = gr.Dropdown([(say("rag.mode_text"), "text")], value="text", label=say("rag.mode"), scale=1, elem_id="search-mode",
                               elem_classes="field")
            reranked = gr.Checkbox(label=say("rag.rerank"), info=say("rag.rerank_hint"), visible=False, scale=1, elem_id="search-rerank",
                                   elem_classes="field")
            source = gr.Dropdown([(say("rag.every_source"), "")], value="", label=say("rag.source"), scale=2, elem_classes="field")
            state = gr.Dropdown([(say(key), value) for key, value in STATES], value="", label=say("rag.show"), scale=1,
                                elem_classes="field")
            contains = gr.Textbox(label=say("rag.contains"), placeholder=say("rag.contains_hint"), elem_id="contains", scale=2,
                                  max_lines=1, elem_classes="field")
            language = gr.Dropdown([(say("rag.every_language"), "")], value="", label=say("rag.language"), scale=1, elem_id="language",
                                   elem_classes="field")
        rows = event_html(elem_id="chunks")
    browser = Browser(query, mode, reranked, source, state, contains, language, gr.State(1), gr.State(0), rows)
    for field in (query, mode, reranked, source, state, contains, language):
        edited(field)(shows(window, _first_page, 2), browser.inputs, [browser.page, rows], trigger_mode="always_last", **QUICK)
    rows.turn(picks(window, _turned), browser.inputs, [browser.page, rows], **BUTTON)
    return browser, summary, undo


def _opens_editor(window: Window, browser: Browser, rows: gr.HTML, editor: Editor) -> None:
    """A row that is picked in this table opens its chunk in the editor."""
    rows.pick(picks(window, opened), editor.state, editor.parts, **BUTTON).success(
        shows(window, _rows, 1), browser.inputs, browser.rows, js=in_view("chunk-editor"), **QUICK)


def _build_embedding(window: Window, browser: Browser) -> list[Any]:
    """Returns what `_embedding` fills."""
    with gr.Column(elem_classes="card"), gr.Row(elem_classes="tight"):
        told = gr.HTML("", elem_id="embed-state", elem_classes="grow")
        start = gr.Button(say("embed.start"), size="sm", interactive=False, elem_id="embed-start")
    start.click(acts(window, _embed), None, None, **BUTTON)
    return [told, start, browser.mode]


def _ready(files: list[str] | None) -> Any:
    count = len(files or [])
    label = say("rag.add_button_n", files=many("file", count)) if count else say("rag.add_button")
    return gr.update(interactive=count > 0, value=label)


def _add(form: Form) -> Any:
    def start(window: Window, project: Project, files: list[str], *given: Any) -> None:
        view.add_uploads(window.projects, project, form.resolved(project, given), [Path(one) for one in files])

    return start


def _filled(form: Form) -> Any:
    return lambda window, project: form.shown(resolve(IngestConfig, project.settings.get("ingest")))


def _report(window: Window, project: Project) -> str:
    jobs = [job for job in list_jobs(window.projects, project.name) if job.kind == "ingest"]
    return report(jobs[0]) if jobs else ""


def _overview(window: Window, project: Project, source: str, language: str) -> tuple[Any, ...]:
    now = view.overview(project)
    languages = sorted({*now.languages, project.language} if now.summary.chunks else now.languages)
    sources = [(one.source, one.source) for one in now.documents]
    spoken = [(word("language", one), one) for one in languages]
    return (summary_line(now.summary), *_undo_offers(now.undo), filter_choices(say("rag.every_source"), sources, source),
            filter_choices(say("rag.every_language"), spoken, language))


def _undo_offers(action: str | None) -> tuple[Any, Any]:
    """For both buttons; an update each, since Gradio empties what it is given."""
    label = f"{say('rag.undo')}: {action}" if action else say("rag.undo")
    return gr.update(interactive=action is not None, value=label), gr.update(interactive=action is not None, value=label)


def _embedding(window: Window, project: Project, mode: str) -> tuple[str, Any, Any]:
    """What would be embedded or why not; search by meaning is offered once there are vectors."""
    plan, now = view.embedding_plan(project)
    told = embedding_line(plan.model, plan.to_embed, plan.fresh)
    offered = SEARCH_MODES if now.fresh else SEARCH_MODES[:1]
    choices = [(say(f"rag.mode_{one}"), one) for one in offered]
    return told, gr.update(interactive=plan.to_embed > 0), gr.update(choices=choices, value=mode if mode in offered else "text")


def _embed(window: Window, project: Project) -> None:
    view.embed_chunks(window.projects, project)
    gr.Info(say("training.queued"))


def _rows(window: Window, project: Project, *given: Any) -> str:
    query, mode, reranked, source, state, contains, language, page, chosen = given
    lines, total = view.chunk_lines(project, query or "", source or None, state or None, contains or None, page, mode, window.host,
                                    reranked, language or None)
    return chunks_table(lines, total, view.page_there(page, total), chosen, searching=bool(query and query.strip()),
                        filtered=bool(source or state or contains or language), excluded=state == "excluded")


def _first_page(window: Window, project: Project, *given: Any) -> tuple[int, str]:
    return 1, _rows(window, project, *given[:-2], 1, given[-1])


def _turned(window: Window, project: Project, event: dict, *given: Any) -> tuple[int, str]:
    page = int(event["page"])
    return page, _rows(window, project, *given[:-2], page, given[-1])


def _undo(window: Window, project: Project) -> tuple[Any, Any]:
    action = view.undo(project)
    gr.Info(html.escape(say("rag.undone", action=action) if action else say("rag.nothing_to_undo")))
    return _undo_offers(view.overview(project).undo)


PLAN = TabPlan(say("tab.rag_data"), "rag_data", state_line, build)
