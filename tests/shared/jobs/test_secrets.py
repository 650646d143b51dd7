"""Keys reach the children that call services, by a pipe, and appear nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from phases.shared.errors import SettingError
from phases.shared.jobs.kinds import KINDS, keys_for
from phases.shared.jobs.process import child_environment
from phases.shared.project import Project
from phases.shared.settings import KNOWN_KEYS
from tests.shared.jobs.conftest import Queue

KEY = "sk-very-secret-0123456789"


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("HF_TOKEN", KEY)
    return KEY


def files_with(text: str, project: Project, projects: Path) -> list[str]:
    files = [*project.root.rglob("*"), *(path for path in projects.iterdir() if path.is_file())]
    return [path.name for path in files if path.is_file() and text.encode() in path.read_bytes()]


def test_a_key_reaches_the_child_and_nothing_else(queue: Queue, key: str) -> None:
    queue.work()
    job = queue.submit("write", behaviour="keys")
    pid = queue.child_of(job)
    queue.until(lambda: (queue.project.job_dir(job.id) / "length.txt").exists())
    for name in ("environ", "cmdline"):
        assert key.encode() not in Path(f"/proc/{pid}/{name}").read_bytes()
    failed = queue.ended(job)
    assert (queue.project.job_dir(job.id) / "length.txt").read_text(encoding="utf-8") == str(len(key))
    assert failed.state == "failed" and "the service refused [key]" in failed.error["sentence"]
    log = (queue.project.job_dir(job.id) / "log.txt").read_text(encoding="utf-8")
    assert "printed [key]" in log and "logged [key]" in log and "\n[key]\n" in log and "Traceback" in log
    assert files_with(key, queue.project, queue.projects) == []
    assert files_with("the service refused", queue.project, queue.projects)  # the search would have found it


def test_a_child_that_calls_no_service_gets_no_key(queue: Queue, key: str) -> None:
    queue.work()
    failed = queue.ended(queue.submit("parse", behaviour="keys"))
    assert failed.error["sentence"].startswith("An unexpected error ended the job: KeyError: 'OPENAI_API_KEY'")


def test_a_kind_names_its_keys(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stored = tmp_path / "keys.yaml"
    monkeypatch.setenv("LEHRLING_KEYS", str(stored))
    for name in KNOWN_KEYS:
        monkeypatch.setenv(name, f"key of {name}")
    given = {name: set(keys_for(kind, kind.lane)) for name, kind in KINDS.items()}
    hub, writer = {"HF_TOKEN", "HUGGINGFACE_API_KEY"}, {"OPENAI_API_KEY", "OPENROUTER_API_KEY", "OLLAMA_API_KEY"}
    assert given == {"ingest": set(), "sft-data": writer, **dict.fromkeys(
        ("dataset", "embed", "cpt", "cpt-probe", "sft", "sft-probe", "evaluate", "export", "push"), hub)}
    assert keys_for(KINDS["cpt"], "cluster") == {}
    stored.write_text("HF_TOKEN: x")
    stored.chmod(0o644)
    assert keys_for(KINDS["cpt"], "compute") == {}, "an open base needs no key"
    with pytest.raises(SettingError, match="can be read by other users"):
        keys_for(KINDS["push"], "light")


def test_the_environment_of_a_child() -> None:
    given = {"OPENAI_API_KEY": "a", "HF_TOKEN": "b", "client_secret": "c", "HOME": "/home/me", "HF_HUB_DISABLE_TELEMETRY": "0"}
    made = child_environment(given)
    assert not {"OPENAI_API_KEY", "HF_TOKEN", "client_secret"} & set(made)
    assert made["HOME"] == "/home/me" and int(made["OMP_NUM_THREADS"]) >= 1
    assert made["HF_HUB_DISABLE_TELEMETRY"] == "1" and made["TOKENIZERS_PARALLELISM"] == "false"
    assert child_environment({"OMP_NUM_THREADS": "7"})["OMP_NUM_THREADS"] == "7"
