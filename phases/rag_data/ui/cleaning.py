"""Tab 1: the fold with the cleaning switches, and what they would change in the chosen file.

    python app.py clean-preview NAME FILE_OR_DOCUMENT        the same as a command
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import gradio as gr

from phases.rag_data.clean.switches import STEPS
from phases.rag_data.clean_preview import preview_file, preview_record
from phases.shared.project import Project
from phases.shared.ui.forms import Form, fold_label
from phases.shared.ui.panels.cleaning import preview_html
from phases.shared.ui.texts import say
from phases.shared.ui.window import QUICK, SLOW_BUTTON, Window, acts

GROUP = "cleaning"


def build_cleaning(window: Window, form: Form, files: gr.File) -> None:
    """Into the form's fold: a button that shows what cleaning changes in the first file. The heading counts what is on."""
    form.folds[GROUP].label = fold_label(form, GROUP, form.shown(form.config()), STEPS)["label"]
    with form.folds[GROUP]:
        button = gr.Button(say("clean.preview"), size="sm", interactive=False, elem_id="clean-preview-button")
        shown = gr.HTML("", elem_id="clean-preview")
    for step in STEPS:
        form.fields[step].change(_heading(form), form.components, form.folds[GROUP], trigger_mode="always_last", **QUICK)
    files.change(lambda given: (gr.update(interactive=bool(given)), ""), files, [button, shown], **QUICK)
    button.click(acts(window, _preview(form)), [files, *form.components], shown, **SLOW_BUTTON)


def _heading(form: Form) -> Any:
    return lambda *given: fold_label(form, GROUP, given, STEPS)


def _preview(form: Form) -> Any:
    def show(window: Window, project: Project, files: list[str], *given: Any) -> str:
        path = Path(files[0])
        return preview_html(asdict(preview_file(path, path.name, form.resolved(project, given))))

    return show


def document_preview(project: Project, source: str, form: Form, given: tuple[Any, ...]) -> str:
    """What the form's settings would change in a stored document."""
    return preview_html(preview_record(project, source, form.values(given)))
