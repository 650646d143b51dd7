"""The evaluation as HTML: the knowledge table, bars with their intervals, questions with every model's answer."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

from phases.shared.ui.figures import moment, number, percent
from phases.shared.ui.tables import Column, empty_state, table, text
from phases.shared.ui.texts import say, word

FIGURES = (("closed_book", "evaluation.closed_book"), ("unasked", "evaluation.unasked"))


def evaluation_html(result: Mapping[str, Any] | None) -> str:
    """Everything about the newest evaluation; what to do when there is none."""
    if result is None:
        return f"<h3>{html.escape(say('evaluation.title'))}</h3>" + empty_state(say("evaluation.empty"))
    when = f'<span class="soft plain">{html.escape(moment(result.get("ended")))}</span>'
    head = f"<h3>{html.escape(say('evaluation.title'))} {when}</h3>"
    return head + knowledge_table(result["table"]) + bars(result["table"]) + examples_table(result.get("examples") or [], result["table"])


def knowledge_table(rows: Sequence[Mapping[str, Any]]) -> str:
    columns = (
        Column(say("evaluation.model"), lambda row: f"<b>{text(word('model', row['model']))}</b>"),
        *(Column(say(label), lambda row, name=name: _with_interval(row, name), "num") for name, label in FIGURES),
        Column(say("evaluation.perplexity"), lambda row: number(row.get("perplexity"), 1), "num"),
        Column(say("evaluation.general"), lambda row: number(row.get("general_perplexity"), 1), "num"),
        Column(say("evaluation.stop_rate"), lambda row: percent(row.get("stop_rate")), "num"))
    note = f'<p class="soft">{html.escape(say("evaluation.note"))}</p>'
    return table(columns, rows, label=say("evaluation.title")) + note


def bars(rows: Sequence[Mapping[str, Any]]) -> str:
    """Accuracy as bars from 0 to 100 %; the dark line over a bar is its 95 % interval."""
    parts = []
    for name, label in FIGURES:
        shown = [row for row in rows if row.get(f"{name}_accuracy") is not None]
        if shown:
            parts.append(f"<h4>{html.escape(say(label))}</h4><div class='bars'>{''.join(_bar(row, name) for row in shown)}</div>")
    return "".join(parts)


def examples_table(examples: Sequence[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]]) -> str:
    """Some held-out questions, the right answer, and what each model said."""
    models = [row["model"] for row in rows]
    columns = (Column(say("evaluation.question"), lambda one: text(one["question"]), "long"),
               Column(say("evaluation.answer"), lambda one: f"<b>{text(one['answer'])}</b>", "words"),
               *(Column(word("model", model), lambda one, model=model: _said(one, model), "words") for model in models))
    return f"<h4>{html.escape(say('evaluation.examples'))}</h4>{table(columns, examples)}" if examples else ""


def _said(example: Mapping[str, Any], model: str) -> str:
    return text(example.get(model, "–"), 160)


def _with_interval(row: Mapping[str, Any], name: str) -> str:
    share, count = row.get(f"{name}_accuracy"), row.get(f"{name}_n")
    if share is None:
        return f'<span class="soft">{html.escape(say("evaluation.not_asked"))}</span>'
    low, high = row.get(f"{name}_interval") or (share, share)
    span = say("evaluation.interval", low=f"{100 * low:.0f}", high=percent(high), n=count)
    return f'<b>{percent(share, 1)}</b><br><span class="soft">{html.escape(span)}</span>'


def _bar(row: Mapping[str, Any], name: str) -> str:
    share = row[f"{name}_accuracy"]
    low, high = row.get(f"{name}_interval") or (share, share)
    line = f'<b style="left:{100 * low:.1f}%;width:{100 * (high - low):.1f}%"></b>'
    return (f"<span>{text(word('model', row['model']))}</span>"
            f'<div class="bar" role="img" aria-label="{percent(share)}"><i style="width:{100 * share:.1f}%"></i>{line}</div>'
            f"<span>{percent(share)}</span>")
