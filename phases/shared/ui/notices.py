"""What ended while nobody looked: each finished or failed run is announced until a person puts it away."""

from __future__ import annotations

import html
from collections.abc import Sequence

import gradio as gr

from phases.shared.jobs.queue import Job, mark_seen, unseen_jobs
from phases.shared.project import Project
from phases.shared.ui.figures import moment
from phases.shared.ui.job_words import kind_of, result_words
from phases.shared.ui.tables import button, event_html
from phases.shared.ui.texts import say, word
from phases.shared.ui.window import BUTTON, Window, picks

MOST = 2


def build_notices(window: Window) -> gr.HTML:
    notices = event_html(elem_id="notices")
    notices.act(picks(window, _put_away), None, notices, **BUTTON)
    return notices


def notices_html(jobs: Sequence[Job]) -> str:
    """The newest few, and one button for the rest."""
    shown = "".join(_notice(job) for job in jobs[:MOST])
    if len(jobs) > MOST:
        more = html.escape(say("notice.more", n=len(jobs) - MOST))
        shown += f'<div class="notice"><span>{more}</span>{button("all", say("notice.all"))}</div>'
    return shown


def _notice(job: Job) -> str:
    style = "" if job.state == "done" else " failed"
    title = say("notice.title", job=kind_of(job), state=word("state", job.state))
    return (f'<div class="notice{style}" role="alert"><b>{html.escape(title)}</b><span>{html.escape(result_words(job))}</span>'
            f'<span class="soft" style="flex:none">{moment(job.ended)}</span>{button("seen", say("notice.seen"), job=job.id)}</div>')


def _put_away(window: Window, project: Project, event: dict) -> str:
    jobs = unseen_jobs(window.projects, project.name)
    for job in jobs:
        if event["act"] == "all" or job.id == event.get("job"):
            mark_seen(window.projects, job.id)
    return notices_html(unseen_jobs(window.projects, project.name))
