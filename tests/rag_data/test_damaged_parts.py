"""A part whose packed bytes are damaged is said at the door, and does not end an import."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from phases.rag_data.extract.formats import check_file, extract_document
from phases.shared.errors import FileRejected

DOCUMENTS = Path(__file__).parents[1] / "fixtures" / "documents"


def with_damaged_part(original: Path, part: str, copy: Path) -> Path:
    data = bytearray(original.read_bytes())
    with zipfile.ZipFile(original) as archive:
        entry = archive.getinfo(part)
    begin = entry.header_offset + 30 + len(entry.filename) + len(entry.extra)
    data[begin:begin + 20] = b"\xff" * 20
    copy.write_bytes(data)
    return copy


def test_a_damaged_manifest_is_said_before_anything_is_read(tmp_path: Path) -> None:
    path = with_damaged_part(next(DOCUMENTS.glob("*.odt")), "META-INF/manifest.xml", tmp_path / "a.odt")
    with pytest.raises(FileRejected, match="manifest"):
        check_file(path, "a.odt")


def test_a_damaged_container_of_a_book_is_said(tmp_path: Path) -> None:
    path = with_damaged_part(next(DOCUMENTS.glob("*.epub")), "META-INF/container.xml", tmp_path / "a.epub")
    with pytest.raises(FileRejected, match="container"):
        extract_document(path, "a.epub")
