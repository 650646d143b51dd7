"""Is a file what its name says? Checks of first bytes and of ZIP directories, before any parser opens it.

In: a path and the file's name. Out: nothing, or FileRejected that says what the file is instead.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

from phases.shared.errors import FileRejected

MAGIC = (
    (b"%PDF-", "a PDF"), (b"PK\x03\x04", "a ZIP file or an Office document"), (b"PK\x05\x06", "an empty ZIP file"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office document (.doc, .xls)"), (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"), (b"GIF8", "a GIF picture"), (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"), (b"Rar!", "a RAR archive"), (b"\x7fELF", "a program"), (b"MZ", "a program"),
    (b"SQLite format 3\x00", "a database"), (b"{\\rtf", "an RTF document"))
HEAD_BYTES = 4096
PDF_HEAD_BYTES = 1024
PDF_TAIL_BYTES = 16_384
MAX_ZIP_ENTRIES = 5_000
MAX_UNPACKED = 1_000_000_000
MAX_RATIO = 100
RATIO_FREE_BYTES = 5_000_000
UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
WORD_PART = "word/document.xml"


def check_pdf(path: Path, source: str) -> None:
    """A PDF has its mark within the first 1024 bytes and an end mark near its end (ISO 32000-1, 7.5).

    Readers rebuild a file that was cut off, and would show a part of it as if it were the whole.
    """
    head = _head(path)
    if b"%PDF-" not in head[:PDF_HEAD_BYTES]:
        raise _other_content(source, "a PDF", head)
    with path.open("rb") as file:
        size = path.stat().st_size
        file.seek(max(size // 2, size - PDF_TAIL_BYTES))
        if b"%%EOF" not in file.read():
            raise damaged(source, "its end is missing")


def check_word(path: Path, source: str) -> None:
    """A DOCX is a ZIP file with a Word document in it, and of a size that is safe to unpack."""
    head = _head(path)
    if head.startswith(b"\xd0\xcf\x11\xe0"):
        if "EncryptedPackage".encode("utf-16-le") in path.read_bytes():
            raise FileRejected(f"'{source}' is protected by a password.",
                               "Remove the password in Word (File, Info, Protect Document), then add it again.",
                               subject=source, code="file_encrypted")
        raise FileRejected(f"'{source}' is an old Word document (.doc) under another name.",
                           "Save it as .docx or PDF, then add it again.", subject=source, code="file_wrong_kind")
    if not head.startswith(b"PK"):
        raise _other_content(source, "a DOCX", head)
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError, NotImplementedError, ValueError):
        raise damaged(source) from None
    check_unpacked_size(entries, source)
    if WORD_PART not in {one.filename for one in entries}:
        raise FileRejected(f"'{source}' is a ZIP file, but holds no Word document.",
                           "Check its ending: it may be another Office format or an archive.", subject=source,
                           code="file_wrong_kind")
    if any(one.flag_bits & 1 for one in entries):
        raise FileRejected(f"'{source}' is protected by a password.", "Remove the password, then add it again.",
                           subject=source, code="file_encrypted")


def check_unpacked_size(entries: list[zipfile.ZipInfo], source: str) -> None:
    """Refuse what would unpack to far more than it seems (a ZIP bomb)."""
    unpacked = sum(one.file_size for one in entries)
    packed = max(sum(one.compress_size for one in entries), 1)
    bomb = any(one.file_size > RATIO_FREE_BYTES and one.file_size > MAX_RATIO * max(one.compress_size, 1) for one in entries)
    too_dense = unpacked > RATIO_FREE_BYTES and unpacked > MAX_RATIO * packed
    if len(entries) > MAX_ZIP_ENTRIES or unpacked > MAX_UNPACKED or bomb or too_dense:
        raise FileRejected(f"'{source}' would unpack to {unpacked / 1e6:,.0f} MB in {len(entries):,} parts, which is not safe.",
                           "If you trust it, open it in Word and save it again, or split it.", subject=source,
                           code="file_too_dense")


def check_text(path: Path, source: str) -> None:
    """Text has no NUL bytes (unless UTF-16) and begins like no known binary format."""
    head = _head(path)
    kind = _kind_in_words(head)
    if kind:
        raise _other_content(source, "text", head)
    if b"\x00" in head and not head.startswith(UTF16_MARKS):
        raise FileRejected(f"'{source}' is not text: it holds binary data.", "Check its ending.", subject=source,
                           code="file_wrong_kind")


def damaged(source: str, detail: str = "") -> FileRejected:
    """The rejection of a file that begins right but cannot be read to its end."""
    return FileRejected(f"'{source}' is damaged or cut off and cannot be read{f': {detail}' if detail else ''}.",
                        "Open it in another program to check it, save it anew, or download it again.", subject=source,
                        code="file_damaged")


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(HEAD_BYTES)


def _kind_in_words(head: bytes) -> str:
    return next((name for mark, name in MAGIC if head.startswith(mark) and (mark != b"MZ" or b"\x00" in head)), "")


def _other_content(source: str, expected: str, head: bytes) -> FileRejected:
    kind = _kind_in_words(head)
    if not kind:
        start = head.lstrip()[:200].lower()
        if start.startswith((b"<!doctype html", b"<html")):
            kind = "a web page"
        else:
            kind = "unknown binary data" if b"\x00" in head else "plain text"
    return FileRejected(f"'{source}' is not {expected}: its content is {kind}.",
                        "Give it the ending that fits its content, or add the right file.", subject=source,
                        code="file_wrong_kind")
