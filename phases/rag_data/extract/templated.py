"""Records as a template has them: their blocks, and what the template found no value for.

In: records, a few at a time. Out: blocks, then notes. Used for files of records, and for the tables of a workbook that fit a template.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from phases.rag_data.extract.document import Block
from phases.rag_data.templates import parse_template, render

NAMED_COLUMNS = 10


class Templated:
    """One template over the records of one file; counts what it left out."""

    def __init__(self, text: str) -> None:
        self.template = parse_template(text)
        self.records = 0
        self.empty = 0
        self._lacking: Counter[str] = Counter()
        self._emptied: Counter[str] = Counter()

    def blocks(self, records: Sequence[Mapping[str, str]]) -> Iterator[Block]:
        for one in records:
            missing: dict[str, None] = {}
            block = Block(render(self.template, one, missing))
            self.records += 1
            self._lacking.update(list(missing))
            if not block.text:
                self.empty += 1
                self._emptied.update(list(missing))
            yield block

    def notes(self) -> list[str]:
        """Columns that had no value, and records of which nothing is left."""
        notes = [f"Without a value, and so without its sentence: {{{name}}} in {count:,} of {self.records:,} records."
                 for name, count in self._lacking.most_common(NAMED_COLUMNS)]
        return notes + ([f"Left out whole: {self.empty:,} of {self.records:,} records; {self.why_empty()}."] if self.empty else [])

    def why_empty(self) -> str:
        """Which columns had no value in the records of which nothing is left."""
        named = [f"{{{name}}} has no value in {count:,} of them" for name, count in self._emptied.most_common(NAMED_COLUMNS)]
        return f"no sentence of the template has all its values there: {', '.join(named)}"
