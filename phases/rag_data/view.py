"""What tab 1 shows, read from the knowledge base: state line, summary, chunk rows or hits, one chunk with its neighbours.

In: a project and filters. Out: records for tables and forms; nothing here knows the window.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from phases.rag_data.chunk import headings_behind
from phases.rag_data.collect import clean_source_path
from phases.rag_data.config import EmbedConfig, IngestConfig
from phases.rag_data.embed import EmbedPlan, plan_embedding, start_embedding
from phases.rag_data.ingest import ingest_files
from phases.rag_data.language import note_languages, with_languages
from phases.shared.database.changes import last_action, undo_last
from phases.shared.database.chunk_cuts import merge_with_next, split_chunk
from phases.shared.database.chunk_pages import chunk_page
from phases.shared.database.chunks import (
    ChunkRow,
    Summary,
    delete_chunk,
    edit_chunk,
    get_chunk,
    knowledge_summary,
    languages_used,
    neighbours,
    set_chunk_state,
    storable,
)
from phases.shared.database.connection import knowledge
from phases.shared.database.documents import (
    DocumentRow,
    document_readings,
    document_text,
    list_documents,
    remove_document,
)
from phases.shared.database.embeddings import VectorCounts, vector_counts
from phases.shared.errors import StorageError
from phases.shared.jobs.queue import Job
from phases.shared.models.search_models import search_settings
from phases.shared.models.tokenizer import token_counter
from phases.shared.options import resolve
from phases.shared.project import SAMPLE_PROJECT, Project, list_projects, open_sample_project, sample_documents
from phases.shared.search import SearchHost, search_project

PER_PAGE = 50
MOST_HITS = 50
HELD_OUT_AMONG = 1000  # best hits among which those are shown that are held out
SLASH = "\u2215"  # in the name of a file that the browser took from a folder: see shared/ui/window.js
TABLES = ("documents", "chunk_records", "rag_chunks")


@dataclass(frozen=True)
class Overview:
    """The knowledge base at a glance."""

    summary: Summary
    documents: list[DocumentRow]
    undo: str | None
    languages: dict[str, int]


@dataclass(frozen=True)
class ChunkInContext:
    chunk: ChunkRow
    before: ChunkRow | None
    after: ChunkRow | None


def overview(project: Project) -> Overview:
    with knowledge(project) as connection:
        return Overview(knowledge_summary(connection), list_documents(connection), last_action(connection, TABLES),
                        languages_used(connection))


def summary(project: Project) -> Summary:
    with knowledge(project) as connection:
        return knowledge_summary(connection)


def documents(project: Project) -> list[DocumentRow]:
    with knowledge(project) as connection:
        return list_documents(connection)


def chunk_lines(project: Project, query: str, source: str | None, state: str | None, contains: str | None, page: int,
                mode: str = "text", host: SearchHost | None = None, reranked: bool = False,
                language: str | None = None) -> tuple[list[tuple[ChunkRow, str]], int]:
    """A page of chunks with their text in reading order, or with a query the best hits with marked snippets; and how many in all."""
    if query.strip():
        if language:
            with knowledge(project) as connection:
                note_languages(connection)
        looked_at = MOST_HITS if state in {None, "active"} else HELD_OUT_AMONG
        hits = search_project(project, query, looked_at, host=host, source=source, mode=mode, contains=contains, language=language,
                              reranked=reranked)
        found = [(hit.chunk, hit.snippet) for hit in hits if is_in_state(hit.chunk, state)][:MOST_HITS]
        return found, len(found)
    with knowledge(project) as connection:
        if language:
            note_languages(connection)
        rows, total = chunk_page(connection, page, PER_PAGE, source=source, state=state, contains=contains, language=language)
        if total and not rows:  # what stood on the page is gone
            rows, total = chunk_page(connection, page_there(page, total), PER_PAGE, source=source, state=state, contains=contains, language=language)
        return [(row, row.content) for row in with_languages(rows)], total


def is_in_state(chunk: ChunkRow, state: str | None) -> bool:
    """Whether a chunk passes the filter by state: "active", "excluded" or "held_out"; None lets all pass."""
    return state is None or (chunk.held_out if state == "held_out" else chunk.state == state)


def page_there(page: int, total: int) -> int:
    """The page to show: the last one when there are fewer now."""
    return max(1, min(page, -(-total // PER_PAGE)))


def embedding_plan(project: Project) -> tuple[EmbedPlan, VectorCounts]:
    """What the button would embed with the project's settings, and which vectors search can use now."""
    with knowledge(project) as connection:
        counts = vector_counts(connection)
    return plan_embedding(project, resolve(EmbedConfig, project.settings.get("embed")), glance=True), counts


def can_rerank(project: Project) -> bool:
    return bool(search_settings(project).reranker)


def embed_chunks(projects: Path, project: Project) -> Job:
    return start_embedding(projects, project, resolve(EmbedConfig, project.settings.get("embed")))


def chunk_in_context(project: Project, chunk_id: int) -> ChunkInContext:
    with knowledge(project) as connection:
        (chunk,) = with_languages([get_chunk(connection, chunk_id)])
        return ChunkInContext(chunk, *neighbours(connection, chunk_id))


def save_chunk(project: Project, chunk_id: int, content: str, seen: str | None = None) -> ChunkRow:
    """Store an edited chunk with its new token count; `seen` is the hash of the text that was edited (None: whatever stands there)."""
    tokens = token_counter(project).count(storable(content))
    with knowledge(project) as connection:
        edit_chunk(connection, chunk_id, content, tokens, seen)
        note_languages(connection)
        return get_chunk(connection, chunk_id)


def toggle_chunk(project: Project, chunk_id: int) -> ChunkRow:
    """Exclude a chunk that is in use, or take an excluded one back in."""
    with knowledge(project) as connection:
        state = "active" if get_chunk(connection, chunk_id).state == "excluded" else "excluded"
        return set_chunk_state(connection, chunk_id, state)


def split_chunk_at(project: Project, chunk_id: int, at: str | int, seen: str | None = None) -> tuple[ChunkRow, ChunkRow]:
    """Cut a chunk in two.

    Args:
        at: how many characters the first part gets, as a number or its digits; or the words that the second part begins with.
        seen: the text in which the place was chosen; None when nobody looked at it.

    Raises:
        StorageError: the words do not stand in the chunk, or more than once; a part would be empty; or the text is not the seen one.
    """
    count = token_counter(project).count
    with knowledge(project) as connection:
        chunk = _as_seen(get_chunk(connection, chunk_id), seen)
        place = place_in(chunk, at)
        return split_chunk(connection, chunk_id, place, count, _headings_of_part(document_text(connection, chunk.document), chunk, place))


def _headings_of_part(text: str, chunk: ChunkRow, place: int) -> tuple[str, ...]:
    """The titles above the part that begins at `place` or behind the white space there."""
    begin = len(chunk.content) - len(chunk.content[place:].lstrip())
    return headings_behind(text, chunk.span_start, chunk.content, begin, chunk.metadata.get("headings") or [])


def _as_seen(chunk: ChunkRow, seen: str | None) -> ChunkRow:
    """The chunk, when its text is the one that the person looks at: nothing typed gets lost."""
    if seen is not None and seen != chunk.content:
        raise StorageError(f"The text of chunk {chunk.id} is not the stored one.", "Save it first, then split or merge.",
                           subject=str(chunk.id), code="chunk_unsaved")
    return chunk


def place_in(chunk: ChunkRow, at: str | int) -> int:
    """Where to cut, as an offset in the chunk's text."""
    if isinstance(at, int) or at.isdecimal():
        return int(at)
    found = chunk.content.count(at) if at.strip() else 0
    if found != 1:
        raise StorageError(f"'{at}' stands {found} times in chunk {chunk.id}." if found else f"'{at}' does not stand in chunk {chunk.id}.",
                           "Give more of the words that the second part begins with, exactly as they stand, or a number of characters.",
                           subject=str(chunk.id), code="split_place")
    return chunk.content.index(at)


def merge_chunk_with_next(project: Project, chunk_id: int, seen: str | None = None) -> ChunkRow:
    """Join a chunk with the one behind it in its document; `seen` as in `split_chunk_at`."""
    count = token_counter(project).count
    with knowledge(project) as connection:
        _as_seen(get_chunk(connection, chunk_id), seen)
        return merge_with_next(connection, chunk_id, count)


def drop_chunk(project: Project, chunk_id: int) -> None:
    with knowledge(project) as connection:
        delete_chunk(connection, chunk_id)


def document_reading(project: Project, document: int) -> tuple[str, dict[str, Any]]:
    """A document's name, and how it was read ({} from before this was kept). Raises StorageError when it is not there."""
    with knowledge(project) as connection:
        source = next((one.source for one in list_documents(connection) if one.id == document), None)
        if source is None:
            raise StorageError("The document is not in the knowledge base any more.", "Choose another one in the table.",
                               subject=str(document), code="document_missing")
        return source, document_readings(connection)[source]


def remove_source(project: Project, document: int) -> None:
    with knowledge(project) as connection:
        remove_document(connection, document)


def undo(project: Project) -> str | None:
    with knowledge(project) as connection:
        return undo_last(connection, TABLES)


def add_uploads(projects: Path, project: Project, config: IngestConfig, files: Sequence[Path]) -> Job:
    """Queue the files, then remove the browser's copies: the originals are kept in the project."""
    with TemporaryDirectory(dir=files[0].parent if files else None) as folder:
        job = ingest_files(projects, project, config, _with_folders(files, Path(folder)))
    for file in files:
        file.unlink(missing_ok=True)
    return job


def _with_folders(files: Sequence[Path], folder: Path) -> list[Path]:
    """What to add: single files, and `folder` with those that were dropped in a folder, at their places inside."""
    within = [one for one in files if SLASH in one.name]
    for file in within:
        place = folder / clean_source_path(file.name.replace(SLASH, "/"))
        place.parent.mkdir(parents=True, exist_ok=True)
        place.hardlink_to(file)
    return [one for one in files if one not in within] + ([folder] if within else [])


def open_sample(projects: Path) -> str:
    """The sample project's name; made, with its documents on the way in, when it is not there yet."""
    if SAMPLE_PROJECT not in list_projects(projects):
        documents = sample_documents()
        project = open_sample_project(projects)
        ingest_files(projects, project, resolve(IngestConfig, project.settings.get("ingest")), documents)
    return SAMPLE_PROJECT
