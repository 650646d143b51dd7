"""The base models on offer and those that a search found, as tables whose buttons choose one.

In: the rows of `short_list` and of `search_hub`. Out: HTML.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

from phases.shared.models.catalogue import count_in_words
from phases.shared.models.hub import FoundModel
from phases.shared.models.machine import METHOD_NAMES, Machine
from phases.shared.ui.figures import size
from phases.shared.ui.tables import Column, button, empty_state, table, text
from phases.shared.ui.texts import say, word


def short_list_html(rows: Sequence[Mapping[str, Any]], machine: Machine) -> str:
    """Each model with its size, licence, context and memory for each method; what does not fit here is greyed."""
    methods = [Column(word("base.method", method), _memory(method), "num") for method in METHOD_NAMES]
    columns = (Column(say("base.model"), _name, "name"),
               Column(say("base.size"), lambda one: text(one["size"]), "num"),
               Column(say("base.download"), lambda one: size(one["download_bytes"]), "num"),
               Column(say("base.licence"), _licence, "words"), Column(say("base.context"), lambda one: f"{one['context']:,}", "num"), *methods,
               Column("", lambda one: button("use", say("base.use"), model=one["id"]), "num"))
    here = say("base.machine_gpu", memory=size(machine.memory), gpu=size(machine.gpu_memory)) if machine.gpu_memory else \
        say("base.machine", memory=size(machine.memory))
    return f"<p class='soft'>{html.escape(say('base.note'))} {html.escape(here)}</p>" + table(columns, rows, label=say("base.title"))


def _memory(method: str) -> Any:
    def cell(one: Mapping[str, Any]) -> str:
        shown = size(one["memory"][method])
        return shown if method in one["fits"] else f'<s class="soft" title="{html.escape(say("base.does_not_fit"))}">{shown}</s>'

    return cell


def _licence(one: Mapping[str, Any]) -> str:
    return text(one["licence"]) + (f"<br><small class='soft'>{html.escape(say('base.gated'))}</small>" if one["gated"] else "")


def _name(one: Mapping[str, Any]) -> str:
    template = {True: say("base.template_own"), False: say("base.template_ours"), None: ""}[one["chat_template"]]
    facts = ", ".join(part for part in (say("base.instruct") if one["instruct"] else say("base.plain"), template) if part)
    return f"{text(one['label'])}<br><small class='soft'>{text(one['id'])}<br>{html.escape(facts)}</small>"


def found_html(words: str, found: Sequence[FoundModel]) -> str:
    """What a search found; a model that brings its own code cannot be chosen."""
    columns = (Column(say("base.model"), lambda one: text(one.id), "long"),
               Column(say("base.size"), lambda one: count_in_words(one.parameters) if one.parameters else "–", "num"),
               Column(say("base.licence"), lambda one: text(one.licence) + (f" ({html.escape(say('base.gated'))})" if one.gated else "")),
               Column(say("base.kind"), lambda one: html.escape(say("base.instruct") if one.chat else say("base.plain"))),
               Column(say("base.downloads"), lambda one: f"{one.downloads:,}", "num"),
               Column("", lambda one: html.escape(say("base.own_code")) if one.own_code else button("use", say("base.use"), model=one.id), "num"))
    return table(columns, found, label=say("base.search")) if found else empty_state(say("base.nothing_found", words=words))
