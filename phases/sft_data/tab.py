"""Tab 3: write question-answer pairs from the chunks, then review each beside its source.

    python app.py sft-data NAME --provider builtin --count 100        pairs, accept, reject, edit-pair, export-data
"""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any

import gradio as gr

from phases.sft_data import view
from phases.sft_data.config import WriteConfig
from phases.sft_data.generate import list_provider_models, missing_for_writing, test_provider, write_pairs_job
from phases.sft_data.styles import STYLES
from phases.sft_data.ui.review import build_review
from phases.shared.errors import LehrlingError
from phases.shared.options import resolve
from phases.shared.project import Project
from phases.shared.settings import load_keys, save_key
from phases.shared.ui.forms import Form, advanced_label, build_form, command_for, edited
from phases.shared.ui.job_words import head_line
from phases.shared.ui.layout import TabPlan
from phases.shared.ui.panels.plan import plan_html
from phases.shared.ui.panels.runs import run_html
from phases.shared.ui.start_later import build_later, emptied, later_flags, when
from phases.shared.ui.tables import event_html
from phases.shared.ui.texts import many, say, word
from phases.shared.ui.window import BUTTON, QUICK, SLOW_BUTTON, Pulse, Window, acts, filled, shows


def state_line(projects: Path, project: Project) -> str:
    job = view.newest_write(projects, project)
    now = view.summary(project)
    if not now.total or (job is not None and job.state != "done"):
        return head_line(many("pair", now.total) if now.total else say("pairs.state_empty"), job, made=now.total > 0)
    if not now.rejected:
        return say("pairs.state_all", pairs=many("pair", now.total), train=f"{now.train:,}")
    return say("pairs.state_line", pairs=many("pair", now.total), kept=f"{now.total - now.rejected:,}", train=f"{now.train:,}")


def build(window: Window, pulse: Pulse) -> None:
    with gr.Row(elem_classes="columns"):
        with gr.Column(elem_classes="side"):
            form = _build_form()
            _build_key(window, form)
            _build_prompts(window, form)
        with gr.Column(elem_classes="wide"):
            _build_start(window, pulse, form)
            build_review(window, pulse)


def _build_form() -> Form:
    styles = [(word("style", name), name) for name in STYLES]
    with gr.Column(elem_classes="card"):
        gr.HTML(f"<h3>{html.escape(say('write.title'))}</h3>")
        return build_form(WriteConfig, "sft-data", choices={"model": []}, several={"style": styles})


def _build_start(window: Window, pulse: Pulse, form: Form) -> None:
    """The card with Start, where the eye finds it in the other tabs too, and all events of the form."""
    with gr.Column(elem_classes="card"):
        plan = gr.HTML("")
        with gr.Row(elem_classes="buttons"):
            start = gr.Button(say("write.start"), variant="primary", interactive=False, elem_id="start-sft-data")
        later = build_later(window, pulse, "sft-data")
        run = event_html(elem_id="run-sft-data")
        with gr.Accordion(say("command.title"), open=False, elem_classes="advanced"):
            command = gr.HTML("", elem_id="command-sft-data")
    fields, inputs, outputs = form.components, [*later.fields, *form.components], [plan, start, command, form.advanced]
    planned = shows(window, _planned(form), len(outputs))
    pulse.load(shows(window, _filled(form), len(fields)), None, fields, **QUICK).then(
        planned, inputs, outputs, **QUICK).then(**filled("sft-data"))
    gr.on([pulse.data.change, *(field.change for field in later.fields)], planned, inputs, outputs, **QUICK)
    for name, field in form.fields.items():
        if name == "preset":
            field.input(acts(window, _preset(form)), field, fields, **BUTTON).then(planned, inputs, outputs, **QUICK)
        else:
            edited(field)(planned, inputs, outputs, trigger_mode="always_last", **QUICK)
    pulse.run["sft-data"].change(shows(window, _run, 1), None, run, **QUICK)
    emptied(start.click(acts(window, _start(form)), inputs, None, **SLOW_BUTTON), later)


def _build_key(window: Window, form: Form) -> None:
    with gr.Column(elem_classes="card"):
        gr.HTML(f"<h3>{html.escape(say('provider.title'))}</h3>")
        status = gr.HTML("", elem_id="key-status")
        with gr.Row(elem_classes="tight"):
            key = gr.Textbox(type="password", label=say("key.label"), visible=False, elem_classes="field", max_lines=1)
            save = gr.Button(say("key.save"), visible=False)
        with gr.Row(elem_classes="buttons"):
            test = gr.Button(say("provider.test"), elem_id="provider-test")
            models = gr.Button(say("provider.models"))
        told = gr.HTML("", elem_id="provider-told")
    provider, address = form.fields["provider"], form.fields["base_url"]
    gr.on([provider.change, address.change], acts(window, _key_status(form), anywhere=True), form.components, [status, key, save],
          **BUTTON)
    save.click(acts(window, _save_key(form), anywhere=True), [key, *form.components], [key, status], **BUTTON)
    test.click(acts(window, _test(form)), form.components, told, **SLOW_BUTTON)
    models.click(acts(window, _models(form)), form.components, form.fields["model"], **SLOW_BUTTON)


def _build_prompts(window: Window, form: Form) -> None:
    with gr.Column(elem_classes="card"), gr.Accordion(say("prompt.title"), open=False, elem_classes="advanced"):
        style = gr.Dropdown([(word("style", name), name) for name in STYLES], value=next(iter(STYLES), None), label=say("prompt.style"),
                            elem_classes="field")
        system = gr.Textbox(label=say("prompt.system"), lines=3, max_lines=10, elem_classes="field", elem_id="prompt-system")
        user = gr.Textbox(label=say("prompt.user"), info=say("prompt.help"), lines=4, max_lines=14, elem_classes="field")
        with gr.Row(elem_classes="buttons"):
            show = gr.Button(say("prompt.preview"))
            save = gr.Button(say("prompt.save"))
            reset = gr.Button(say("prompt.reset"))
        shown = gr.HTML("")
    style.change(shows(window, _prompt, 2), style, [system, user], **QUICK)
    gr.context.Context.root_block.load(shows(window, _prompt, 2), style, [system, user], **QUICK)
    show.click(acts(window, _preview(form)), [system, user, *form.components], shown, **BUTTON)
    save.click(acts(window, _save_prompt), [style, system, user], [system, user], **BUTTON)
    reset.click(acts(window, _reset_prompt), style, [system, user], **BUTTON)


def _filled(form: Form) -> Any:
    def fill(window: Window, project: Project) -> list[Any]:
        last = view.newest_write(window.projects, project)
        if last is not None:
            try:
                return form.shown(resolve(WriteConfig, last.config))
            except LehrlingError:
                pass  # settings of an older version: begin with the project's
        return form.shown(resolve(WriteConfig, project.settings.get("sft-data")))

    return fill


def _preset(form: Form) -> Any:
    return lambda window, project, preset: form.shown(form.preset(project, preset))


def _planned(form: Form) -> Any:
    def show(window: Window, project: Project, at: str | None, after: str | None, *given: Any) -> tuple[Any, ...]:
        try:
            config = form.resolved(project, given)
            missing = missing_for_writing(project, config)
            label = say("write.start_n", pairs=many("pair", config.count)) if config.count else say("write.start_all")
        except LehrlingError as problem:
            missing, label = (f"{problem.sentence} {problem.advice}".strip(),), say("write.start")
        command = f'<code class="command">{html.escape(command_for("sft-data", project, form, given) + later_flags(at, after))}</code>'
        return (plan_html("", [], [], missing) if missing else "", gr.update(interactive=not missing, value=label), command,
                advanced_label(form, form.changed(project, given)))

    return show


def _start(form: Form) -> Any:
    def start(window: Window, project: Project, at: str | None, after: str | None, *given: Any) -> None:
        write_pairs_job(window.projects, project, form.resolved(project, given), **when(at, after))
        gr.Info(say("training.queued"))

    return start


def _run(window: Window, project: Project) -> str:
    job = view.newest_write(window.projects, project)
    return run_html(job, {}) if job else ""


def _key_status(form: Form) -> Any:
    def show(window: Window, project: Project | None, *given: Any) -> tuple[Any, ...]:
        state, name = view.key_state(resolve(WriteConfig, form.values(given)))
        style = ' class="warning"' if state == "missing" else ' class="soft"'
        asked = gr.update(visible=state != "none")
        return f"<p{style}>{html.escape(say(f'key.{state}', name=name))}</p>", asked, asked

    return show


def _save_key(form: Form) -> Any:
    def save(window: Window, project: Project | None, key: str, *given: Any) -> tuple[str, str]:
        config = resolve(WriteConfig, form.values(given))
        save_key(view.key_state(config)[1], key)
        return "", _key_status(form)(window, project, *given)[0]

    return save


def _test(form: Form) -> Any:
    def test(window: Window, project: Project, *given: Any) -> str:
        try:
            return f'<p class="state-done">{html.escape(test_provider(form.resolved(project, given), load_keys()))}</p>'
        except LehrlingError as problem:
            return f'<p class="warning">{html.escape(str(problem))}</p>'

    return test


def _models(form: Form) -> Any:
    def show(window: Window, project: Project, *given: Any) -> Any:
        names = list_provider_models(form.resolved(project, given), load_keys())
        gr.Info(say("provider.found", n=len(names)))
        return gr.update(choices=names)

    return show


def _prompt(window: Window, project: Project, style: str) -> tuple[str, str]:
    return view.style_prompt(project, style)


def _preview(form: Form) -> Any:
    def show(window: Window, project: Project, system: str, user: str, *given: Any) -> str:
        parts = view.preview(project, form.resolved(project, given), system, user)
        return "".join(f'<div class="source">{html.escape(part)}</div>' for part in parts) or html.escape(say("prompt.no_chunk"))

    return show


def _save_prompt(window: Window, project: Project, style: str, system: str, user: str) -> tuple[str, str]:
    changed = view.save_prompt(project, style, system, user)
    gr.Info(say("prompt.saved"))
    return view.style_prompt(changed, style)


def _reset_prompt(window: Window, project: Project, style: str) -> tuple[str, str]:
    return view.style_prompt(view.reset_prompt(project, style), style)


PLAN = TabPlan(say("tab.sft_data"), "sft_data", state_line, build)
