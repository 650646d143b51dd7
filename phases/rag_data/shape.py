"""What a document's text depends on beside its bytes and the cleaning: the template or the labels of its records.

In: the settings of an import and its `metadata/schema.json` files. Out: what the parser needs, and for each file a `shape` that
its document remembers, so that the same file read with another template replaces its chunks.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace

from phases.rag_data.clean import Cleaning, cleaning_of
from phases.rag_data.collect import Found
from phases.rag_data.config import IngestConfig
from phases.rag_data.extract.formats import is_records, takes_template
from phases.rag_data.extract.labels import is_schema, labels_for, read_labels, schema_of
from phases.shared.errors import FileRejected

LABELS = "labels.json"
Labels = Mapping[str, Mapping[str, Mapping[str, str]]]


def take_schemas(found: Sequence[Found]) -> tuple[list[Found], dict[str, dict[str, dict[str, str]]]]:
    """The files without those that describe fields, and what these say, by their names. One that cannot be read is refused."""
    kept, labels = [], {}
    for one in found:
        if one.path is None or not is_schema(one.source):
            kept.append(one)
            continue
        try:
            labels[one.source] = read_labels(one.path, one.source)
        except FileRejected as refused:
            kept.append(Found(one.source, refused=refused))
    used = {name for one in kept for name in labels if schema_of(one.source, labels) == name and is_records(one.source)}
    kept += [Found(name, refused=_useless(name)) for name in labels if name not in used]
    return kept, {name: labels[name] for name in used}


def _useless(name: str) -> FileRejected:
    return FileRejected(f"'{name}' describes fields, but no file of records lies beside its folder or below.",
                        "Add the records together with it.", subject=name, code="file_schema")


def reading_of(config: IngestConfig, labels: Labels) -> Cleaning:
    """What the parser needs to know of an import's settings."""
    return replace(cleaning_of(config), template=config.template.strip("\n "), labels=labels)


def shape_of(source: str, cleaning: Cleaning) -> str:
    """The template or labels that a file's records are read with, as JSON; "" when its text depends on neither."""
    if cleaning.template and takes_template(source):
        return json.dumps({"template": cleaning.template}, ensure_ascii=False)
    if not is_records(source):
        return ""
    labels = labels_for(source, cleaning.labels)
    return json.dumps({"labels": {name: asdict(one) for name, one in labels.items()}}, ensure_ascii=False) if labels else ""
