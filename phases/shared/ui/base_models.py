"""The fold in which a base model is looked for: the short list, and a search on the hub when a person asks for one.

In: the form's field for the base model. Out: components, wired; a row's button puts its model into the field.
"""

from __future__ import annotations

from typing import Any

import gradio as gr

from phases.shared.models.hub import search_hub
from phases.shared.models.machine import short_list, this_machine
from phases.shared.project import Project
from phases.shared.ui.panels.base_models import found_html, short_list_html
from phases.shared.ui.tables import event_html
from phases.shared.ui.texts import say
from phases.shared.ui.window import BUTTON, QUICK, SLOW_BUTTON, Pulse, Window, acts, picks, shows


def build_base_models(window: Window, pulse: Pulse, field: gr.Dropdown) -> None:
    """Draw the fold where it is called."""
    with gr.Column(elem_classes="card"), gr.Accordion(say("base.title"), open=False, elem_classes="advanced", elem_id="base-models-fold"):
        listed = event_html(elem_id="base-models")
        with gr.Row(elem_classes="tight"):
            words = gr.Textbox(label=say("base.search"), placeholder=say("base.search_hint"), max_lines=1, scale=4, elem_id="hub-words",
                               elem_classes="field")
            search = gr.Button(say("base.search_button"), size="sm", scale=1, elem_id="hub-search")
        found = event_html(elem_id="hub-models")
    pulse.load(shows(window, _listed, 1), None, listed, **QUICK)
    for event in (search.click, words.submit):
        event(acts(window, _search), words, found, **SLOW_BUTTON)
    for rows in (listed, found):
        rows.act(picks(window, _use), None, field, **BUTTON)


def _listed(window: Window, project: Project) -> str:
    machine = this_machine()
    return short_list_html(short_list(machine), machine)


def _search(window: Window, project: Project, words: str) -> str:
    return found_html(words.strip(), search_hub(words))


def _use(window: Window, project: Project, event: dict[str, Any]) -> str:
    gr.Info(say("base.chosen", model=event["model"]))
    return event["model"]
