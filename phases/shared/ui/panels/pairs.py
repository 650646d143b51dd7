"""Question-answer pairs as HTML: the table of the review, and the source chunk with its evidence marked."""

from __future__ import annotations

import html
from collections.abc import Sequence

from phases.shared.database.chunks import ChunkRow
from phases.shared.database.pairs import PairRow, PairSummary
from phases.shared.ui.tables import Column, page_links, table, text
from phases.shared.ui.texts import many, say, word


def review_heading(summary: PairSummary) -> str:
    """ "Review: 120 pairs, 96 accepted, 14 rejected, 10 open"."""
    parts = [many("pair", summary.total)] if summary.total else []
    parts += [say(f"pairs.n_{name}", n=f"{count:,}") for name, count in (
        ("accepted", summary.accepted), ("rejected", summary.rejected), ("open", summary.open), ("stale", summary.stale),
        ("left_out", summary.left_out)) if count]
    numbers = f'<span class="soft plain">{html.escape(", ".join(parts))}</span>'
    return f'<h3>{html.escape(say("pairs.review"))} {numbers}</h3>'


def dataset_line(dataset: str, summary: PairSummary) -> str:
    """What the data set trains on, validates on, and keeps for evaluation."""
    counts = say("pairs.dataset_counts", train=f"{summary.train:,}", validation=f"{summary.validation:,}",
                 held_out=f"{summary.held_out:,}")
    return f'<h3>{html.escape(say("pairs.dataset", name=dataset))} <span class="soft plain">{html.escape(counts)}</span></h3>'


def pairs_table(rows: Sequence[PairRow], total: int, page: int, chosen: int, *, filtered: bool) -> str:
    columns = (
        Column(say("pairs.question"), lambda row: text(row.instruction, 200), "long"),
        Column(say("pairs.answer"), lambda row: text(row.output, 140)),
        Column(say("pairs.style"), lambda row: text(word("style", row.style)), "short"),
        Column(say("pairs.use"), lambda row: text(say(f"pairs.split_{row.split}")), "short"),
        Column(say("pairs.state"), _state))
    empty = say("pairs.none_fit" if filtered else "pairs.empty")
    return table(columns, rows, key=lambda row: row.id, chosen=chosen, empty=empty, pager=page_links(page, total),
                 label=say("pairs.review"))


def pair_heading(row: PairRow) -> str:
    about = [word("style", row.style), say(f"pairs.split_{row.split}"), row.provider + (f", {row.model}" if row.model else "")]
    note = f'<p class="warning">{html.escape(row.reason)}</p>' if row.reason else ""
    return (f'<h3>{html.escape(say("pairs.pair", id=row.id))} {_state(row)} '
            f'<span class="soft plain">{html.escape(", ".join(about))}</span></h3>{note}')


def source_html(chunk: ChunkRow | None, evidence: str) -> str:
    """The chunk that a pair was written from; the stretch that proves the answer stands out."""
    if chunk is None:
        return f'<p class="warning">{html.escape(say("pairs.chunk_gone"))}</p><div class="source"><mark>{html.escape(evidence)}</mark></div>'
    head = f"<h4>{html.escape(say('rag.chunk', id=chunk.id, source=chunk.source))}</h4>"
    before, found, after = chunk.content.partition(evidence) if evidence else (chunk.content, "", "")
    if not found:
        return f'{head}<p class="warning">{html.escape(say("pairs.no_evidence"))}</p><div class="source">{html.escape(chunk.content)}</div>'
    marked = f"{html.escape(before)}<mark>{html.escape(found)}</mark>{html.escape(after)}"
    return f'{head}<div class="source" tabindex="0">{marked}</div>'


def _state(row: PairRow) -> str:
    tags = [say(key) for key, there in (("pairs.tag_stale", row.stale), ("pairs.tag_edited", row.edited)) if there]
    shown = "".join(f' <span class="tag">{html.escape(tag)}</span>' for tag in tags)
    reason = f'<div class="soft">{text(row.reason, 80)}</div>' if row.reason else ""
    return f'<span class="state-{row.state}">{html.escape(say(f"pairs.state_{row.state}"))}</span>{shown}{reason}'
