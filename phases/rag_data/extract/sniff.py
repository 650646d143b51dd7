"""Is a file what its name says? Checks of first bytes, before any parser opens it. ZIP files have `packages.py`.

In: a path and the file's name. Out: nothing, or FileRejected that says what the file is instead.
"""

from __future__ import annotations

from pathlib import Path

from phases.shared.errors import FileRejected

MAGIC = (
    (b"%PDF-", "a PDF"), (b"PK\x03\x04", "a ZIP file or an Office document"), (b"PK\x05\x06", "an empty ZIP file"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office document (.doc, .xls)"), (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"), (b"GIF8", "a GIF picture"), (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"), (b"Rar!", "a RAR archive"), (b"\x7fELF", "a program"), (b"MZ", "a program"),
    (b"SQLite format 3\x00", "a database"), (b"{\\rtf", "an RTF document"),
    (b"PAR1", "a Parquet table"), (b"PARE", "an encrypted Parquet table"))
HEAD_BYTES = 4096
PDF_HEAD_BYTES = 1024
PDF_TAIL_BYTES = 16_384
UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


def check_pdf(path: Path, source: str) -> None:
    """A PDF has its mark within the first 1024 bytes and an end mark near its end (ISO 32000-1, 7.5).

    Readers rebuild a file that was cut off, and would show a part of it as if it were the whole.
    """
    head = head_of(path)
    if b"%PDF-" not in head[:PDF_HEAD_BYTES]:
        raise other_content(source, "a PDF", head)
    with path.open("rb") as file:
        size = path.stat().st_size
        file.seek(max(size // 2, size - PDF_TAIL_BYTES))
        if b"%%EOF" not in file.read():
            raise damaged(source, "its end is missing")


def check_text(path: Path, source: str) -> None:
    """Text has no NUL bytes (unless UTF-16) and begins like no known binary format."""
    head = head_of(path)
    kind = _kind_in_words(head)
    if kind:
        raise other_content(source, "text", head)
    if b"\x00" in head and not head.startswith(UTF16_MARKS):
        raise FileRejected(f"'{source}' is not text: it holds binary data.", "Check its ending.", subject=source,
                           code="file_wrong_kind")


def check_rtf(path: Path, source: str) -> None:
    """An RTF document begins with its mark and ends with the brace that closes it."""
    head = head_of(path)
    if not head.lstrip().startswith(b"{\\rtf"):
        raise other_content(source, "an RTF document", head)
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - HEAD_BYTES))
        if not file.read().rstrip(b"\x00\r\n\t ").endswith(b"}"):
            raise damaged(source, "its end is missing")


def check_parquet(path: Path, source: str) -> None:
    """A Parquet table begins and ends with its mark."""
    head = head_of(path)
    if head.startswith(b"PARE"):
        raise FileRejected(f"'{source}' is encrypted.", "Save it without encryption.", subject=source, code="file_encrypted")
    if not head.startswith(b"PAR1"):
        raise other_content(source, "a Parquet table", head)
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 4))
        if file.read() != b"PAR1":
            raise damaged(source, "its end is missing")


def damaged(source: str, detail: str = "") -> FileRejected:
    """The rejection of a file that begins right but cannot be read to its end."""
    return FileRejected(f"'{source}' is damaged or cut off and cannot be read{f': {detail}' if detail else ''}.",
                        "Open it in another program to check it, save it anew, or download it again.", subject=source,
                        code="file_damaged")


def head_of(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(HEAD_BYTES)


def _kind_in_words(head: bytes) -> str:
    return next((name for mark, name in MAGIC if head.startswith(mark) and (mark != b"MZ" or b"\x00" in head)), "")


def other_content(source: str, expected: str, head: bytes) -> FileRejected:
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
