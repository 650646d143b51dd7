"""A training run as HTML and as points of a plot: its figures, what its curves say, the history of a kind of run."""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from phases.shared.jobs.queue import Job
from phases.shared.options import Option, options_of, resolve
from phases.shared.ui.figures import duration, moment, number, size
from phases.shared.ui.job_words import done_words, result_words, share_done, waits_words
from phases.shared.ui.tables import Column, button, facts_line, table, text
from phases.shared.ui.texts import say, word

SPARK_WIDTH, SPARK_HEIGHT = 72, 18
FEWEST_STEPS = 20
CURVES = (("loss", "run.curve_train"), ("smoothed", "run.curve_smoothed"), ("eval_loss", "run.curve_eval"))


def run_html(job: Job | None, metrics: Mapping[str, Any], advice: Sequence[str] = ()) -> str:
    """The live figures of one run, and what its curves say."""
    said = "".join(f'<p class="warning">{html.escape(one)}</p>' for one in advice)
    return _run(job, metrics) + said


def _run(job: Job | None, metrics: Mapping[str, Any]) -> str:
    if job is None:
        return f'<h3>{html.escape(say("run.title"))}</h3><p class="empty">{html.escape(say("run.none"))}</p>'
    state = f'<span class="state-{job.state}">{html.escape(word("state", job.state))}</span>'
    when = html.escape(say("run.of", when=moment(job.started or job.created)))
    head = f'<h3><span title="{text(job.id)}">{when}</span> {state}</h3>'
    if job.ended:
        return f"{head}{_ended(job, metrics)}"
    if job.state == "queued":
        return f'{head}<p class="soft">{html.escape(say("run.waiting", what=waits_words(job)))}</p>'
    meter = f'<div class="meter" role="progressbar" aria-valuenow="{100 * share_done(job):.0f}"><i style="width:{100 * share_done(job):.1f}%"></i></div>'
    return f"{head}{meter}{facts_line(_live_figures(job, metrics))}"


def _ended(job: Job, metrics: Mapping[str, Any]) -> str:
    style = "" if job.state == "done" else ' class="warning"'
    resume = button("resume", say("run.resume"), job=job.id) if job.resumable and job.state != "done" else ""
    speed = facts_line([(say("run.tokens_per_second"), number(metrics.get("tokens_per_second"), 0) if metrics else "")])
    return f"<p{style}>{html.escape(result_words(job))} {resume}</p>{speed}"


def _live_figures(job: Job, metrics: Mapping[str, Any]) -> list[tuple[str, str]]:
    progress = {**metrics, **(job.progress or {})}
    done = done_words(job) if (job.progress or {}).get("total") else ""
    return [(say("run.progress"), ", ".join(one for one in (word("phase", progress.get("phase") or "starting"), done) if one)),
            (say("run.loss"), _figure(progress, "loss")),
            (say("run.tokens_per_second"), _figure(progress, "tokens_per_second", 0)),
            (say("run.rate"), _figure(progress, "rate") or _figure(progress, "learning_rate")),
            (say("run.gradient"), _figure(progress, "gradient_norm")),
            (say("run.memory"), size(progress.get("memory_bytes"))),
            (say("run.left"), duration(progress.get("eta_seconds")))]


def _figure(values: Mapping[str, Any], name: str, digits: int = 2) -> str:
    return number(values[name], digits) if values.get(name) is not None else ""


def curve_points(points: Sequence[Mapping[str, Any]], *, log_scale: bool) -> dict[str, list[Any]]:
    """The loss as columns (step, loss, curve) for a plot; with `log_scale` its decimal logarithm."""
    rows = [(point["step"], point[name], say(label)) for name, label in CURVES for point in points
            if point.get(name) is not None and (point[name] > 0 or not log_scale)]
    return {"step": [row[0] for row in rows], "loss": [math.log10(row[1]) if log_scale else row[1] for row in rows],
            "curve": [row[2] for row in rows]}


def log_html(log: str) -> str:
    return f'<pre class="log" tabindex="0">{html.escape(log.strip() or say("run.no_log"))}</pre>'


def step_range(points: Sequence[Mapping[str, Any]]) -> list[int] | None:
    """The first steps of a run on an axis wide enough for whole numbers alone; later the plot finds its own."""
    return [0, FEWEST_STEPS] if points and points[-1]["step"] < FEWEST_STEPS else None


def small_plots(points: Sequence[Mapping[str, Any]], metrics: Sequence[Mapping[str, Any]]) -> list[list[tuple[int, float, str]]]:
    """Learning rate, tokens a second, gradient norm, memory in GiB (of the GPU too, where there is one): (step, value, curve) each."""
    def curve(name: str, lines: Sequence[Mapping[str, Any]], title: str = "", scale: float = 1) -> list[tuple[int, float, str]]:
        return [(one["step"], one[name] / scale, title) for one in lines if one.get(name) is not None]

    on_gpu = any("process_bytes" in one for one in metrics)
    memory = curve("memory_bytes", metrics, say("run.memory_gpu" if on_gpu else "run.memory_process"), 2**30)
    return [curve("rate", points), curve("tokens_per_second", metrics), curve("gradient_norm", metrics),
            memory + curve("process_bytes", metrics, say("run.memory_process"), 2**30)]


def sparkline(losses: Sequence[float]) -> str:
    """A loss curve the height of a line of text; nothing for fewer than two points."""
    if len(losses) < 2:
        return ""
    low, high = min(losses), max(losses)
    places = [(SPARK_WIDTH * at / (len(losses) - 1), 1 + (SPARK_HEIGHT - 2) * (high - loss) / ((high - low) or 1)) for at, loss in enumerate(losses)]
    line = " ".join(f"{across:.1f},{down:.1f}" for across, down in places)
    return (f'<svg class="spark" width="{SPARK_WIDTH}" height="{SPARK_HEIGHT}" role="img" aria-label="{html.escape(say("history.curve"))}">'
            f'<polyline points="{line}"/></svg>')


def history_table(jobs: Sequence[Job], config: type, chosen: str, compared: Sequence[str] = (),
                  curves: Mapping[str, Sequence[float]] | None = None) -> str:
    """All runs of a kind, the newest first, with what they reached; one can be picked, several compared, a stopped one resumed."""
    lines = curves or {}
    columns = (
        Column(say("history.compare"), lambda job: _tick(job, job.id in compared), "short"),
        Column(say("history.when"), lambda job: moment(job.started or job.created), "short"),
        Column(say("history.state"), _state, "short"),
        Column(say("history.settings"), lambda job: text(_changed(job, config), 120), "long"),
        Column(say("history.curve"), lambda job: sparkline(lines.get(job.id, ())), "short"),
        Column(say("history.steps"), lambda job: number(_result(job, "steps"), 0), "num"),
        Column(say("history.loss"), lambda job: number(_result(job, "train_loss")), "num"),
        Column(*_quality(jobs), "num"),
        Column(say("history.time"), lambda job: duration(seconds_of(job)), "num"))
    head = f"<h3>{html.escape(say('history.title'))}</h3>"
    return head + table(columns, jobs, key=lambda job: job.id, chosen=chosen, empty=say("history.empty"), label=say("history.title"))


def _state(job: Job) -> str:
    resume = f'<br>{button("resume", say("run.resume"), job=job.id)}' if job.resumable and job.ended else ""
    return f'<span class="state-{job.state}">{html.escape(word("state", job.state))}</span>{resume}'


def _tick(job: Job, ticked: bool) -> str:
    name = html.escape(say("history.compare_run", when=moment(job.started or job.created)))
    return (f'<button type="button" class="tick" role="checkbox" aria-checked="{str(ticked).lower()}" aria-label="{name}" title="{name}" '
            f'data-act="compare" data-job="{html.escape(job.id)}">{"✓" if ticked else ""}</button>')


def seconds_of(job: Job) -> float | None:
    if not job.started or not job.ended:
        return None
    return (datetime.fromisoformat(job.ended) - datetime.fromisoformat(job.started)).total_seconds()


def _changed(job: Job, config: type) -> str:
    known = {key: value for key, value in job.config.items() if key in config.__dataclass_fields__}
    chosen = {name: known[name] for name in ("preset", "method") if name in known}
    usual, values = resolve(config, chosen), config(**known)
    changed = [one for one in options_of(config) if getattr(values, one.name) != (one.default if one.name in chosen else getattr(usual, one.name))]
    return ", ".join(_setting(one, getattr(values, one.name)) for one in changed) or say("history.defaults")


def _setting(field: Option, value: Any) -> str:
    """A setting as the form calls it: "Epochs 10", "Method QLoRA (4 bits)", "Packing on"."""
    if isinstance(value, bool):
        shown = say("compare.yes" if value else "compare.no")
    elif isinstance(value, float):
        shown = f"{value:g}"
    else:
        shown = word(f"choice.{field.name}", str(value)) if field.choices else str(value)
    return f"{field.label} {shown}"


def _result(job: Job, name: str) -> Any:
    return (job.result or {}).get(name)


def _quality(jobs: Sequence[Job]) -> tuple[str, Callable[[Job], str]]:
    """What is measured on held-out data: the loss on pairs in SFT, else the perplexity before and after."""
    if jobs and jobs[0].kind == "sft":
        return say("history.held_out"), lambda job: number(_result(job, "validation_loss"))
    return say("history.perplexity"), _perplexity


def _perplexity(job: Job) -> str:
    after = _result(job, "perplexity_after")
    return f"{number(_result(job, 'perplexity_before'), 1)} → {number(after, 1)}" if after is not None else "–"
