"""Several files at a time: the same result as one after the other, and a bad file costs nobody else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from phases.rag_data import ingest, ingest_run
from phases.rag_data.clean import Cleaning
from phases.rag_data.config import IngestConfig
from phases.rag_data.extract.parser import MEMORY_BYTES, Parser
from phases.rag_data.parse_pool import ParsePool, begin_ahead, worker_count
from phases.shared.errors import FileRejected
from phases.shared.jobs.context import JobContext
from phases.shared.project import create_project
from tests.rag_data.files import make_docx, make_encrypted_pdf, make_pdf


def records_of(projects: Path, files: list[Path], workers: int) -> list[dict[str, Any]]:
    """What an import of these files records, in a project of its own."""
    project, config = create_project(projects, f"with {workers}"), IngestConfig(chunk_size=64, chunk_overlap=8, workers=workers)
    context = JobContext(project, "ingest-1")
    context.inputs.mkdir(parents=True)
    ingest.prepare(project, config, context.inputs, {"files": [{"source": one.name, "path": str(one)} for one in files]})
    ingest_run.run(context, config)
    return context.records()


def test_several_workers_record_what_one_records(projects: Path, tmp_path: Path) -> None:
    files = [make_pdf(tmp_path / "pump.pdf", 12), make_encrypted_pdf(tmp_path / "locked.pdf"), make_docx(tmp_path / "house.docx")]
    for number in range(8):
        files.append(tmp_path / f"{number}.txt")
        files[-1].write_text(f"The keeper's words, number {number // 2}. " * 40)  # each text twice
    one, several = records_of(projects, files, 1), records_of(projects, files, 3)
    assert one == several
    assert [record["outcome"] for record in one] == ["added", "rejected", "added"] + ["added", "unchanged"] * 4


def test_the_twin_of_a_file_that_was_refused_is_read_itself(projects: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "a.json", tmp_path / "a.txt"
    first.write_text("[broken: words")
    second.write_text("[broken: words")
    assert [record["outcome"] for record in records_of(projects, [first, second], 2)] == ["rejected", "added"]


def test_a_parser_that_dies_costs_its_file_only(hostile: Path) -> None:
    for name in ("a", "b", "c", "d"):
        (hostile / f"{name}.txt").write_text("crash" if name == "b" else f"words of {name}")
    with ParsePool(2, lambda: Parser(Cleaning())) as pool:
        begun = [pool.start(hostile / f"{name}.txt", f"{name}.txt") for name in ("a", "b", "c", "d")]
        texts = [one.result()[0].text for one in begun if one is not begun[1]]
        with pytest.raises(FileRejected, match=r"'b\.txt' .*its reader ended with code -6"):
            begun[1].result()
    assert texts == ["words of a", "words of c", "words of d"]


def test_what_is_read_now_is_told_and_given_up_at_the_end(hostile: Path) -> None:
    (hostile / "slow.txt").write_text("hang")
    with ParsePool(1, lambda: Parser(Cleaning())) as pool:
        begun = pool.start(hostile / "slow.txt", "slow.txt")
        while not pool.reading():
            assert not begun.done()
        assert [(one["file"], one["step"], one["done"]) for one in pool.reading()] == [("slow.txt", "reading", 0)]
    assert isinstance(begun.exception(timeout=5), FileRejected)


def test_only_so_many_files_are_begun_ahead() -> None:
    begun: list[int] = []
    ahead = begin_ahead(range(100), begun.append, 4)
    next(ahead)
    assert begun == [0, 1, 2, 3]
    next(ahead)
    assert begun == [0, 1, 2, 3, 4]
    assert [item for item, _ in ahead] == list(range(2, 100))


@pytest.mark.parametrize(("wanted", "cores", "gigabytes", "files", "expected"), [
    (0, 8, 100, 50, 8), (0, 8, 3, 50, 3), (0, 8, 0, 50, 1), (3, 8, 1, 50, 3), (0, 8, 100, 2, 2), (0, 8, 100, 0, 1)])
def test_as_many_workers_as_cores_and_memory_allow(monkeypatch: pytest.MonkeyPatch, wanted: int, cores: int, gigabytes: int,
                                                   files: int, expected: int) -> None:
    monkeypatch.setattr("phases.rag_data.parse_pool.usable_cores", lambda: cores)
    monkeypatch.setattr("phases.rag_data.parse_pool.psutil.virtual_memory", lambda: type("Memory", (), {
        "available": gigabytes * MEMORY_BYTES}))
    assert worker_count(wanted, files) == expected
