"""Tables as plain HTML: escaped, paged by the database, worked by mouse or keyboard, light in the browser.

In: rows and columns (each cell a function from the row to safe HTML). Out: HTML for a component made by `event_html()`,
whose events are `pick` (a row), `act` (a button in a row) and `turn` (a page), each with the row's id.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from phases.shared.ui.texts import many, say

ROW_EVENTS = """
const tell = (target) => {
  const button = target.closest('[data-act]');
  if (button) { trigger('act', {...button.dataset}); return true; }
  const page = target.closest('[data-turn]');
  if (page) { trigger('turn', {page: page.dataset.turn}); return true; }
  const row = target.closest('[data-row]');
  if (row) { trigger('pick', {id: row.dataset.row}); return true; }
  return false;
};
element.addEventListener('click', (event) => { if (!event.target.closest('a')) tell(event.target); });
element.addEventListener('keydown', (event) => {
  if ((event.key === 'Enter' || event.key === ' ') && event.target.matches('[data-row]') && tell(event.target)) event.preventDefault();
});
"""


@dataclass(frozen=True)
class Column:
    """One column: its heading, the cell's HTML (already escaped), and a class for width and alignment."""

    heading: str
    cell: Callable[[Any], str]
    style: str = ""


def event_html(**settings: Any) -> gr.HTML:
    """An HTML component whose rows, buttons and page links are events."""
    return gr.HTML(js_on_load=ROW_EVENTS, **settings)


def text(value: object, most: int = 0) -> str:
    """Escaped text, cut to `most` characters when given."""
    plain = "" if value is None else str(value)
    if most and len(plain) > most:
        plain = plain[: most - 1].rstrip() + "…"
    return html.escape(plain)


def button(action: str, label: str, *, possible: bool = True, **data: object) -> str:
    """A small button in a row; its data come back in the `act` event, under `act` and the given names. One that is not `possible` is grey."""
    extra = "".join(f' data-{name}="{html.escape(str(value))}"' for name, value in data.items())
    return f'<button type="button" class="small" data-act="{action}"{extra}{"" if possible else " disabled"}>{html.escape(label)}</button>'


def table(columns: Sequence[Column], rows: Sequence[Any], *, key: Callable[[Any], object] | None = None,
          chosen: object = None, empty: str = "", pager: str = "", label: str = "") -> str:
    """The table; with `key` its rows can be picked, with `empty` it says what to do when there are none."""
    if not rows:
        return empty_state(empty) if empty else ""
    head = "".join(f'<th scope="col" class="{one.style}">{html.escape(one.heading)}</th>' for one in columns)
    body = "".join(_row(columns, row, key, chosen) for row in rows)
    name = f' aria-label="{html.escape(label)}"' if label else ""
    return f'<div class="rows"><table{name}><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>{pager}'


def _row(columns: Sequence[Column], row: Any, key: Callable[[Any], object] | None, chosen: object) -> str:
    cells = "".join(f'<td class="{one.style}" data-label="{html.escape(one.heading)}">{one.cell(row)}</td>' for one in columns)
    if key is None:
        return f"<tr>{cells}</tr>"
    own = key(row)
    current = ' aria-current="true"' if own == chosen else ""
    return f'<tr data-row="{html.escape(str(own))}" tabindex="0"{current}>{cells}</tr>'


def file_name(name: str) -> str:
    """A file's name, escaped, that a narrow column breaks behind its separators and nowhere else while there is room."""
    return re.sub(r"([_/\-\s]+)", r"\1<wbr>", html.escape(name))


def page_links(page: int, total: int, per_page: int = 50) -> str:
    """"‹ 2 of 3 ›" below a table, and how many rows there are in all."""
    pages = max(1, -(-total // per_page))
    links = [_page_link("‹", say("table.previous"), page - 1, page > 1),
             f"<span>{html.escape(say('table.page', page=page, pages=pages))}</span>",
             _page_link("›", say("table.next"), page + 1, page < pages)] if pages > 1 else []
    return f'<div class="pages"><span>{many("row", total)}</span><span class="turn">{"".join(links)}</span></div>'


def _page_link(sign: str, label: str, page: int, possible: bool) -> str:
    state = "" if possible else " disabled"
    return f'<button type="button" class="small" data-turn="{page}" aria-label="{html.escape(label)}"{state}>{sign}</button>'


def empty_state(sentence: str) -> str:
    """What to do where there is nothing to show yet."""
    return f'<p class="empty">{html.escape(sentence)}</p>'


def marked(snippet: str, start: str, end: str) -> str:
    """Escaped text in which the stretches between two marks stand out."""
    return html.escape(snippet).replace(start, "<mark>").replace(end, "</mark>")


def facts_line(facts: Sequence[tuple[str, str]]) -> str:
    """Figures side by side, each under its name."""
    cells = "".join(f"<div><dt>{html.escape(name)}</dt><dd>{html.escape(value)}</dd></div>" for name, value in facts if value)
    return f'<dl class="figures">{cells}</dl>' if cells else ""
