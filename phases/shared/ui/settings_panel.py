"""Settings in and out: the form's values as a YAML file, a file into the form, the project's own default.

In: a form and what kind of job it is for. Out: a fold of buttons under it, wired.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from phases.shared.config_file import keep_as_default, read_settings_file, settings_text
from phases.shared.options import resolve
from phases.shared.project import Project
from phases.shared.ui.forms import Form
from phases.shared.ui.texts import say
from phases.shared.ui.window import BUTTON, Window, acts

ENDINGS = [".yaml", ".yml"]


def build_settings_panel(window: Window, kind: str, form: Form) -> Any:
    """Draw the fold where it is called; returns the event after a file has filled the form."""
    with gr.Accordion(say("settings.title"), open=False, elem_classes="advanced", elem_id=f"settings-{kind}"):
        with gr.Row(elem_classes="buttons"):
            save = gr.Button(say("settings.save"), size="sm", elem_id=f"save-settings-{kind}")
            load = gr.UploadButton(say("settings.load"), size="sm", file_types=ENDINGS, elem_id=f"load-settings-{kind}")
            keep = gr.Button(say("settings.keep"), size="sm", elem_id=f"keep-settings-{kind}")
        gr.HTML(f'<p class="soft note">{say("settings.help")}</p>')
        written = gr.Textbox(visible="hidden")
    save.click(acts(window, _written(kind, form)), form.components, written, **BUTTON).success(
        None, written, None, js=f"(text) => window.lehrling.save('{kind}.yaml', text)", api_visibility="private")
    keep.click(acts(window, _kept(kind, form)), form.components, None, **BUTTON)
    return load.upload(acts(window, _read(kind, form)), load, form.components, **BUTTON)


def _written(kind: str, form: Form) -> Any:
    def write(window: Window, project: Project, *given: Any) -> str:
        return settings_text(kind, form.resolved(project, given))

    return write


def _read(kind: str, form: Form) -> Any:
    def read(window: Window, project: Project, file: str) -> list[Any]:
        values = read_settings_file(Path(file), kind, form.config)
        gr.Info(say("settings.loaded", name=Path(file).name))
        return form.shown(resolve(form.config, values))

    return read


def _kept(kind: str, form: Form) -> Any:
    def keep(window: Window, project: Project, *given: Any) -> None:
        keep_as_default(project, kind, form.resolved(project, given))
        gr.Info(say("settings.kept"))

    return keep
