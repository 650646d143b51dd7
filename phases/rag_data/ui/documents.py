"""Tab 1: the documents, how each was read, and reading them again with other settings.

    python app.py documents NAME, reingest NAME [DOCUMENT...], clean-preview NAME DOCUMENT, remove NAME DOCUMENT
"""

from __future__ import annotations

import html
from typing import Any

import gradio as gr

from phases.rag_data import view
from phases.rag_data.reread import reread_documents
from phases.rag_data.ui.cleaning import document_preview
from phases.shared.project import Project
from phases.shared.ui.forms import Form
from phases.shared.ui.panels.cleaning import cleaning_html
from phases.shared.ui.panels.knowledge import documents_table
from phases.shared.ui.tables import event_html
from phases.shared.ui.texts import many, say
from phases.shared.ui.window import BUTTON, QUICK, SLOW_BUTTON, Pulse, Window, acts, in_view, picks, shows


def build_documents(window: Window, pulse: Pulse, form: Form) -> None:
    """The table; a row that is picked opens how its document was read. `form` holds the settings for reading again."""
    with gr.Column(elem_classes="card"):
        rows = event_html(elem_id="documents")
        every = gr.Button(say("document.again_all"), size="sm", visible=False, elem_id="read-all-again")
    chosen = gr.State(0)
    with gr.Column(elem_classes="card", visible=False, elem_id="document-card") as card:
        told = gr.HTML("", elem_id="document-cleaning")
        with gr.Row(elem_classes="buttons"):
            preview = gr.Button(say("document.preview"), size="sm", elem_id="document-preview")
            again = gr.Button(say("document.again"), size="sm", elem_id="read-again")
        gr.HTML(f"<p class='soft'>{html.escape(say('document.again_help'))}</p>")
        shown = gr.HTML("", elem_id="document-preview-shown")
    parts = [chosen, card, told, shown]
    pulse.data.change(shows(window, _documents, 4), chosen, [rows, every, card, told], **QUICK)
    rows.act(picks(window, _remove), None, None, **BUTTON)
    rows.pick(picks(window, _picked), None, parts, **BUTTON).success(
        shows(window, _documents, 4), chosen, [rows, every, card, told], js=in_view("document-card"), **QUICK)
    preview.click(acts(window, _preview(form)), [chosen, *form.components], shown, **SLOW_BUTTON)
    again.click(acts(window, _again(form)), [chosen, *form.components], shown, **SLOW_BUTTON)
    every.click(acts(window, _again_all(form)), form.components, None, **SLOW_BUTTON)


def _documents(window: Window, project: Project, chosen: int) -> tuple[Any, ...]:
    """A document that was read again has another number: its card closes."""
    documents = view.documents(project)
    there = chosen in {one.id for one in documents}
    told = _told(project, chosen) if there else ""
    return documents_table(documents, chosen), gr.update(visible=bool(documents)), gr.update(visible=there), told


def _picked(window: Window, project: Project, event: dict) -> tuple[Any, ...]:
    chosen = int(event["id"])
    return chosen, gr.update(visible=True), _told(project, chosen), ""


def _told(project: Project, document: int) -> str:
    source, reading = view.document_reading(project, document)
    head = f"<h3>{html.escape(say('document.read', source=source))}</h3>"
    return head + (cleaning_html(reading["cleaning"]) if "cleaning" in reading else f"<p class='soft'>{html.escape(say('document.unknown'))}</p>")


def _preview(form: Form) -> Any:
    def show(window: Window, project: Project, chosen: int, *given: Any) -> str:
        return document_preview(project, view.document_reading(project, chosen)[0], form, given)

    return show


def _again(form: Form) -> Any:
    def start(window: Window, project: Project, chosen: int, *given: Any) -> str:
        reread_documents(window.projects, project, [view.document_reading(project, chosen)[0]], form.values(given))
        gr.Info(say("document.queued", documents=many("document", 1)))
        return ""

    return start


def _again_all(form: Form) -> Any:
    def start(window: Window, project: Project, *given: Any) -> None:
        reread_documents(window.projects, project, [], form.values(given))
        gr.Info(say("document.queued", documents=many("document", view.summary(project).documents)))

    return start


def _remove(window: Window, project: Project, event: dict) -> None:
    view.remove_source(project, int(event["document"]))
    gr.Info(say("rag.removed", source=html.escape(event["source"])))
