"""Facts of tables: the name in a row's first column, the column's head, and the cell.

In: the rows of one Markdown table. Out: a fact for every cell that is a short value. Works in any language.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from phases.sft_data.facts.blocks import Block
from phases.sft_data.facts.lexicon import PREPOSITIONS
from phases.sft_data.facts.naming import Naming
from phases.sft_data.facts.nouns import labelled_fact, small_label
from phases.sft_data.facts.record import FoundFact
from phases.sft_data.facts.values import LONGEST_ANSWER, kind_of

RULE = re.compile(r"\|?[\s:|-]+\|?")
UNIT_IN_HEAD = re.compile(r"(.+?)\s*(?:\(([^()]{1,12})\)|\[([^\[\]]{1,12})\]| in ([a-zA-Z°%/²³]{1,4}))$")
MARKUP = re.compile(r"`|\*\*|__|\\(?=\|)")
LINK = re.compile(r"\[([^\]^][^\]]*)\](?:\([^)]*\)|\[[^\]]*\])|\[\^[^\]]*\]()")
NO_ATTRIBUTES = {"no.", "no", "#", "nr", "nr.", "note", "notes", "remark", "remarks", "comment", "comments", "description", "details",
                 "anmerkung", "anmerkungen", "bemerkung", "beschreibung", "example", "examples", "see", "reference", "meaning and use",
                 "explanation", "history", "changes", "usage", "definition", "name", "value", "id", "returns", "extends",
                 "throws", "since", "default", "yes", "other"}
EMPTY = {"", "-", "–", "—", "n/a", "none", "?", "yes", "no", "✓", "✔", "x", "ja", "nein", "true", "false", "tbd", "...", "…", "same", "ditto",
         "various", "other", "varies", "unknown", "n", "y"}
MOST_NAME_WORDS = 5
MOST_CELL_WORDS = 6


@dataclass(frozen=True)
class _Head:
    label: str
    unit: str


def find_in_table(document: int, rows: Sequence[Block], naming: Naming) -> Iterator[FoundFact]:
    """The facts of one table, row by row."""
    if len(rows) < 3 or not RULE.fullmatch(rows[1].text.strip()):
        return
    heads = [_read_head(cell) for cell in cells_of(rows[0].text)]
    if len(heads) < 2 or not heads[0].label or any(len(head.label.split()) > MOST_NAME_WORDS for head in heads):
        return
    body = [(row, cells_of(row.text)) for row in rows[2:]]
    body = [(row, cells) for row, cells in body if len(cells) == len(heads)]
    if _compares([cells for _, cells in body]):
        return
    names = Counter(cells[0].casefold() for _, cells in body)
    for row, cells in body:
        if names[cells[0].casefold()] == 1 and _is_name(cells[0]):
            yield from _facts_of_row(document, row, cells, heads, naming)


def cells_of(line: str) -> list[str]:
    """The cells of a table row, without marks of emphasis, code and links."""
    cells = re.split(r"(?<!\\)\|", line.strip().strip("|"))
    return [without_marks(cell) for cell in cells]


def without_marks(text: str) -> str:
    """Text without marks of emphasis and code, links and footnotes."""
    return LINK.sub(lambda match: match[1] or "", MARKUP.sub("", text)).strip()


def is_label(label: str) -> bool:
    """Whether a column's or key's name can stand in "the LABEL of X"."""
    words = label.casefold().split()
    return bool(words) and label.casefold() not in NO_ATTRIBUTES and words[-1] not in PREPOSITIONS and not re.search(r"[\[\]{}<>=?/]", label)


def _compares(body: Sequence[Sequence[str]]) -> bool:
    """Whether the columns stand for alternatives and not for attributes: two of them hold the same words in many rows."""
    if len(body) < 2 or len(body[0]) < 3:
        return False
    pairs = [(one, two) for one in range(1, len(body[0])) for two in range(one + 1, len(body[0]))]
    same = (sum(bool(cells[one]) and cells[one] == cells[two] for cells in body) for one, two in pairs)
    return max(same, default=0) * 3 > len(body)


def _facts_of_row(document: int, row: Block, cells: Sequence[str], heads: Sequence[_Head], naming: Naming) -> Iterator[FoundFact]:
    subject = _subject(cells[0], heads[0].label, naming)
    for head, cell in zip(heads[1:], cells[1:], strict=True):
        if not is_label(head.label) or not is_value(cell):
            continue
        answer = f"{cell} {head.unit}" if head.unit and kind_of(cell) in {"number", "year"} else cell
        yield labelled_fact((document, row.start, row.end, row.text), subject, head.label, answer, "table")


def _read_head(cell: str) -> _Head:
    match = UNIT_IN_HEAD.match(cell)
    unit = next((group for group in match.groups()[1:] if group), "") if match else ""
    return _Head(match[1] if match else cell, unit)


def _subject(name: str, head: str, naming: Naming) -> str:
    """A name of words stands as it is used in the text; a sign (an option, a function) is said to be what the column says."""
    if re.fullmatch(r"[^\W\d_][\w'’ .&-]*", name) and not (name.islower() and " " not in name):
        return naming.called(name)
    return f"{'' if not head else f'the {small_label(head)} '}{name}"


def _is_name(cell: str) -> bool:
    return bool(cell) and len(cell.split()) <= MOST_NAME_WORDS and any(map(str.isalpha, cell)) and cell.casefold() not in EMPTY and len(cell) > 1 \
        and not re.search(r"[\[\]{}<>]", cell)


def is_value(cell: str) -> bool:
    """Whether a cell or a line's value can be a short answer."""
    simple = len(cell) <= LONGEST_ANSWER and len(cell.split()) <= MOST_CELL_WORDS and not cell.endswith((".", "?", ":"))
    return simple and cell.casefold() not in EMPTY and any(map(str.isalnum, cell)) and "http" not in cell and cell.count(",") < 2 \
        and not re.search(r"[\[\]{}<>]|^[A-Z][a-z]+s (?:the|a|an|to) ", cell)
