"""XLSX -> text: each sheet a heading, its cells as Markdown tables; rows left empty part the tables of one sheet.

In: an XLSX file. Out: Markdown text. With a template, a table whose first row names all columns that the template asks for is read as
records: each of its rows as the template has it. Cells show what the program last computed; where a file keeps no result, the formula
itself stands, and a note says how many.
"""

from __future__ import annotations

import datetime
import warnings
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO
from xml.etree.ElementTree import ParseError
from zipfile import BadZipFile

import openpyxl
from defusedxml.common import DefusedXmlException
from lxml.etree import LxmlError
from openpyxl.utils.exceptions import InvalidFileException

from phases.rag_data.clean import Cleaning
from phases.rag_data.extract.document import Block, Extracted, assemble, heading, markdown_table
from phases.rag_data.extract.records import Record, Records, checked
from phases.rag_data.extract.sniff import damaged
from phases.rag_data.extract.tables import field_names
from phases.rag_data.extract.templated import Templated
from phases.rag_data.templates import fits
from phases.shared.errors import FileRejected

MOST_CELLS = 2_000_000
BROKEN = (KeyError, ValueError, TypeError, AttributeError, BadZipFile, InvalidFileException, ParseError, LxmlError,
          DefusedXmlException, EOFError)


def extract_xlsx(path: Path, source: str, cleaning: Cleaning) -> Extracted:
    """Read a workbook. Raises FileRejected when its parts cannot be read or it has too many cells."""
    reader = _Reader(source, cleaning.template)
    blocks = list(_opened(reader, path, reader.blocks))
    return Extracted(assemble(blocks)[0], reader.title, notes=tuple(reader.notes()))


def read_xlsx(path: Path, source: str, head: int = 0) -> Records:
    """The records of its tables that begin with a row of names, or the first `head` of them. Raises FileRejected as above."""
    reader = _Reader(source)
    found = list(islice(_opened(reader, path, reader.records), head + 1 if head else None))
    return Records(found[:head] if head else found, None if head and len(found) > head else len(found))


def _opened(reader: _Reader, path: Path, walk: Callable[[BinaryIO, BinaryIO], Iterator[Any]]) -> Iterator[Any]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of styles and extensions that are not read anyway
            with path.open("rb") as file, path.open("rb") as again:  # by its path, openpyxl would ask for an ending
                yield from walk(file, again)
    except BROKEN as problem:
        raise damaged(reader.source, type(problem).__name__) from None


class _Reader:
    """Reads each sheet twice side by side, for results and for formulas; counts cells."""

    def __init__(self, source: str, template: str = "") -> None:
        self.source = source
        self.shaped = Templated(template) if template else None
        self.unfit = 0
        self.title = ""
        self.formulas = 0
        self.cells = 0
        self.hidden: list[str] = []

    def notes(self) -> Iterator[str]:
        """What a person would not expect of the text."""
        if self.formulas:
            yield f"{self.formulas} cells hold a formula without its result; the formula is shown."
        if self.hidden:
            yield f"Sheets that are hidden in the workbook were read too: {', '.join(self.hidden)}."
        if self.shaped is None:
            return
        if self.shaped.records:
            yield f"Read {self.shaped.records:,} rows as the template has them; {self.unfit:,} other tables stayed tables."
        else:
            yield "No table begins with a row that names the template's columns; all stayed tables."
        yield from self.shaped.notes()

    def blocks(self, file: BinaryIO, again: BinaryIO) -> Iterator[Block]:
        for sheet, tables in self._sheets(file, again):
            found = [block for rows in tables for block in self._table(rows)]
            if found:
                self.hidden += [sheet.title] if sheet.sheet_state != "visible" else []
                yield Block(heading(1, sheet.title))
                yield from found

    def records(self, file: BinaryIO, again: BinaryIO) -> Iterator[Record]:
        for _, tables in self._sheets(file, again):
            for rows in tables:
                yield from records_of(_apart(rows)[1], self.source)

    def _sheets(self, file: BinaryIO, again: BinaryIO) -> Iterator[tuple[Any, Iterator[list[list[str]]]]]:
        """Each sheet, with the rows of its tables."""
        results = openpyxl.load_workbook(file, read_only=True, data_only=True)
        formulas = openpyxl.load_workbook(again, read_only=True)
        self.title = results.properties.title or ""
        try:
            for sheet, twin in zip(results.worksheets, formulas.worksheets, strict=True):
                sheet.reset_dimensions()
                twin.reset_dimensions()
                yield sheet, self._tables(self._rows(sheet, twin))
        finally:
            results.close()
            formulas.close()

    def _rows(self, sheet: Any, twin: Any) -> Iterator[list[str]]:
        for row, formulas in zip(sheet.iter_rows(), twin.iter_rows(), strict=False):
            self.cells += len(row)
            if self.cells > MOST_CELLS:
                raise FileRejected(f"'{self.source}' has more than {MOST_CELLS:,} cells.",
                                   "Save its sheets as CSV files, or split it.", subject=self.source, code="file_too_large")
            cells = [self._shown(cell, formula) for cell, formula in zip(row, formulas, strict=False)]
            while cells and not cells[-1]:
                cells.pop()
            yield cells

    def _shown(self, cell: Any, formula: Any) -> str:
        if cell.value is None and formula.value is not None:
            self.formulas += 1
            return str(getattr(formula.value, "text", None) or formula.value)
        return _words(cell.value, cell.number_format if cell.value is not None else "")

    def _table(self, rows: list[list[str]]) -> Iterator[Block]:
        captions, rows = _apart(rows)
        yield from map(Block, captions)
        if not rows:
            return
        records = records_of(rows, self.source) if self.shaped else []
        if self.shaped and records and fits(self.shaped.template, records[0]):
            yield from self.shaped.blocks(records)
        else:
            self.unfit += sum(map(bool, rows[0])) > 1
            yield Block(markdown_table(rows))

    def _tables(self, rows: Iterator[list[str]]) -> Iterator[list[list[str]]]:
        """Runs of rows between empty ones."""
        run: list[list[str]] = []
        for row in rows:
            if row:
                run.append(row)
            else:
                yield run
                run = []
        yield run


def _apart(rows: list[list[str]]) -> tuple[list[str], list[list[str]]]:
    """Captions and table: lines of a single cell above a table are its captions."""
    wide = any(sum(map(bool, row)) > 1 for row in rows)
    first = next((place for place, row in enumerate(rows) if not wide or sum(map(bool, row)) != 1), len(rows))
    return ["".join(row) for row in rows[:first]], rows[first:]


def records_of(rows: Sequence[Sequence[str]], source: str) -> list[Record]:
    """The rows below a row of names as records; none where the first row holds numbers, or no row follows it."""
    names, is_head = field_names(list(rows[0])) if rows else ([], False)
    if not is_head:
        return []
    names += [f"Column {place}" for place in range(len(names) + 1, max(map(len, rows)) + 1)]
    used = [place for place in range(len(names)) if any(place < len(row) and row[place] for row in rows)]
    return [{names[place]: checked(row[place], source) if place < len(row) else "" for place in used} for row in rows[1:]]


def _words(value: Any, form: str) -> str:
    """A cell's value as a person would type it; dates in ISO form."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, datetime.datetime) and value.time() == datetime.time():
        return value.date().isoformat()
    if isinstance(value, datetime.time) and not value.second:
        return f"{value:%H:%M}"
    if isinstance(value, datetime.datetime | datetime.date | datetime.time):
        return value.isoformat(" ") if isinstance(value, datetime.datetime) else value.isoformat()
    if isinstance(value, int | float):
        return f"{value * 100:.10g} %" if form.rstrip().endswith("%") else str(value) if isinstance(value, int) else f"{value:.12g}"
    return str(value).strip()
