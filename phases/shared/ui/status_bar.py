"""The bar at the foot of every tab: what runs, how far it is, how to stop it, what waits, how much memory is in use."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import gradio as gr

from phases.shared.jobs.queue import Job, find_jobs, get_job, list_jobs, move_job, request_cancel, request_stop
from phases.shared.project import Project
from phases.shared.ui.figures import memory_in_use, size
from phases.shared.ui.job_words import about_words, kind_of, progress_words, waits_words
from phases.shared.ui.tables import Column, button, event_html, table, text
from phases.shared.ui.texts import say
from phases.shared.ui.window import BUTTON, Window, acts, picks

CLOSE = "() => window.lehrling.close()"
CLOSE_AND_PASS = "(...values) => { window.lehrling.close(); return values; }"
OPEN_ASKED = "() => window.lehrling.open(window.lehrling.asked)"


@dataclass(frozen=True)
class StatusBar:
    line: gr.HTML


def build_status_bar(window: Window) -> StatusBar:
    """The bar, the question that Stop asks, and the list of what waits."""
    with gr.Row(elem_id="status"):
        line = event_html(elem_classes="status")
    job = gr.State("")
    question = _build_stop_dialog(window, job)
    waiting = _build_queue_dialog(window)
    line.act(picks(window, _asked, anywhere=True), None, [job, question, waiting], **BUTTON).success(
        None, None, None, js=OPEN_ASKED, api_visibility="private")
    return StatusBar(line)


def status_line(projects: Path, project: Project | None) -> str:
    """The bar's content: every running job (one of each lane at most), then what waits, then memory."""
    running = list_jobs(projects, states=("running",))
    waiting = len(list_jobs(projects, states=("queued",)))
    parts = [_running(job, project) for job in reversed(running)]
    if not parts:
        parts = [f'<span class="idle">{html.escape(say("status.idle"))}</span>']
    if waiting:
        parts.append(button("queue", say("status.waiting", n=waiting)))
    memory = memory_in_use()
    if memory:
        parts.append(f'<span class="memory">{html.escape(say("status.memory", used=size(memory[0]), total=size(memory[1])))}</span>')
    return f'<div class="status-line" role="status">{"".join(parts)}</div>'


def _running(job: Job, project: Project | None) -> str:
    elsewhere = f" ({job.project})" if project is None or job.project != project.name else ""
    words = "".join(f"<span>{html.escape(part)}</span>" for part in progress_words(job))
    words = f'<span class="words">{words}</span>'
    stopping = job.request is not None
    stop = f'<span class="soft">{html.escape(say("status.stopping"))}</span>' if stopping else button("stop", say("status.stop"), job=job.id)
    return f'<span class="dot" aria-hidden="true">●</span><b>{html.escape(kind_of(job) + elsewhere)}</b>{words}{stop}'


def _build_stop_dialog(window: Window, job: gr.State) -> gr.HTML:
    with gr.Column(elem_id="stop-dialog", elem_classes="dialog"):
        question = gr.HTML("")
        go_on = gr.Button(say("stop.go_on"))
        stop = gr.Button(say("stop.save"), variant="primary", elem_id="stop-save")
        cancel = gr.Button(say("stop.cancel"), variant="stop", elem_id="stop-cancel")
    go_on.click(None, None, None, js=CLOSE, api_visibility="private")
    stop.click(acts(window, _stop, anywhere=True), job, None, js=CLOSE_AND_PASS, **BUTTON)
    cancel.click(acts(window, _cancel, anywhere=True), job, None, js=CLOSE_AND_PASS, **BUTTON)
    return question


def _build_queue_dialog(window: Window) -> gr.HTML:
    with gr.Column(elem_id="queue-dialog", elem_classes="dialog"):
        gr.HTML(f"<h3>{html.escape(say('queue.title'))}</h3>")
        waiting = event_html()
        leave = gr.Button(say("shell.close"))
    leave.click(None, None, None, js=CLOSE, api_visibility="private")
    waiting.act(picks(window, _changed_queue, anywhere=True), None, waiting, **BUTTON)
    return waiting


def queue_table(projects: Path) -> str:
    """What waits, in the order in which it will run."""
    jobs = sorted(list_jobs(projects, states=("queued",)), key=lambda job: job.position)
    columns = (Column(say("queue.job"), lambda job: f'<b title="{text(job.id)}">{text(kind_of(job))}</b>'),
               Column(say("queue.project"), lambda job: text(job.project)), Column(say("queue.about"), lambda job: text(about_words(job) or "–")),
               Column(say("queue.waits"), lambda job: text(waits_words(job, next(iter(find_jobs(projects, job.after)), None)))),
               Column("", lambda job: _moves(job, jobs), "short"))
    return table(columns, jobs, empty=say("queue.empty"))


def _moves(job: Job, jobs: Sequence[Job]) -> str:
    """The buttons of a waiting job; those that would change nothing are grey. Jobs change places within their lane."""
    lane = [one.id for one in jobs if one.lane == job.lane]
    possible = {"first": job.id != jobs[0].id, "up": job.id != lane[0], "down": job.id != lane[-1], "cancel": True}
    return "".join(button(act, say(f"queue.{act}"), possible=can, job=job.id) for act, can in possible.items())


def _asked(window: Window, project: Project | None, event: dict) -> tuple[str, str, str]:
    if event["act"] == "queue":
        return "", "", queue_table(window.projects)
    job = get_job(window.projects, event["job"])
    title = html.escape(say("stop.title", job=kind_of(job)))
    return job.id, f"<h3>{title}</h3><p>{html.escape(say('stop.text'))}</p>", queue_table(window.projects)


def _stop(window: Window, project: Project | None, job: str) -> None:
    request_stop(window.projects, job)


def _cancel(window: Window, project: Project | None, job: str) -> None:
    request_cancel(window.projects, job)


def _changed_queue(window: Window, project: Project | None, event: dict) -> str:
    if event["act"] == "cancel":
        request_cancel(window.projects, event["job"])
    else:
        move_job(window.projects, event["job"], event["act"])
    return queue_table(window.projects)
