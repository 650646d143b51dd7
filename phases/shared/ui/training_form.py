"""The part of tabs 2 and 4 that sets up a training run: settings, plan, what is missing, Start, the same as a command.

In: the kind of job, its configuration class and the phase's own function for the plan. Out: components, wired.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import gradio as gr

from phases.shared.errors import LehrlingError, NotReady
from phases.shared.jobs.promises import Promises, promised_models
from phases.shared.jobs.queue import list_jobs, submit_job
from phases.shared.options import resolve
from phases.shared.project import Project
from phases.shared.training.measured import probe_config
from phases.shared.ui.forms import Choices, Form, advanced_label, build_form, command_for, edited
from phases.shared.ui.panels.plan import plan_figures, plan_html, plan_notes
from phases.shared.ui.settings_panel import build_settings_panel
from phases.shared.ui.start_later import Later, build_later, emptied, later_flags, when
from phases.shared.ui.texts import say
from phases.shared.ui.window import BUTTON, QUICK, SLOW_BUTTON, Pulse, Window, acts, filled, shows


@dataclass(frozen=True)
class Training:
    """What differs between CPT and SFT: the kind, the words, the settings and the phase's own questions. `plan` takes the project, the
    settings and the models that the jobs it waits for will make."""

    kind: str
    command: str
    title: str
    config: type
    plan: Callable[[Project, Any, Promises], Any]

    @property
    def probe(self) -> str:
        """The kind of job that measures what a run takes."""
        return f"{self.kind}-probe"


@dataclass(frozen=True)
class Setup:
    form: Form
    loaded: Any
    plan: gr.HTML
    start: gr.Button
    measure: gr.Button
    command: gr.HTML
    later: Later

    @property
    def inputs(self) -> list[Any]:
        return [*self.later.fields, *self.form.components]


def build_settings(window: Window, training: Training, choices: Choices | None = None) -> tuple[Form, Any]:
    """The card with the settings, where it is called: the form, and the event after a file has filled it."""
    with gr.Column(elem_classes="card"):
        gr.HTML(f"<h3>{html.escape(training.title)}</h3>")
        form = build_form(training.config, training.kind, choices=choices)
        return form, build_settings_panel(window, training.kind, form)


def build_plan(window: Window, pulse: Pulse, training: Training, settings: tuple[Form, Any]) -> gr.Button:
    """The card with plan and Start, and all events of the settings; returns Start."""
    with gr.Column(elem_classes="card"):
        plan = gr.HTML("", elem_id=f"plan-{training.kind}")
        with gr.Row(elem_classes="buttons"):
            start = gr.Button(say("training.start"), variant="primary", interactive=False, elem_id=f"start-{training.kind}")
            measure = gr.Button(say("training.measure"), interactive=False, elem_id=f"measure-{training.kind}")
        later = build_later(window, pulse, training.kind)
        with gr.Accordion(say("command.title"), open=False, elem_classes="advanced"):
            command = gr.HTML("", elem_id=f"command-{training.kind}")
            with gr.Row(elem_classes="buttons"):
                gr.Button(say("command.copy"), size="sm").click(
                    None, None, None, js=f"() => window.lehrling.copy('command-{training.kind}')", api_visibility="private")
    setup = Setup(*settings, plan, start, measure, command, later)
    _wire(window, pulse, training, setup)
    return start


def _wire(window: Window, pulse: Pulse, training: Training, setup: Setup) -> None:
    fields = setup.form.components
    outputs = [setup.plan, setup.start, setup.measure, setup.command, setup.form.advanced]
    plan = {"fn": shows(window, _planned(training, setup.form), len(outputs)), "inputs": setup.inputs, "outputs": outputs,
            "trigger_mode": "always_last", **QUICK}
    pulse.load(shows(window, _filled(training, setup.form), len(fields)), None, fields, **QUICK).then(**plan).then(**filled(training.kind))
    pulse.data.change(**plan)
    setup.loaded.success(**plan)
    for name, field in setup.form.fields.items():
        if name == "preset":
            field.input(acts(window, _preset(setup.form)), field, fields, **BUTTON).then(**plan)
        elif name == "method":
            field.input(acts(window, _method(setup.form)), fields, fields, **BUTTON).then(**plan)
        else:
            edited(field)(**plan)
    for field in setup.later.fields:
        field.change(**plan)
    emptied(setup.start.click(acts(window, _start(training, setup.form)), setup.inputs, None, **SLOW_BUTTON), setup.later)
    setup.measure.click(acts(window, _measure(training, setup.form)), fields, None, **SLOW_BUTTON)


def _filled(training: Training, form: Form) -> Any:
    """The settings of the newest run, or the project's own where those were written later: a reload shows what was set last."""

    def fill(window: Window, project: Project) -> list[Any]:
        last = next((job for job in list_jobs(window.projects, project.name, limit=200) if job.kind == training.kind), None)
        if last is not None and datetime.fromisoformat(last.created).timestamp() > project.settings_file.stat().st_mtime:
            try:
                return form.shown(resolve(training.config, last.config))
            except LehrlingError:
                pass  # settings of an older version: begin with the project's
        return form.shown(resolve(training.config, project.settings.get(training.kind)))

    return fill


def _preset(form: Form) -> Any:
    def choose(window: Window, project: Project, preset: str) -> list[Any]:
        return form.shown(form.preset(project, preset))

    return choose


def _method(form: Form) -> Any:
    def choose(window: Window, project: Project, *given: Any) -> list[Any]:
        return form.shown(form.with_method(project, given))

    return choose


def _planned(training: Training, form: Form) -> Any:
    def show(window: Window, project: Project, at: str | None, after: str | None, *given: Any) -> tuple[Any, ...]:
        measuring = any(job.kind == training.probe for job in list_jobs(window.projects, project.name, ("queued", "running")))
        promised = promised_models(window.projects, project, after or None)
        drawn, ready = _look_ahead(training, form, project, given, measuring, promised)
        command = html.escape(command_for(training.command, project, form, given) + later_flags(at, after))
        return (drawn, gr.update(interactive=ready), gr.update(interactive=ready and not measuring and not promised),
                f'<code class="command">{command}</code>', advanced_label(form, form.changed(project, given)))

    return show


def _look_ahead(training: Training, form: Form, project: Project, given: Sequence[Any], measuring: bool,
                promised: Promises) -> tuple[str, bool]:
    """The plan as HTML with everything that keeps the run from starting, and whether nothing does."""
    title = say("plan.title")
    try:
        plan = training.plan(project, form.resolved(project, given), promised)
    except NotReady as problem:
        return plan_html(title, [], [], problem.missing), False
    except LehrlingError as problem:
        return plan_html(title, [], [], [f"{problem.sentence} {problem.advice}".strip()]), False
    figures = plan_figures(plan) if plan.texts else []
    return plan_html(title, figures, plan.warnings, plan.missing, plan_notes(plan, measuring)), plan.ready


def _start(training: Training, form: Form) -> Any:
    def start(window: Window, project: Project, at: str | None, after: str | None, *given: Any) -> None:
        submit_job(window.projects, project, training.kind, form.resolved(project, given), **when(at, after))
        gr.Info(say("training.queued"))

    return start


def _measure(training: Training, form: Form) -> Any:
    def measure(window: Window, project: Project, *given: Any) -> None:
        submit_job(window.projects, project, training.probe, probe_config(form.resolved(project, given)))
        gr.Info(say("training.measuring"))

    return measure
