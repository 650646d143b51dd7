"""Markdown as a line to read in a list: its words without its marks.

In: the Markdown of a chunk. Out: one line of text, without pipes, hashes, stars and addresses; nothing is rendered.
"""

from __future__ import annotations

import re

RULE_ROW = re.compile(r"\s*\|?(?:\s*:?-+:?\s*\|)+\s*(?::?-+:?)?\s*|\s*(?:[-*_]\s*){3,}")
FENCE = re.compile(r"\s*(?:```|~~~)\w*\s*")
BEGIN = re.compile(r"^\s*(?:>\s?|[-*+]\s+)")
LINK = re.compile(r"!?\[([^\]\n]*)\]\([^()\s]+(?:\s+\"[^\"]*\")?\)")
STRONG = re.compile(r"(\*\*|~~|`+)(?=\S)(.+?)(?<=\S)\1")
SLANTED = re.compile(r"(?<!\w)([*_])(?=\S)([^*_\n]+?)(?<=\S)\1(?!\w)")
HEADING = re.compile(r"\s*#{1,6}\s+(.*?)(?:\s+#+)?\s*")
BETWEEN = " · "


def tidy(markdown: str) -> str:
    """The words of headings, lists, quotes, links and tables; a dot stands between the cells of a row, and behind a heading."""
    lines = (_line(one) for one in markdown.splitlines() if not RULE_ROW.fullmatch(one) and not FENCE.fullmatch(one))
    return " ".join(" ".join(line.split()) for line in lines if line).removesuffix(BETWEEN.rstrip())


def _line(line: str) -> str:
    if heading := HEADING.fullmatch(line):
        line = heading[1] + BETWEEN
    elif line.strip().startswith("|") or line.rstrip().endswith("|"):
        cells = (one.strip() for one in line.strip().strip("|").replace("\\|", "\x00").split("|"))
        line = BETWEEN.join(one for one in cells if one).replace("\x00", "|")
    else:
        line = BEGIN.sub("", line, count=1)
    line = LINK.sub(r"\1", line)
    return SLANTED.sub(r"\2", STRONG.sub(r"\2", line))
