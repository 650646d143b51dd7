"""The folded group beside a Start button: start at a time, or when another job is done. The same as `--at TIME` and `--after JOB`.

In: the queue, which it follows. Out: two fields; `when` turns what stands in them into what `submit_job` takes.
"""

from __future__ import annotations

import html
import shlex
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import gradio as gr

from phases.shared.errors import SettingError
from phases.shared.jobs.queue import Job, find_jobs, list_jobs
from phases.shared.jobs.times import clock, day_and_time, start_time
from phases.shared.project import Project
from phases.shared.ui.figures import duration
from phases.shared.ui.job_words import kind_of
from phases.shared.ui.texts import say, word
from phases.shared.ui.window import QUICK, Pulse, Window, shows


@dataclass(frozen=True)
class Later:
    """`fields` come before a form's own among the inputs of a handler: the time as it was typed, and a job's id or ""."""

    at: gr.Textbox
    after: gr.Dropdown

    @property
    def fields(self) -> list[Any]:
        return [self.at, self.after]


def build_later(window: Window, pulse: Pulse, kind: str) -> Later:
    """Draw the group where it is called."""
    with gr.Accordion(say("later.title"), open=False, elem_classes="advanced", elem_id=f"later-{kind}") as fold:
        at = gr.Textbox("", label=say("later.at"), info=say("later.at_help"), max_lines=1, elem_classes="field", elem_id=f"at-{kind}")
        after = gr.Dropdown([(say("later.no_job"), "")], value="", label=say("later.after"), info=say("later.after_help"),
                            elem_classes="field", elem_id=f"after-{kind}")
        note = gr.HTML("", elem_id=f"later-note-{kind}")
    later = Later(at, after)
    pulse.data.change(shows(window, _jobs, 1), after, after, **QUICK)
    gr.on([fold.expand, at.change, after.change, pulse.data.change], shows(window, _note, 1), later.fields, note,
          trigger_mode="always_last", **QUICK)
    return later


def emptied(event: Any, later: Later) -> None:
    """After the event the next start is one at once again."""
    event.success(lambda: ("", ""), None, later.fields, **QUICK)


def when(at: str | None, after: str | None) -> dict[str, str | None]:
    """The arguments of `submit_job`. Raises SettingError for what is no time to come."""
    return {"not_before": start_time(at) if (at or "").strip() else None, "after": after or None}


def later_flags(at: str | None, after: str | None) -> str:
    """The same for a command, with a blank before it."""
    flags = [*(["--after", after] if after else []), *(["--at", at.strip()] if at and at.strip() else [])]
    return "".join(f" {shlex.quote(one)}" for one in flags)


def job_label(job: Job, project: Project) -> str:
    elsewhere = "" if job.project == project.name else f", {job.project}"
    return f"{kind_of(job)}, {word('state', job.state)}{elsewhere} ({job.id})"


def _jobs(window: Window, project: Project, chosen: str | None) -> Any:
    """What waits or runs, in the order of the queue, and what is chosen already, even if it has ended meanwhile."""
    jobs = sorted(list_jobs(window.projects, states=("running", "queued"), limit=200), key=lambda job: (job.waiting, job.position))
    jobs += [job for job in find_jobs(window.projects, chosen) if job.ended]
    return gr.update(choices=[(say("later.no_job"), ""), *((job_label(job, project), job.id) for job in jobs)])


def _note(window: Window, project: Project, at: str | None, after: str | None) -> str:
    """When it will start, and by which clock."""
    now = datetime.now().astimezone()
    try:
        said = [_starts(start_time(at, now), now)] if at and at.strip() else [say("later.clock", now=clock(now))]
    except SettingError as problem:
        return f'<p class="warning">{html.escape(problem.sentence)} {html.escape(problem.advice)} {html.escape(say("later.clock", now=clock(now)))}</p>'
    said += [say("later.not_before", job=job_label(job, project)) for job in find_jobs(window.projects, after)]
    return f'<p class="soft note">{html.escape(" ".join(said))}</p>'


def _starts(moment: str, now: datetime) -> str:
    left = (datetime.fromisoformat(moment) - now).total_seconds()
    day, time = day_and_time(moment, now)
    return say("later.starts", day=word("day", day), time=time, left=duration(left), now=clock(now))
