"""Two or more runs of the history over each other: their loss in one plot, and what differs between them.

In: the ids that were ticked. Out: components that show the comparison, hidden while fewer than two runs are chosen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from phases.shared.jobs.compare import FEWEST, compare_runs, curves
from phases.shared.jobs.metrics import files_seen
from phases.shared.jobs.queue import Job, list_jobs
from phases.shared.project import Project
from phases.shared.ui.kept import Kept, build_kept, kept_for
from phases.shared.ui.panels.comparison import comparison_html, run_name
from phases.shared.ui.redraw import redrawn
from phases.shared.ui.texts import say
from phases.shared.ui.window import QUICK, Window, shows

MOST_POINTS = 600
COLOURS = ["#0f9488", "#d97706", "#6366f1", "#be185d", "#4d7c0f", "#0369a1", "#7c2d12", "#64748b"]


@dataclass(frozen=True)
class ComparePanel:
    """`chosen` holds the ids of the ticked runs, by project; `drawn` is what the page shows of them."""

    kind: str
    config: type
    chosen: gr.BrowserState
    drawn: gr.State
    card: gr.Column
    curve: gr.Radio
    plot: gr.LinePlot
    table: gr.HTML

    @property
    def inputs(self) -> list[Any]:
        return [self.chosen, self.curve, self.drawn]


def build_compare_panel(window: Window, kind: str, config: type) -> ComparePanel:
    """Draw the card where it is called."""
    with gr.Column(elem_classes="card", visible=False, elem_id=f"compare-{kind}") as card:
        table = gr.HTML("")
        curve = gr.Radio([(say("run.curve_smoothed"), "smoothed"), (say("run.curve_eval"), "eval_loss")], value="smoothed",
                         label=say("compare.curve"), elem_classes="field")
        plot = gr.LinePlot(x="step", y="loss", color="run", x_title=say("run.step"), y_title=say("run.loss"), height=270, show_label=False,
                           buttons=[], color_title=" ")
    panel = ComparePanel(kind, config, build_kept(f"compared-{kind}"), gr.State(""), card, curve, plot, table)
    gr.on([curve.input, panel.chosen.change], shows(window, compared(panel), 4), panel.inputs, panel_outputs(panel), **QUICK)
    return panel


def panel_outputs(panel: ComparePanel) -> list[Any]:
    return [panel.drawn, panel.card, panel.plot, panel.table]


def compared(panel: ComparePanel) -> Any:
    """The handler that draws the chosen runs, as often as there is something new to see."""

    def show(window: Window, project: Project, kept: Kept, curve: str, drawn: str) -> tuple[Any, Any, Any, Any]:
        import pandas as pd

        jobs = ticked_jobs(window, project, panel.kind, kept)
        if len(jobs) < FEWEST:
            return "", gr.update(visible=False), gr.skip(), gr.skip()
        names = {run_name(job): project.job_dir(job.id) for job in jobs}
        again = redrawn(drawn, [curve, [[job.id, job.state] for job in jobs]], sum(files_seen(one)[0] for one in names.values()))
        if again is None:
            return tuple(gr.skip() for _ in panel_outputs(panel))
        points = pd.DataFrame(curves(names, curve, MOST_POINTS), columns=["run", "step", "loss"])
        colours = dict(zip(names, COLOURS * (1 + len(names) // len(COLOURS)), strict=False))
        return again, gr.update(visible=True), gr.update(value=points, color_map=colours), comparison_html(jobs, compare_runs(jobs), panel.config)

    return show


def ticked_jobs(window: Window, project: Project, kind: str, kept: Kept) -> list[Job]:
    """The ticked runs that are still there, in the order in which they were ticked."""
    there = {job.id: job for job in list_jobs(window.projects, project.name, limit=200) if job.kind == kind}
    return [there[one] for one in kept_for(kept, project.name, []) if one in there]


def toggled(chosen: list[str], job: str) -> list[str]:
    """The ids with one more, or one less."""
    return [one for one in chosen if one != job] if job in chosen else [*chosen, job]
