"""Data sets: real folders through the real library, real queue and child; the hub's refusals in its own error types."""

from __future__ import annotations

import json
from pathlib import Path

import datasets
import pandas
import pytest
from datasets.exceptions import DatasetNotFoundError

from phases.rag_data.config import DatasetConfig
from phases.rag_data.hub import RECOMMENDED, import_dataset, run
from phases.rag_data.hub_rows import fetch_rows, in_words
from phases.shared.database.chunk_pages import chunk_page
from phases.shared.database.connection import knowledge
from phases.shared.database.documents import list_documents
from phases.shared.errors import FileRejected, NotReady, SettingError
from phases.shared.jobs.context import STOP_FILE, JobContext, JobStopped
from phases.shared.jobs.queue import Job
from phases.shared.jobs.wait import wait_for_job
from phases.shared.project import Project, create_project


@pytest.fixture
def project(projects: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("LEHRLING_LOCKS", str(projects.parent / "locks"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(projects.parent / "hub"))
    return create_project(projects, "health")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Questions and answers in two splits."""
    made = tmp_path / "fevers"
    made.mkdir()
    rows = [{"question": f"What is fever {number}?", "answer": f"A heat of {number} degrees."} for number in range(30)]
    (made / "train.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    (made / "test.jsonl").write_text(json.dumps(rows[0]), encoding="utf-8")
    return made


def take(project: Project, dataset: Path | str, *, look: bool = False, **settings: object) -> Job:
    projects = project.root.parent
    job = import_dataset(projects, project, DatasetConfig(**settings), str(dataset), look=look)
    return wait_for_job(projects, job.id, lambda _: None)


def test_rows_become_one_document(project: Project, folder: Path) -> None:
    job = take(project, folder, limit=20)
    assert job.state == "done", job.error
    assert job.result["added"] == ["fevers/train.jsonl"]
    assert [one["note"] for one in job.result["notes"]] == [
        "Read as: Question: {question} / Answer: {answer}", "Took the first 20 rows; there are more.", "Took the split 'train' of train, test."]
    with knowledge(project) as connection:
        document, = list_documents(connection)
        chunks, _ = chunk_page(connection)
    assert chunks[0].content.startswith("Question: What is fever 0?\nAnswer: A heat of 0 degrees.\n\nQuestion: What is fever 1?")
    assert not any("fever 20" in one.content for one in chunks)
    original = (project.documents / f"{document.sha256}.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(original) == 20 and json.loads(original[0]) == {"question": "What is fever 0?", "answer": "A heat of 0 degrees."}

    assert take(project, folder, limit=20).result["unchanged"] == ["fevers/train.jsonl"]
    assert take(project, folder, limit=20, template="{question}").result["replaced"] == ["fevers/train.jsonl"]


def test_a_look_stores_nothing(project: Project, folder: Path) -> None:
    found = take(project, folder, look=True, split="test").result
    assert (found["columns"], found["splits"], found["template"]) == (["question", "answer"], ["train", "test"], "Question: {question}\nAnswer: {answer}")
    assert found["sample"] == ["Question: What is fever 0?\nAnswer: A heat of 0 degrees."]
    with knowledge(project) as connection:
        assert list_documents(connection) == []
    assert not project.documents.exists() or list(project.documents.iterdir()) == []


def test_a_stop_is_heeded_between_rows(project: Project, folder: Path) -> None:
    config = DatasetConfig()
    job = import_dataset(project.root.parent, project, config, str(folder))
    context = JobContext(project, job.id)
    (context.job_dir / STOP_FILE).touch()
    with pytest.raises(JobStopped):
        run(context, config)
    (context.job_dir / STOP_FILE).unlink()
    assert run(context, config)["added"] == ["fevers/train.jsonl"]


def test_saved_data_sets_and_tables_of_every_kind(tmp_path: Path) -> None:
    features = datasets.Features({"text": datasets.Value("string"), "mood": datasets.ClassLabel(names=["low", "high"]), "scan": datasets.Image()})
    png = bytes.fromhex("89504e470d0a1a0a")
    rows = datasets.Dataset.from_dict({"text": ["One.", "Two."], "mood": [0, 1], "scan": [{"bytes": png, "path": None}] * 2}, features=features)
    rows.save_to_disk(tmp_path / "one")
    datasets.DatasetDict({"test": rows, "dev": rows}).save_to_disk(tmp_path / "two")
    for kind in ("parquet", "csv"):
        (tmp_path / kind).mkdir()
        getattr(rows.remove_columns("scan"), f"to_{kind}")(tmp_path / kind / f"train.{kind}")
    for name, split in (("one", "train"), ("two", "test"), ("parquet", "train"), ("csv", "train")):
        found = fetch_rows(str(tmp_path / name), "", "", 9, tmp_path / "rows.jsonl", int)
        first = json.loads((tmp_path / "rows.jsonl").read_text(encoding="utf-8").splitlines()[0])
        assert (found["split"], found["rows"], found["cut"], first["text"]) == (split, 2, False, "One."), name
        assert first["mood"] == (0 if name == "csv" else "low")
        assert found["left_out"] == (["scan"] if name in ("one", "two") else [])


def test_the_row_numbers_that_pandas_adds_are_left_out_with_a_note(project: Project, tmp_path: Path) -> None:
    made = tmp_path / "fevers"
    made.mkdir()
    rows = pandas.DataFrame({"text": [f"Fever {number} is a heat of {30 + number} degrees, and it passes." for number in range(8)], "ward": list("aabababb")})
    rows[rows["ward"] == "a"].to_parquet(made / "train.parquet")
    job = take(project, made)
    assert job.state == "done", job.error
    assert job.result["columns"] == ["text", "ward"]
    assert "Left out the row numbers that pandas added: __index_level_0__." in [one["note"] for one in job.result["notes"]]
    with knowledge(project) as connection:
        chunks, _ = chunk_page(connection)
    assert "Fever 5 is" in chunks[0].content and "index" not in chunks[0].content


def test_what_cannot_be_had_is_said(project: Project, folder: Path, tmp_path: Path) -> None:
    assert "told to stay offline" in take(project, RECOMMENDED[0].id).error["sentence"]
    assert take(project, folder, split="dev").error["advice"] == "Its splits: train, test."
    (tmp_path / "program").mkdir()
    marker = tmp_path / "ran"
    (tmp_path / "program" / "program.py").write_text(f"open({str(marker)!r}, 'w')", encoding="utf-8")
    assert "never run here" in take(project, tmp_path / "program").error["sentence"]
    assert not marker.exists()
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "README.md").write_text("---\nconfigs:\n- config_name: a\n  data_files: a.csv\n- config_name: b\n  data_files: b.csv\n---\n")
    for name in "ab":
        (tmp_path / "parts" / f"{name}.csv").write_text("text\nWords.\n", encoding="utf-8")
    with pytest.raises(FileRejected, match="Choose one with --config: 'a', 'b'"):
        fetch_rows(str(tmp_path / "parts"), "", "", 9, tmp_path / "rows.jsonl", int)
    assert fetch_rows(str(tmp_path / "parts"), "b", "", 9, tmp_path / "rows.jsonl", int)["rows"] == 1


@pytest.mark.parametrize(("problem", "words"), [
    (DatasetNotFoundError("Dataset 'a/b' is a gated dataset on the Hub. Visit the dataset page to ask for access."), "accepted its terms"),
    (DatasetNotFoundError("Dataset 'a/b' doesn't exist on the Hub or cannot be accessed."), "not on the hub, or is private"),
    (ConnectionError("Couldn't reach 'a/b' on the Hub (LocalEntryNotFoundError)"), "the hub does not answer"),
    (OSError("odd"), r"cannot be read \(OSError: odd\)")])
def test_the_hubs_own_errors_in_words(problem: Exception, words: str) -> None:
    with pytest.raises(FileRejected, match=words):
        raise in_words(problem, "a/b")


@pytest.mark.parametrize("dataset", ["", "../x", "a/b/c", "http://x.example/y", "no such folder/at all"])
def test_what_is_no_data_set_is_refused_at_once(project: Project, dataset: str) -> None:
    with pytest.raises(NotReady, match="data set"):
        import_dataset(project.root.parent, project, DatasetConfig(), dataset)


def test_a_wrong_template_is_refused_at_once(project: Project, folder: Path) -> None:
    with pytest.raises(SettingError, match="template cannot be read"):
        import_dataset(project.root.parent, project, DatasetConfig(template="{"), str(folder))
