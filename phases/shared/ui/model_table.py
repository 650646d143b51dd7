"""The card with a phase's models, in tabs 2 and 4; a model is deleted by a second click.

In: the phase ("cpt" or "sft"). Out: components, wired.    python app.py models NAME        delete-model NAME MODEL
"""

from __future__ import annotations

import html
from typing import Any

import gradio as gr

from phases.shared.models.overview import delete_model, model_rows
from phases.shared.project import Project
from phases.shared.ui.panels.models import models_html
from phases.shared.ui.tables import event_html
from phases.shared.ui.window import BUTTON, QUICK, Pulse, Window, picks, shows


def build_models(window: Window, pulse: Pulse, phase: str) -> None:
    """Draw the card where it is called."""
    with gr.Column(elem_classes="card"):
        rows = event_html(value=models_html(phase, ()), elem_id=f"models-{phase}")
    pulse.data.change(shows(window, lambda window, project: models_html(phase, model_rows(project, phase)), 1), None, rows, **QUICK)
    rows.act(picks(window, _acted(phase)), None, rows, **BUTTON)


def _acted(phase: str) -> Any:
    def act(window: Window, project: Project, event: dict[str, Any]) -> str:
        if event["act"] == "delete-now":
            gr.Info(html.escape(delete_model(window.projects, project, event["model"])))
        asked = event["model"] if event["act"] == "delete" else ""
        return models_html(phase, model_rows(project, phase), asked)

    return act
