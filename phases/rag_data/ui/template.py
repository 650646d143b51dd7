"""Tab 1: the template for records with a live preview, and the preview of any file before it is added.

    python app.py preview NAME FILE [--template "..."]        the same as a command
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from phases.rag_data.collect import is_zip
from phases.rag_data.preview import SHOWN, Preview, first_records, live_preview, preview_file
from phases.shared.errors import LehrlingError
from phases.shared.models.tokenizer import token_counter
from phases.shared.project import Project
from phases.shared.ui.forms import Form, edited
from phases.shared.ui.tables import text
from phases.shared.ui.texts import many, say
from phases.shared.ui.window import QUICK, SLOW_BUTTON, Window, acts, shows

LONGEST_SHOWN = 1500
MOST_FILES = 3
# A column's button writes its name where the cursor stands in the template.
INSERT = """
element.addEventListener('click', (event) => {
  const button = event.target.closest('[data-column]');
  const field = document.querySelector('#template textarea');
  if (!button || !field) return;
  field.setRangeText(`{${button.dataset.column}}`, field.selectionStart, field.selectionEnd, 'end');
  field.dispatchEvent(new Event('input', {bubbles: true}));
  field.focus();
});
"""


def build_template(window: Window, form: Form, files: gr.File, place: gr.Column) -> None:
    """Draw the template in `place`, where it is shown as soon as a file of records is among the files."""
    field = form.fields["template"]
    field.unrender()
    field.elem_id, field.lines, field.max_lines = "template", 3, 12
    with place:
        field.render()
        columns = gr.HTML("", js_on_load=INSERT, elem_id="template-columns")
        with gr.Row(elem_classes="tight"):
            ready = gr.Dropdown([], value=None, label=say("template.ready"), elem_id="template-ready", elem_classes="field")
            of = gr.Dropdown([], value=None, label=say("template.of"), visible=False, elem_classes="field")
        shown = gr.HTML("", elem_id="template-preview")
    parts = [place, of, ready, columns, shown]
    files.change(shows(window, _files, len(parts)), [files, field], parts, **QUICK)
    edited(field)(shows(window, _live, 1), [files, of, field], shown, trigger_mode="always_last", **QUICK)
    of.input(shows(window, _other, 3), [files, of, field], [ready, columns, shown], trigger_mode="always_last", **QUICK)
    ready.input(lambda chosen: chosen or gr.skip(), ready, field, **QUICK)


def build_preview(window: Window, form: Form, files: gr.File, button: gr.Button) -> None:
    """What the button shows: how the files would be stored. It goes away with the files."""
    shown = gr.HTML("", elem_id="file-preview")
    button.click(acts(window, _preview(form)), [files, *form.components], shown, **SLOW_BUTTON)
    files.change(lambda given: (gr.update(interactive=bool(given)), ""), files, [button, shown], **QUICK)


def _files(window: Window, project: Project, files: list[str] | None, template: str) -> tuple[Any, ...]:
    """The template's part for these files; hidden when none is one of records, or may hold some."""
    names = [Path(one).name for one in files or []]
    place = first_records(names)
    if place is None:
        packed = any(map(is_zip, names))
        told = f"<p class='soft'>{html.escape(say('template.packed'))}</p>" if packed else ""
        return gr.update(visible=packed), gr.update(value=None, visible=False), gr.update(choices=[]), "", told
    several = [(name, number) for number, name in enumerate(names) if first_records([name]) is not None]
    return (gr.update(visible=True), gr.update(choices=several, value=place, visible=len(several) > 1),
            *_parts(*live_preview(Path(files[place]), template)))


def _other(window: Window, project: Project, files: list[str] | None, place: int | None, template: str) -> tuple[Any, ...]:
    """Ready templates, columns and first records of another one of the files."""
    if not files or place is None or place >= len(files):
        return gr.skip(), "", ""
    return _parts(*live_preview(Path(files[place]), template))


def _parts(preview: Preview, wrong: str) -> tuple[Any, str, str]:
    buttons = "".join(f'<button type="button" class="small" data-column="{text(name)}">{text(name, 60)}</button>' for name in preview.columns)
    return (gr.update(choices=[(one.label, one.text) for one in preview.offers], value=None),
            f"<p class='soft'>{html.escape(say('template.columns'))}</p>{buttons}" if buttons else "", records_html(preview, wrong))


def _live(window: Window, project: Project, files: list[str] | None, place: int | None, template: str) -> str:
    if not files or place is None or place >= len(files):
        return ""
    return records_html(*live_preview(Path(files[place]), template))


def records_html(preview: Preview, wrong: str) -> str:
    """The first records as they will read, or what is wrong in words."""
    if wrong:
        return f"<p class='warning' role='alert'>{text(wrong)}</p>"
    if not preview.records:
        told = say("template.sheets" if preview.columns else "template.no_columns", file=preview.source)
        return f"<p class='soft'>{html.escape(told)}</p>"
    known = preview.total is not None
    title = say("template.shown_of", file=preview.source, records=many("record", preview.total)) if known else say("template.shown", file=preview.source)
    head = f"<h4>{html.escape(title)}</h4>"
    return head + "".join(_sample(one or say("template.nothing")) for one in preview.records) + _notes(preview.notes)


def _preview(form: Form) -> Any:
    def show(window: Window, project: Project, files: list[str], *given: Any) -> str:
        config, count = form.resolved(project, given), token_counter(project).count
        shown = [_file_html(config, Path(one), count) for one in files[:MOST_FILES]]
        more = [f"<p class='soft'>{html.escape(say('preview.more', files=many('file', len(files) - MOST_FILES)))}</p>"]
        return "".join(shown + (more if len(files) > MOST_FILES else []))

    return show


def _file_html(config: Any, path: Path, count: Any) -> str:
    try:
        found = preview_file(config, path, path.name, count)
    except LehrlingError as problem:
        return f"<p class='warning'>{text(problem)}</p>"
    if found.columns:  # stand under the template already
        return f"<p class='soft'>{html.escape(say('preview.records', file=found.source))}</p>"
    head = f"<h4>{html.escape(say('preview.chunks', file=found.source, shown=min(SHOWN, len(found.chunks)), chunks=many('chunk', found.total or 0)))}</h4>"
    return head + "".join(_sample(one.content, many("token", one.tokens)) for one in found.chunks) + _notes(found.notes)


def _sample(content: str, about: str = "") -> str:
    label = f"<b>{html.escape(about)}</b>\n" if about else ""
    return f"<p class='near sample'>{label}{text(content, LONGEST_SHOWN)}</p>"


def _notes(notes: Sequence[str]) -> str:
    return "".join(f"<p class='soft'>{text(one)}</p>" for one in notes)
