"""How far an import is: told by the job, drawn in the tab and on the terminal."""

from __future__ import annotations

import io
import json
import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from phases.progress import ProgressBars
from phases.rag_data import ingest, ingest_run
from phases.rag_data.config import IngestConfig
from phases.rag_data.extract.formats import extract_document
from phases.rag_data.extract.reading import listening
from phases.shared.jobs.context import PROGRESS_FILE, JobContext
from phases.shared.jobs.queue import Job
from phases.shared.project import create_project
from phases.shared.ui.panels.knowledge import report
from tests.rag_data.files import make_encrypted_pdf, make_pdf

EVIL = "<img src=x>.txt"
UNDER_WAY = {"phase": "reading", "done": 3, "total": 12, "rejected": 2, "text": "a.pdf", "reading": [
    {"file": "a.pdf", "seconds": 4.0, "step": "reading", "done": 5, "total": 20},
    {"file": EVIL, "seconds": 2.0, "step": "reading", "done": 0, "total": 0},
    {"file": "c.md", "seconds": 1.0, "step": "cutting", "done": 9, "total": 9}]}


def job_with(progress: dict) -> Job:
    values = dict.fromkeys(Job.__dataclass_fields__)
    return Job(**{**values, "id": "ingest-1", "kind": "ingest", "state": "running", "progress": progress})


def test_the_job_tells_how_far_it_is(projects: Path, tmp_path: Path) -> None:
    project, context = create_project(projects, "house"), None
    seen: list[dict] = []

    class Watched(JobContext):
        def progress(self, done: int, total: int, **figures: object) -> None:
            seen.append({"done": done, "total": total, **figures})
            super().progress(done, total, **figures)

    context = Watched(project, "ingest-1")
    context.inputs.mkdir(parents=True)
    files = [make_pdf(tmp_path / "a.pdf", 200), make_encrypted_pdf(tmp_path / "b.pdf")]
    ingest.prepare(project, IngestConfig(), context.inputs, {"files": [{"source": one.name, "path": str(one)} for one in files]})
    ingest_run.run(context, IngestConfig(workers=2))
    assert ("a.pdf", "reading") in {(one["file"], one["step"]) for told in seen for one in told.get("reading", [])}
    last = json.loads((context.job_dir / PROGRESS_FILE).read_text())
    assert (last["done"], last["total"], last["rejected"], last["reading"]) == (2, 2, 1, [])


def test_a_pdf_tells_its_pages(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    with listening(lambda done, total: told.append((done, total))):
        extract_document(make_pdf(tmp_path / "a.pdf", 4), "a.pdf")
    extract_document(tmp_path / "a.pdf", "a.pdf")
    assert told == [(0, 4), (1, 4), (2, 4), (3, 4)]


def test_the_tab_draws_a_bar_for_all_and_one_for_each_file() -> None:
    drawn = report(job_with(UNDER_WAY))
    assert re.findall(r'aria-valuenow="(\d+)"', drawn) == ["25", "25", "100"]
    assert drawn.count("progressbar") == 4 and drawn.count("unknown") == 1
    assert "3 of 12" in drawn and "2 files not added" in drawn and "reading page 6 of 20" in drawn and "cutting into chunks" in drawn
    assert "<img" not in drawn


def test_what_was_refused_stands_before_what_was_added_and_many_are_folded() -> None:
    refused = [{"file": EVIL, "reason": "It is empty.", "advice": "Leave it out."}]
    result = {"added": [f"{number}.txt" for number in range(40)], "replaced": ["old.md"], "read_again": ["b.md"], "rejected": refused, "readable": "Readable are: .txt.",
              "notes": [{"file": "3.txt", "note": "Left out 2 lines."}], "chunks": 50}
    ended = replace(job_with({}), state="done", ended="2026-01-01", result=result)
    drawn = report(ended)
    assert "40 added, 1 replaced, 1 read again, 1 rejected, 50 chunks" in drawn and "<img" not in drawn
    places = [drawn.index(words) for words in ("It is empty. Leave it out.", "Readable are", "Left out 2 lines", "42 files in the knowledge base", "39.txt")]
    assert places == sorted(places) and drawn.count("<details>") == 1
    assert "<details>" not in report(replace(ended, result={"added": ["1.txt"]})) and "rag" not in report(replace(ended, result={}))


def test_the_terminal_draws_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    with ProgressBars() as bars:
        bars(job_with({**UNDER_WAY, "done": 0, "reading": []}))
        bars(job_with(UNDER_WAY))
    drawn = terminal.getvalue()
    assert "ingest: reading" in drawn and "3/12" in drawn and "rejected=2" in drawn
    assert all(words in drawn for words in ("a.pdf", "reading 6/20", EVIL, "reading 2 s", "c.md", "cutting"))


def test_a_log_file_gets_no_bars_of_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", log := io.StringIO())
    with ProgressBars() as bars:
        bars(job_with(UNDER_WAY))
    assert "3/12" in log.getvalue() and "a.pdf" not in log.getvalue()
