"""Tab 1, folded: a data set of the Hugging Face hub is looked at, then its rows are added.

    python app.py import-dataset NAME ID_OR_FOLDER [--look]        the same as a command
    python app.py sample-data NAME --kind tickets --count 200      invented records, to try the program with
"""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any

import gradio as gr

from phases.rag_data.config import DatasetConfig
from phases.rag_data.hub import RECOMMENDED, import_dataset
from phases.rag_data.sample_records import KINDS, MOST, add_sample_records
from phases.shared.jobs.queue import list_jobs
from phases.shared.options import resolve
from phases.shared.project import Project
from phases.shared.ui.forms import Form, build_form
from phases.shared.ui.panels.knowledge import report
from phases.shared.ui.tables import button, event_html, text
from phases.shared.ui.texts import many, say
from phases.shared.ui.window import BUTTON, QUICK, Pulse, Window, acts, picks, shows


def build_datasets(window: Window, pulse: Pulse) -> None:
    with gr.Column(elem_classes="card"), gr.Accordion(say("dataset.title"), open=False, elem_classes="advanced", elem_id="dataset-fold"):
        gr.HTML(_recommended())
        dataset = gr.Dropdown([one.id for one in RECOMMENDED], value="", label=say("dataset.id"), info=say("dataset.id_help"),
                              allow_custom_value=True, elem_classes="field", elem_id="dataset-id")
        form = build_form(DatasetConfig, "dataset")
        with gr.Row(elem_classes="buttons"):
            look = gr.Button(say("dataset.look"), elem_id="dataset-look")
            take = gr.Button(say("dataset.take"), variant="primary", elem_id="dataset-take")
        told = event_html(elem_id="dataset-told")
        with gr.Row(elem_classes="tight"):
            kind = gr.Dropdown(list(KINDS), value=next(iter(KINDS)), label=say("dataset.invented"), elem_classes="field")
            count = gr.Number(200, label=say("dataset.count"), precision=0, minimum=1, maximum=MOST, elem_classes="field")
        invent = gr.Button(say("dataset.invent"), elem_id="dataset-invent")
    pulse.load(shows(window, _filled(form), len(form.components)), None, form.components, **QUICK)
    look.click(acts(window, _import(form, look=True)), [dataset, *form.components], None, **BUTTON)
    take.click(acts(window, _import(form, look=False)), [dataset, *form.components], None, **BUTTON)
    invent.click(acts(window, _invent), [kind, count], None, **BUTTON)
    told.act(picks(window, lambda window, project, event: event["template"]), None, form.fields["template"], **BUTTON)
    pulse.run["dataset"].change(shows(window, _told, 1), None, told, **QUICK)


def _recommended() -> str:
    lines = "".join(f"<li><b>{text(one.id)}</b>: {text(one.about)} ({text(one.terms)})</li>" for one in RECOMMENDED)
    return f"<p class='soft'>{html.escape(say('dataset.about'))}</p><ul class='report soft'>{lines}</ul>"


def _filled(form: Form) -> Any:
    return lambda window, project: form.shown(resolve(DatasetConfig, project.settings.get("dataset")))


def _import(form: Form, *, look: bool) -> Any:
    def start(window: Window, project: Project, dataset: str | None, *given: Any) -> None:
        import_dataset(window.projects, project, form.resolved(project, given), dataset or "", look=look)
        gr.Info(say("training.queued"))

    return start


def _invent(window: Window, project: Project, kind: str, count: float | None) -> None:
    add_sample_records(window.projects, project, kind, int(count or 0))
    gr.Info(say("training.queued"))


def _told(window: Window, project: Project) -> str:
    """The last import or look of this project: how far it is, or what it found."""
    job = next((one for one in list_jobs(window.projects, project.name) if one.kind == "dataset"), None)
    if job is None:
        return ""
    return looked_html(job.result or {}) if job.state == "done" and "added" not in (job.result or {}) else report(job)


def looked_html(found: Mapping[str, Any]) -> str:
    """Columns, licence, how the rows will read, other ways to read them, and the first ones."""
    licence = found["licence"] or say("dataset.no_licence")
    lines = [say("dataset.columns", source=found["source"], columns=", ".join(found["columns"])),
             say("dataset.splits", splits=", ".join(found["splits"])), say("dataset.licence", licence=licence)]
    ways = "".join(button("use", one["label"], template=one["text"]) for one in found["offers"])
    reads = html.escape(found["template"] or say("dataset.sections"))
    samples = "".join(f"<p class='near sample'>{text(one, 1500)}</p>" for one in found["sample"])
    head = f"<h4>{html.escape(say('dataset.looked', rows=many('row', len(found['sample']))))}</h4>"
    return (head + "".join(f"<p class='soft'>{html.escape(one)}</p>" for one in lines)
            + f"<p>{html.escape(say('dataset.reads'))}</p><p class='near sample'>{reads}</p><p class='soft'>{html.escape(say('dataset.ways'))} {ways}</p>{samples}")
