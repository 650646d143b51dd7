"""XLSX -> text: each sheet a heading, its cells as Markdown tables; rows left empty part the tables of one sheet.

In: an XLSX file. Out: Markdown text. Cells show what the program last computed; where a file keeps no result, the formula
itself stands, and a note says how many.
"""

from __future__ import annotations

import datetime
import warnings
from collections.abc import Iterator
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
from phases.rag_data.extract.sniff import damaged
from phases.shared.errors import FileRejected

MOST_CELLS = 2_000_000
BROKEN = (KeyError, ValueError, TypeError, AttributeError, BadZipFile, InvalidFileException, ParseError, LxmlError,
          DefusedXmlException, EOFError)


def extract_xlsx(path: Path, source: str, cleaning: Cleaning) -> Extracted:
    """Read a workbook. Raises FileRejected when its parts cannot be read or it has too many cells."""
    reader = _Reader(source)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of styles and extensions that are not read anyway
            with path.open("rb") as file, path.open("rb") as again:  # by its path, openpyxl would ask for an ending
                blocks = list(reader.blocks(file, again))
            title = reader.title
    except BROKEN as problem:
        raise damaged(source, type(problem).__name__) from None
    return Extracted(assemble(blocks)[0], title, notes=tuple(reader.notes()))


class _Reader:
    """Reads each sheet twice side by side, for results and for formulas; counts cells."""

    def __init__(self, source: str) -> None:
        self.source = source
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

    def blocks(self, file: BinaryIO, again: BinaryIO) -> Iterator[Block]:
        results = openpyxl.load_workbook(file, read_only=True, data_only=True)
        formulas = openpyxl.load_workbook(again, read_only=True)
        self.title = results.properties.title or ""
        try:
            for sheet, twin in zip(results.worksheets, formulas.worksheets, strict=True):
                sheet.reset_dimensions()
                twin.reset_dimensions()
                found = list(self._tables(self._rows(sheet, twin)))
                if found:
                    self.hidden += [sheet.title] if sheet.sheet_state != "visible" else []
                    yield Block(heading(1, sheet.title))
                    yield from found
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

    def _tables(self, rows: Iterator[list[str]]) -> Iterator[Block]:
        """Runs of rows between empty ones; lines of a single cell above a table are its caption."""
        run: list[list[str]] = []
        for row in rows:
            if row:
                run.append(row)
            else:
                yield from _table(run)
                run = []
        yield from _table(run)


def _table(rows: list[list[str]]) -> Iterator[Block]:
    wide = any(sum(map(bool, row)) > 1 for row in rows)
    while wide and rows and sum(map(bool, rows[0])) == 1:
        yield Block("".join(rows[0]))
        rows = rows[1:]
    if rows:
        yield Block(markdown_table(rows))


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
