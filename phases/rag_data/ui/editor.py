"""Tab 1: one chunk between its neighbours, to correct, exclude, split, merge and delete.

    python app.py edit-chunk, exclude, include, split-chunk, merge-chunks, delete-chunk        the same as commands
"""

from __future__ import annotations

from typing import Any

import gradio as gr

from phases.rag_data import view
from phases.shared.project import Project
from phases.shared.ui.panels.knowledge import chunk_heading, near
from phases.shared.ui.texts import say
from phases.shared.ui.window import BUTTON, Window, acts

AT_CURSOR = "(id, text, place) => [id, text, window.lehrling.cursor('chunk-text')]"


def build_editor(window: Window, chosen: gr.State) -> list[Any]:
    """The editor, hidden until `editor_values` fill what is returned: the chosen chunk's id and the editor's parts."""
    with gr.Column(elem_classes="card", visible=False, elem_id="chunk-editor") as editor:
        heading = gr.HTML("")
        before = gr.HTML("")
        content = gr.Textbox(label=say("rag.text"), lines=6, max_lines=14, elem_id="chunk-text", elem_classes="field")
        after = gr.HTML("")
        with gr.Row(elem_classes="buttons"):
            save = gr.Button(say("rag.save"), variant="primary", elem_id="chunk-save")
            toggle = gr.Button(say("rag.exclude"), elem_id="chunk-toggle")
            split = gr.Button(say("rag.split"), elem_id="chunk-split")
            merge = gr.Button(say("rag.merge"), elem_id="chunk-merge")
            delete = gr.Button(say("rag.delete"), variant="stop", elem_id="chunk-delete")
        cursor = gr.Number(visible="hidden", precision=0)
    parts = [chosen, editor, heading, before, content, after, toggle, merge]
    save.click(acts(window, _save), [chosen, content], parts, **BUTTON)
    toggle.click(acts(window, _toggle), chosen, parts, **BUTTON)
    split.click(acts(window, _split), [chosen, content, cursor], parts, js=AT_CURSOR, **BUTTON)
    merge.click(acts(window, _merge), [chosen, content], parts, **BUTTON)
    delete.click(acts(window, _delete), chosen, parts, **BUTTON)
    return parts


def editor_values(project: Project, chunk_id: int) -> tuple[Any, ...]:
    """What the editor's parts show of a chunk."""
    shown = view.chunk_in_context(project, chunk_id)
    toggle = say("rag.include") if shown.chunk.state == "excluded" else say("rag.exclude")
    return (chunk_id, gr.update(visible=True), chunk_heading(shown.chunk), near(shown.before, say("rag.before"), end=True),
            shown.chunk.content, near(shown.after, say("rag.after")), gr.update(value=toggle),
            gr.update(interactive=shown.after is not None))


def _save(window: Window, project: Project, chunk_id: int, content: str) -> tuple[Any, ...]:
    view.save_chunk(project, chunk_id, content)
    gr.Info(say("rag.saved", id=chunk_id))
    return editor_values(project, chunk_id)


def _toggle(window: Window, project: Project, chunk_id: int) -> tuple[Any, ...]:
    state = view.toggle_chunk(project, chunk_id).state
    gr.Info(say("rag.included_done" if state == "active" else "rag.excluded_done", id=chunk_id))
    return editor_values(project, chunk_id)


def _split(window: Window, project: Project, chunk_id: int, content: str, cursor: int) -> tuple[Any, ...]:
    first, second = view.split_chunk_at(project, chunk_id, int(cursor or 0), content)
    gr.Info(say("rag.split_done", first=first.id, second=second.id))
    return editor_values(project, chunk_id)


def _merge(window: Window, project: Project, chunk_id: int, content: str) -> tuple[Any, ...]:
    view.merge_chunk_with_next(project, chunk_id, content)
    gr.Info(say("rag.merged", id=chunk_id))
    return editor_values(project, chunk_id)


def _delete(window: Window, project: Project, chunk_id: int) -> tuple[Any, ...]:
    view.drop_chunk(project, chunk_id)
    gr.Info(say("rag.deleted", id=chunk_id))
    return 0, gr.update(visible=False), "", "", "", "", gr.skip(), gr.skip()
