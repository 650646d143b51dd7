"""The live run: figures, loss plot, more curves, log, and the history of its kind, rebuilt from the job's files on every page.

In: the kind of job and its configuration class. Out: components that follow the clock. What has not changed is not sent again.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import gradio as gr

from phases.shared.jobs.metrics import files_seen, latest_metrics, log_tail, loss_points, metric_points
from phases.shared.jobs.queue import Job, get_job, list_jobs, resume_job
from phases.shared.project import Project
from phases.shared.training.curve_advice import curve_advice
from phases.shared.ui.compare_panel import ComparePanel, build_compare_panel, compared, panel_outputs, toggled
from phases.shared.ui.kept import Kept, kept_for, with_kept
from phases.shared.ui.panels.runs import curve_points, history_table, log_html, run_html, small_plots, step_range
from phases.shared.ui.redraw import redrawn
from phases.shared.ui.tables import event_html
from phases.shared.ui.texts import say
from phases.shared.ui.window import BUTTON, QUICK, Pulse, Window, picks, shows

MOST_POINTS, SMALL_POINTS, SPARK_POINTS, SPARKS = 250, 120, 40, 30
COLOURS = {"run.curve_train": "#7c93a8", "run.curve_smoothed": "#0f9488", "run.curve_eval": "#d97706"}
MORE = ("run.rate", "run.tokens_per_second", "run.gradient", "run.memory_gib")


@dataclass(frozen=True)
class RunPanel:
    """`chosen` is the id of the run that is shown; "" shows the newest. `seen` is what of it the page shows already, `drawn` what its
    curves show, `unfolded` whether the small plots are open."""

    kind: str
    config: type
    chosen: gr.State
    seen: gr.State
    drawn: gr.State
    unfolded: gr.State
    head: gr.HTML
    plot: gr.LinePlot
    log_scale: gr.Checkbox
    more: tuple[gr.LinePlot, ...]
    fold: gr.Accordion
    log: gr.HTML
    history: gr.HTML
    comparison: ComparePanel

    @property
    def inputs(self) -> list[Any]:
        return [self.chosen, self.seen, self.drawn, self.unfolded, self.log_scale]

    @property
    def outputs(self) -> list[Any]:
        return [self.seen, self.head, self.log, self.drawn, self.plot, self.log_scale, self.fold, *self.more]


def build_run_panel(window: Window, pulse: Pulse, kind: str, config: type, start: gr.Button) -> RunPanel:
    """Draw the panel and its history where it is called; `start` begins a run, which is then the one that is shown."""
    with gr.Column(elem_classes="card"):
        head = event_html(elem_id=f"run-{kind}")
        plot = gr.LinePlot(x="step", y="loss", color="curve", x_title=say("run.step"), y_title=say("run.loss"), height=270,
                           color_map={say(key): colour for key, colour in COLOURS.items()}, show_label=False, visible=False,
                           elem_id=f"plot-{kind}", buttons=[], color_title=" ")
        log_scale = gr.Checkbox(label=say("run.log_scale"), value=False, elem_classes="field", visible=False)
        with gr.Accordion(say("run.more"), open=False, elem_classes="advanced", visible=False, elem_id=f"more-{kind}") as fold, \
                gr.Row(elem_classes="small-plots"):
            more = tuple(gr.LinePlot(x="step", y="value", color="curve" if name == MORE[-1] else None, color_title=" ", x_title=say("run.step"), y_title=say(name), height=170, show_label=False, buttons=[],
                                     min_width=240) for name in MORE)
        with gr.Accordion(say("run.log"), open=False, elem_classes="advanced"):
            log = gr.HTML("")
    with gr.Column(elem_classes="card"):
        history = event_html(elem_id=f"history-{kind}")
    comparison = build_compare_panel(window, kind, config)
    panel = RunPanel(kind, config, gr.State(""), gr.State(""), gr.State(""), gr.State(False), head, plot, log_scale, more, fold, log, history, comparison)
    _wire(window, pulse, panel)
    start.click(lambda: "", None, panel.chosen, **QUICK)
    return panel


def _wire(window: Window, pulse: Pulse, panel: RunPanel) -> None:
    show = {"fn": shows(window, _run(panel), len(panel.outputs)), "inputs": panel.inputs, "outputs": panel.outputs, **QUICK}
    chosen, ticked = panel.chosen, panel.comparison.chosen
    history = {"fn": shows(window, _history(panel), 1), "inputs": [chosen, ticked], "outputs": panel.history, **QUICK}
    pulse.run[panel.kind].change(**show)
    panel.log_scale.input(**show)
    panel.fold.expand(lambda: True, None, panel.unfolded, **QUICK).then(**show)
    panel.fold.collapse(lambda: False, None, panel.unfolded, **QUICK)
    pulse.data.change(**history)
    panel.history.pick(picks(window, _picked), None, chosen, **BUTTON).success(**show).success(**history)
    compare = {"inputs": panel.comparison.inputs, "outputs": panel_outputs(panel.comparison), **QUICK}
    ticked.change(**history)
    panel.history.act(picks(window, _acted), [chosen, ticked], [chosen, ticked], **BUTTON)
    gr.on([pulse.data.change, pulse.run[panel.kind].change], shows(window, compared(panel.comparison), 4), **compare)
    panel.head.act(picks(window, _acted), [chosen, ticked], [chosen, ticked], **BUTTON)


def shown_run(window: Window, project: Project, kind: str, chosen: str) -> Job | None:
    """The run that was picked, else the newest of its kind."""
    if chosen:
        return get_job(window.projects, chosen)
    return next((job for job in list_jobs(window.projects, project.name) if job.kind == kind), None)


def _run(panel: RunPanel) -> Any:
    def show(window: Window, project: Project, chosen: str, seen: str, drawn: str, unfolded: bool, log_scale: bool) -> tuple[Any, ...]:
        job = shown_run(window, project, panel.kind, chosen)
        if job is None:
            return "", run_html(None, {}), log_html(""), "", *[gr.update(visible=False)] * 3, *[gr.skip()] * len(MORE)
        folder = project.job_dir(job.id)
        now = json.dumps([job.id, job.state, job.resumable, job.progress, files_seen(folder), unfolded, log_scale])
        if now == seen:
            return tuple(gr.skip() for _ in panel.outputs)
        points, metrics = loss_points(folder, MOST_POINTS), metric_points(folder, SMALL_POINTS)
        newest = {**({"rate": points[-1].get("rate")} if points else {}), **latest_metrics(folder)}
        advice = curve_advice(points, metrics, (job.progress or {}).get("eta_seconds"))
        again = redrawn(drawn, [job.id, job.state, unfolded, log_scale], sum(files_seen(folder)[:2]))
        curves = _curves(points, metrics, log_scale, unfolded) if again else [gr.skip()] * (3 + len(MORE))
        return now, run_html(job, newest, advice), log_html(log_tail(folder)), again or gr.skip(), *curves

    return show


def _curves(points: list[dict[str, Any]], metrics: list[dict[str, Any]], log_scale: bool, unfolded: bool) -> list[Any]:
    """The plot, whether its switch and its fold are shown, and the small plots where they are open."""
    small = [_small(one, points) for one in small_plots(points, metrics)] if unfolded else [gr.skip()] * len(MORE)
    return [_plot(points, log_scale), *[gr.update(visible=bool(points))] * 2, *small]


def _plot(points: list[dict[str, Any]], log_scale: bool) -> Any:
    import pandas as pd

    title = say("run.log_loss" if log_scale else "run.loss")
    return gr.update(visible=bool(points), value=pd.DataFrame(curve_points(points, log_scale=log_scale)), y_title=title,
                     x_lim=step_range(points))


def _small(curve: list[tuple[int, float, str]], points: list[dict[str, Any]]) -> Any:
    import pandas as pd

    every = max(1, -(-len(curve) // MOST_POINTS))
    return gr.update(value=pd.DataFrame(curve[::every], columns=["step", "value", "curve"]), x_lim=step_range(points))


def _history(panel: RunPanel) -> Any:
    def show(window: Window, project: Project, chosen: str, kept: Kept) -> str:
        jobs = [job for job in list_jobs(window.projects, project.name, limit=200) if job.kind == panel.kind]
        curves = {job.id: [point["smoothed"] for point in loss_points(project.job_dir(job.id), SPARK_POINTS) if "smoothed" in point]
                  for job in jobs[:SPARKS]}
        return history_table(jobs, panel.config, chosen or (jobs[0].id if jobs else ""), kept_for(kept, project.name, []), curves)

    return show


def _picked(window: Window, project: Project, event: dict) -> str:
    return event["id"]


def _acted(window: Window, project: Project, event: dict, chosen: str, kept: Kept) -> tuple[str, Any]:
    """A button of the history: tick a run for the comparison, or resume it."""
    if event["act"] == "compare":
        return chosen, with_kept(kept, project.name, toggled(kept_for(kept, project.name, []), event["job"]))
    return resume_job(window.projects, event["job"]).id, gr.skip()
