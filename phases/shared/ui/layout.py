"""The window as a whole: head, announcements, one tab a phase, status bar, and the clock that keeps them true.

In: the open window's settings and a `TabPlan` for each phase (app.py lists them). Out: `gr.Blocks`, ready to launch.
The clock ticks every two seconds: it compares what it sees with what the page shows, and sends only what changed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from phases.shared.errors import LehrlingError
from phases.shared.jobs.kinds import KINDS
from phases.shared.jobs.queue import list_jobs, unseen_jobs
from phases.shared.project import Project
from phases.shared.ui.header import build_header, build_new_dialog, build_welcome, fill_header
from phases.shared.ui.notices import build_notices, notices_html
from phases.shared.ui.status_bar import build_status_bar, status_line
from phases.shared.ui.texts import say
from phases.shared.ui.window import QUICK, Pulse, Window, opened, project_of

TICK_SECONDS = 2.0
CACHE_SWEEP = (3600, 24 * 3600)  # Gradio's copies of files: looked at hourly, removed after a day


@dataclass(frozen=True)
class TabPlan:
    """One tab: its heading, the line that tells the state of its phase, and the function that draws it."""

    title: str
    name: str
    state_line: Callable[[Path, Project], str]
    build: Callable[[Window, Pulse], None]


@dataclass(frozen=True)
class Sight:
    """What the clock saw: compared as a whole with what the page shows."""

    lines: tuple[str, ...]
    status: str
    notices: str
    data: str
    run: Mapping[str, str]


def build_window(window: Window, tabs: Sequence[TabPlan], sample: Callable[[Path], str]) -> gr.Blocks:
    """Draw everything; `sample` makes the sample project and returns its name."""
    with gr.Blocks(title=say("shell.name"), fill_width=True, analytics_enabled=False, delete_cache=CACHE_SWEEP) as blocks:
        header = build_header()
        notices = build_notices(window)
        pulse = Pulse(gr.Textbox(visible="hidden"), {kind: gr.Textbox(visible="hidden") for kind in KINDS}, blocks.load)
        drawn = []
        with gr.Tabs(elem_id="phases") as phases:
            for plan in tabs:
                with gr.Tab(_label(plan, ""), id=plan.name) as tab, gr.Column(elem_classes="only-project", elem_id=f"tab-{plan.name}"):
                    plan.build(window, pulse)
                drawn.append(tab)
        build_welcome(window, header, sample)
        build_new_dialog(window, header)
        bar = build_status_bar(window)
        _start_clock(window, tabs, [*drawn, bar.line, notices, pulse.data, *pulse.run.values()])
        blocks.load(fill_header(window), None, [header.brand, header.picker], **QUICK)
        blocks.load(opened("tab", [plan.name for plan in tabs]), None, phases, **QUICK)
    return blocks


def _start_clock(window: Window, tabs: Sequence[TabPlan], outputs: list[Any]) -> None:
    shown = gr.State("")
    tick = _tick(window, tabs)
    gr.on([gr.Timer(TICK_SECONDS).tick, gr.context.Context.root_block.load], tick, shown, [shown, *outputs], **QUICK)


def _tick(window: Window, tabs: Sequence[TabPlan]) -> Callable[..., tuple[Any, ...]]:
    def handler(request: gr.Request, shown: str) -> tuple[Any, ...]:
        project = project_of(window, request)
        before = json.loads(shown) if shown else {}
        sight = look(window.projects, project, tabs)
        now = {**{f"line{n}": line for n, line in enumerate(sight.lines)}, "status": sight.status, "notices": sight.notices,
               "data": sight.data, **{f"run-{kind}": sight.run[kind] for kind in KINDS}}
        values = [gr.Tab(label=_label(plan, line)) for plan, line in zip(tabs, sight.lines, strict=True)]
        values += [sight.status, sight.notices, sight.data, *sight.run.values()]
        changed = [value if before.get(key) != now[key] else gr.skip() for key, value in zip(now, values, strict=True)]
        return json.dumps(now), *changed

    return handler


def look(projects: Path, project: Project | None, tabs: Sequence[TabPlan]) -> Sight:
    """Read what the page should show now."""
    if project is None:
        return Sight(tuple(say("tab.no_project") for _ in tabs), status_line(projects, None), "", "", dict.fromkeys(KINDS, ""))
    jobs = list_jobs(projects, project.name)
    states = [(job.id, job.state, job.request, job.resumable) for job in jobs]
    changed = [place.stat().st_mtime_ns if place.exists() else 0 for place in (project.database, project.models)]
    run = {kind: json.dumps([(job.id, job.state, job.request, job.resumable, job.progress if job.state == "running" else None)
                             for job in jobs if job.kind == kind]) for kind in KINDS}
    lines = tuple(_state_line(plan, projects, project) for plan in tabs)
    return Sight(lines, status_line(projects, project), notices_html(unseen_jobs(projects, project.name)),
                 json.dumps([changed, states]), run)


def _state_line(plan: TabPlan, projects: Path, project: Project) -> str:
    try:
        return plan.state_line(projects, project)
    except LehrlingError as problem:
        return problem.sentence


def _label(plan: TabPlan, line: str) -> str:
    return f"{plan.title}\n{line or ' '}"
