"""The cleaning switches, and the tally of what the steps changed in one document.

In: an `IngestConfig`. Out: `Cleaning`, which every format's function is handed; its `tally.record()` is what a person sees.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from phases.rag_data.clean.lines import CONTROLS, joined_lines, one_line_end

MOST_EXAMPLES = 3
EXAMPLE_CHARACTERS = 160


class Tally:
    """How often each step changed something, with the first few examples as (before, after)."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._examples: dict[str, list[list[str]]] = {}

    def add(self, step: str, count: int, examples: Iterable[tuple[str, str]] = ()) -> None:
        if not count:
            return
        self._counts[step] = self._counts.get(step, 0) + count
        kept = self._examples.setdefault(step, [])
        for before, after in examples:
            if len(kept) >= MOST_EXAMPLES:
                return
            if (shown := [shortened(before), shortened(after)]) not in kept:
                kept.append(shown)

    def record(self) -> dict[str, dict[str, Any]]:
        """Steps that changed something: {step: {"count": n, "examples": [[before, after], ...]}}."""
        return {step: {"count": count, "examples": self._examples[step]} for step, count in self._counts.items()}


@dataclass(frozen=True)
class Cleaning:
    """The switches; the fields have the names of `IngestConfig`. `tally` belongs to one document.

    template: how records read; "" makes sections of fields. labels: what their fields are called, by the name of the
    `metadata/schema.json` that says so. head: read only so many records, and as JSON: for a preview.
    """

    normalise_unicode: bool = True
    decode_entities: bool = True
    remove_control: bool = True
    remove_symbols: bool = False
    keep_punctuation: bool = True
    remove_urls: bool = False
    remove_emails: bool = False
    drop_repeated_lines: bool = True
    join_lines: bool = True
    join_hyphenation: bool = True
    drop_duplicates: bool = False
    limit_length: bool = False
    min_chars: int = 10
    max_chars: int = 2048
    normalise_space: bool = True
    template: str = ""
    labels: Mapping[str, Mapping[str, Mapping[str, str]]] = field(default_factory=dict)
    head: int = 0
    tally: Tally = field(default_factory=Tally, compare=False, repr=False)

    def switches(self) -> dict[str, Any]:
        """The settings as plain data, for another process."""
        return {one.name: getattr(self, one.name) for one in fields(self) if one.name != "tally"}

    def fresh(self) -> Cleaning:
        """The same switches for the next document."""
        return Cleaning(**self.switches())

    def safe(self, text: str) -> str:
        """One kind of line end and no control characters, whatever is switched on; how many of those there were is counted."""
        text = one_line_end(text)
        found = list(CONTROLS.finditer(text))
        if not found:
            return text
        self.tally.add("remove_control", len(found), ((shown_control(text, one.start()), around(text, one.start(), one.end())) for one in found))
        return CONTROLS.sub("", text)

    def join(self, lines: Sequence[str]) -> str:
        """One line of the wrapped lines of a paragraph, counted."""
        text, words = joined_lines(lines, hyphens=self.join_hyphenation)
        if len(lines) > 1:
            ends = lines[0].strip()[-40:], lines[1].strip()[:40]
            self.tally.add("join_lines", len(lines) - 1, [("\n".join(ends), joined_lines(ends, hyphens=self.join_hyphenation)[0])])
            self.tally.add("join_hyphenation", len(words), words)
        return text


SETTINGS = tuple(one.name for one in fields(Cleaning) if one.name not in {"template", "labels", "head", "tally"})
STEPS = tuple(name for name in SETTINGS if name not in {"keep_punctuation", "min_chars", "max_chars"})


def cleaning_of(config: Any) -> Cleaning:
    """The switches of an `IngestConfig`."""
    return Cleaning(**{name: getattr(config, name) for name in SETTINGS})


def around(text: str, start: int, end: int, instead: str = "", near: int = 24) -> str:
    """What stands around a stretch of text, with something in its place."""
    return text[max(start - near, 0):start] + instead + text[end:end + near]


def shown_control(text: str, place: int) -> str:
    """The surroundings of a control character, with its number in its place."""
    return around(text, place, place + 1, f"<U+{ord(text[place]):04X}>")


def shortened(text: str) -> str:
    """An example that is not too long: its middle is left out."""
    half = EXAMPLE_CHARACTERS // 2
    return text if len(text) <= EXAMPLE_CHARACTERS else f"{text[:half]} … {text[-half:]}"


def added_up(records: Iterable[Mapping[str, Mapping[str, Any]]]) -> dict[str, dict[str, Any]]:
    """The records of several documents as one, in the order of the steps."""
    total = Tally()
    for record in records:
        for step, one in record.items():
            total.add(step, one["count"], [(before, after) for before, after in one["examples"]])
    found = total.record()
    return {step: found[step] for step in STEPS if step in found}
