"""Files that are ZIP files inside (Office, OpenDocument, EPUB): is one what its name says, and safe to unpack?

In: a path and the file's name. Out: nothing, or FileRejected that says what is wrong. `xml_part` reads one part of such a
file without following entities, DTDs or addresses (XXE).
"""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lxml import etree

from phases.rag_data.extract.sniff import damaged, head_of, other_content
from phases.shared.errors import FileRejected
from phases.shared.sizes import size

MAX_ZIP_ENTRIES = 5_000
MAX_UNPACKED = 1_000_000_000
MAX_RATIO = 100
RATIO_FREE_BYTES = 5_000_000
OLE_MARK = b"\xd0\xcf\x11\xe0"
ENCRYPTED = 1  # bit of a ZIP entry's flags
HARMLESS_SCRAMBLING = ("http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC")  # of fonts, in EPUB files
ALGORITHM = "{http://www.w3.org/2001/04/xmlenc#}EncryptionMethod"
UNREADABLE_PACKED = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, OSError)  # RuntimeError: encrypted, or an unknown packing
UNREADABLE_PART = (KeyError, *UNREADABLE_PACKED)


@dataclass(frozen=True)
class Package:
    """A kind of file: its ending in capitals, what it holds, the part that proves it, and the older kind it is mistaken for."""

    name: str
    content: str
    part: str
    old: str = ""
    program: str = "the program that made it"


WORD = Package("a DOCX", "Word document", "word/document.xml", "Word document (.doc)", "Word (File, Info, Protect Document)")
SLIDES = Package("a PPTX", "presentation", "ppt/presentation.xml", "presentation (.ppt)", "PowerPoint (File, Info)")
SHEETS = Package("an XLSX", "workbook", "xl/workbook.xml", "workbook (.xls)", "Excel (File, Info)")
TEXT = Package("an ODT", "OpenDocument text", "content.xml")
BOOK = Package("an EPUB", "book", "META-INF/container.xml")


def check_word(path: Path, source: str) -> None:
    """A DOCX is a ZIP file with a Word document in it, and of a size that is safe to unpack."""
    _check(path, source, WORD)


def check_slides(path: Path, source: str) -> None:
    """A PPTX is a ZIP file with a presentation in it."""
    _check(path, source, SLIDES)


def check_sheets(path: Path, source: str) -> None:
    """An XLSX is a ZIP file with a workbook in it."""
    _check(path, source, SHEETS)


def check_odt(path: Path, source: str) -> None:
    """An ODT is a ZIP file whose manifest names no encrypted part."""
    _check(path, source, TEXT)
    with zipfile.ZipFile(path) as archive:
        names = set(archive.namelist())
        kind = part_bytes(archive, "mimetype", source)[:200] if "mimetype" in names else b"application/vnd.oasis.opendocument.text"
        if b"opendocument.text" not in kind:
            raise FileRejected(f"'{source}' is another OpenDocument file: {kind.decode('ascii', 'replace').strip()}.",
                               "Save it as ODT, XLSX, PPTX or PDF.", subject=source, code="file_wrong_kind")
        if "META-INF/manifest.xml" in names and b"encryption-data" in part_bytes(archive, "META-INF/manifest.xml", source):
            raise _protected(source, TEXT)


def check_epub(path: Path, source: str) -> None:
    """An EPUB without digital rights management; scrambled fonts do not matter."""
    _check(path, source, BOOK)
    with zipfile.ZipFile(path) as archive:
        if "META-INF/encryption.xml" not in archive.namelist():
            return
        methods = {one.get("Algorithm") for one in xml_part(archive, "META-INF/encryption.xml", source).iter(ALGORITHM)}
    if methods - set(HARMLESS_SCRAMBLING):
        raise FileRejected(f"'{source}' is protected by digital rights management.", "Add an edition without protection.",
                           subject=source, code="file_encrypted")


def part_bytes(archive: zipfile.ZipFile, name: str, source: str) -> bytes:
    """A part as it is. Raises FileRejected when it is missing or damaged."""
    try:
        return archive.read(name)
    except UNREADABLE_PART as problem:
        raise damaged(source, f"its part {name} cannot be read ({type(problem).__name__})") from None


def xml_part(archive: zipfile.ZipFile, name: str, source: str) -> Any:
    """The root element of a part. Raises FileRejected when it is missing or no XML; entities stay unresolved."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True)
    try:
        return etree.fromstring(part_bytes(archive, name, source), parser)
    except etree.XMLSyntaxError as problem:
        raise damaged(source, f"its part {name} cannot be read ({type(problem).__name__})") from None


def entries_of(path: Path, source: str) -> list[zipfile.ZipInfo]:
    """A ZIP file's directory, when it is whole and safe to unpack."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError, NotImplementedError, ValueError):
        raise damaged(source) from None
    check_unpacked_size(entries, source, path.stat().st_size)
    return entries


def check_unpacked_size(entries: list[zipfile.ZipInfo], source: str, held: int) -> None:
    """Refuse what would unpack to far more than it seems (a ZIP bomb). `held`: bytes of the file, since parts may share their bytes."""
    unpacked = sum(one.file_size for one in entries)
    packed = max(min(sum(one.compress_size for one in entries), held), 1)
    bomb = any(one.file_size > RATIO_FREE_BYTES and one.file_size > MAX_RATIO * max(one.compress_size, 1) for one in entries)
    too_dense = unpacked > RATIO_FREE_BYTES and unpacked > MAX_RATIO * packed
    if len(entries) > MAX_ZIP_ENTRIES or unpacked > MAX_UNPACKED or bomb or too_dense:
        raise FileRejected(f"'{source}' would unpack to {size(unpacked)} in {len(entries):,} parts, which is not safe.",
                           "If you trust it, open it in the program that made it and save it again, or split it.",
                           subject=source, code="file_too_dense")


def _check(path: Path, source: str, package: Package) -> None:
    head = head_of(path)
    if head.startswith(OLE_MARK):
        if "EncryptedPackage".encode("utf-16-le") in path.read_bytes():
            raise _protected(source, package)
        raise FileRejected(f"'{source}' is an old {package.old or 'Office document'} under another name.",
                           "Save it in today's format or as PDF, then add it again.", subject=source, code="file_wrong_kind")
    if not head.startswith(b"PK"):
        raise other_content(source, package.name, head)
    entries = entries_of(path, source)
    if package.part not in {one.filename for one in entries}:
        raise FileRejected(f"'{source}' is a ZIP file, but holds no {package.content}.",
                           "Check its ending: it may be another Office format or an archive.", subject=source,
                           code="file_wrong_kind")
    if any(one.flag_bits & ENCRYPTED for one in entries):
        raise _protected(source, package)


def _protected(source: str, package: Package) -> FileRejected:
    return FileRejected(f"'{source}' is protected by a password.",
                        f"Remove the password in {package.program}, then add it again.", subject=source,
                        code="file_encrypted")
