"""What every part of the window stands on: the open window's settings, and the wrapping of handlers.

In: a function `fn(window, project, *values)`. Out: a Gradio handler that finds the project by the page's address
(`?project=NAME`, so that a reload or a restart of the program loses nothing) and shows errors as sentences.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from phases.shared.errors import LehrlingError, NotReady, ProjectError
from phases.shared.project import Project, open_project
from phases.shared.ui.texts import say

# What only shows skips Gradio's queue; a button goes through it, since Gradio delivers its messages that way. No component is named to show
# progress on: for each handler that begins or ends Gradio's page updates every one that ever was, and so does nothing else in a browser for
# seconds of each minute.
BUTTON: dict[str, Any] = {"concurrency_limit": None, "show_progress": "hidden", "show_progress_on": [], "api_visibility": "private"}
QUICK: dict[str, Any] = {**BUTTON, "queue": False}
SLOW_BUTTON: dict[str, Any] = {**BUTTON, "show_progress": "minimal", "show_progress_on": None}


@dataclass(frozen=True)
class Window:
    """The open window. `host` answers chat questions in a process of its own (phases.shared.models.host_client)."""

    projects: Path
    root_path: str = ""
    host: Any = None


@dataclass(frozen=True)
class Pulse:
    """What a tab listens to: `data` changes with the tables and the jobs' states, `run[KIND]` with the jobs of one kind and every step that
    they take. Each handler costs the page a walk through all its components, so none is called for a kind that it does not show.

    Both are hidden fields and no gr.State: the change of a State reaches the browser through Gradio's queue only.
    """

    data: gr.Textbox
    run: Mapping[str, gr.Textbox]
    load: Any


def project_of(window: Window, request: gr.Request) -> Project | None:
    """The project that the page's address names; None when it names none, or one that is not there."""
    name = request.query_params.get("project", "")
    try:
        return open_project(window.projects, name) if name else None
    except ProjectError:
        return None


def shows(window: Window, fn: Callable[..., Any], outputs: int) -> Callable[..., Any]:
    """A handler that only shows: without a project, or when the shown thing is gone, it leaves everything as it is."""

    def handler(request: gr.Request, *values: Any) -> Any:
        project = project_of(window, request)
        nothing = gr.skip() if outputs == 1 else tuple(gr.skip() for _ in range(outputs))
        return nothing if project is None else _told(fn, window, project, *values)

    return handler


def acts(window: Window, fn: Callable[..., Any], *, anywhere: bool = False) -> Callable[..., Any]:
    """A handler of a button: needs a project (unless `anywhere`), and says so when there is none."""

    def handler(request: gr.Request, *values: Any) -> Any:
        project = project_of(window, request) if anywhere else _needed(window, request)
        return _told(fn, window, project, *values)

    return handler


def picks(window: Window, fn: Callable[..., Any], *, anywhere: bool = False) -> Callable[..., Any]:
    """A handler of a table: what was clicked (a mapping of the row's and button's data) comes before the values."""

    def handler(request: gr.Request, event: gr.EventData, *values: Any) -> Any:
        project = project_of(window, request) if anywhere else _needed(window, request)
        return _told(fn, window, project, dict(event._data or {}), *values)

    return handler


def streams(window: Window, fn: Callable[..., Iterator[Any]]) -> Callable[..., Iterator[Any]]:
    """A handler that yields as it goes; what goes wrong on the way is told as a sentence too."""

    def handler(request: gr.Request, *values: Any) -> Iterator[Any]:
        try:
            yield from fn(window, _needed(window, request), *values)
        except LehrlingError as problem:
            raise gr.Error(as_message(problem), title=say("shell.error_title"), print_exception=False) from problem

    return handler


def opened(key: str, names: Sequence[str]) -> Callable[[gr.Request], Any]:
    """The handler of the page's load that opens the tab which the address names (`?tab=cpt`); the script writes it there, so that a
    reload, or the one after the program was started again, shows what was open."""

    def handler(request: gr.Request) -> Any:
        name = request.query_params.get(key, "")
        return gr.Tabs(selected=name) if name in names else gr.skip()

    return handler


def in_view(element: str) -> str:
    """A script that brings an element into view and hands the event's values on."""
    return f"(...values) => {{ window.lehrling.show('{element}'); return values; }}"


def filled(form: str) -> dict[str, Any]:
    """The step after a form was filled on load: from now on `body[data-filled~=FORM]` says that typing is safe."""
    return {"fn": None, "js": f"() => window.lehrling.filled('{form}')", "api_visibility": "private"}


def as_message(problem: LehrlingError) -> str:
    """An error as a person reads it in the window; every reason of a job that cannot start."""
    reasons = problem.missing if isinstance(problem, NotReady) else (problem.sentence,)
    return " ".join(html.escape(part) for part in (*reasons, problem.advice) if part)


def _needed(window: Window, request: gr.Request) -> Project:
    project = project_of(window, request)
    if project is None:
        raise gr.Error(say("shell.choose_project"), title=say("shell.error_title"), print_exception=False)
    return project


def _told(fn: Callable[..., Any], *values: Any) -> Any:
    try:
        return fn(*values)
    except LehrlingError as problem:
        raise gr.Error(as_message(problem), title=say("shell.error_title"), print_exception=False) from problem
