"""Tab 4, beside the exported files: what a push to the Hugging Face hub would send, who could see it, and the button that does it.

    python app.py push NAME OWNER/NAME [--model final] [--public] [--plan]        the same as a command
"""

from __future__ import annotations

import html
from typing import Any

import gradio as gr

from phases.sft import view
from phases.sft.config import PushConfig
from phases.sft.exported import list_exports
from phases.sft.push import PushPlan, push_model, push_plan
from phases.shared.jobs.queue import resume_job
from phases.shared.project import Project
from phases.shared.settings import HUB_KEYS, save_key
from phases.shared.ui.figures import size
from phases.shared.ui.forms import Form, build_form, command_for
from phases.shared.ui.panels.plan import plan_html
from phases.shared.ui.panels.runs import run_html
from phases.shared.ui.tables import Column, event_html, table, text
from phases.shared.ui.texts import say, word
from phases.shared.ui.window import BUTTON, QUICK, Pulse, Window, acts, picks, shows


def build_push(window: Window, pulse: Pulse) -> None:
    with gr.Column(elem_classes="card"):
        gr.HTML(f"<h3>{html.escape(say('push.title'))}</h3><p class='soft'>{html.escape(say('push.help'))}</p>")
        repo = gr.Textbox("", label=say("push.repo"), info=say("push.repo_help"), max_lines=1, elem_classes="field", elem_id="push-repo")
        form = build_form(PushConfig, "push", choices={"model": []})
        with gr.Row(elem_classes="tight"):
            key = gr.Textbox(type="password", label=say("push.key"), visible=False, elem_classes="field", max_lines=1, elem_id="push-key")
            save = gr.Button(say("key.save"), visible=False, elem_id="push-save-key")
        plan = gr.HTML("", elem_id="push-plan")
        start = gr.Button(say("push.start"), variant="primary", interactive=False, elem_id="start-push")
        run = event_html(elem_id="run-push")
    asked, planned, outputs = [repo, *form.components], shows(window, _planned(form), 4), [plan, start, key, save]
    pulse.data.change(shows(window, _exports, 1), form.fields["model"], form.fields["model"], **QUICK).then(planned, asked, outputs, **QUICK)
    gr.on([repo.change, form.fields["model"].change, form.fields["public"].change], planned, asked, outputs, trigger_mode="always_last", **QUICK)
    save.click(acts(window, _save_key), key, key, **BUTTON).success(planned, asked, outputs, **QUICK)
    start.click(acts(window, _push(form)), asked, None, **BUTTON)
    run.act(picks(window, lambda window, project, event: _resume(window, event)), None, None, **BUTTON)
    pulse.run["push"].change(shows(window, _newest, 1), None, run, **QUICK)


def _exports(window: Window, project: Project, chosen: str | None) -> Any:
    """The exported folders to choose from, the newest first."""
    every = [(f"{one.name} ({word('model', one.model)})", one.name) for one in list_exports(project)]
    names = [name for _, name in every]
    return gr.update(choices=every, value=chosen if chosen in names else next(iter(names), None))


def _planned(form: Form) -> Any:
    def show(window: Window, project: Project, repo: str, *given: Any) -> tuple[Any, ...]:
        plan = push_plan(project, form.resolved(project, given), repo)
        command = command_for("push", project, form, given, plan.repo or "OWNER/NAME")
        asks = gr.update(visible=plan.keyless)
        return push_html(plan, command), gr.update(interactive=not plan.missing), asks, asks

    return show


def push_html(plan: PushPlan, command: str) -> str:
    """The files with their sizes, who could see them, what is missing, and the command that does the same."""
    title = say("push.plan", folder=plan.folder, repo=plan.repo) if plan.folder and plan.repo else say("push.plan_open")
    columns = (Column(say("export.file"), lambda one: text(one[0])), Column(say("export.size"), lambda one: size(one[1]), "num"))
    files = table(columns, [*plan.files, (say("push.together"), plan.bytes)], label=title) if plan.files else ""
    warnings, notes = (plan.notes[:1], plan.notes[1:]) if plan.public else ((), plan.notes)
    return plan_html(title, [], warnings, plan.missing, notes) + files + f'<code class="command">{html.escape(command)}</code>'


def _push(form: Form) -> Any:
    def push(window: Window, project: Project, repo: str, *given: Any) -> None:
        push_model(window.projects, project, form.resolved(project, given), repo)
        gr.Info(say("training.queued"))

    return push


def _resume(window: Window, event: dict[str, Any]) -> None:
    resume_job(window.projects, event["job"])
    gr.Info(say("training.queued"))


def _save_key(window: Window, project: Project, key: str) -> str:
    save_key(HUB_KEYS[0], key)
    return ""


def _newest(window: Window, project: Project) -> str:
    job = view.newest_job(window.projects, project, "push")
    return run_html(job, {}) if job else ""
