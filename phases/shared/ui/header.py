"""The head of the window and the welcome page: which project is open, another one, a new one, the sample.

The page's address (`?project=NAME`) decides; choosing a project is going to another address.
"""

from __future__ import annotations

import html
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from phases.shared.errors import LehrlingError
from phases.shared.project import DOMAINS, create_project, list_projects
from phases.shared.ui.texts import say, word
from phases.shared.ui.window import QUICK, SLOW_BUTTON, Window, as_message, project_of

GO = "(name) => { window.lehrling.go(name); }"
OPEN_NEW = "() => window.lehrling.open('new-dialog')"
CLOSE = "() => window.lehrling.close()"
LANGUAGES = ("en", "de", "es", "fr")


@dataclass(frozen=True)
class Header:
    """The parts that are filled when the page loads."""

    brand: gr.HTML
    picker: gr.Dropdown
    goto: gr.Textbox
    new: gr.Button


def build_header() -> Header:
    """Name, project picker, New, light or dark."""
    with gr.Row(elem_id="head"):
        brand = gr.HTML(_brand(None), elem_classes="brand")
        picker = gr.Dropdown(choices=[], value=None, show_label=False, container=False, elem_id="picker", interactive=True,
                             label=say("shell.project"))
        new = gr.Button(say("shell.new"), elem_id="new-project", size="sm")
        shade = gr.Button(say("shell.shade"), elem_id="shade", size="sm")
    goto = gr.Textbox(visible="hidden", elem_id="goto")
    picker.input(None, picker, None, js=GO, api_visibility="private")
    new.click(None, None, None, js=OPEN_NEW, api_visibility="private")
    shade.click(None, None, None, js="() => window.lehrling.shade()", api_visibility="private")
    return Header(brand, picker, goto, new)


def fill_header(window: Window) -> Callable[..., tuple[Any, Any]]:
    """The handler of the page's load: the picker's choices and the open project."""

    def handler(request: gr.Request) -> tuple[Any, Any]:
        project = project_of(window, request)
        asked = request.query_params.get("project", "")
        names = list_projects(window.projects)
        name = project.name if project else None
        return _brand(name or "", asked if asked and not project else ""), gr.update(choices=names, value=name)

    return handler


def build_welcome(window: Window, header: Header, sample: Callable[[Path], str]) -> None:
    """What a page without a project shows: what this is, and the two ways to begin."""
    with gr.Column(elem_classes="only-welcome"):
        gr.HTML(_welcome())
        with gr.Row(elem_classes="buttons"):
            example = gr.Button(say("welcome.sample"), variant="primary", elem_id="try-sample")
            new = gr.Button(say("welcome.new"))
    new.click(None, None, None, js=OPEN_NEW, api_visibility="private")
    example.click(_open_sample(window, sample), None, header.goto, **SLOW_BUTTON).success(
        None, header.goto, None, js=GO, api_visibility="private")


def build_new_dialog(window: Window, header: Header) -> None:
    """Name, language and field of a new project; a wrong name is said in the dialog, which stays open."""
    with gr.Column(elem_id="new-dialog", elem_classes="dialog"):
        gr.HTML(f"<h3>{html.escape(say('new.title'))}</h3>")
        name = gr.Textbox(label=say("new.name"), info=say("new.name_help"), elem_id="new-name", max_lines=1)
        with gr.Row():
            language = gr.Dropdown([(word("language", one), one) for one in LANGUAGES], value="en", label=say("new.language"))
            domain = gr.Dropdown([(word("domain", one), one) for one in DOMAINS], value="general", label=say("new.domain"))
        problem = gr.HTML("", elem_classes="problem")
        with gr.Row(elem_classes="buttons"):
            create = gr.Button(say("new.create"), variant="primary", elem_id="new-create")
            leave = gr.Button(say("shell.leave"))
    leave.click(None, None, None, js=CLOSE, api_visibility="private")
    for event in (create.click, name.submit):
        event(_create(window), [name, language, domain], [header.goto, problem], **QUICK).success(
            None, header.goto, None, js=GO, api_visibility="private")


def _create(window: Window) -> Callable[[str, str, str], tuple[str, str]]:
    def handler(name: str, language: str, domain: str) -> tuple[str, str]:
        try:
            return create_project(window.projects, name, language=language, domain=domain).name, ""
        except LehrlingError as problem:
            return "", f'<p class="warning" role="alert">{as_message(problem)}</p>'

    return handler


def _open_sample(window: Window, sample: Callable[[Path], str]) -> Callable[[], str]:
    def handler() -> str:
        try:
            return sample(window.projects)
        except LehrlingError as problem:
            raise gr.Error(as_message(problem), title=say("shell.error_title"), print_exception=False) from problem

    return handler


def _brand(name: str | None, unknown: str = "") -> str:
    """The program's name; carries which project is open, so that the style sheet shows the tabs or the welcome page."""
    known = "" if name is None else f' data-project="{html.escape(name)}"'
    note = f'<span class="warning">{html.escape(say("shell.unknown_project", name=unknown))}</span>' if unknown else ""
    return f'<div id="shell"{known}><h1>{html.escape(say("shell.name"))}</h1>{note}</div>'


def _welcome() -> str:
    steps = "".join(f"<li><b>{html.escape(say(f'welcome.step{number}'))}</b>{html.escape(say(f'welcome.step{number}_text'))}</li>"
                    for number in (1, 2, 3, 4))
    return (f'<div class="welcome"><h2>{html.escape(say("welcome.title"))}</h2><p>{html.escape(say("welcome.text"))}</p>'
            f"<ol>{steps}</ol></div>")
