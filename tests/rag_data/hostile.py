"""Files that somebody made to break, stall or fool a reader, or that an accident left: made on the spot, each by one function."""

from __future__ import annotations

import hashlib
import io
import json
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

FIXTURES = Path(__file__).parents[1] / "fixtures" / "documents"
SECRET = "root:x:0:0"
LAUGHS = "".join(f'<!ENTITY a{level + 1} "{"&a" + str(level) + ";"}{("&a" + str(level) + ";") * 9}">' for level in range(9))
XXE = f'<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd"><!ENTITY a0 "haha">{LAUGHS}]>'
W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
CELL = "<w:tc><w:p><w:r><w:t>deep</w:t></w:r></w:p>"


def changed(name: str, part: str, change: Callable[[bytes], bytes]) -> bytes:
    """A fixture with one part of it changed."""
    out = io.BytesIO()
    with zipfile.ZipFile(FIXTURES / name) as archive, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as copy:
        for one in archive.infolist():
            data = archive.read(one)
            copy.writestr(one.filename, change(data) if one.filename == part else data)
    return out.getvalue()


def with_entities(name: str, part: str, root: str, word: str) -> bytes:
    """A fixture whose part defines entities for a file and for a billion laughs, and uses them within a word of its text."""
    def change(data: bytes) -> bytes:
        assert root.encode() in data
        assert word.encode() in data
        return data.replace(root.encode(), (XXE + root).encode(), 1).replace(word.encode(), f"{word}&x;&a9;".encode(), 1)
    return changed(name, part, change)


def word_body(body: str) -> bytes:
    return changed("agreement_changes.docx", "word/document.xml", lambda _: f"<w:document {W}><w:body>{body}</w:body></w:document>".encode())


def office_container(*streams: str) -> bytes:
    """An OLE compound file as Office writes around an encrypted package (MS-CFB, MS-OFFCRYPTO): header, FAT, directory, data."""
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH6x", 0x3E, 3, 0xFFFE, 9, 6)
    header += struct.pack("<IIIIIIIII", 0, 1, 1, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0) + struct.pack("<I", 0) + b"\xff" * 432
    fat = struct.pack("<III", 0xFFFFFFFD, 0xFFFFFFFE, 0xFFFFFFFE) + b"\xff" * 500
    entries = b""
    for name in ("Root Entry", *streams)[:4]:
        encoded = name.encode("utf-16-le") + b"\0\0"
        entries += encoded.ljust(64, b"\0") + struct.pack("<HBB", len(encoded), 5 if name == "Root Entry" else 2, 1) + b"\xff" * 12 + bytes(36) + struct.pack("<IQ", 2, 512)
    return header[:512].ljust(512, b"\xff") + fat + entries.ljust(512, b"\0") + bytes(range(256)) * 20


def locked_zip(data: bytes) -> bytes:
    """A ZIP file whose entries say that they are encrypted, in both of their headers."""
    out = bytearray(data)
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = out.find(mark)
        while at >= 0:
            out[at + place] |= 1
            at = out.find(mark, at + 4)
    return bytes(out)


def overlapping_zip() -> bytes:
    """Entries that all point to the same packed bytes: each is harmless, together they are a hundred times the file."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", b"".join(hashlib.sha256(b"%d" % number).digest() for number in range(5000)))
    data = packed.getvalue()
    start = data.find(b"PK\x01\x02")
    entry = data[start:data.find(b"PK\x05\x06")]
    entries = b"".join(entry.replace(b"word/document.xml", name) for name in [b"word/document.xml", *(b"word/d%07d.xml" % number for number in range(4000))])
    return data[:start] + entries + struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 4001, 4001, len(entries), start, 0)


def zip_of(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def pdf(objects: list[str], root: int = 1) -> bytes:
    """A PDF of these objects, with a right table of their places."""
    out, places = b"%PDF-1.7\n", []
    for number, body in enumerate(objects, start=1):
        places.append(len(out))
        out += f"{number} 0 obj\n{body}\nendobj\n".encode("latin-1")
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    return out + f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}trailer<</Size {len(objects) + 1}/Root {root} 0 R>>\nstartxref\n{len(out)}\n%%EOF\n".encode()


def page_stream(content: str) -> list[str]:
    return ["<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[3 0 R]/Count 1>>",
            "<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 300]/Resources<</Font<</F 5 0 R>>/XObject<</X 6 0 R>>>>/Contents 4 0 R>>",
            f"<</Length {len(content)}>>stream\n{content}\nendstream", "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
            "<</Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</X 6 0 R>>>>/Length 5>>stream\n/X Do\nendstream"]


def looping_pdf() -> bytes:
    return pdf(["<</Type/Catalog/Pages 2 0 R/Outlines 4 0 R>>", "<</Type/Pages/Kids[3 0 R 2 0 R]/Count 1000000>>", "<</Type/Pages/Parent 2 0 R/Kids[2 0 R]/Count 7>>",
                "<</First 4 0 R/Last 4 0 R/Next 4 0 R/Title(loop)>>"])


def book_with_outside_chapters() -> bytes:
    """A spine that names files outside the book, by steps upwards, an absolute path, an address and the book's own list of parts."""
    names = ("../../../../etc/passwd", "/etc/passwd", "file:///etc/passwd", "http://127.0.0.1:1/x", "package.opf", "one.xhtml")
    items = "".join(f'<item id="c{number}" href="{name}" media-type="application/xhtml+xml"/>' for number, name in enumerate(names))
    spine = "".join(f'<itemref idref="c{number}"/>' for number in range(len(names)))
    return zip_of({"mimetype": b"application/epub+zip", "META-INF/container.xml": b'<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
                   b'<rootfile full-path="OEBPS/package.opf"/></rootfiles></container>',
                   "OEBPS/package.opf": f'<package xmlns="http://www.idpf.org/2007/opf"><manifest>{items}</manifest><spine>{spine}</spine></package>'.encode(),
                   "OEBPS/one.xhtml": b"<html><body><p>The only chapter.</p></body></html>"})


def huge_sheet() -> bytes:
    """Claims all the cells that Excel knows; holds one in the first and one in the last corner."""
    sheet = (b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><dimension ref="A1:XFD1048576"/><sheetData>'
             b'<row r="1"><c r="A1" t="inlineStr"><is><t>first corner</t></is></c></row><row r="1048576"><c r="XFD1048576" t="inlineStr"><is><t>last corner</t></is></c></row>'
             b"</sheetData></worksheet>")
    return changed("results_pandas.xlsx", "xl/worksheets/sheet1.xml", lambda _: sheet)


def full_rows() -> bytes:
    """A few rows whose last cell stands in the last column: each is padded to 16,384 cells."""
    rows = "".join(f'<row r="{row}"><c r="XFD{row}"><v>{row}</v></c></row>' for row in range(1, 200))
    sheet = f'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{rows}</sheetData></worksheet>'
    return changed("results_pandas.xlsx", "xl/worksheets/sheet1.xml", lambda _: sheet.encode())


def nested_json(levels: int) -> bytes:
    return b'{"a":' * levels + b"1" + b"}" * levels


def jsonl_with_nuls() -> bytes:
    return json.dumps({"a": "before" + "x" * 5000}).encode() + b'\n{"a": "be\x00tween"}\n' + json.dumps({"a": "nul \u0000 inside"}).encode()
