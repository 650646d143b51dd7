"""What reading itself needs: safe text, tidy lines, and paragraphs made of wrapped lines.

In: text. Out: text. The first two are no choice: offsets, search and training text rely on them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

BLANKS = re.compile(r"[ \t\f\v\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]+")
INVISIBLE = re.compile(r"[\u00ad\u200b\u2060\ufeff]")
CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]")
LINE_ENDS = re.compile(r"\r\n?|[\u2028\u2029\x85]")
HYPHEN_END = re.compile(r"(\w)[-\u2010\u00ad]$")
UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u2fdf\u3001-\u30ff\u31c0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff01-\uff60\uff66-\uff9f\U00020000-\U0003ffff"
UNSPACED_BREAK = re.compile(f"(?<=[{UNSPACED}])[ \t\r]*\n\\s*(?=[{UNSPACED}])")  # scripts that part words by no blanks; Korean does
UNSPACED_SIGN = re.compile(f"[{UNSPACED}]")
UNSPACED_PAIR = re.compile(f"[{UNSPACED}]{{2}}")
PAIR = re.compile(r"(and|or|und|oder|bis|to)\b")


def safe_text(text: str) -> str:
    """One kind of line end, composed letters, no control characters."""
    return CONTROLS.sub("", one_line_end(unicodedata.normalize("NFC", text)))


def one_line_end(text: str) -> str:
    return LINE_ENDS.sub("\n", text.replace("\f", "\n"))


def tidy_line(text: str) -> str:
    """A line with single blanks inside, none outside, and nothing invisible."""
    return BLANKS.sub(" ", INVISIBLE.sub("", text)).strip()


def join_wrapped(lines: Sequence[str], *, hyphens: bool = True) -> str:
    """One line of the lines of a paragraph; see `joined_lines`."""
    return joined_lines(lines, hyphens=hyphens)[0]


def joined_lines(lines: Sequence[str], *, hyphens: bool = True) -> tuple[str, list[tuple[str, str]]]:
    """One line of the lines of a paragraph, and the words that were put together again: ("light-\\nhouse", "lighthouse").

    A hyphen stays before a capital letter or digit and in a pair such as "on- and offshore". Lines of scripts that write no blanks, as Chinese and
    Japanese, are joined without one.
    """
    joined, words = "", []
    for line in (one.strip() for one in lines):
        parted = HYPHEN_END.search(joined) and line and not PAIR.match(line)
        if joined.endswith("\u00ad") or (hyphens and parted and line[0].islower()):
            first, second = joined.rsplit(" ", 1)[-1], line.split(" ", 1)[0]
            words.append((f"{first}\n{second}", first[:-1] + second))
            joined = joined[:-1] + line
        elif parted and line[0].isalnum() or UNSPACED_PAIR.match(joined[-1:] + line[:1]):
            joined += line
        else:
            joined = f"{joined} {line}".strip()
    return joined, words
