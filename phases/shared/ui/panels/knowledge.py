"""Documents and chunks as HTML: the tables of tab 1, one chunk between its neighbours, the report of an addition."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from phases.shared.database.chunks import ChunkRow, Summary
from phases.shared.database.documents import DocumentRow
from phases.shared.jobs.queue import Job
from phases.shared.search import MARK_END, MARK_START
from phases.shared.ui.job_words import progress_words, result_words, share_done
from phases.shared.ui.panels.cleaning import cleaning_html
from phases.shared.ui.tables import Column, button, file_name, marked, page_links, table, text
from phases.shared.ui.texts import many, say, word
from phases.shared.ui.tidy import tidy

LINE_CHARACTERS = 220
NEAR_CHARACTERS = 260
MOST_OPEN = 8  # files of an addition that are listed without a click
OUTCOMES = ("added", "replaced", "read_again", "unchanged")


def embedding_line(model: str, waiting: int, fresh: int) -> str:
    """What the button would embed, or why there is nothing to."""
    name = model.rsplit("/", 1)[-1]
    if waiting:
        told = say("embed.waiting", chunks=many("chunk", waiting), model=name)
    else:
        told = say("embed.all", chunks=many("chunk", fresh), model=name) if fresh else say("embed.no_chunks")
    return f"<p class='soft'>{html.escape(told)}</p>"


def documents_table(documents: Sequence[DocumentRow], chosen: int = 0) -> str:
    columns = (
        Column(say("rag.document"), _document, "name"),
        Column("", lambda one: button("remove", say("rag.remove"), document=one.id, source=one.source), "num"))
    head = f"<h3>{html.escape(say('rag.documents'))}</h3>"
    return head + table(columns, documents, key=lambda one: one.id, chosen=chosen, empty=say("rag.no_documents"), label=say("rag.documents"))


def _document(one: DocumentRow) -> str:
    size = ([many("page", one.pages)] if one.pages is not None else []) + [many("chunk", one.chunks)]
    return f'<span title="{text(one.title or one.source)}">{file_name(one.source)}</span><small>{html.escape(", ".join(size))}</small>'


def summary_line(summary: Summary) -> str:
    """The heading of the right side, with the knowledge base in numbers."""
    parts = [say("rag.summary", documents=many("document", summary.documents), chunks=many("chunk", summary.chunks),
                 tokens=many("token", summary.tokens))]
    parts += [say(key, n=count) for key, count in (("rag.excluded", summary.excluded), ("rag.held_out", summary.held_out)) if count]
    numbers = html.escape(", ".join(parts)) if summary.documents else ""
    return f'<h3>{html.escape(say("rag.knowledge"))} <span class="soft plain">{numbers}</span></h3>'


def chunks_table(lines: Sequence[tuple[ChunkRow, str]], total: int, page: int, chosen: int, *, searching: bool, filtered: bool,
                 excluded: bool = False) -> str:
    """A page of chunks, or the hits of a search with what was found marked; `excluded`: only excluded ones were asked for."""
    columns = (
        Column(say("rag.column_id"), lambda line: str(line[0].id), "num"),
        Column(say("rag.source"), lambda line: f"{file_name(line[0].source)}<br>{_tags(line[0])}", "source-cell"),
        Column(say("rag.column_page"), lambda line: text(line[0].metadata.get("page", "–")), "num"),
        Column(say("rag.column_text"), _line_text, "long"),
        Column(say("rag.column_tokens"), lambda line: f"{line[0].tokens:,}", "num"))
    empty = say("rag.not_searched" if excluded else "rag.no_hits") if searching else say("rag.no_such_chunks" if filtered else "rag.no_chunks")
    foot = f'<div class="pages"><span>{say("rag.hits", hits=many("hit", total))}</span></div>' if searching else page_links(page, total)
    return table(columns, lines, key=lambda line: line[0].id, chosen=chosen, empty=empty, pager=foot, label=say("rag.knowledge"))


def chunk_heading(chunk: ChunkRow) -> str:
    """ "Chunk 17, handbook.pdf, page 3: Brake > Closing" and what is special about it."""
    where = say("rag.chunk", id=chunk.id, source=chunk.source)
    page = chunk.metadata.get("page")
    if page is not None:
        where += ", " + say("rag.chunk_page", page=page)
    path = " › ".join(chunk.metadata.get("headings") or [])
    return f'<h3>{html.escape(where)} <span class="soft plain">{html.escape(path)}</span> {_tags(chunk)}</h3>'


def near(chunk: ChunkRow | None, label: str, *, end: bool = False) -> str:
    """The neighbour's nearest text, faded; nothing at the document's ends."""
    if chunk is None:
        return ""
    whole = tidy(chunk.content)
    part = whole[-NEAR_CHARACTERS:] if end else whole[:NEAR_CHARACTERS]
    cut = len(whole) > NEAR_CHARACTERS
    shown = ("…" if cut and end else "") + part + ("…" if cut and not end else "")
    return f'<p class="near"><b>{html.escape(label)}</b> {html.escape(shown)}</p>'


def report(job: Job) -> str:
    """An addition: how far it is; when it has ended first what was refused and why, then what to know of the others, and these, folded if many."""
    head = f"<h4>{html.escape(say('rag.report'))}</h4>"
    if not job.ended:
        return head + _under_way(job)
    result: Mapping[str, Any] = job.result or {}
    taken = [(name, say(f"rag.file_{outcome}")) for outcome in OUTCOMES for name in map(_file_name, result.get(outcome) or [])]
    refused = result.get("rejected") or []
    if not taken and not refused:
        return f"{head}<p>{html.escape(result_words(job))}</p>"
    lines = "".join(map(_refused, refused)) + (f"<li class='soft'>{text(result['readable'])}</li>" if result.get("readable") else "")
    lines += "".join(f"<li class='soft'>{text(one['file'])}: {text(one['note'])}</li>" for one in result.get("notes") or [])
    cleaned = f"<h4>{html.escape(say('clean.title'))}</h4>{cleaning_html(result.get('cleaning') or {}, result.get('cleaned') or ())}"
    return (f"{head}<p>{html.escape(result_words(job))}</p>" + (f"<ul class='report listed'>{lines}</ul>" if lines else "") + _taken(taken)
            + (cleaned if any(result.get(one) for one in OUTCOMES[:3]) else ""))


def _refused(one: Any) -> str:
    told = one if isinstance(one, Mapping) else {}
    reason = f"{told.get('reason', '')} {told.get('advice', '')}".strip()
    return f"<li><b>{file_name(_file_name(one))}</b>: {html.escape(say('rag.file_rejected'))}{_reason(reason)}</li>"


def _taken(taken: Sequence[tuple[str, str]]) -> str:
    """The files that are in the knowledge base now; many are folded."""
    lines = "".join(f"<li><b>{file_name(name)}</b>: {text(outcome)}</li>" for name, outcome in taken)
    shown = f"<ul class='report listed'>{lines}</ul>" if lines else ""
    if len(taken) <= MOST_OPEN:
        return shown
    return f"<details><summary>{html.escape(say('rag.files_there', files=many('file', len(taken))))}</summary>{shown}</details>"


def _under_way(job: Job) -> str:
    """A bar for all files, and one for each that is being read now."""
    progress: Mapping[str, Any] = job.progress or {}
    words = progress_words(replace(job, progress={**progress, "text": ""}))
    words += [say("rag.rejected_so_far", files=many("file", progress["rejected"]))] if progress.get("rejected") else []
    return (_bar(say("rag.all_files"), share_done(job)) + f'<p class="soft">{html.escape(", ".join(words))}</p>'
            + "".join(map(_file_bar, progress.get("reading") or [])))


def _file_bar(one: Mapping[str, Any]) -> str:
    """A file that is being read; striped where its format cannot tell how far it is."""
    known = one["total"] and one["step"] == "reading"
    step = say("rag.file_reading_part", done=one["done"] + 1, total=one["total"]) if known else say(f"rag.file_{one['step']}")
    share = None if one["step"] == "reading" and not known else one["done"] / max(one["total"], 1)
    return (f'<div class="file-bar"><span title="{text(one["file"])}">{text(one["file"])}</span>'
            f'<span class="soft">{html.escape(step)}</span></div>{_bar(one["file"], share)}')


def _bar(label: str, share: float | None) -> str:
    spoken = f'role="progressbar" aria-label="{text(label)}"'
    if share is None:
        return f'<div class="meter unknown" {spoken}><i></i></div>'
    percent = f"{100 * share:.0f}"
    return f'<div class="meter" {spoken} aria-valuenow="{percent}"><i style="width:{percent}%"></i></div>'


def _reason(reason: str) -> str:
    return f'<div class="warning">{html.escape(reason)}</div>' if reason else ""


def _file_name(entry: Any) -> str:
    return str(entry.get("file") or entry.get("source") or "") if isinstance(entry, Mapping) else str(entry)


def _line_text(line: tuple[ChunkRow, str]) -> str:
    chunk, shown = line
    if MARK_START in shown:
        return marked(tidy(shown), MARK_START, MARK_END)
    return text(tidy(shown), LINE_CHARACTERS)


def _tags(chunk: ChunkRow) -> str:
    names = [key for key, there in (("rag.tag_excluded", chunk.state == "excluded"), ("rag.tag_held_out", chunk.held_out),
                                    ("rag.tag_edited", chunk.origin == "edited")) if there]
    words = [say(name) for name in names] + ([word("language", chunk.language)] if chunk.language not in {None, "unknown"} else [])
    return " ".join(f'<span class="tag">{html.escape(one)}</span>' for one in words)

