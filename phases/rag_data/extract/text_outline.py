"""What a plain text shows by its look: pages parted by form feeds, and headings by their number or capitals.

In: decoded text; then its blocks (what blank lines part). Out: pages without running lines; blocks with "## 2.1 Stacking" lines.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from phases.rag_data.clean import Cleaning, EdgeLine, repeated_lines, tidy_line

NUMBERED = re.compile(r"((?:\d{1,2}\.)*\d{1,2})\.? +(?=[^\W\d_])")
STEPS = re.compile(r"(\d{1,2}(?:\.\d{1,2})+)\.? +(?=[^\W\d_])")
CHAPTER = re.compile(r"(?:chapter|kapitel|chapitre|cap[ií]tulo|capitolo|hoofdstuk|appendix|anhang|annexe) (?:\d{1,3}|[IVXLC]{1,6}|[A-Z])(?:[.:] *|$| [-\u2013] )", re.IGNORECASE)
LONGEST_HEADING = 80
LONGEST_QUESTION = 200
FEWEST_CAPITALS = 4


def printed_pages(text: str, cleaning: Cleaning) -> tuple[list[str], tuple[str, ...]]:
    """The pages of a text made for a printer, without the lines that return at their top or foot; and a note of those."""
    pages = [re.split(r"\r\n|[\r\n]", page) for page in text.split("\f")]
    if not cleaning.drop_repeated_lines or len(pages) < 2:
        return ["\n".join(page) for page in pages], ()
    dropped: set[tuple[int, int]] = set()
    for step in (1, -1):
        places = [[place for place, line in enumerate(page) if line.strip()][::step] for page in pages]
        edges = [[EdgeLine(pages[number][place], 0) for place in own] for number, own in enumerate(places)]
        dropped |= {(number, places[number][place]) for number, place in repeated_lines(edges)}
    kept = ["\n".join(line for place, line in enumerate(page) if (number, place) not in dropped) for number, page in enumerate(pages)]
    return kept, (f"Left out {len(dropped)} lines that return at the top or foot of the pages.",) if dropped else ()


def mark_headings(blocks: Sequence[str]) -> list[str]:
    """Lines that stand alone and are numbered as sections are, named as chapters, or written in capitals, as Markdown headings.

    Numbers of one step ("1. Oil the chain") are headings only where text stands below them: in a row they are a list. Below
    a text's first line in capitals, its title, all others lie one deeper.
    """
    kinds = [_kind(block) for block in blocks]
    if sum(map(bool, kinds)) < 2:
        return list(blocks)
    below = int(kinds[0] == "A")
    marked = []
    for place, (block, kind) in enumerate(zip(blocks, kinds, strict=True)):
        after = kinds[place + 1] if place + 1 < len(kinds) else kind
        is_item = kind.isdigit() and after.isdigit()
        depth = 0 if not kind or is_item else 1 + kind.count(".") + (below if place else 0)
        marked.append(f"{'#' * min(depth, 6)} {tidy_line(block.replace(chr(10), ' '))}" if depth else block)
    return marked


def _kind(block: str) -> str:
    """A heading's number ("2.1"), "C" for a chapter's, "A" for one in capitals, "" for what is none.

    A question is a heading only with a number of several steps ("2.1 What is a weir?"), and may be wrapped.
    """
    line = block.strip().replace("\u00a0", " ")
    if line.endswith(("?", "?!")) and len(line) <= LONGEST_QUESTION and (number := STEPS.match(line)):
        return number[1]
    if not line or "\n" in line or len(line) > LONGEST_HEADING or re.search(r"[.!?:;,\u2026]$|\S {3,}\S|^[#>|]", line):
        return ""
    if CHAPTER.match(line):
        return "C"
    if number := NUMBERED.match(line):
        return number[1] if line[number.end()].isupper() else ""
    letters = [one for one in line if one.isalpha()]
    shouted = len(letters) >= FEWEST_CAPITALS and all(one.isupper() for one in letters) and " " in line
    return "A" if shouted else ""
