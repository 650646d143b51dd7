"""Changes of a text as records: found by the steps, applied so that the places of pages stay right.

In: a text and edits in its order. Out: the new text, and its places moved along.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

FENCE = re.compile(r"\s{0,3}(```|~~~)")
INLINE_CODE = re.compile(r"(?<!`)(`+)(?!`)[^\n]+?(?<!`)\1(?!`)")


@dataclass(frozen=True)
class Edit:
    """`text[start:end]` becomes `new`."""

    start: int
    end: int
    new: str = ""


@dataclass(frozen=True)
class Spans:
    """Stretches of a text that do not overlap, in order."""

    starts: tuple[int, ...]
    ends: tuple[int, ...]

    def touch(self, start: int, end: int) -> bool:
        """Whether a stretch shares a character with one of them."""
        place = bisect_right(self.starts, max(end - 1, start)) - 1
        return place >= 0 and self.ends[place] > start


def apply_edits(text: str, edits: Sequence[Edit], places: Sequence[int] = ()) -> tuple[str, tuple[int, ...]]:
    """The changed text, and where `places` (ascending) are in it; a place inside an edit moves behind it."""
    parts: list[str] = []
    moved: list[int] = []
    done = length = 0
    for edit in [*edits, None]:
        start, end = (edit.start, edit.end) if edit else (len(text), len(text))
        while len(moved) < len(places) and (places[len(moved)] <= start or edit is None):
            moved.append(length + min(places[len(moved)], len(text)) - done)
        parts.append(text[done:start])
        length += start - done
        if edit:
            parts.append(edit.new)
            length += len(edit.new)
        done = end
        while edit and len(moved) < len(places) and places[len(moved)] < end:
            moved.append(length)
    return "".join(parts), tuple(moved)


def not_in(edits: Iterable[Edit], spans: Spans) -> Iterator[Edit]:
    """The edits that touch none of the spans."""
    return (one for one in edits if not spans.touch(one.start, one.end))


def code_spans(text: str, *, inline: bool = True) -> Spans:
    """Fenced code with its fences, and (with `inline`) `code` within a line."""
    found, place, opened, fence = [], 0, 0, ""
    for line in text.splitlines(keepends=True):
        mark = FENCE.match(line)
        if mark and not fence:
            opened, fence = place, mark[1]
        elif mark and mark[1] == fence:
            found.append((opened, place + len(line.rstrip("\n"))))
            fence = ""
        place += len(line)
    if fence:
        found.append((opened, len(text)))
    fenced = Spans(tuple(start for start, _ in found), tuple(end for _, end in found))
    if inline:
        found += [match.span() for match in INLINE_CODE.finditer(text) if not fenced.touch(*match.span())]
        found.sort()
    return Spans(tuple(start for start, _ in found), tuple(end for _, end in found))
