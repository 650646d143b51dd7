"""`metadata/schema.json`: what the fields of record files are called, mean, and are measured in.

In: a file of a ZIP file or folder, beside the record files or above them. Out: `Label` records by field name.

    {"fields": {"vmax": {"label": "Top speed", "unit": "km/h", "description": "measured over the last 20 m"}, "id": "Number"}}
"""

from __future__ import annotations

import json
from collections.abc import Container, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from phases.rag_data.clean import safe_text, tidy_line
from phases.shared.errors import FileRejected
from phases.shared.sizes import size

SCHEMA = "metadata/schema.json"
MOST_BYTES = 1024**2
LONGEST = {"label": 200, "unit": 40, "description": 2000}


@dataclass(frozen=True)
class Label:
    """A field's name for people, with its unit and what it means."""

    label: str
    unit: str = ""
    description: str = ""


def is_schema(source: str) -> bool:
    return source == SCHEMA or source.endswith(f"/{SCHEMA}")


def read_labels(path: Path, source: str) -> dict[str, dict[str, str]]:
    """The labels of a schema, as plain data. Raises FileRejected when it has not that form."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise _wrong(source, f"It has more than {size(MOST_BYTES)}.")
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError):
        raise _wrong(source, "It is not JSON.") from None
    fields = content.get("fields") if isinstance(content, dict) else None
    if not isinstance(fields, dict) or not fields:
        raise _wrong(source, 'It has no "fields".')
    return {tidy_line(name): asdict(_label(name, about, source)) for name, about in fields.items()}


def _label(name: str, about: Any, source: str) -> Label:
    given = {"label": about} if isinstance(about, str) else about
    if not isinstance(given, dict) or set(given) - set(LONGEST) or not all(isinstance(one, str) for one in given.values()):
        raise _wrong(source, f"What it says of '{name[:80]}' is not a label, a unit and a description.")
    words = {key: tidy_line(safe_text(one).replace("\n", " "))[:LONGEST[key]] for key, one in given.items()}
    return Label(**{**words, "label": words.get("label") or tidy_line(name)})


def schema_of(source: str, schemas: Container[str]) -> str:
    """The nearest schema: that of the file's own folder, else of one above; "" for none."""
    names = (SCHEMA if str(folder) == "." else f"{folder}/{SCHEMA}" for folder in PurePosixPath(source).parents)
    return next((name for name in names if name in schemas), "")


def labels_for(source: str, schemas: Mapping[str, Mapping[str, Mapping[str, str]]]) -> dict[str, Label]:
    """The labels of the nearest schema. `schemas`: what each says, by its name."""
    return {field: Label(**about) for field, about in schemas.get(schema_of(source, schemas), {}).items()}


def _wrong(source: str, what: str) -> FileRejected:
    return FileRejected(f"'{source}' does not describe the fields of records. {what}",
                        'It reads {"fields": {"NAME": {"label": "...", "unit": "...", "description": "..."}}}.', subject=source,
                        code="file_schema")
