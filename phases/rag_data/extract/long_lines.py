"""Text that is no text for people is refused before it costs much: by its longest line, and by its length in characters and tokens.

In: a file, or the text that was read from it. Out: nothing, or FileRejected.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from phases.shared.errors import FileRejected

MOST_TEXT = 30_000_000
LONGEST_LINE = 2_000_000
MOST_TOKENS = 20_000_000  # 30 million characters of English have about 15 million
UNCOUNTED = 1_000_000
SAMPLES, SAMPLE_CHARS = 50, 1_000
BLOCK_BYTES = 1 << 20


def check_raw_lines(path: Path, source: str, longest: int) -> None:
    """No line of the file has more bytes than that. Reads it once, a megabyte at a time."""
    length = 0
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            block = block.replace(b"\r", b"\n")
            first = block.find(b"\n")
            length += len(block) if first < 0 else first
            if length > longest:
                raise _line_too_long(source, longest, "bytes")
            if first >= 0:
                length = len(block) - block.rfind(b"\n") - 1


def check_length(text: str, source: str, most: int = MOST_TEXT, longest: int = LONGEST_LINE) -> None:
    """The text and each of its lines are no longer than a person's text can be."""
    if len(text) > most:
        raise FileRejected(f"'{source}' holds {len(text) / 1e6:,.0f} million characters of text; a document may have "
                           f"{most / 1e6:,.0f} million.", "Split it.", subject=source, code="file_too_large")
    if max(map(len, text.split("\n"))) > longest:
        raise _line_too_long(source, longest, "characters")


def check_tokens(text: str, source: str, count: Callable[[str], int], most: int = MOST_TOKENS) -> None:
    """A long text has no more tokens than can be cut in a reasonable time. Counts samples from beginning to end."""
    if len(text) <= UNCOUNTED:
        return
    places = range(0, len(text), len(text) // SAMPLES)
    share = sum(count(text[place:place + SAMPLE_CHARS]) for place in places) / (len(places) * SAMPLE_CHARS)
    if len(text) * share > most:
        raise FileRejected(f"'{source}' holds about {len(text) * share / 1e6:,.0f} million tokens; a document may have {most / 1e6:,.0f} million.",
                           "Check that it is text for people, and split it.", subject=source, code="file_too_large")


def _line_too_long(source: str, longest: int, unit: str) -> FileRejected:
    return FileRejected(f"'{source}' has a single line of more than {longest:,} {unit}.",
                        "Check that it is text for people, and break its lines.", subject=source, code="file_too_dense")
