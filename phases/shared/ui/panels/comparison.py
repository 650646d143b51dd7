"""Runs over each other: points of one plot, and a table of only what differs."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

from phases.shared.jobs.queue import Job
from phases.shared.options import Option, options_of
from phases.shared.ui.figures import duration, moment
from phases.shared.ui.tables import Column, empty_state, table, text
from phases.shared.ui.texts import TEXTS, say, word


def run_name(job: Job) -> str:
    """A run in a legend: when it began, and the end of its id, which tells two of one minute apart."""
    return f"{moment(job.started or job.created)} ({job.id[-4:]})"


def comparison_html(jobs: Sequence[Job], compared: Mapping[str, Any], config: type) -> str:
    """The table, a column a run; settings have the names that the form has for them."""
    fields = {one.name: one for one in options_of(config)}
    head = f"<h3>{html.escape(say('compare.title'))}</h3>"
    rows = [*compared["settings"].items(), *((name, values) for name, values in compared["results"].items() if _told_by_two(values))]
    if not rows:
        return head + empty_state(say("compare.same"))
    columns = [Column("", lambda row: f"<b>{text(fields[row[0]].label if row[0] in fields else _label(row[0]))}</b>", "title")]
    columns += [Column(run_name(job), lambda row, at=at: text(_value(row[0], row[1][at], fields.get(row[0]))), "num") for at, job in enumerate(jobs)]
    return head + table(columns, rows, label=say("compare.title"))


def _label(name: str) -> str:
    key = f"compare.{name}"
    return TEXTS.get(key) or name.replace("_", " ").capitalize()


def _told_by_two(values: Sequence[Any]) -> bool:
    """Whether two runs say different things; a run that has not ended says nothing yet, and that is no difference."""
    told = [value for value in values if value is not None and value != ""]
    return any(value != told[0] for value in told)


def _value(name: str, value: Any, field: Option | None) -> str:
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return say("compare.yes") if value else say("compare.no")
    if name == "seconds":
        return duration(value)
    if field is not None and field.choices:
        return word(f"choice.{field.name}", str(value))
    return f"{value:.4g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)
