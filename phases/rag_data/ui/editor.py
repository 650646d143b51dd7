"""Tab 1: one chunk between its neighbours, to correct, exclude, split, merge and delete.

Nothing typed is lost: what changes meanwhile, by Undo, another page or an import, is shown at once where nothing was typed, and named
where something was.

    python app.py edit-chunk, exclude, include, split-chunk, merge-chunks, delete-chunk        the same as commands
"""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import Any

import gradio as gr

from phases.rag_data import view
from phases.shared.database.chunks import hash_of
from phases.shared.errors import StorageError
from phases.shared.project import Project
from phases.shared.ui.panels.knowledge import chunk_heading, near
from phases.shared.ui.texts import say
from phases.shared.ui.window import BUTTON, Window, acts

AT_CURSOR = "(id, text, place) => [id, text, window.lehrling.cursor('chunk-text')]"


@dataclass(frozen=True)
class Editor:
    """`state` tells handlers which chunk is open, the hash of its text when it was opened, and what stands in the field now.
    `undo` is the same as the button above the table, which may be out of sight.
    """

    state: list[Any]
    parts: list[Any]
    undo: gr.Button


def build_editor(window: Window, chosen: gr.State) -> Editor:
    """The editor, hidden until `opened` fills its parts."""
    seen, cursor = gr.State(""), gr.Number(visible="hidden", precision=0)  # in the column it would be seen once that opens a second time
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
            undo = gr.Button(say("rag.undo"), interactive=False, elem_id="editor-undo")
            discard = gr.Button(say("rag.discard"), elem_id="chunk-discard")
    state = [chosen, seen, content]
    parts = [chosen, seen, editor, heading, before, content, after, toggle, merge]
    save.click(acts(window, _save), state, parts, **BUTTON)
    toggle.click(acts(window, _toggle), state, parts, **BUTTON)
    split.click(acts(window, _split), [chosen, content, cursor], parts, js=AT_CURSOR, **BUTTON)
    merge.click(acts(window, _merge), [chosen, content], parts, **BUTTON)
    delete.click(acts(window, _delete), chosen, parts, **BUTTON)
    discard.click(acts(window, _discard), chosen, parts, **BUTTON)
    return Editor(state, parts, undo)


def editor_values(window: Window, project: Project, chunk_id: int, *, typed: bool = False, warning: str = "") -> tuple[Any, ...]:
    """What the editor's parts show of a chunk; the field keeps what was `typed`."""
    shown = view.chunk_in_context(project, chunk_id)
    toggle = say("rag.include") if shown.chunk.state == "excluded" else say("rag.exclude")
    seen, content = (gr.skip(), gr.skip()) if typed else (shown.chunk.content_hash, shown.chunk.content)
    return (chunk_id, seen, gr.update(visible=True), chunk_heading(shown.chunk) + _warning(warning),
            near(shown.before, say("rag.before"), end=True), content, near(shown.after, say("rag.after")), gr.update(value=toggle),
            gr.update(interactive=shown.after is not None))


def opened(window: Window, project: Project, event: dict, chosen: int, seen: str, content: str) -> tuple[Any, ...]:
    """Another chunk in the editor, unless something typed would get lost."""
    if _is_typed(chosen, seen, content):
        raise StorageError(say("rag.typed", id=chosen), say("rag.typed_advice"), subject=str(chosen), code="chunk_unsaved")
    return editor_values(window, project, int(event["id"]))


def refreshed(window: Window, project: Project, chosen: int, seen: str, content: str) -> tuple[Any, ...]:
    """The open chunk as it stands now; a closed editor stays closed, and one whose chunk is gone closes unless something was typed."""
    if not chosen:
        return (gr.skip(),) * len(_closed())
    typed = _is_typed(chosen, seen, content)
    try:
        now = view.chunk_in_context(project, chosen).chunk.content_hash
    except StorageError as gone:
        return _closed() if not typed else (*(gr.skip(),) * 3, _warning(f"{gone} {say('rag.typed_gone')}"), *(gr.skip(),) * 5)
    warning = say("rag.changed_elsewhere") if typed and now != seen else ""
    return editor_values(window, project, chosen, typed=typed or now == seen, warning=warning)


def _is_typed(chosen: int, seen: str, content: str) -> bool:
    return bool(chosen and seen) and hash_of(content or "") != seen


def _warning(words: str) -> str:
    return f'<p class="warning" role="alert">{html.escape(words)}</p>' if words else ""


def _closed() -> tuple[Any, ...]:
    return 0, "", gr.update(visible=False), "", "", "", "", gr.skip(), gr.skip()


def _save(window: Window, project: Project, chunk_id: int, seen: str, content: str) -> tuple[Any, ...]:
    view.save_chunk(project, chunk_id, content, seen)
    gr.Info(say("rag.saved", id=chunk_id))
    return editor_values(window, project, chunk_id)


def _toggle(window: Window, project: Project, chunk_id: int, seen: str, content: str) -> tuple[Any, ...]:
    state = view.toggle_chunk(project, chunk_id).state
    gr.Info(say("rag.included_done" if state == "active" else "rag.excluded_done", id=chunk_id))
    return refreshed(window, project, chunk_id, seen, content)


def _discard(window: Window, project: Project, chunk_id: int) -> tuple[Any, ...]:
    return refreshed(window, project, chunk_id, "", "")


def _split(window: Window, project: Project, chunk_id: int, content: str, cursor: int) -> tuple[Any, ...]:
    first, second = view.split_chunk_at(project, chunk_id, int(cursor or 0), content)
    gr.Info(say("rag.split_done", first=first.id, second=second.id))
    return editor_values(window, project, chunk_id)


def _merge(window: Window, project: Project, chunk_id: int, content: str) -> tuple[Any, ...]:
    view.merge_chunk_with_next(project, chunk_id, content)
    gr.Info(say("rag.merged", id=chunk_id))
    return editor_values(window, project, chunk_id)


def _delete(window: Window, project: Project, chunk_id: int) -> tuple[Any, ...]:
    view.drop_chunk(project, chunk_id)
    gr.Info(say("rag.deleted", id=chunk_id))
    return _closed()
