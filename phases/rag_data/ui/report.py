"""Tab 1: the report, its settings, its downloads, and the button that excludes the repeated chunks it shows.

    python app.py report NAME --longest 1024 --language de, exclude-duplicates NAME        the same as commands
"""

from __future__ import annotations

import html
from typing import Any

import gradio as gr

from phases.rag_data.config import ReportConfig
from phases.rag_data.report import JSON, MARKDOWN, exclude_duplicates, last_report, write_report
from phases.shared.options import resolve
from phases.shared.project import Project
from phases.shared.ui.downloads import download_link
from phases.shared.ui.forms import Form, build_form
from phases.shared.ui.panels.report import report_html
from phases.shared.ui.tables import event_html
from phases.shared.ui.texts import many, say
from phases.shared.ui.window import QUICK, SLOW_BUTTON, Pulse, Window, acts, shows


def build_report(window: Window, pulse: Pulse) -> gr.HTML:
    """Returns the report's HTML, whose rows of repeated chunks can be picked."""
    with gr.Column(elem_classes="card"), gr.Accordion(say("report.title"), open=False, elem_classes="advanced", elem_id="report-fold"):
        with gr.Row(elem_classes="tight filters", elem_id="report-settings"):
            form = build_form(ReportConfig, "report")
        told = event_html(elem_id="report")
        with gr.Row(elem_classes="buttons"):
            make = gr.Button(say("report.make"), elem_id="report-make")
            exclude = gr.Button(say("report.exclude"), interactive=False, elem_id="report-exclude")
    pulse.load(shows(window, _filled(form), len(form.components)), None, form.components, **QUICK)
    pulse.data.change(shows(window, _report_shown, 2), None, [told, exclude], **QUICK)
    make.click(acts(window, _make_report(form)), form.components, [told, exclude], **SLOW_BUTTON)
    exclude.click(acts(window, _exclude_duplicates), None, [told, exclude], **SLOW_BUTTON)
    return told


def _filled(form: Form) -> Any:
    return lambda window, project: form.shown(resolve(ReportConfig, project.settings.get("report")))


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


def _make_report(form: Form) -> Any:
    def make(window: Window, project: Project, *given: Any) -> tuple[str, Any]:
        write_report(project, form.resolved(project, given))
        return _report_shown(window, project)

    return make


def _exclude_duplicates(window: Window, project: Project) -> tuple[str, Any]:
    """Only what the person has seen in the report; a new one with its settings shows what is left."""
    last = last_report(project)
    config = resolve(ReportConfig, last[0]["settings"] if last else None)
    found = exclude_duplicates(project, {one["chunk"] for one in last[0]["duplicates"]} if last else (), config.similarity)
    gr.Info(say("report.excluded", chunks=many("chunk", len(found))))
    write_report(project, config)
    return _report_shown(window, project)
