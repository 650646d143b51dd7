"""Adding files: real files through the real queue, its worker and its child process."""

from __future__ import annotations

from pathlib import Path

import pytest

from phases.rag_data import ingest, ingest_run, originals
from phases.rag_data.collect import clean_source_name
from phases.rag_data.config import IngestConfig
from phases.rag_data.ingest import ingest_files
from phases.shared.database.changes import undo_last
from phases.shared.database.chunk_pages import chunk_page
from phases.shared.database.chunks import held_out_chunks, knowledge_summary
from phases.shared.database.connection import knowledge
from phases.shared.database.documents import document_text, list_documents, remove_document
from phases.shared.errors import FileRejected, NotReady
from phases.shared.jobs.context import JobContext, JobStopped
from phases.shared.jobs.queue import Job, list_jobs
from phases.shared.jobs.wait import wait_for_job
from phases.shared.project import SAMPLE_DOCUMENTS, Project, create_project
from phases.shared.search import search_chunks
from tests.rag_data.files import make_docx, make_encrypted_pdf, make_pdf


@pytest.fixture
def project(projects: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("LEHRLING_LOCKS", str(projects.parent / "locks"))
    return create_project(projects, "pump house")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "files"
    made.mkdir()
    return made


def add(project: Project, *files: Path, config: IngestConfig | None = None) -> Job:
    projects = project.root.parent
    job = ingest_files(projects, project, config or IngestConfig(), list(files))
    return wait_for_job(projects, job.id, lambda _: None)


def text_file(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_files_become_documents_and_chunks(project: Project, folder: Path) -> None:
    files = [make_pdf(folder / "pump.pdf"), make_docx(folder / "house.docx"),
             text_file(folder, "a.txt", "Plain words of the keeper."), text_file(folder, "b.md", "# Title\n\nWords in Markdown."),
             text_file(folder, "c.html", "<html><body><h1>Page</h1><p>Words of the web.</p></body></html>")]
    job = add(project, *files)
    assert job.state == "done", job.error
    assert job.result["added"] == [one.name for one in files]
    assert job.result["notes"] == [{"file": "pump.pdf", "note": "Left out 8 lines that return at the top or foot of the pages."}]
    with knowledge(project) as connection:
        documents = list_documents(connection)
        assert [(one.source, one.media, one.pages) for one in documents] == [
            ("pump.pdf", "pdf", 4), ("house.docx", "docx", None), ("a.txt", "txt", None), ("b.md", "md", None),
            ("c.html", "html", None)]
        chunks, total = chunk_page(connection)
        assert total == job.result["chunks"] == knowledge_summary(connection).chunks
        for chunk in chunks:
            text = document_text(connection, chunk.document)
            assert text[chunk.span_start:chunk.span_end] == chunk.content
        assert search_chunks(connection, "web")[0].chunk.source == "c.html"
    for one in documents:
        assert (project.documents / f"{one.sha256}.{one.media}").stat().st_size == one.bytes


def test_the_sample_documents(project: Project) -> None:
    job = add(project, *sorted(SAMPLE_DOCUMENTS.iterdir()))
    assert job.result["rejected"] == []
    with knowledge(project) as connection:
        assert len(list_documents(connection)) == 3
        assert held_out_chunks(connection)
        contents = [one.content for one in chunk_page(connection, per_page=1000)[0]]
    assert sum("| --- |" in one for one in contents) >= 5
    assert not any("Page 3" in one for one in contents)


def test_the_same_file_twice_adds_nothing(project: Project, folder: Path) -> None:
    path = text_file(folder, "a.txt", "The lamp is lit at dusk.")
    add(project, path)
    again = add(project, path, text_file(folder / "x", "other name.txt", "The lamp is lit at dusk."))
    assert again.result["unchanged"] == ["a.txt", "other name.txt"]
    with knowledge(project) as connection:
        assert knowledge_summary(connection).documents == 1
    assert len(list(project.documents.iterdir())) == 1


def test_the_same_bytes_twice_in_one_import(project: Project, folder: Path) -> None:
    job = add(project, text_file(folder, "a.txt", "The lamp."), text_file(folder, "b.md", "The lamp."))
    assert (job.result["added"], job.result["unchanged"]) == (["a.txt"], ["b.md"])
    assert [one.suffix for one in project.documents.iterdir()] == [".txt"]


def test_a_changed_file_replaces_its_chunks_and_ids_are_new(project: Project, folder: Path) -> None:
    path = text_file(folder, "a.txt", "The lamp is lit at dusk.")
    add(project, path)
    path.write_text("The lamp is lit at noon.", encoding="utf-8")
    job = add(project, path)
    assert job.result["replaced"] == ["a.txt"]
    with knowledge(project) as connection:
        chunks, _ = chunk_page(connection)
        assert [(one.id, one.content) for one in chunks] == [(2, "The lamp is lit at noon.")]
        assert undo_last(connection) == "replaced a.txt"
        chunks, _ = chunk_page(connection)
        assert [(one.id, one.content) for one in chunks] == [(1, "The lamp is lit at dusk.")]
        assert search_chunks(connection, "noon") == []


def test_a_removed_document_can_be_added_again(project: Project, folder: Path) -> None:
    path = text_file(folder, "a.txt", "The lamp is lit at dusk.")
    add(project, path)
    with knowledge(project) as connection:
        remove_document(connection, list_documents(connection)[0].id)
        assert knowledge_summary(connection).chunks == 0
    assert add(project, path).result["added"] == ["a.txt"]
    with knowledge(project) as connection:
        assert [one.id for one in chunk_page(connection)[0]] == [2]


def test_refused_files_leave_nothing_and_the_others_go_on(project: Project, folder: Path) -> None:
    job = add(project, make_encrypted_pdf(folder / "locked.pdf"), text_file(folder, "empty.txt", ""),
              text_file(folder, "text.pdf", "words"), text_file(folder, "good.txt", "Good words."))
    assert job.state == "done"
    assert job.result["added"] == ["good.txt"]
    reasons = {one["file"]: one["reason"] for one in job.result["rejected"]}
    assert "encrypted" in reasons["locked.pdf"]
    assert "empty" in reasons["empty.txt"]
    assert "not a PDF" in reasons["text.pdf"]
    assert all(one["advice"] for one in job.result["rejected"])
    assert [one.suffix for one in project.documents.iterdir()] == [".txt"]


def test_an_import_of_refused_files_only_is_done_with_its_reasons(project: Project, folder: Path) -> None:
    job = add(project, make_encrypted_pdf(folder / "locked.pdf"))
    assert job.state == "done"
    assert (job.result["added"], len(job.result["rejected"])) == ([], 1)
    assert list(project.documents.iterdir()) == []


def test_a_missing_file_stops_everything_at_once(project: Project, folder: Path) -> None:
    with pytest.raises(FileRejected, match="no file"):
        ingest_files(project.root.parent, project, IngestConfig(), [text_file(folder, "a.txt", "x"), folder / "missing.pdf"])
    (folder / "empty").mkdir()
    with pytest.raises(FileRejected, match="holds no files"):
        ingest_files(project.root.parent, project, IngestConfig(), [folder / "empty"])
    with pytest.raises(NotReady):
        ingest_files(project.root.parent, project, IngestConfig(), [])
    assert list_jobs(project.root.parent) == []
    assert list(project.documents.iterdir()) == []


def test_files_and_imports_have_a_largest_size(project: Project, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    large, small = text_file(folder, "large.txt", "words " * 50), text_file(folder, "small.txt", "few words")
    monkeypatch.setattr(originals, "MAX_FILE_BYTES", 100)
    job = add(project, large, small)
    assert job.result["added"] == ["small.txt"]
    assert "large.txt" in job.result["rejected"][0]["reason"]
    monkeypatch.setattr(originals, "MAX_TOTAL_BYTES", 200)
    with pytest.raises(FileRejected, match="together"):
        ingest_files(project.root.parent, project, IngestConfig(), [large, small])


def test_two_files_of_one_name_are_told_apart(project: Project, folder: Path) -> None:
    job = add(project, text_file(folder / "x", "notes.txt", "From the left drawer."),
              text_file(folder / "y", "notes.txt", "From the right drawer."))
    assert job.result["added"] == ["notes.txt", "notes (2).txt"]
    assert "'notes (2).txt'" in job.result["notes"][0]["note"]


def test_a_stopped_import_goes_on_behind_its_last_record(project: Project, folder: Path) -> None:
    context = JobContext(project, "ingest-1")
    context.inputs.mkdir(parents=True)
    files = [text_file(folder, f"{name}.txt", f"Words of {name}.") for name in ("a", "b", "c")]
    ingest.prepare(project, IngestConfig(), context.inputs, {"files": [{"source": one.name, "path": str(one)} for one in files]})
    for one in files:
        one.unlink()  # the job reads its own copies

    class StopsAfterOne(JobContext):
        def stop_requested(self) -> bool:
            return len(self.records()) == 1

    with pytest.raises(JobStopped) as stopped:
        ingest_run.run(StopsAfterOne(project, "ingest-1"), IngestConfig())
    assert stopped.value.result["added"] == ["a.txt"]
    result = ingest_run.run(JobContext(project, "ingest-1"), IngestConfig())
    assert result["added"] == ["a.txt", "b.txt", "c.txt"]
    assert len(context.records()) == 3


def test_names_cannot_leave_the_folder_or_break_a_page() -> None:
    assert clean_source_name("../../etc/pass\nwd.txt") == "pass_wd.txt"
    assert clean_source_name("C:\\docs\\Über uns.PDF") == "Über uns.PDF"
    assert len(clean_source_name("x" * 400 + ".docx")) == 150
    assert clean_source_name("\x00\x1b.md") == "__.md"
