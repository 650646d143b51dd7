"""Two or more runs of the history over each other: their loss in one plot, and what differs between them.

In: the ids that were ticked. Out: components that show the comparison, hidden while fewer than two runs are chosen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from phases.shared.jobs.compare import FEWEST, compare_runs, curves
from phases.shared.jobs.queue import get_job
from phases.shared.project import Project
from phases.shared.ui.panels.comparison import comparison_html, run_name
from phases.shared.ui.texts import say
from phases.shared.ui.window import QUICK, Window, shows

MOST_POINTS = 900
COLOURS = ["#0f9488", "#d97706", "#6366f1", "#be185d", "#4d7c0f", "#0369a1", "#7c2d12", "#64748b"]


@dataclass(frozen=True)
class ComparePanel:
    """`chosen` holds the ids of the ticked runs."""

    config: type
    chosen: gr.State
    card: gr.Column
    curve: gr.Radio
    plot: gr.LinePlot
    table: gr.HTML


def build_compare_panel(window: Window, kind: str, config: type) -> ComparePanel:
    """Draw the card where it is called."""
    with gr.Column(elem_classes="card", visible=False, elem_id=f"compare-{kind}") as card:
        table = gr.HTML("")
        curve = gr.Radio([(say("run.curve_smoothed"), "smoothed"), (say("run.curve_eval"), "eval_loss")], value="smoothed",
                         label=say("compare.curve"), elem_classes="field")
        plot = gr.LinePlot(x="step", y="loss", color="run", x_title=say("run.step"), y_title=say("run.loss"), height=270, show_label=False,
                           buttons=[], color_title=" ")
    panel = ComparePanel(config, gr.State([]), card, curve, plot, table)
    curve.input(shows(window, compared(panel), 3), [panel.chosen, curve], panel_outputs(panel), **QUICK)
    return panel


def panel_outputs(panel: ComparePanel) -> list[Any]:
    return [panel.card, panel.plot, panel.table]


def compared(panel: ComparePanel, *, live: bool = False) -> Any:
    """The handler that draws the chosen runs; a `live` one leaves them alone while none of them goes on."""

    def show(window: Window, project: Project, chosen: list[str], curve: str) -> tuple[Any, Any, Any]:
        import pandas as pd

        if len(chosen) < FEWEST:
            return gr.update(visible=False), gr.skip(), gr.skip()
        jobs = [get_job(window.projects, one) for one in chosen]
        if live and not any(job.state == "running" for job in jobs):
            return gr.skip(), gr.skip(), gr.skip()
        names = {run_name(job): project.job_dir(job.id) for job in jobs}
        points = pd.DataFrame(curves(names, curve, MOST_POINTS), columns=["run", "step", "loss"])
        colours = dict(zip(names, COLOURS * (1 + len(names) // len(COLOURS)), strict=False))
        return gr.update(visible=True), gr.update(value=points, color_map=colours), comparison_html(jobs, compare_runs(jobs), panel.config)

    return show


def toggled(chosen: list[str], job: str) -> list[str]:
    """The ids with one more, or one less."""
    return [one for one in chosen if one != job] if job in chosen else [*chosen, job]
