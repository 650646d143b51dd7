"""An existing knowledge base (SQLite with a table `rag_chunks`) -> its chunks as JSON lines, for `phases/rag_data/existing.py`.

In: a database file. Out: one JSON object a chunk: {"content", "source", "metadata"}. Runs in the parser child.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from phases.rag_data.clean import Cleaning, safe_text
from phases.rag_data.extract.document import Extracted
from phases.rag_data.extract.sniff import head_of, other_content
from phases.shared.database.foreign import read_foreign_chunks

MARK = b"SQLite format 3\x00"


def check_database(path: Path, source: str) -> None:
    """A SQLite database begins with its mark."""
    head = head_of(path)
    if not head.startswith(MARK):
        raise other_content(source, "a SQLite database", head)


def extract_database(path: Path, source: str, cleaning: Cleaning) -> Extracted:
    """Read the chunks. Raises FileRejected when the file is no knowledge base."""
    found = read_foreign_chunks(path, source)
    lines = [json.dumps({**asdict(one), "content": safe_text(one.content).strip()}) for one in found.chunks]
    left_out = ((found.without_text, "without text"), (found.excluded, "that are excluded there"))
    return Extracted("\n".join(lines), notes=tuple(f"Left out {count:,} chunks {why}." for count, why in left_out if count))
