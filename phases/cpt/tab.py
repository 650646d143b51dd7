"""Tab 2: continued pretraining: base model and settings, plan, live run, history.    python app.py cpt NAME"""

from __future__ import annotations

from pathlib import Path

import gradio as gr

from phases.cpt import view
from phases.cpt.config import CptConfig
from phases.cpt.corpus import plan_cpt
from phases.shared.project import Project
from phases.shared.ui.base_models import build_base_models
from phases.shared.ui.job_panel import build_run_panel
from phases.shared.ui.job_words import head_line, run_line
from phases.shared.ui.layout import TabPlan
from phases.shared.ui.model_table import build_models
from phases.shared.ui.texts import say
from phases.shared.ui.training_form import Training, build_plan, build_settings
from phases.shared.ui.window import Pulse, Window

TRAINING = Training("cpt", "cpt", say("cpt.title"), CptConfig, lambda project, config, promised: plan_cpt(project, config))


def state_line(projects: Path, project: Project) -> str:
    run, made = view.newest_run(projects, project), view.has_model(project)
    if made and run is not None and run.state == "done":
        return run_line(run)
    data = "training.state_model" if made else "training.state_ready" if view.is_ready(project) else "cpt.state_missing"
    return head_line(say(data), run, made=made)


def build(window: Window, pulse: Pulse) -> None:
    with gr.Row(elem_classes="columns"):
        with gr.Column(elem_classes="side"):
            settings = build_settings(window, TRAINING, {"base_model": view.base_models(say("training.project_base"))})
        with gr.Column(elem_classes="wide"):
            build_base_models(window, pulse, settings[0].fields["base_model"])
            start = build_plan(window, pulse, TRAINING, settings)
            build_run_panel(window, pulse, "cpt", CptConfig, start)
            build_models(window, pulse, "cpt")


PLAN = TabPlan(say("tab.cpt"), "cpt", state_line, build)
