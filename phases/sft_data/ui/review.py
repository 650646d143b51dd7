"""The review of tab 3: filters, the table of pairs, one pair beside its source chunk, and the data set's export.

In: the window and its pulse. Out: the right half of the tab. Each handler calls one function of phases/sft_data/view.py.
"""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import Any

import gradio as gr

from phases.sft_data import view
from phases.sft_data.styles import STYLES
from phases.shared.database.pairs import PairFilter
from phases.shared.project import Project
from phases.shared.ui.downloads import download_link
from phases.shared.ui.forms import filter_choices
from phases.shared.ui.panels.pairs import dataset_line, pair_heading, pairs_table, review_heading, source_html
from phases.shared.ui.tables import event_html
from phases.shared.ui.texts import say, word
from phases.shared.ui.window import BUTTON, QUICK, Pulse, Window, acts, in_view, picks, shows

DATASET = "sft_data"
FOCUS_ANSWER = "() => document.querySelector('#pair-answer textarea').focus()"
ANY = ""


@dataclass(frozen=True)
class Filters:
    """The review's filters, its page, and the pair that is open (0 for none)."""

    state: gr.Dropdown
    style: gr.Dropdown
    source: gr.Dropdown
    stale: gr.Checkbox
    page: gr.State
    chosen: gr.State

    @property
    def inputs(self) -> list[Any]:
        return [self.state, self.style, self.source, self.stale, self.page, self.chosen]


def build_review(window: Window, pulse: Pulse) -> None:
    with gr.Column(elem_classes="card"):
        with gr.Row(elem_classes="tight"):
            heading = gr.HTML(f"<h3>{html.escape(say('pairs.review'))}</h3>", elem_classes="grow")
            undo = gr.Button(say("rag.undo"), size="sm", interactive=False)
        with gr.Row(elem_classes="tight filters"):
            filters = _build_filters()
        rows = event_html(elem_id="pairs")
    parts = _build_pair(window, filters, rows)
    with gr.Column(elem_classes="card"):
        counts = gr.HTML("", elem_id="dataset")
        with gr.Row(elem_classes="buttons"):
            export = gr.Button(say("pairs.export"), elem_id="export-data")
        link = gr.HTML("", elem_id="dataset-link")
    changed = pulse.data.change(shows(window, _overview, 4), filters.source, [heading, counts, undo, filters.source], **QUICK)
    changed.then(shows(window, _rows, 1), filters.inputs, rows, **QUICK)  # with the source as it is by now
    for field in (filters.state, filters.style, filters.source, filters.stale):
        field.input(shows(window, _first_page, 2), filters.inputs, [filters.page, rows], **QUICK)
    rows.turn(picks(window, _turned), filters.inputs, [filters.page, rows], **BUTTON)
    rows.pick(picks(window, _picked), None, parts, **BUTTON).success(
        shows(window, _rows, 1), filters.inputs, rows, js=in_view("pair-editor"), **QUICK)
    undo.click(acts(window, _undo), None, None, **BUTTON)
    export.click(acts(window, _export), None, link, **BUTTON)


def _build_filters() -> Filters:
    states = [(say("pairs.every"), ANY), *((say(f"pairs.state_{one}"), one) for one in ("open", "accepted", "rejected"))]
    styles = [(say("pairs.every"), ANY), *((word("style", name), name) for name in STYLES)]
    state = gr.Dropdown(states, value=ANY, label=say("pairs.state"), elem_classes="field", elem_id="filter-state")
    style = gr.Dropdown(styles, value=ANY, label=say("pairs.style"), elem_classes="field")
    source = gr.Dropdown([(say("rag.every_source"), ANY)], value=ANY, label=say("rag.source"), elem_classes="field")
    stale = gr.Checkbox(label=say("pairs.only_stale"), elem_classes="field", container=False)
    return Filters(state, style, source, stale, gr.State(1), gr.State(0))


def _build_pair(window: Window, filters: Filters, rows: gr.HTML) -> list[Any]:
    with gr.Column(elem_classes="card", visible=False, elem_id="pair-editor") as editor:
        heading = gr.HTML("")
        with gr.Row(elem_classes="columns"):
            with gr.Column(elem_classes="wide"):
                question = gr.Textbox(label=say("pairs.question"), lines=2, max_lines=8, elem_classes="field", elem_id="pair-question")
                answer = gr.Textbox(label=say("pairs.answer"), lines=3, max_lines=16, elem_classes="field", elem_id="pair-answer")
                with gr.Row(elem_classes="buttons"):
                    accept = gr.Button(say("pairs.accept"), variant="primary", elem_id="review-accept")
                    edit = gr.Button(say("pairs.edit"), elem_id="review-edit")
                    reject = gr.Button(say("pairs.reject"), variant="stop", elem_id="review-reject")
                    save = gr.Button(say("pairs.save"), elem_id="review-save")
                gr.HTML(f'<p class="soft">{html.escape(say("pairs.keys"))}</p>')
            with gr.Column(elem_classes="wide"):
                source = gr.HTML("", elem_id="pair-source")
    parts = [filters.chosen, editor, heading, question, answer, source]
    for button, state in ((accept, "accepted"), (reject, "rejected")):
        button.click(acts(window, _judge(state)), filters.inputs, parts, **BUTTON).success(
            shows(window, _rows, 1), filters.inputs, rows, **QUICK)
    save.click(acts(window, _save), [filters.chosen, question, answer], parts, **BUTTON)
    edit.click(None, None, None, js=FOCUS_ANSWER, api_visibility="private")
    return parts


def _filter(state: str, style: str, source: str, stale: bool) -> PairFilter:
    return PairFilter(state or None, style or None, source or None, True if stale else None)


def _overview(window: Window, project: Project, source: str) -> tuple[Any, ...]:
    now, action = view.summary(project), view.undo_offer(project)
    sources = filter_choices(say("rag.every_source"), [(one, one) for one in view.sources(project)], source)
    undo = gr.update(interactive=action is not None, value=f"{say('rag.undo')}: {action}" if action else say("rag.undo"))
    return review_heading(now), dataset_line(DATASET, now), undo, sources


def _rows(window: Window, project: Project, state: str, style: str, source: str, stale: bool, page: int, chosen: int) -> str:
    rows, total = view.pair_lines(project, _filter(state, style, source, stale), page)
    return pairs_table(rows, total, page, chosen, filtered=bool(state or style or source or stale))


def _first_page(window: Window, project: Project, *given: Any) -> tuple[int, str]:
    return 1, _rows(window, project, *given[:4], 1, given[5])


def _turned(window: Window, project: Project, event: dict, *given: Any) -> tuple[int, str]:
    page = int(event["page"])
    return page, _rows(window, project, *given[:4], page, given[5])


def _picked(window: Window, project: Project, event: dict) -> tuple[Any, ...]:
    return _pair(project, int(event["id"]))


def _pair(project: Project, pair_id: int) -> tuple[Any, ...]:
    if not pair_id:
        return 0, gr.update(visible=False), "", "", "", ""
    shown = view.pair_beside_source(project, pair_id)
    return (pair_id, gr.update(visible=True), pair_heading(shown.pair), shown.pair.instruction, shown.pair.output,
            source_html(shown.chunk, shown.evidence))


def _judge(state: str) -> Any:
    def judge(window: Window, project: Project, *given: Any) -> tuple[Any, ...]:
        chosen = given[5]
        view.judge(project, chosen, state)
        return _pair(project, view.next_pair(project, _filter(*given[:4]), chosen))

    return judge


def _save(window: Window, project: Project, pair_id: int, question: str, answer: str) -> tuple[Any, ...]:
    view.save_pair(project, pair_id, question, answer)
    gr.Info(say("pairs.saved", id=pair_id))
    return _pair(project, pair_id)


def _undo(window: Window, project: Project) -> None:
    action = view.undo(project)
    gr.Info(html.escape(say("rag.undone", action=action) if action else say("rag.nothing_to_undo")))


def _export(window: Window, project: Project) -> str:
    path = view.export(project, DATASET)
    return download_link(window.root_path, project, f"data/{path.name}", say("pairs.download", name=path.name))
