"""Tab 1: documents in, chunks out, to search, read and correct. Only drawing and wiring; `view.py` does the reading.

    python app.py        the same as commands: ingest, documents, chunks, embed, search, edit-chunk, exclude, split-chunk,
                         merge-chunks, delete-chunk, undo, report, exclude-duplicates
"""

from __future__ import annotations

import html
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from phases.rag_data import view
from phases.rag_data.config import IngestConfig
from phases.rag_data.report import JSON, MARKDOWN, exclude_duplicates, last_report, write_report
from phases.shared.jobs.queue import list_jobs
from phases.shared.options import resolve
from phases.shared.project import Project
from phases.shared.search import MODES as SEARCH_MODES
from phases.shared.ui.downloads import download_link
from phases.shared.ui.forms import Form, build_form, edited
from phases.shared.ui.layout import TabPlan
from phases.shared.ui.panels.knowledge import (
    chunk_heading,
    chunks_table,
    documents_table,
    embedding_line,
    near,
    report,
    summary_line,
)
from phases.shared.ui.panels.report import report_html
from phases.shared.ui.tables import event_html
from phases.shared.ui.texts import many, say
from phases.shared.ui.window import BUTTON, QUICK, SLOW_BUTTON, Pulse, Window, acts, filled, in_view, picks, shows

STATES = [("rag.every_state", ""), ("rag.only_active", "active"), ("rag.only_excluded", "excluded"), ("rag.only_held_out", "held_out")]
AT_CURSOR = "(id, text, place) => [id, text, window.lehrling.cursor('chunk-text')]"


@dataclass(frozen=True)
class Browser:
    """The right side: filters, the table, and which page of it is shown."""

    query: gr.Textbox
    mode: gr.Dropdown
    reranked: gr.Checkbox
    source: gr.Dropdown
    state: gr.Dropdown
    contains: gr.Textbox
    page: gr.State
    chosen: gr.State
    rows: gr.HTML

    @property
    def inputs(self) -> list[Any]:
        return [self.query, self.mode, self.reranked, self.source, self.state, self.contains, self.page, self.chosen]


def state_line(projects: Path, project: Project) -> str:
    summary = view.overview(project).summary
    if not summary.documents:
        return say("rag.state_empty")
    return say("rag.state", documents=many("document", summary.documents), chunks=many("chunk", summary.chunks))


def build(window: Window, pulse: Pulse) -> None:
    with gr.Row(elem_classes="columns"):
        with gr.Column(elem_classes="side"):
            _build_add(window, pulse)
            with gr.Column(elem_classes="card"):
                documents = event_html(elem_id="documents")
        with gr.Column(elem_classes="wide"):
            browser, summary, undo = _build_browser(window)
            editor = _build_editor(window, browser)
            _build_embedding(window, pulse, browser)
            _build_report(window, pulse, browser, editor)
    pulse.data.change(shows(window, _overview, 4), None, [documents, summary, undo, browser.source], **QUICK)
    pulse.data.change(shows(window, _rows, 1), browser.inputs, browser.rows, **QUICK)
    pulse.load(shows(window, lambda window, project: gr.update(visible=view.can_rerank(project)), 1), None, browser.reranked, **QUICK)
    documents.act(picks(window, _remove), None, None, **BUTTON)


def _build_add(window: Window, pulse: Pulse) -> None:
    with gr.Column(elem_classes="card"):
        gr.HTML(f"<h3>{html.escape(say('rag.add'))}</h3><p class='soft'>{html.escape(say('rag.formats'))}</p>")
        files = gr.File(label=say("rag.drop"), show_label=False, file_count="multiple", height=120, elem_id="upload")
        form = build_form(IngestConfig, "ingest")
        add = gr.Button(say("rag.add_button"), variant="primary", elem_id="add-documents", interactive=False)
        told = gr.HTML("", elem_id="ingest-report")
    pulse.load(shows(window, _filled(form), len(form.components)), None, form.components, **QUICK).then(**filled("ingest"))
    files.change(_ready, files, add, **QUICK)
    add.click(acts(window, _add(form)), [files, *form.components], files, **SLOW_BUTTON)
    pulse.run.change(shows(window, _report, 1), None, told, **QUICK)


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
        rows = event_html(elem_id="chunks")
    browser = Browser(query, mode, reranked, source, state, contains, gr.State(1), gr.State(0), rows)
    for field in (query, mode, reranked, source, state, contains):
        edited(field)(shows(window, _first_page, 2), browser.inputs, [browser.page, rows], trigger_mode="always_last", **QUICK)
    rows.turn(picks(window, _turned), browser.inputs, [browser.page, rows], **BUTTON)
    undo.click(acts(window, _undo), None, None, **BUTTON)
    return browser, summary, undo


def _build_editor(window: Window, browser: Browser) -> list[Any]:
    with gr.Column(elem_classes="card", visible=False, elem_id="chunk-editor") as editor:
        heading = gr.HTML("")
        before = gr.HTML("")
        content = gr.Textbox(label=say("rag.text"), lines=6, max_lines=14, elem_id="chunk-text", elem_classes="field")
        after = gr.HTML("")
        with gr.Row(elem_classes="buttons"):
            save = gr.Button(say("rag.save"), variant="primary", elem_id="chunk-save")
            toggle = gr.Button(say("rag.exclude"), elem_id="chunk-toggle")
            split = gr.Button(say("rag.split"), elem_id="chunk-split")
            merge = gr.Button(say("rag.merge"), elem_id="chunk-merge")
            delete = gr.Button(say("rag.delete"), variant="stop", elem_id="chunk-delete")
        cursor = gr.Number(visible="hidden", precision=0)
    parts = [browser.chosen, editor, heading, before, content, after, toggle, merge]
    _opens_editor(window, browser, browser.rows, parts)
    save.click(acts(window, _save), [browser.chosen, content], parts, **BUTTON)
    toggle.click(acts(window, _toggle), browser.chosen, parts, **BUTTON)
    split.click(acts(window, _split), [browser.chosen, content, cursor], parts, js=AT_CURSOR, **BUTTON)
    merge.click(acts(window, _merge), [browser.chosen, content], parts, **BUTTON)
    delete.click(acts(window, _delete), browser.chosen, parts, **BUTTON)
    return parts


def _opens_editor(window: Window, browser: Browser, rows: gr.HTML, parts: list[Any]) -> None:
    """A row that is picked in this table opens its chunk in the editor."""
    rows.pick(picks(window, _picked), None, parts, **BUTTON).success(
        shows(window, _rows, 1), browser.inputs, browser.rows, js=in_view("chunk-editor"), **QUICK)


def _build_embedding(window: Window, pulse: Pulse, browser: Browser) -> None:
    with gr.Column(elem_classes="card"), gr.Row(elem_classes="tight"):
        told = gr.HTML("", elem_id="embed-state", elem_classes="grow")
        start = gr.Button(say("embed.start"), size="sm", interactive=False, elem_id="embed-start")
    pulse.data.change(shows(window, _embedding, 3), browser.mode, [told, start, browser.mode], **QUICK)
    start.click(acts(window, _embed), None, None, **BUTTON)


def _build_report(window: Window, pulse: Pulse, browser: Browser, editor: list[Any]) -> None:
    with gr.Column(elem_classes="card"), gr.Accordion(say("report.title"), open=False, elem_classes="advanced", elem_id="report-fold"):
        told = event_html(elem_id="report")
        with gr.Row(elem_classes="buttons"):
            make = gr.Button(say("report.make"), elem_id="report-make")
            exclude = gr.Button(say("report.exclude"), interactive=False, elem_id="report-exclude")
    pulse.data.change(shows(window, _report_shown, 2), None, [told, exclude], **QUICK)
    make.click(acts(window, _make_report), None, [told, exclude], **SLOW_BUTTON)
    exclude.click(acts(window, _exclude_duplicates), None, [told, exclude], **SLOW_BUTTON)
    _opens_editor(window, browser, told, editor)


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


def _overview(window: Window, project: Project) -> tuple[Any, ...]:
    now = view.overview(project)
    choices = [(say("rag.every_source"), ""), *((one.source, one.source) for one in now.documents)]
    undo = gr.update(interactive=now.undo is not None, value=f"{say('rag.undo')}: {now.undo}" if now.undo else say("rag.undo"))
    return documents_table(now.documents), summary_line(now.summary), undo, gr.update(choices=choices)


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


def _rows(window: Window, project: Project, query: str, mode: str, reranked: bool, source: str, state: str, contains: str, page: int,
          chosen: int) -> str:
    lines, total = view.chunk_lines(project, query or "", source or None, state or None, contains or None, page, mode, window.host, reranked)
    return chunks_table(lines, total, page, chosen, searching=bool(query and query.strip()), filtered=bool(source or state or contains))


def _first_page(window: Window, project: Project, query: str, mode: str, reranked: bool, source: str, state: str, contains: str, page: int,
                chosen: int) -> tuple[int, str]:
    return 1, _rows(window, project, query, mode, reranked, source, state, contains, 1, chosen)


def _turned(window: Window, project: Project, event: dict, query: str, mode: str, reranked: bool, source: str, state: str, contains: str,
            page: int, chosen: int) -> tuple[int, str]:
    page = int(event["page"])
    return page, _rows(window, project, query, mode, reranked, source, state, contains, page, chosen)


def _picked(window: Window, project: Project, event: dict) -> tuple[Any, ...]:
    return _editor(project, int(event["id"]))


def _editor(project: Project, chunk_id: int) -> tuple[Any, ...]:
    shown = view.chunk_in_context(project, chunk_id)
    toggle = say("rag.include") if shown.chunk.state == "excluded" else say("rag.exclude")
    return (chunk_id, gr.update(visible=True), chunk_heading(shown.chunk), near(shown.before, say("rag.before"), end=True),
            shown.chunk.content, near(shown.after, say("rag.after")), gr.update(value=toggle),
            gr.update(interactive=shown.after is not None))


def _save(window: Window, project: Project, chunk_id: int, content: str) -> tuple[Any, ...]:
    view.save_chunk(project, chunk_id, content)
    gr.Info(say("rag.saved", id=chunk_id))
    return _editor(project, chunk_id)


def _toggle(window: Window, project: Project, chunk_id: int) -> tuple[Any, ...]:
    state = view.toggle_chunk(project, chunk_id).state
    gr.Info(say("rag.included_done" if state == "active" else "rag.excluded_done", id=chunk_id))
    return _editor(project, chunk_id)


def _split(window: Window, project: Project, chunk_id: int, content: str, cursor: int) -> tuple[Any, ...]:
    first, second = view.split_chunk_at(project, chunk_id, int(cursor or 0), content)
    gr.Info(say("rag.split_done", first=first.id, second=second.id))
    return _editor(project, chunk_id)


def _merge(window: Window, project: Project, chunk_id: int, content: str) -> tuple[Any, ...]:
    view.merge_chunk_with_next(project, chunk_id, content)
    gr.Info(say("rag.merged", id=chunk_id))
    return _editor(project, chunk_id)


def _delete(window: Window, project: Project, chunk_id: int) -> tuple[Any, ...]:
    view.drop_chunk(project, chunk_id)
    gr.Info(say("rag.deleted", id=chunk_id))
    return 0, gr.update(visible=False), "", "", "", "", gr.skip(), gr.skip()


def _report_shown(window: Window, project: Project) -> tuple[str, Any]:
    last = last_report(project)
    if last is None:
        return f"<p class='soft'>{html.escape(say('report.none'))}</p>", gr.update(interactive=False, value=say("report.exclude"))
    record, outdated = last
    links = [download_link(window.root_path, project, f"data/{name}", say(label))
             for name, label in ((MARKDOWN, "report.markdown"), (JSON, "report.json"))]
    count = len(record["duplicates"])
    label = say("report.exclude_n", n=f"{count:,}") if count else say("report.exclude")
    return report_html(record, outdated, links), gr.update(interactive=count > 0 and not outdated, value=label)


def _make_report(window: Window, project: Project) -> tuple[str, Any]:
    write_report(project)
    return _report_shown(window, project)


def _exclude_duplicates(window: Window, project: Project) -> tuple[str, Any]:
    """Only what the person has seen in the report; a new one shows what is left."""
    last = last_report(project)
    found = exclude_duplicates(project, only={one["chunk"] for one in last[0]["duplicates"]} if last else ())
    gr.Info(say("report.excluded", chunks=many("chunk", len(found))))
    return _make_report(window, project)


def _remove(window: Window, project: Project, event: dict) -> None:
    view.remove_source(project, int(event["document"]))
    gr.Info(say("rag.removed", source=html.escape(event["source"])))


def _undo(window: Window, project: Project) -> None:
    action = view.undo(project)
    gr.Info(html.escape(say("rag.undone", action=action) if action else say("rag.nothing_to_undo")))


PLAN = TabPlan(say("tab.rag_data"), "rag_data", state_line, build)
