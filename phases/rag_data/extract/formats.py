"""File -> Document: the list of formats, and the checks that come before a parser.

In: a path, the name the person knows the file by, and the cleaning switches. Out: a `Document`, or FileRejected with what
is wrong and what to do. To add a format, write `extract_NAME(path, source, cleaning) -> Extracted` in a file of its own and
add a line to `FORMATS`; one of records is `read_NAME(path, source, head) -> Records`. A workbook has both. Jobs come here through `phases.rag_data.extract.parser`: a child process with limits.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from phases.rag_data.clean import Cleaning
from phases.rag_data.clean.pipeline import clean_text
from phases.rag_data.extract.document import Document, Extracted, title_of, usable_title
from phases.rag_data.extract.knowledge_base import check_database
from phases.rag_data.extract.labels import labels_for
from phases.rag_data.extract.long_lines import check_length, check_raw_lines
from phases.rag_data.extract.packages import check_epub, check_odt, check_sheets, check_slides, check_word
from phases.rag_data.extract.records import as_head, records_text
from phases.rag_data.extract.sniff import check_parquet, check_pdf, check_rtf, check_text
from phases.shared.errors import FileRejected

RELATIVES = {".doc": "DOCX or PDF", ".dot": "DOCX or PDF", ".wps": "DOCX or PDF", ".pages": "DOCX or PDF", ".ods": "XLSX or CSV", ".xls": "XLSX or CSV",
             ".xlsb": "XLSX or CSV", ".numbers": "XLSX or CSV", ".odp": "PPTX or PDF", ".ppt": "PPTX or PDF", ".key": "PPTX or PDF", ".ps": "PDF",
             ".tex": "PDF", ".mobi": "EPUB", ".azw3": "EPUB", ".djvu": "PDF", ".xps": "PDF", ".mht": "HTML", ".mhtml": "HTML", ".eml": "TXT"}
TEXT_LINE = 8_000_000  # four bytes for each character that a line may have
MARKUP_LINE = 40_000_000  # pictures are written in one line


@dataclass(frozen=True)
class Format:
    """A format: the endings of its files, the check of its first bytes, its function as "module:name", and whether it holds records."""

    media: str
    endings: tuple[str, ...]
    check: Callable[[Path, str], None]
    function: str
    longest_line: int = 0  # in bytes, for formats whose reader a longer one would choke; 0 for any
    records: bool = False
    head: str = ""  # reads the records of its tables, for a format of which a template may make such
    raw: bool = False  # its text is data for the import, not for a person: it is not cleaned
    libraries: tuple[str, ...] = ()  # what its function imports when it is called

    def extract(self, path: Path, source: str, cleaning: Cleaning) -> Extracted:
        """The text; with `cleaning.head` the first records as JSON."""
        if cleaning.head and (self.records or self.head):
            return as_head(_loaded(self.head or self.function)(path, source, cleaning.head))
        found = _loaded(self.function)
        if not self.records:
            return found(path, source, cleaning)
        return records_text(found(path, source), source, cleaning.template, labels_for(source, cleaning.labels))


def _loaded(function: str) -> Callable[..., Any]:
    """A format's function; its library is loaded only now."""
    module, name = function.split(":")
    return getattr(import_module(module), name)


FORMATS: Mapping[str, Format] = {one.media: one for one in (
    Format("pdf", (".pdf",), check_pdf, "phases.rag_data.extract.pdf:extract_pdf", libraries=("pdfplumber.table",)),
    Format("docx", (".docx",), check_word, "phases.rag_data.extract.word:extract_docx"),
    Format("pptx", (".pptx",), check_slides, "phases.rag_data.extract.slides:extract_pptx"),
    Format("xlsx", (".xlsx", ".xlsm"), check_sheets, "phases.rag_data.extract.sheets:extract_xlsx", head="phases.rag_data.extract.sheets:read_xlsx"),
    Format("odt", (".odt",), check_odt, "phases.rag_data.extract.opendocument:extract_odt"),
    Format("rtf", (".rtf",), check_rtf, "phases.rag_data.extract.rtf:extract_rtf", MARKUP_LINE),
    Format("epub", (".epub",), check_epub, "phases.rag_data.extract.epub:extract_epub"),
    Format("txt", (".txt", ".text"), check_text, "phases.rag_data.extract.text:extract_txt", TEXT_LINE),
    Format("md", (".md", ".markdown"), check_text, "phases.rag_data.extract.text:extract_markdown", TEXT_LINE),
    Format("html", (".html", ".htm", ".xhtml"), check_text, "phases.rag_data.extract.html:extract_html", MARKUP_LINE),
    Format("csv", (".csv",), check_text, "phases.rag_data.extract.tables:read_csv", TEXT_LINE, records=True),
    Format("tsv", (".tsv", ".tab"), check_text, "phases.rag_data.extract.tables:read_tsv", TEXT_LINE, records=True),
    Format("json", (".json",), check_text, "phases.rag_data.extract.json_records:read_json", records=True),
    Format("jsonl", (".jsonl", ".ndjson"), check_text, "phases.rag_data.extract.json_records:read_jsonl", records=True),
    Format("sqlite", (".sqlite", ".sqlite3", ".db"), check_database, "phases.rag_data.extract.knowledge_base:extract_database", raw=True),
    Format("parquet", (".parquet",), check_parquet, "phases.rag_data.extract.parquet:read_parquet", records=True),
)}


def format_of(source: str) -> Format:
    """The format that a file's name promises. Raises FileRejected for one that is not known."""
    ending = Path(source).suffix.lower()
    for one in FORMATS.values():
        if ending in one.endings:
            return one
    what = f"a {ending} file" if ending else "a file without an ending"
    better = f"Open it in its program and save it as {RELATIVES[ending]}. " if ending in RELATIVES else ""
    raise FileRejected(f"'{source}' is {what}, which cannot be read.", f"{better}{readable_endings()}", subject=source,
                       code="file_unknown_format")


def media_of(sources: Iterable[str]) -> set[str]:
    """The formats of some files, each once."""
    return {format_of(one).media for one in sources}


def readable_endings() -> str:
    """The advice for a file of an unknown format: a sentence with every known ending."""
    return f"Readable are: {', '.join(ending for one in FORMATS.values() for ending in one.endings)}."


def is_records(source: str) -> bool:
    """Whether a file's name is that of records, which a template may shape."""
    ending = Path(source).suffix.lower()
    return any(one.records and ending in one.endings for one in FORMATS.values())


def takes_template(source: str) -> bool:
    """Whether a template may shape a file: records, and workbooks, whose tables may hold such."""
    ending = Path(source).suffix.lower()
    return any((one.records or one.head) and ending in one.endings for one in FORMATS.values())


def check_file(path: Path, source: str) -> Format:
    """The checks that need no parser: known ending, not empty, content that fits the ending."""
    kind = format_of(source)
    if path.stat().st_size == 0:
        raise FileRejected(f"'{source}' is empty.", "Check that it was copied or downloaded completely.", subject=source,
                           code="file_empty")
    kind.check(path, source)
    if kind.longest_line:
        check_raw_lines(path, source, kind.longest_line)
    return kind


def extract_document(path: Path, source: str, cleaning: Cleaning | None = None) -> Document:
    """Read a file.

    Args:
        path: where it lies.
        source: its name as the person knows it; the ending decides the format.

    Raises:
        FileRejected: empty, encrypted, damaged, not what its name says, without text or without line ends.
    """
    cleaning = (cleaning or Cleaning()).fresh()
    kind = check_file(path, source)
    found = kind.extract(path, source, cleaning)
    if not any(letter.isalnum() for letter in found.text):
        raise FileRejected(f"'{source}' holds no text.", "Add a file with text in it.", subject=source, code="file_no_text")
    text = found.text
    if kind.raw or cleaning.head:
        return Document(source, kind.media, text, title_of(source), notes=found.notes)
    check_length(text, source)
    text, pages = clean_text(text if found.pages else cleaning.safe(text), found.pages, cleaning)
    if not any(letter.isalnum() for letter in text):
        raise FileRejected(f"'{source}' holds no text after cleaning.", "Switch cleaning steps off, then add it again.", subject=source,
                           code="file_no_text")
    title = unicodedata.normalize("NFC", usable_title(found.title)) or title_of(text)
    return Document(source, kind.media, text, title, pages, found.notes, cleaning.tally.record(), found.columns)
