"""The writing job on real documents, a real database and a real HTTP service: prepare, run, apply, and everything that can go wrong."""

from __future__ import annotations

import json
import socket
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from phases.sft_data import generate
from phases.sft_data.asking import NOT_IN_THE_CHUNK
from phases.sft_data.config import WriteConfig
from phases.shared.database.chunks import NewChunk, hash_of
from phases.shared.database.connection import knowledge, transaction
from phases.shared.database.documents import NewDocument, add_document
from phases.shared.database.questions import active_questions
from phases.shared.errors import NotReady, ProviderError
from phases.shared.jobs.context import JobContext, JobStopped
from phases.shared.options import resolve
from phases.shared.project import Project, create_project
from tests.services.llm_server import KEY, MODELS, LanguageModelService, language_model_service

PLACES = ("north pier", "south pier", "lamp room", "boat shed", "engine house", "signal mast", "rain tank", "coal store", "fog bell",
          "tide gauge", "slipway", "stone wall")


@pytest.fixture
def project(projects: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Project:
    """A project with one document."""
    for name in ("OPENAI_API_KEY", "OPENROUTER_API_KEY", "OLLAMA_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LEHRLING_KEYS", str(tmp_path / "keys" / "keys.yaml"))
    made = create_project(projects, "station")
    add_station(made, 0)
    return made


def add_station(project: Project, taller: int) -> None:
    """A document with twelve chunks of four sentences, each sentence a fact of its own."""
    sections = [f"The height of the {place} is {11 + number + taller} metres. The weight of the {place} is {310 + number} kilograms. "
                f"The {place} was built in {1850 + number}. The keeper of the {place} is {'ABCDEFGHIJKL'[number]}da Quill."
                for number, place in enumerate(PLACES)]
    text, chunks = "", []
    for section in sections:
        chunks.append(NewChunk(section, len(text), len(text) + len(section), len(section) // 4))
        text += section + "\n\n"
    with knowledge(project) as connection:
        add_document(connection, NewDocument("station.md", hash_of(text), "md", len(text), text, "Station"), chunks, "test")


@pytest.fixture
def service() -> Iterator[LanguageModelService]:
    with language_model_service() as running:
        yield running


@dataclass
class Work:
    """A job as the worker and its child would do it, in this process."""

    project: Project
    config: WriteConfig
    number: int = 1

    @property
    def job(self) -> str:
        return f"sft-data-20260105-100000-000{self.number}"

    @property
    def context(self) -> JobContext:
        return JobContext(self.project, self.job, keys={"OPENAI_API_KEY": KEY, "OPENROUTER_API_KEY": KEY})

    def prepare(self) -> Work:
        inputs = self.project.job_dir(self.job) / "inputs"
        inputs.mkdir(parents=True)
        generate.prepare(self.project, self.config, inputs, {})
        return self

    def run(self) -> dict[str, Any]:
        """Run, then apply what was recorded, whether it failed or not."""
        try:
            return generate.run(self.context, self.config)
        finally:
            self.apply()

    def apply(self) -> None:
        with knowledge(self.project) as connection:
            for record in self.context.records():
                with transaction(connection):
                    generate.apply(connection, self.project, self.job, record)

    def records(self) -> list[dict[str, Any]]:
        return [record for record in self.context.records() if "slot" in record]


def work(project: Project, service: LanguageModelService, number: int = 1, **settings: Any) -> Work:
    given = {"provider": "ollama", "model": MODELS[0], "base_url": service.url, "count": 12, "retry_pause": 0.01, **settings}
    return Work(project, resolve(WriteConfig, given), number).prepare()


def rows(project: Project, where: str = "1") -> list[Mapping[str, Any]]:
    with knowledge(project) as connection:
        return connection.execute(f"SELECT p.*, f.span_start, f.span_end, f.document FROM pairs p JOIN facts f ON f.id = p.fact WHERE {where} ORDER BY p.id").fetchall()


def lines(project: Project, name: str = "sft_data") -> list[dict[str, str]]:
    return [json.loads(line) for line in project.dataset_file(name).read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize(("provider", "path"), [("ollama", ""), ("openai", "/v1"), ("openrouter", "/v1")])
def test_every_provider_writes_the_exact_count(project: Project, service: LanguageModelService, provider: str, path: str) -> None:
    result = work(project, service, provider=provider, base_url=service.url + path, count=30, style="factual,socratic").run()
    assert (result["asked"], result["written"], result["reason"]) == (30, 30, "")
    assert result["prompt_tokens"] > 0 and result["completion_tokens"] > 0
    kept = rows(project, "p.split = 'train' AND p.state = 'open'")
    assert len(kept) == len(lines(project)) == 30
    assert set(lines(project)[0]) == {"instruction", "output"}
    assert {row["style"] for row in kept} == {"factual", "socratic"}
    assert {(row["provider"], row["model"]) for row in kept} == {(provider, MODELS[0])}


def test_evidence_of_every_pair_stands_in_the_document(project: Project, service: LanguageModelService) -> None:
    work(project, service, count=40).run()
    with knowledge(project) as connection:
        text = connection.execute("SELECT text FROM documents").fetchone()["text"]
    for row in rows(project, "p.state = 'open'"):
        evidence = text[row["span_start"]:row["span_end"]]
        assert row["output"] in evidence and evidence.endswith(".") and "\n\n" not in evidence


def test_chunks_get_the_same_number_of_questions(project: Project, service: LanguageModelService) -> None:
    job = work(project, service, count=96)
    job.run()
    asked = Counter(record["chunk"] for record in job.records())
    assert len(asked) == 12 and max(asked.values()) - min(asked.values()) <= 1


def test_the_last_phrasing_is_held_out_and_never_trained(project: Project, service: LanguageModelService) -> None:
    work(project, service, count=24).run()
    held_out = {row["instruction"] for row in rows(project, "p.split = 'held_out' AND p.state = 'open'")}
    assert len(held_out) >= 6
    assert not held_out & {line["instruction"] for line in lines(project)}


def test_never_asked_facts_do_not_reach_the_file(project: Project, service: LanguageModelService) -> None:
    result = work(project, service, count=96, validation_percent=25).run()
    unasked = {row["instruction"] for row in rows(project, "p.split = 'validation'")}
    assert result["validation"] == len(unasked) > 0
    assert not unasked & {line["instruction"] for line in lines(project)}


@pytest.mark.parametrize("mode", ["fenced", ["schema", "prose", "fine"], ["busy", "broken", "half", "fine"], ["rubbish", "fine"]])
def test_troubles_that_pass(project: Project, service: LanguageModelService, mode: Any) -> None:
    service.mode = mode
    assert work(project, service, workers=1).run()["written"] == 12


def test_invented_evidence_is_rejected_and_visible(project: Project, service: LanguageModelService) -> None:
    service.mode = "invented"
    result = work(project, service).run()
    assert result["written"] == 0 and set(result["rejected"]) == {NOT_IN_THE_CHUNK} and "could not be used" in result["reason"]
    written = rows(project)
    assert written and {(row["state"], row["reason"]) for row in written} == {("rejected", NOT_IN_THE_CHUNK)}
    assert lines(project) == []


@pytest.mark.parametrize(("mode", "said"), [("refused", "refused the key"), ("redirect", "sent the request elsewhere"),
                                            ("rubbish", "not its protocol"), ("half", "stopped halfway"), ("broken", "failed inside"),
                                            ("prose", "no whole JSON object")])
def test_a_provider_that_fails_leaves_everything_as_it_was(project: Project, service: LanguageModelService, mode: str, said: str) -> None:
    service.mode = mode
    job = work(project, service, retries=1, provider="openai", base_url=service.openai_url)
    with pytest.raises(ProviderError) as caught:
        job.run()
    assert said in caught.value.sentence and caught.value.advice
    assert KEY not in json.dumps(caught.value.as_record())
    assert rows(project) == [] and not project.dataset_file().exists()


def test_a_provider_that_is_down_is_said_after_the_first_slot(project: Project) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    job = Work(project, resolve(WriteConfig, {"provider": "ollama", "model": "m", "base_url": url, "retries": 1, "retry_pause": 0.01})).prepare()
    with pytest.raises(ProviderError) as caught:
        job.run()
    assert "cannot be reached" in caught.value.sentence and "ollama serve" in caught.value.advice
    assert job.records() == [] and not project.dataset_file().exists()


def test_a_model_that_is_not_there(project: Project, service: LanguageModelService) -> None:
    with pytest.raises(ProviderError) as caught:
        work(project, service, model="no-such-model").run()
    assert "ollama pull no-such-model" in caught.value.advice


def test_what_dies_halfway_keeps_what_it_wrote_and_goes_on(project: Project, service: LanguageModelService) -> None:
    service.mode = ["fine"] * 6 + ["broken"]
    job = work(project, service, count=60, workers=2, retries=0)
    with pytest.raises(ProviderError) as caught:
        job.run()
    assert "5 questions in a row failed" in caught.value.sentence
    before = job.records()
    assert 0 < len(before) <= 6 and len(lines(project)) == len(rows(project, "p.split = 'train' AND p.state = 'open'")) > 0
    service.mode = "fine"
    asked = len(service.completions)
    assert job.run()["written"] == 60
    assert job.records()[:len(before)] == before and len(service.completions) - asked <= 13
    assert len(lines(project)) == 60


def test_an_interrupted_job_ends_in_the_same_pairs(project: Project, service: LanguageModelService, tmp_path: Path) -> None:
    whole = work(project, service, count=60)
    whole.run()
    expected = [(record["slot"], record["pairs"]) for record in whole.records()]
    other = create_project(tmp_path / "elsewhere", "station")
    other.database.write_bytes(project.database.read_bytes())
    cut = Work(other, whole.config, 2)
    inputs = other.job_dir(cut.job) / "inputs"
    inputs.mkdir(parents=True)
    for file in (project.job_dir(whole.job) / "inputs").iterdir():
        (inputs / file.name).write_bytes(file.read_bytes())
    for end in (3, 7):  # killed after so many records
        StoppingContext.allow = end
        with pytest.raises(JobStopped):
            generate.run(StoppingContext(other, cut.job), cut.config)
    assert 0 < len(cut.records()) < len(expected)
    generate.run(cut.context, cut.config)
    assert [(record["slot"], record["pairs"]) for record in cut.records()] == expected


class StoppingContext(JobContext):
    """Asked to stop once `allow` slots are recorded."""

    allow = 0

    def stop_requested(self) -> bool:
        return len(self.records()) >= self.allow


def test_stop_says_what_was_written(project: Project, service: LanguageModelService) -> None:
    job = work(project, service, count=60)
    StoppingContext.allow = 4
    with pytest.raises(JobStopped) as stopped:
        generate.run(StoppingContext(project, job.job), job.config)
    assert 0 < stopped.value.result["written"] < 60 and "resume" in stopped.value.result["reason"]


def test_a_second_job_asks_something_else(project: Project, service: LanguageModelService) -> None:
    first = work(project, service, count=24, validation_percent=0)
    first.run()
    second = work(project, service, 2, count=48, validation_percent=0)
    second.run()
    known = {record["chunk"] for record in first.records()}
    assert not known & {record["chunk"] for record in second.records()[:12 - len(known)]}  # first those that had no question yet
    prompts = [one["body"]["messages"][-1]["content"] for one in service.completions]
    assert any("ask something else than: What does the text say" in prompt for prompt in prompts)
    questions = [row["instruction"].casefold() for row in rows(project, "p.state = 'open'")]
    assert len(questions) == len(set(questions)) == 24 + 48 + len(rows(project, "p.split = 'held_out' AND p.state = 'open'"))


def test_progress_counts_pairs_and_tokens(project: Project, service: LanguageModelService) -> None:
    job = work(project, service)
    job.run()
    progress = json.loads((project.job_dir(job.job) / "progress.json").read_text(encoding="utf-8"))
    assert (progress["done"], progress["total"]) == (12, 12) and progress["prompt_tokens"] > 0


def test_key_is_in_no_file(project: Project, service: LanguageModelService) -> None:
    work(project, service, provider="openai", base_url=service.openai_url).run()
    assert service.completions[0]["headers"]["authorization"] == f"Bearer {KEY}"
    for path in project.root.rglob("*"):
        assert path.is_dir() or KEY.encode() not in path.read_bytes(), path


def test_edited_prompts_reach_the_model(project: Project, service: LanguageModelService) -> None:
    edited = Project(project.root, settings={"styles": {"factual": {"system_prompt": "You are the harbour master."}}})
    work(edited, service, count=2, audience="7th graders", language="de").run()
    sent = json.dumps(service.completions[0]["body"])
    assert "You are the harbour master." in sent and "7th graders" in sent


class TestBuiltin:
    """The built-in writer goes the same way."""

    def builtin(self, project: Project, number: int = 1, **settings: Any) -> Work:
        return Work(project, resolve(WriteConfig, {"provider": "builtin", "count": 0, **settings}), number).prepare()

    def test_everything(self, project: Project) -> None:
        result = self.builtin(project).run()
        assert result["written"] == len(lines(project)) > 60 and result["held_out"] > 20 and result["validation"] > 0
        assert {row["provider"] for row in rows(project)} == {"builtin"}

    def test_twice_writes_nothing_new_and_says_so(self, project: Project) -> None:
        self.builtin(project).run()
        before = [tuple(row) for row in rows(project)]
        result = self.builtin(project, 2).run()
        assert result["written"] == 0 and "Nothing new" in result["reason"]
        assert [tuple(row) for row in rows(project)] == before

    def test_a_document_that_was_replaced_is_asked_about_anew(self, project: Project) -> None:
        self.builtin(project).run()
        with knowledge(project) as connection:
            before = {one.question: one.answer for one in active_questions(connection)}
        add_station(project, taller=50)
        result = self.builtin(project, 2).run()
        assert result["rejected"] == {} and result["written"] == len(lines(project))
        heights = [line["output"] for line in lines(project) if "metres" in line["output"]]
        assert heights and all(int(height.split()[0]) > 60 for height in heights)
        with knowledge(project) as connection:
            after = {one.question: one.answer for one in active_questions(connection)}
        assert after.keys() == before.keys() and after != before

    def test_exact_count_and_the_rest_later(self, project: Project) -> None:
        assert self.builtin(project, count=10).run()["written"] == 10
        assert self.builtin(project, 2, count=10).run()["written"] == 10
        assert len(lines(project)) == 20

    def test_what_cannot_be_asked_in_a_style_is_counted_with_its_reason(self, project: Project) -> None:
        with knowledge(project) as connection, transaction(connection):
            connection.execute("UPDATE chunk_records SET state = 'excluded' WHERE id > 2")
        job = self.builtin(project, style="factual,multiple_choice")
        result = job.run()
        assert result["written"] > 0 and any("wrong options" in reason for reason in result["failed"])
        assert {row["style"] for row in rows(project)} == {"factual"}

    def test_more_than_there_is(self, project: Project) -> None:
        result = self.builtin(project, count=5000).run()
        assert 0 < result["written"] < 5000 and result["reason"].startswith("The documents give no more")


def test_what_is_missing_is_said_before_the_start(projects: Path, project: Project) -> None:
    empty = create_project(projects, "empty")
    assert "add documents" in generate.missing_for_writing(empty, WriteConfig())[0]
    assert generate.missing_for_writing(project, WriteConfig()) == ()
    missing = generate.missing_for_writing(project, WriteConfig(provider="openrouter"))
    assert len(missing) == 2 and "Choose a model" in missing[0] and "OPENROUTER_API_KEY" in missing[1]
    assert "'haiku'" in generate.missing_for_writing(project, WriteConfig(style="factual,haiku"))[0]
    with pytest.raises(NotReady) as caught:
        Work(empty, WriteConfig()).prepare()
    assert caught.value.missing


def test_provider_can_be_tried_and_lists_its_models(service: LanguageModelService) -> None:
    config = WriteConfig(provider="ollama", base_url=service.url)
    assert generate.list_provider_models(config, {}) == sorted(MODELS)
    assert "2 models" in generate.test_provider(config, {})
    assert generate.list_provider_models(WriteConfig(), {}) == []
    assert "always there" in generate.test_provider(WriteConfig(), {})
    service.mode = "refused"
    with pytest.raises(ProviderError):
        generate.test_provider(config, {})
