"""The models of one phase as a table: parent, time, figures, size, and Delete, which asks once more.

In: the rows of `model_rows` and the name of the model whose deletion was asked for. Out: HTML.
"""

from __future__ import annotations

import html
from collections.abc import Sequence

from phases.shared.models.overview import ModelRow
from phases.shared.ui.figures import moment, number, size
from phases.shared.ui.tables import Column, button, table, text
from phases.shared.ui.texts import say, word


def models_html(phase: str, rows: Sequence[ModelRow], asked: str = "") -> str:
    """`asked` is the model that is deleted on the next click; "" when none is."""
    columns = (Column(say("models.name"), lambda one: f"<b>{text(one.name)}</b>", "short"),
               Column(say("models.from"), lambda one: text(word("model", one.made_from)), "short"),
               Column(say("models.made"), lambda one: moment(one.created), "short"),
               Column(say("models.figures"), lambda one: _question(one) if one.name == asked else _figures(one), "long"), Column(say("models.size"), lambda one: size(one.bytes), "num"),
               Column("", lambda one: _delete(one, asked), "num"))
    title = say(f"models.title_{phase}")
    return f"<h3>{html.escape(title)}</h3>" + table(columns, rows, empty=say("models.empty"), label=title)


def _figures(row: ModelRow) -> str:
    had = row.figures
    parts = [say(f"result.{label}", before=number(had.get(f"{name}_before"), 1), after=number(had[f"{name}_after"], 1))
             for name, label in (("perplexity", "perplexity"), ("general", "general")) if f"{name}_after" in had]
    if "validation_loss" in had:
        parts.append(say("models.validation_loss", loss=number(had["validation_loss"])))
    return text(", ".join(parts) or "–")


def _question(row: ModelRow) -> str:
    made = f" {say('models.children', names=', '.join(row.children))}" if row.children else ""
    return text(say("models.sure", name=row.name) + made)


def _delete(row: ModelRow, asked: str) -> str:
    if row.name != asked:
        return button("delete", say("models.delete"), model=row.name)
    return button("delete-now", say("models.delete_now"), model=row.name) + " " + button("keep", say("models.keep"), model=row.name)
