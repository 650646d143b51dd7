"""What a person chose -> single files: folders are walked, ZIP files unpacked, each file inside named by its path inside.

In: files, folders and ZIP files, and an empty folder to unpack into. Out: `Found` records in a stable order. What cannot be
taken (links, paths that lead outside, archives in archives, unknown endings) is named with its reason. Unpacked files get
names of our own, so no name in an archive can lead anywhere.
"""

from __future__ import annotations

import os
import re
import stat
import unicodedata
import zipfile
from collections.abc import Container, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import mkstemp

from phases.rag_data.extract.formats import format_of
from phases.rag_data.extract.packages import ENCRYPTED, UNREADABLE_PACKED, entries_of
from phases.rag_data.extract.sniff import damaged, head_of, other_content
from phases.shared.errors import FileRejected
from phases.shared.sizes import size

MAX_NAME = 150
MOST_FILES = 10_000
UTF8_NAME = 0x800  # bit of a ZIP entry's flags
READ_BYTES = 1 << 20
SYSTEM_NAMES = re.compile(r"\.|__MACOSX$|~\$|(Thumbs\.db|desktop\.ini)$", re.IGNORECASE)


@dataclass(frozen=True)
class Found:
    """One file: its name for the person and where it lies, or why it is not taken."""

    source: str
    path: Path | None = None
    refused: FileRejected | None = None


@dataclass(frozen=True)
class Limits:
    """Bytes that a single file, and all together, may have."""

    file: int
    total: int


def collect_files(given: Sequence[tuple[str, Path]], scratch: Path, limits: Limits) -> list[Found]:
    """All files of what was given, as (name, path). Raises FileRejected when they are too many or too much together."""
    found: list[Found] = []
    total = 0
    for one in _collected(given, scratch, limits):
        found.append(one)
        total += one.path.stat().st_size if one.path else 0
        if total > limits.total:
            raise FileRejected(f"These files are more than {size(limits.total)} together, with all archives unpacked.",
                               "Add them in several steps.", code="files_too_large")
        if len(found) > MOST_FILES:
            raise FileRejected(f"These are more than {MOST_FILES:,} files.", "Add them in several steps.", code="files_too_many")
    return found


def _collected(given: Sequence[tuple[str, Path]], scratch: Path, limits: Limits) -> Iterator[Found]:
    for name, path in given:
        if path.is_dir():
            for one in walk_folder(path):
                yield from _unpacked(one, scratch, limits)
        else:
            yield from _unpacked(Found(clean_source_name(name), path), scratch, limits)


def _unpacked(one: Found, scratch: Path, limits: Limits) -> Iterator[Found]:
    """The files of a ZIP file; any other file as it is. Names of a ZIP file in a folder begin with its own."""
    if one.path is None or not is_zip(one.source):
        yield one
        return
    prefix = f"{one.source}/" if "/" in one.source else ""
    try:
        yield from unpack_zip(one.path, one.source, prefix, scratch, limits)
    except FileRejected as refused:
        yield Found(one.source, refused=refused)


def is_zip(name: str) -> bool:
    return name.lower().endswith(".zip")


def walk_folder(folder: Path) -> Iterator[Found]:
    """The files below a folder, by name; links are not followed, hidden files and folders are named once."""
    for place, folders, files in os.walk(folder):
        inside = Path(place).relative_to(folder)
        for name in sorted([*files, *(one for one in folders if _passed_over(Path(place, one)))]):
            path = Path(place, name)
            source = clean_source_path((inside / name).as_posix())
            if path.is_symlink():
                yield Found(source, refused=_refusal(source, "is a link, and links are not followed",
                                                     "Add what it points to.", "file_link"))
            elif SYSTEM_NAMES.match(name):
                yield Found(source, refused=_system_file(source))
            elif path.is_file():
                yield Found(source, path)
            else:
                yield Found(source, refused=_refusal(source, "is no file", "Leave it out.", "file_wrong_kind"))
        folders[:] = sorted(one for one in folders if not _passed_over(Path(place, one)))


def _passed_over(folder: Path) -> bool:
    return folder.is_symlink() or bool(SYSTEM_NAMES.match(folder.name))


def unpack_zip(path: Path, source: str, prefix: str, scratch: Path, limits: Limits) -> Iterator[Found]:
    """The files of a ZIP file. Raises FileRejected when it is damaged, no ZIP file, or not safe to unpack."""
    head = head_of(path)
    if not head.startswith(b"PK"):
        raise other_content(source, "a ZIP file", head) if head else damaged(source)
    entries = entries_of(path, source)
    systems: set[str] = set()
    with zipfile.ZipFile(path) as archive:
        for entry in entries:
            if entry.is_dir():
                continue
            name = _entry_name(entry)
            hidden = next((place for place, part in enumerate(name.split("/"), start=1) if SYSTEM_NAMES.match(part)), 0)
            if hidden and ".." not in name.split("/"):
                system = prefix + "/".join(name.split("/")[:hidden])
                if system not in systems:
                    systems.add(system)
                    yield Found(clean_source_path(system), refused=_system_file(system))
                continue
            inside = prefix + clean_source_path(name)
            try:
                _check_entry(entry, name, inside, limits)
                yield Found(inside, _written(archive, entry, inside, scratch))
            except FileRejected as refused:
                yield Found(inside, refused=refused)


def _entry_name(entry: zipfile.ZipInfo) -> str:
    """The name in an archive; macOS writes UTF-8 without saying so, which zipfile reads as code page 437."""
    name = entry.filename
    if not entry.flag_bits & UTF8_NAME:
        with suppress(UnicodeError):
            name = name.encode("cp437").decode("utf-8")
    return name.replace("\\", "/")


def _check_entry(entry: zipfile.ZipInfo, name: str, source: str, limits: Limits) -> None:
    if name.startswith("/") or re.match(r"[A-Za-z]:", name) or ".." in name.split("/"):
        raise _refusal(source, "has a path that leads out of its archive", "Pack the archive anew.", "file_unsafe_path")
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise _refusal(source, "is a link, and links are not followed", "Add what it points to.", "file_link")
    if is_zip(name):
        raise _refusal(source, "is a ZIP file inside a ZIP file", "Unpack it, then add it on its own.", "file_nested_archive")
    format_of(source)
    if entry.flag_bits & ENCRYPTED:
        raise _refusal(source, "is protected by a password", "Unpack the archive, then add its files.", "file_encrypted")
    if entry.file_size > limits.file:
        raise _refusal(source, f"has {size(entry.file_size)}; a file may have {size(limits.file)}", "Split it.",
                       "file_too_large")


def _written(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, source: str, scratch: Path) -> Path:
    """A file of the archive under a name that is free."""
    handle, target = mkstemp(dir=scratch)
    try:
        with os.fdopen(handle, "wb") as file, archive.open(entry) as packed:
            while part := packed.read(READ_BYTES):  # never more than the entry announces
                file.write(part)
    except UNREADABLE_PACKED as problem:
        raise damaged(source, type(problem).__name__) from None
    return Path(target)


def _system_file(source: str) -> FileRejected:
    return _refusal(source, "is hidden, or belongs to a program and not to a person", "Rename it if its text matters.",
                    "file_hidden")


def _refusal(source: str, what: str, advice: str, code: str) -> FileRejected:
    return FileRejected(f"'{source}' {what}.", advice, subject=source, code=code)


def free_name(name: str, taken: Container[str]) -> str:
    """Within one import two files of one name are two documents: the second is told apart by a number."""
    path, number, free = PurePosixPath(name), 2, name
    while free in taken:
        free = str(path.with_name(f"{path.stem} ({number}){path.suffix}"))
        number += 1
    return free


def clean_source_path(name: str) -> str:
    """A path inside a folder or archive, cleaned part by part, without steps upwards."""
    parts = [clean_source_name(one) for one in re.split(r"[/\\]", name) if one not in {"", ".", ".."}]
    return "/".join(parts) or "file"


def clean_source_name(name: str) -> str:
    """A file's name without folders and characters that trouble a terminal, a page or a file system."""
    name = unicodedata.normalize("NFC", re.split(r"[/\\]", name)[-1])
    name = "".join(one if one.isprintable() and one not in '<>:"|?*' else "_" for one in name).strip() or "file"
    stem, ending = Path(name).stem, Path(name).suffix
    return stem[:MAX_NAME - len(ending)] + ending
