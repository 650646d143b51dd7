"""The report on the knowledge base as HTML: sizes, a histogram of tokens, what to look at, which chunks repeat others."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

from phases.shared.ui.figures import moment, number, percent
from phases.shared.ui.tables import Column, facts_line, table, text
from phases.shared.ui.texts import many, say, word

MOST_IDS = 12
MOST_ROWS = 20
LABEL_CHARACTERS = 60


def report_html(report: Mapping[str, Any], outdated: bool, links: Sequence[str]) -> str:
    """A report as its record; `links` are downloads as HTML."""
    made = html.escape(say("report.made", when=moment(report["made"])))
    head = f'<p class="soft">{made} &nbsp; {" &nbsp; ".join(links)}</p>'
    if outdated:
        head += f'<p class="warning">{html.escape(say("report.outdated"))}</p>'
    return (head + figures(report) + histogram(report["histogram"]) + findings_list(report) + duplicates_table(report["duplicates"])
            + label_bars(report["columns"]) + columns_table(report["columns"]) + cleaning_line(report["cleaning"]))


def figures(report: Mapping[str, Any]) -> str:
    tokens = report["tokens"]
    spread = say("report.spread", smallest=number(tokens["smallest"]), median=f"{tokens['median']:,g}", largest=number(tokens["largest"]))
    return facts_line([
        (say("report.documents"), number(len(report["documents"]))), (say("report.chunks"), number(report["chunks"])),
        (say("report.excluded_chunks"), number(report["excluded"]) if report["excluded"] else ""),
        (say("report.held_out"), number(report["held_out"]) if report["held_out"] else ""), (say("report.tokens"), number(tokens["total"])), (say("report.words"), number(report["words"]["total"])),
        (say("report.characters"), number(report["characters"]["total"])), (say("report.tokens_per_chunk"), spread),
        (say("report.languages"), ", ".join(f"{word('language', name)} {count}" for name, count in report["languages"].items()))])


def histogram(bins: Sequence[Mapping[str, int]]) -> str:
    """Columns of one width, each as high as its number of chunks."""
    if not bins:
        return ""
    most = max(one["chunks"] for one in bins)
    columns = "".join(f'<span title="{_bin_words(one)}"><i style="height:{_height(one["chunks"], most)}%"></i></span>' for one in bins)
    told = html.escape(say("report.histogram", chunks=many("chunk", most)))
    ends = f'<span>{bins[0]["start"]}</span><span>{told}</span><span>{number(bins[-1]["end"])}</span>'
    spoken = "; ".join(_bin_words(one) for one in bins if one["chunks"])
    return f'<figure class="histogram" role="img" aria-label="{told}: {spoken}"><div>{columns}</div><figcaption>{ends}</figcaption></figure>'


def findings_list(report: Mapping[str, Any]) -> str:
    """What a person should look at, each chunk to open; a sentence when there is nothing."""
    limits = report["settings"]
    expected = ", ".join(word("language", one) for one in report["expected"])
    found = ((say("report.empty"), report["empty"]), (say("report.too_short", n=number(limits["shortest"])), report["too_short"]),
             (say("report.too_long", n=number(limits["longest"])), report["too_long"]),
             (say("report.other_language", expected=expected), report["other_language"]))
    lines = [f"<li><b>{html.escape(label)}</b>: {many('chunk', len(ids))} <span class='soft'>({_ids(ids)})</span></li>"
             for label, ids in found if ids]
    if not lines and not report["duplicates"]:
        return f"<p>{html.escape(say('report.nothing_found'))}</p>"
    return f"<ul class='report'>{''.join(lines)}</ul>"


def duplicates_table(duplicates: Sequence[Mapping[str, Any]]) -> str:
    """Chunks that repeat others; a row opens the chunk."""
    if not duplicates:
        return ""
    exact = sum(one["exact"] for one in duplicates)
    told = say("report.duplicates", exact=number(exact), near=number(len(duplicates) - exact))
    columns = (Column(say("rag.column_id"), lambda one: str(one["chunk"]), "num"),
               Column(say("report.repeats"), lambda one: str(one["of"]), "num"),
               Column(say("report.alike"), _alike, "short"), Column(say("rag.source"), lambda one: text(one["source"]), "source-cell"),
               Column(say("rag.column_text"), lambda one: text(one["text"]), "long"))
    shown = table(columns, duplicates[:MOST_ROWS], key=lambda one: one["chunk"], label=say("report.title"))
    more = len(duplicates) - MOST_ROWS
    rest = f'<p class="soft">{html.escape(say("report.more", n=number(more)))}</p>' if more > 0 else ""
    return f"<h4>{html.escape(told)}</h4>{shown}{rest}"


def label_bars(columns: Sequence[Mapping[str, Any]]) -> str:
    """How often each label is given, a row of bars for each column of labels."""
    parts = []
    for one in columns:
        if one["values"]:
            most = max(one["values"].values())
            bars = "".join(f"<span>{text(label, LABEL_CHARACTERS)}</span><div class='bar'><i style='width:{100 * count / most:.0f}%'></i></div>"
                           f"<span>{number(count)}</span>" for label, count in list(one["values"].items())[:MOST_ROWS])
            rest = f'<p class="soft">{html.escape(say("report.more", n=number(len(one["values"]) - MOST_ROWS)))}</p>' if len(one["values"]) > MOST_ROWS else ""
            parts.append(f"<p class='soft'>{html.escape(say('report.label', column=one['name'], source=one['source']))}</p><div class='bars'>{bars}</div>{rest}")
    return f"<h4>{html.escape(say('report.labels'))}</h4>{''.join(parts)}" if parts else ""


def columns_table(columns: Sequence[Mapping[str, Any]]) -> str:
    """How many values are missing, the columns with the most first."""
    if not columns:
        return ""
    rows = sorted(columns, key=lambda one: -one["empty"] / max(one["rows"], 1))
    drawn = table((Column(say("report.column"), lambda one: text(one["name"], LABEL_CHARACTERS)), Column(say("rag.source"), lambda one: text(one["source"]), "source-cell"),
                   Column(say("report.rows"), lambda one: number(one["rows"]), "num"), Column(say("report.without"), lambda one: number(one["empty"]), "num"),
                   Column(say("report.share"), lambda one: percent(one["empty"] / max(one["rows"], 1)), "num")), rows[:MOST_ROWS], label=say("report.columns"))
    rest = f'<p class="soft">{html.escape(say("report.more", n=number(len(rows) - MOST_ROWS)))}</p>' if len(rows) > MOST_ROWS else ""
    return f"<h4>{html.escape(say('report.columns'))}</h4>{drawn}{rest}"


def cleaning_line(cleaning: Mapping[str, int]) -> str:
    """The sum of what cleaning changed in all documents."""
    if not cleaning:
        return ""
    return f"<h4>{html.escape(say('report.cleaned'))}</h4>{facts_line([(word('clean', step), number(count)) for step, count in cleaning.items()])}"


def _alike(one: Mapping[str, Any]) -> str:
    return text(say("report.same_text") if one["exact"] else percent(one["similarity"]))


def _height(chunks: int, most: int) -> int:
    """In percent; a column that is not empty can be seen."""
    return max(3, round(100 * chunks / most)) if chunks else 0


def _bin_words(one: Mapping[str, int]) -> str:
    return html.escape(say("report.bin", start=number(one["start"]), end=number(one["end"] - 1), chunks=many("chunk", one["chunks"])))


def _ids(ids: Sequence[int]) -> str:
    """The chunks by number; pressing one opens it."""
    return ", ".join(f'<button type="button" class="id" data-row="{one}">{one}</button>' for one in ids[:MOST_IDS]) + (", …" if len(ids) > MOST_IDS else "")
