"""The live run: figures, loss plot, log, and the history of its kind, rebuilt from the job's files on every page.

In: the kind of job and its configuration class. Out: components that follow the clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from phases.shared.jobs.metrics import latest_metrics, log_tail, loss_points
from phases.shared.jobs.queue import Job, get_job, list_jobs, resume_job
from phases.shared.project import Project
from phases.shared.ui.panels.runs import curve_points, history_table, log_html, run_html
from phases.shared.ui.tables import event_html
from phases.shared.ui.texts import say
from phases.shared.ui.window import BUTTON, QUICK, Pulse, Window, picks, shows

MOST_POINTS = 500
COLOURS = {"run.curve_train": "#7c93a8", "run.curve_smoothed": "#0f9488", "run.curve_eval": "#d97706"}


@dataclass(frozen=True)
class RunPanel:
    """`chosen` is the id of the run that is shown; "" shows the newest."""

    kind: str
    config: type
    chosen: gr.State
    head: gr.HTML
    plot: gr.LinePlot
    log_scale: gr.Checkbox
    log: gr.HTML
    history: gr.HTML


def build_run_panel(window: Window, pulse: Pulse, kind: str, config: type) -> RunPanel:
    """Draw the panel and its history where it is called."""
    with gr.Column(elem_classes="card"):
        head = event_html(elem_id=f"run-{kind}")
        plot = gr.LinePlot(x="step", y="loss", color="curve", x_title=say("run.step"), y_title=say("run.loss"), height=270,
                           color_map={say(key): colour for key, colour in COLOURS.items()}, show_label=False, visible=False,
                           elem_id=f"plot-{kind}", buttons=[], color_title=" ")
        log_scale = gr.Checkbox(label=say("run.log_scale"), value=False, elem_classes="field", visible=False)
        with gr.Accordion(say("run.log"), open=False, elem_classes="advanced"):
            log = gr.HTML("")
    with gr.Column(elem_classes="card"):
        history = event_html(elem_id=f"history-{kind}")
    panel = RunPanel(kind, config, gr.State(""), head, plot, log_scale, log, history)
    _wire(window, pulse, panel)
    return panel


def _wire(window: Window, pulse: Pulse, panel: RunPanel) -> None:
    inputs = [panel.chosen, panel.log_scale]
    outputs = [panel.head, panel.plot, panel.log_scale, panel.log]
    pulse.run.change(shows(window, _run(panel), 4), inputs, outputs, **QUICK)
    panel.log_scale.input(shows(window, _run(panel), 4), inputs, outputs, **QUICK)
    pulse.data.change(shows(window, _history(panel), 1), panel.chosen, panel.history, **QUICK)
    panel.history.pick(picks(window, _picked), None, panel.chosen, **BUTTON).success(
        shows(window, _run(panel), 4), inputs, outputs, **QUICK).success(
        shows(window, _history(panel), 1), panel.chosen, panel.history, **QUICK)
    for table in (panel.history, panel.head):
        table.act(picks(window, _resume), None, panel.chosen, **BUTTON)


def shown_run(window: Window, project: Project, kind: str, chosen: str) -> Job | None:
    """The run that was picked, else the newest of its kind."""
    if chosen:
        return get_job(window.projects, chosen)
    return next((job for job in list_jobs(window.projects, project.name) if job.kind == kind), None)


def _run(panel: RunPanel) -> Any:
    def show(window: Window, project: Project, chosen: str, log_scale: bool) -> tuple[Any, ...]:
        job = shown_run(window, project, panel.kind, chosen)
        if job is None:
            return run_html(None, {}), gr.update(visible=False), gr.update(visible=False), log_html("")
        folder = project.job_dir(job.id)
        points = loss_points(folder, MOST_POINTS)
        newest = {**({"rate": points[-1].get("rate")} if points else {}), **latest_metrics(folder)}
        return (run_html(job, newest), _plot(points, log_scale), gr.update(visible=bool(points)),
                log_html(log_tail(folder)))

    return show


def _plot(points: list[dict[str, Any]], log_scale: bool) -> Any:
    import pandas as pd

    title = say("run.log_loss" if log_scale else "run.loss")
    return gr.update(visible=bool(points), value=pd.DataFrame(curve_points(points, log_scale=log_scale)), y_title=title)


def _history(panel: RunPanel) -> Any:
    def show(window: Window, project: Project, chosen: str) -> str:
        jobs = [job for job in list_jobs(window.projects, project.name, limit=200) if job.kind == panel.kind]
        return history_table(jobs, panel.config, chosen or (jobs[0].id if jobs else ""))

    return show


def _picked(window: Window, project: Project, event: dict) -> str:
    return event["id"]


def _resume(window: Window, project: Project, event: dict) -> str:
    return resume_job(window.projects, event["job"]).id
