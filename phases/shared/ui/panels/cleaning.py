"""What cleaning changed, as HTML: steps with counts and examples, before and after; and the preview of a file or document."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from typing import Any

from phases.shared.ui.figures import number
from phases.shared.ui.tables import text
from phases.shared.ui.texts import many, say, word

Record = Mapping[str, Mapping[str, Any]]
MOST_FILES = 20
LINE_END, BLANK = "⏎", "·"
BLANKS = re.compile(r"[^\S\n]{2,}|\t")


def cleaning_html(record: Record, files: Sequence[Mapping[str, Any]] = ()) -> str:
    """Each step that changed something, its examples folded; below, which step did how much in which file."""
    if not record:
        return f"<p class='soft'>{html.escape(say('clean.nothing'))}</p>"
    steps = "".join(_step(word("clean", step), one["count"], one["examples"]) for step, one in record.items())
    return f"<div class='cleaning'>{steps}{_by_file(files) if len(files) > 1 else ''}</div>"


def preview_html(preview: Mapping[str, Any]) -> str:
    """The steps that change something, or would if they were on, and passages before and after."""
    sizes = say("clean.sizes", source=preview["source"], before=number(preview["before"]), after=number(preview["after"]))
    steps = "".join(_step(word("clean", one["step"]) + ("" if one["on"] else f" ({say('clean.is_off')})"), one["count"], one["examples"])
                    for one in preview["steps"] if one["count"])
    idle = ", ".join(word("clean", one["step"]) for one in preview["steps"] if one["on"] and not one["count"])
    still = f"<p class='soft'>{html.escape(say('clean.idle', steps=idle))}</p>" if idle else ""
    passages = "".join(f"<li>{_change(before, after)}</li>" for before, after in preview["excerpts"])
    shown = f"<h4>{html.escape(say('clean.passages'))}</h4><ul class='report'>{passages}</ul>" if passages else ""
    return f"<h4>{html.escape(sizes)}</h4><div class='cleaning'>{steps}</div>{still}{shown}<p class='soft'>{html.escape(say('clean.not_stored'))}</p>"


def _step(label: str, count: int, examples: Sequence[Sequence[str]]) -> str:
    lines = "".join(f"<li>{_change(before, after)}</li>" for before, after in examples)
    return f"<details><summary>{html.escape(label)}: <b>{number(count)}</b></summary><ul class='report'>{lines}</ul></details>"


def _change(before: str, after: str) -> str:
    new = f"<ins>{_shown(after)}</ins>" if after.strip() else f"<span class='soft'>{html.escape(say('clean.left_out'))}</span>"
    return f"<del>{_shown(before)}</del> {new}"


def _shown(passage: str) -> str:
    """Line ends and runs of blanks as signs that can be seen."""
    seen = BLANKS.sub(lambda blanks: BLANK * len(blanks[0]), passage)
    return html.escape(seen).replace("\n", f"{LINE_END}<wbr>")


def _by_file(files: Sequence[Mapping[str, Any]]) -> str:
    def line(one: Mapping[str, Any]) -> str:
        steps = ", ".join(f"{word('clean', step)} {number(count)}" for step, count in one["steps"].items())
        return f"<li><b>{text(one['file'])}</b>: {html.escape(steps)}</li>"

    lines = "".join(map(line, files[:MOST_FILES]))
    more = f"<li class='soft'>{html.escape(say('clean.more_files', files=many('file', len(files) - MOST_FILES)))}</li>" if len(files) > MOST_FILES else ""
    return f"<details><summary>{html.escape(say('clean.by_file'))}</summary><ul class='report'>{lines}{more}</ul></details>"
