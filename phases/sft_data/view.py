"""What tab 3 shows, read from the knowledge base: state line, pairs in pages, one pair beside its source, prompts.

In: a project and filters. Out: records for tables and forms; nothing here knows the window.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, replace
from pathlib import Path

from phases.sft_data.config import BUILTIN, WriteConfig
from phases.sft_data.convert import export_dataset
from phases.sft_data.prompts import StylePrompt, fill_in, prompt_of
from phases.sft_data.review import edit_pair, get_pair, pair_page, pair_summary, set_pair_state
from phases.sft_data.styles import STYLES
from phases.shared.database.changes import last_action, undo_last
from phases.shared.database.chunks import ChunkRow, get_chunk, training_chunks
from phases.shared.database.connection import knowledge
from phases.shared.database.documents import document_text, list_documents
from phases.shared.database.pairs import PairFilter, PairRow, PairSummary, pair_ids
from phases.shared.errors import StorageError
from phases.shared.jobs.queue import Job, list_jobs
from phases.shared.llm.services import SERVICES, missing_key
from phases.shared.project import Project, save_project
from phases.shared.settings import load_keys

PER_PAGE = 50
TABLES = ("pairs",)


@dataclass(frozen=True)
class PairBesideSource:
    """A pair, its chunk (None when it is gone) and the words that prove the answer."""

    pair: PairRow
    chunk: ChunkRow | None
    evidence: str


def summary(project: Project) -> PairSummary:
    with knowledge(project) as connection:
        return pair_summary(connection)


def pair_lines(project: Project, wanted: PairFilter, page: int) -> tuple[list[PairRow], int]:
    with knowledge(project) as connection:
        return pair_page(connection, page, PER_PAGE, state=wanted.state, style=wanted.style, source=wanted.source, stale=wanted.stale)


def pair_beside_source(project: Project, pair_id: int) -> PairBesideSource:
    with knowledge(project) as connection:
        pair = get_pair(connection, pair_id)
        evidence = document_text(connection, pair.document)[pair.evidence_start:pair.evidence_end]
        try:
            return PairBesideSource(pair, get_chunk(connection, pair.chunk), evidence)
        except StorageError:
            return PairBesideSource(pair, None, evidence)


def next_pair(project: Project, wanted: PairFilter, after: int) -> int:
    """The pair that follows in the filter; the first one again at its end, 0 when none is left."""
    with knowledge(project) as connection:
        ids = [one for one in pair_ids(connection, wanted) if one != after]
    place = bisect_right(ids, after)
    return ids[place] if place < len(ids) else (ids[0] if ids else 0)


def judge(project: Project, pair_id: int, state: str, reason: str = "") -> None:
    with knowledge(project) as connection:
        set_pair_state(connection, pair_id, state, reason)


def save_pair(project: Project, pair_id: int, instruction: str, output: str) -> None:
    with knowledge(project) as connection:
        edit_pair(connection, pair_id, instruction, output)


def export(project: Project, dataset: str) -> Path:
    with knowledge(project) as connection:
        return export_dataset(project, connection, dataset)


def sources(project: Project) -> list[str]:
    with knowledge(project) as connection:
        return [one.source for one in list_documents(connection)]


def undo_offer(project: Project) -> str | None:
    with knowledge(project) as connection:
        return last_action(connection, TABLES)


def undo(project: Project) -> str | None:
    with knowledge(project) as connection:
        return undo_last(connection, TABLES)


def newest_write(projects: Path, project: Project) -> Job | None:
    return next((job for job in list_jobs(projects, project.name, limit=200) if job.kind == "sft-data"), None)


def key_state(config: WriteConfig) -> tuple[str, str]:
    """("none" | "missing" | "present" | "optional", name of the key): what the chosen provider asks for."""
    if config.provider == BUILTIN:
        return "none", ""
    keys, name = load_keys(), SERVICES[config.provider].key_name
    if missing_key(config.provider, config.base_url, keys):
        return "missing", name
    return ("present" if keys.get(name) else "optional"), name


def style_prompt(project: Project, style: str) -> tuple[str, str]:
    """System prompt and template of a style as this project has them."""
    prompt = prompt_of(project, style)
    return prompt.system_prompt, prompt.user_template


def save_prompt(project: Project, style: str, system: str, user: str) -> Project:
    """Keep a person's words for a style in project.yaml; emptied ones go back to the style's own."""
    return _with_style(project, style, {"system_prompt": system.strip(), "user_template": user.strip()})


def reset_prompt(project: Project, style: str) -> Project:
    return _with_style(project, style, {})


def preview(project: Project, config: WriteConfig, system: str, user: str) -> tuple[str, ...]:
    """The two messages as they would be sent for the first chunk; none when there is no chunk yet."""
    with knowledge(project) as connection:
        chunks = training_chunks(connection)
    prompt = StylePrompt("", system, user)
    return fill_in(prompt, chunks[0], config.language or project.language, config.audience) if chunks else ()


def _with_style(project: Project, style: str, edited: dict[str, str]) -> Project:
    original = STYLES[style]
    kept = {name: value for name, value in edited.items() if value and value != getattr(original, name)}
    styles = {name: value for name, value in (project.settings.get("styles") or {}).items() if name != style}
    settings = {key: value for key, value in project.settings.items() if key != "styles"}
    styles = {**styles, style: kept} if kept else styles
    changed = replace(project, settings={**settings, "styles": styles} if styles else settings)
    save_project(changed)
    return changed
