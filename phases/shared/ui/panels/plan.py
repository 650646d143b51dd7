"""The plan of a training as HTML: its figures, what speaks against it, what is missing, and where minutes and memory come from."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

from phases.shared.ui.figures import duration, percent, size
from phases.shared.ui.tables import facts_line
from phases.shared.ui.texts import say, word


def plan_html(title: str, figures: Sequence[tuple[str, str]], warnings: Sequence[str], missing: Sequence[str],
              notes: Sequence[str] = ()) -> str:
    """What a run would do, what speaks against it, and what is still missing."""
    warned = "".join(f'<p class="warning">{html.escape(one)}</p>' for one in warnings)
    noted = "".join(f'<p class="soft note">{html.escape(one)}</p>' for one in notes)
    lacks = "".join(f"<li>{html.escape(one)}</li>" for one in missing)
    needs = f'<p>{html.escape(say("missing.title"))}</p><ul class="missing">{lacks}</ul>' if missing else ""
    return f"<h3>{html.escape(title)}</h3>{facts_line(figures)}{warned}{noted}{needs}"


def plan_figures(plan: Any) -> list[tuple[str, str]]:
    """The plan's figures by name, as far as they are known."""
    rows = f"{plan.texts:,}" if plan.sequences == plan.texts else say("plan.in_rows", texts=f"{plan.texts:,}", rows=f"{plan.sequences:,}")
    about = "" if plan.exact else "≈ "
    download = f"{plan.download}, {size(plan.download_bytes)}" if plan.download_bytes else plan.download
    return [(say("plan.texts"), rows), (say("plan.tokens"), f"{about}{plan.tokens:,} × {plan.exposures:g}"), (say("plan.steps"), f"{about}{plan.steps:,}"),
            (say("plan.time"), _time(plan)), (say("plan.memory"), _memory(plan)), (say("plan.disk"), size(plan.disk_bytes)),
            (say("plan.download"), download), (say("plan.trained"), _trained(plan))]


def plan_notes(plan: Any, measuring: bool) -> list[str]:
    """What is good to know beside the figures."""
    notes = list(plan.notes)
    if not plan.exact:
        notes.append(say("plan.estimated", model=plan.counted_with))
    if measuring:
        notes.append(say("plan.measuring"))
    elif plan.seconds is None and plan.ready:
        notes.append(say("plan.measure_hint"))
    return notes


def _time(plan: Any) -> str:
    if plan.seconds is None:
        return say("plan.not_measured")
    return f"{duration(plan.seconds)} ({word('plan.from', plan.seconds_from)})"


def _memory(plan: Any) -> str:
    return f"{size(plan.memory_bytes)} ({word('plan.from', plan.memory_from)})" if plan.memory_bytes else ""


def _trained(plan: Any) -> str:
    if plan.trained_parameters is None:
        return ""
    share = plan.trained_share
    return f"{parameters(plan.trained_parameters)} ({percent(share, 1 if share < 0.1 else 0)})"


def parameters(count: int) -> str:
    """A number of weights as models are called by: 928K, 5.7M, 1.2B."""
    for limit, unit in ((1e9, "B"), (1e6, "M"), (1e3, "K")):
        if count >= limit:
            return f"{count / limit:.1f}{unit}" if count < 100 * limit else f"{count / limit:.0f}{unit}"
    return str(count)
