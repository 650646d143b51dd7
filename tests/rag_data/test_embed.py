"""The job `embed` as a person starts it: vectors for the chunks that lack one, then search by meaning."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml

from phases.rag_data.config import EmbedConfig
from phases.rag_data.embed import CHUNKS_A_RECORD, apply, plan_embedding, prepare, run
from phases.shared.database.chunks import NewChunk, edit_chunk
from phases.shared.database.connection import knowledge
from phases.shared.database.documents import NewDocument, add_document
from phases.shared.database.embeddings import vector_counts
from phases.shared.errors import ModelError, NotReady
from phases.shared.jobs.context import STOP_FILE, JobContext, JobStopped
from phases.shared.models import search_models
from phases.shared.models.search_models import EMBEDDER, folder_hash
from phases.shared.options import resolve
from phases.shared.project import Project, create_project, open_project
from tests.conftest import Commands
from tests.embedding_model import minilm_folder

MODEL = str(minilm_folder())


def add_chunks(project: Project, count: int) -> None:
    texts = [f"Lamp {number} burns for {number + 2} hours in the northern tower." for number in range(count)]
    with knowledge(project) as connection:
        add_document(connection, NewDocument("lamps.txt", "hash", "txt", 1, "\n".join(texts)),
                     [NewChunk(text, 0, len(text), 12) for text in texts], "builtin")


def prepared(project: Project, job: str) -> JobContext:
    inputs = project.job_dir(job) / "inputs"
    inputs.mkdir(parents=True)
    prepare(project, resolve(EmbedConfig, {"model": MODEL}), inputs, {})
    return JobContext(project, job)


def apply_all(project: Project, context: JobContext) -> None:
    with knowledge(project) as connection:
        for record in context.records():
            apply(connection, project, context.job_id, record)


def test_embed_and_search_as_commands(lehrling: Commands, tmp_path: Path) -> None:
    text = tmp_path / "station.md"
    text.write_text("# Health\n\nThe physician prescribed two tablets against the fever.\n\n# Light\n\nThe keeper kindles the "
                    "lantern every evening at dusk.\n\n# Fields\n\nWheat and barley are sown on the southern slopes.\n")
    assert lehrling("new", "station").code == 0
    refused = lehrling("embed", "station")
    assert refused.code == 1 and "no chunks yet" in refused.err + refused.out
    assert lehrling("ingest", "station", str(text), "--chunk-size", "32", "--chunk-overlap", "0", "--holdout-percent", "0").code == 0
    early = lehrling("search", "station", "doctor", "--mode", "semantic")
    assert early.code == 1 and 'python app.py embed "station"' in early.err
    offline = lehrling("embed", "station", "--json")
    assert offline.code == 1 and EMBEDDER.example in offline.json["error"]["sentence"] and "not on this machine" in offline.json["error"]["sentence"]

    settings = lehrling.projects / "station" / "project.yaml"
    content = yaml.safe_load(settings.read_text())
    settings.write_text(yaml.safe_dump({**content, "settings": {"search": {"embedding_model": MODEL}}}))
    first = lehrling("embed", "station", "--json").json
    assert first["state"] == "done" and first["embedded"] >= 3 and first["model"] == MODEL
    again = lehrling("embed", "station", "--json").json
    assert again["embedded"] == 0 and again["unchanged"] == first["embedded"]

    query = "Which medicine did the doctor give?"
    for mode in ("semantic", "hybrid"):
        hits = lehrling("search", "station", query, "--mode", mode, "--json").json["hits"]
        assert "tablets" in hits[0]["chunk"]["content"]
    assert lehrling("search", "station", query, "--json").json["hits"] == []
    assert "Nothing found" in lehrling("search", "station", query, "--mode", "semantic", "--threshold", "0.99").out


def test_only_changed_chunks_are_embedded_again(projects: Path) -> None:
    project = create_project(projects, "lamps")
    add_chunks(project, 5)
    first = prepared(project, "one")
    assert run(first, EmbedConfig())["embedded"] == 5
    apply_all(project, first)
    with knowledge(project) as connection:
        edit_chunk(connection, 3, "The lamp was replaced by a bell.", 8)
    assert plan_embedding(project, EmbedConfig()).to_embed == 1, "without a choice, the model of the vectors goes on"
    second = prepared(project, "two")
    assert run(second, EmbedConfig())["embedded"] == 1
    apply_all(project, second)
    with knowledge(project) as connection:
        assert vector_counts(connection).missing == 0
        assert connection.execute("SELECT count(*) FROM embeddings").fetchone()[0] == 5
    assert plan_embedding(project, EmbedConfig(model="another/model")).to_embed == 5


def test_a_stopped_run_goes_on_behind_its_last_record(projects: Path) -> None:
    project = create_project(projects, "lamps")
    add_chunks(project, CHUNKS_A_RECORD + 5)
    context = prepared(project, "one")
    whole = context.record
    context.record = lambda record: (whole(record), (context.job_dir / STOP_FILE).touch())[0]  # asked for during the first part
    with pytest.raises(JobStopped) as stopped:
        run(context, EmbedConfig())
    assert stopped.value.result["embedded"] == CHUNKS_A_RECORD
    (context.job_dir / STOP_FILE).unlink()
    resumed = JobContext(project, "one", attempt=2)
    assert run(resumed, EmbedConfig())["embedded"] == CHUNKS_A_RECORD + 5
    assert [len(one["chunks"]) for one in resumed.records()] == [CHUNKS_A_RECORD, 5]
    apply_all(project, resumed)
    with knowledge(project) as connection:
        assert vector_counts(connection).missing == 0


def test_what_is_missing_is_said_before_the_job(projects: Path) -> None:
    project = create_project(projects, "empty")
    with pytest.raises(NotReady, match="no chunks yet") as caught:
        prepared(project, "one")
    assert caught.value.missing == ("There are no chunks yet: add documents first.",)
    add_chunks(project, 1)
    with pytest.raises(ModelError, match="no embedding model 'no such model'"):
        prepare(open_project(projects, "empty"), EmbedConfig(model="no such model"), projects, {})


def test_a_model_is_read_once_for_the_window(projects: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Shown at every change of the data: sizes and times must do, until one of them is another."""
    project, folder = create_project(projects, "lamps"), tmp_path / "model"
    add_chunks(project, 2)
    folder.mkdir()
    weights = folder / "model.safetensors"
    weights.write_bytes(b"weights")
    os.utime(weights, (1_000_000_000, 1_000_000_000))
    read: list[str] = []
    monkeypatch.setattr(search_models, "folder_hash", lambda name: (read.append(name), folder_hash(name))[1])
    config = resolve(EmbedConfig, {"model": str(folder)})
    plans = [plan_embedding(project, config, glance=True) for _ in range(3)]
    assert len(read) == 1 and {one.model_hash for one in plans} == {folder_hash(str(folder))}
    assert str(tmp_path) not in project.embedding_model.read_text(), "a project can be opened elsewhere"
    weights.write_bytes(b"changed")
    for _ in range(2):
        assert plan_embedding(project, config, glance=True).model_hash == folder_hash(str(folder)) != plans[0].model_hash
    assert len(read) == 3, "files of this moment may change within the same tick: nothing is kept of them"
    os.utime(weights, (1_000_000_001, 1_000_000_001))
    project.embedding_model.write_text("not whole")
    assert plan_embedding(project, config, glance=True).model_hash == plan_embedding(project, config).model_hash


def test_a_run_reads_the_model_whatever_its_times_say(projects: Path, tmp_path: Path) -> None:
    project, folder = create_project(projects, "lamps"), tmp_path / "model"
    add_chunks(project, 1)
    folder.mkdir()
    config = resolve(EmbedConfig, {"model": str(folder)})
    hashes = []
    for content in (b"one", b"two"):
        (folder / "model.safetensors").write_bytes(content)
        os.utime(folder / "model.safetensors", (1_000_000_000, 1_000_000_000))
        plan_embedding(project, config, glance=True)
        hashes.append(plan_embedding(project, config).model_hash)
    assert hashes[0] != hashes[1]
