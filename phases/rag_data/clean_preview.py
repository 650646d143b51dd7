"""What cleaning would do to one file or document, without storing anything.

In: a file, its name and the settings. Out: for each step whether it is on, how often it changes something (or would, when it
is off) with examples; and passages of the text before and after.
Command: `python app.py clean-preview NAME FILE_OR_DOCUMENT --remove-urls`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

from phases.rag_data.clean import Cleaning, cleaning_of
from phases.rag_data.clean.switches import STEPS
from phases.rag_data.config import IngestConfig, check_config
from phases.rag_data.extract.document import Document
from phases.rag_data.extract.parser import Parser
from phases.rag_data.reread import chosen_documents, original_of, reread_config
from phases.shared.database.connection import knowledge
from phases.shared.database.documents import find_source
from phases.shared.errors import FileRejected
from phases.shared.options import options_of, resolve
from phases.shared.project import Project

MOST_EXCERPTS = 8
EXCERPT_CHARACTERS = 400
COMPARED_CHARACTERS = 300_000


@dataclass(frozen=True)
class StepPreview:
    """`count`: how often the step changes something; for one that is off, how often it would."""

    step: str
    label: str
    on: bool
    count: int
    examples: list[list[str]]


@dataclass(frozen=True)
class Preview:
    """`before` and `after` count characters; `excerpts` are passages [before, after]."""

    source: str
    before: int
    after: int
    steps: list[StepPreview]
    excerpts: list[list[str]]


def preview_record(project: Project, what: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The preview of a document of the project by its name, or else of a file on this machine."""
    with knowledge(project) as connection:
        known = find_source(connection, what) is not None
    if known:
        path, config = original_of(project, chosen_documents(project, [what])[0]), reread_config(project, [what], given)
    else:
        path, config = Path(what), resolve(IngestConfig, project.settings.get("ingest"), given)
        if not path.is_file():
            raise FileRejected(f"There is no document and no file '{what}'.", "Check the name or path.", subject=what, code="file_missing")
    return asdict(preview_file(path, what if known else path.name, config))


def preview_file(path: Path, source: str, config: IngestConfig) -> Preview:
    """Read a file as it is, with the switches, and with every step on, each in the parser's process. Raises FileRejected."""
    check_config(config)
    cleaning = cleaning_of(config)
    with Parser(replace(cleaning, **dict.fromkeys(STEPS, False))) as parser:
        raw = parser.extract(path, source)
        chosen = _read(parser, path, source, cleaning)
        try:
            every = _read(parser, path, source, replace(cleaning, **dict.fromkeys(STEPS, True))).cleaning
        except FileRejected:  # nothing would be left
            every = {}
    labels = {one.name: one.label for one in options_of(IngestConfig)}
    steps = []
    for step in STEPS:
        on = getattr(cleaning, step)
        found = (chosen.cleaning if on else every).get(step, {"count": 0, "examples": []})
        steps.append(StepPreview(step, labels[step], on, found["count"], found["examples"]))
    return Preview(source, len(raw.text), len(chosen.text), steps, list(excerpts(raw.text, chosen.text)))


def _read(parser: Parser, path: Path, source: str, cleaning: Cleaning) -> Document:
    parser.cleaning = cleaning
    return parser.extract(path, source)


def excerpts(before: str, after: str) -> Iterator[list[str]]:
    """The first passages that differ, paragraph by paragraph."""
    old, new = (text[:COMPARED_CHARACTERS].split("\n\n") for text in (before, after))
    shown = 0
    for kind, start, end, new_start, new_end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            continue
        paired = end - start == new_end - new_start
        passages = zip(old[start:end], new[new_start:new_end], strict=True) if paired else [
            ("\n\n".join(old[start:end]), "\n\n".join(new[new_start:new_end]))]
        for one, other in passages:
            if shown >= MOST_EXCERPTS:
                return
            shown += 1
            yield list(_near_difference(one, other))


def _near_difference(before: str, after: str) -> tuple[str, str]:
    """Two passages from shortly before the place where they part."""
    same = next((place for place, (one, other) in enumerate(zip(before, after, strict=False)) if one != other), min(len(before), len(after)))
    start = max(0, same - EXCERPT_CHARACTERS // 4) if max(len(before), len(after)) > EXCERPT_CHARACTERS else 0
    cut = [("… " if start else "") + text[start:start + EXCERPT_CHARACTERS] + (" …" if len(text) > start + EXCERPT_CHARACTERS else "")
           for text in (before, after)]
    return cut[0], cut[1]
