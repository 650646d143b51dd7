"""PDFs of groff, made readable for PDFium: it loses the blank behind a word where gropdf ends a piece of text with an empty string.

In: the bytes of a file that gropdf wrote, as `[(The) -250 ()] TJ`. Out: the same file with `[(The) -250] TJ`, which means the same. PDFium forgets the
move at the end of such a piece (`CPDF_StreamContentParser::Handle_ShowText_Positioning` looks for it behind the last string, also an empty one), so
the next word stands right behind: "Thegr off". The mended streams are appended as an incremental update (ISO 32000-1, 7.5.6); nothing else changes.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator

PRODUCER = "gropdf"
STREAM = re.compile(rb"(?<![^\r\n])(\d+) 0 obj\s*<<\s*/Filter\s*/FlateDecode\s*/Length (\d+)\s*>>\s*stream\r?\n")
EMPTY_END = re.compile(rb"(?<=\d) \(\)\] TJ")  # brackets of the text itself have a backslash before them
TRAILER = re.compile(rb"trailer\s*<<(.*?)>>\s*startxref\s*(\d+)\s*%%EOF\s*$", re.DOTALL)
LARGEST_STREAM = 50_000_000  # bytes, unpacked


def with_blanks_kept(data: bytes) -> bytes:
    """The file with its pieces of text mended; the file as it is where it is built otherwise."""
    trailer = TRAILER.search(data, max(len(data) - 4096, 0))
    mended = dict(_mended_streams(data)) if trailer else {}
    if not trailer or not mended:
        return data
    parts, places, end = [data, b"\n"], {}, len(data) + 1
    for number, stream in mended.items():
        places[number] = end
        parts.append(b"%d 0 obj\n<< /Length %d >>\nstream\n%b\nendstream\nendobj\n" % (number, len(stream), stream))
        end += len(parts[-1])
    entries = b"".join(b"%d 1\n%010d 00000 n \n" % (number, place) for number, place in sorted(places.items()))
    parts.append(b"xref\n%btrailer\n<<%b/Prev %b >>\nstartxref\n%d\n%%%%EOF\n" % (entries, trailer[1], trailer[2], end))
    return b"".join(parts)


def _mended_streams(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(object number, content) of the streams that hold such pieces."""
    for found in STREAM.finditer(data):
        try:
            content = zlib.decompressobj().decompress(data[found.end():found.end() + int(found[2])], LARGEST_STREAM)
        except zlib.error:
            continue
        mended, count = EMPTY_END.subn(b"] TJ", content)
        if count and len(content) < LARGEST_STREAM:
            yield int(found[1]), mended
