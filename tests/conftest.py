"""What many tests stand on: an empty projects folder, commands as a person types them, and one finished demo."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "long: takes a minute or more; run by `bash tests/run.sh -m long`")


@dataclass(frozen=True)
class Answer:
    """What a command said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True)
class Commands:
    """`python app.py ...` on a projects folder of its own, without network, keys or hub."""

    projects: Path

    def __call__(self, *words: str, stdin: str = "", timeout: float = 600, **environment: str) -> Answer:
        done = subprocess.run([sys.executable, str(ROOT / "app.py"), *words], cwd=self.projects.parent, input=stdin,
                              capture_output=True, text=True, timeout=timeout, env=self.environment(**environment))
        return Answer(done.returncode, done.stdout, done.stderr)

    def environment(self, **more: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.endswith(("_API_KEY", "_TOKEN"))}
        return {**kept, "LEHRLING_PROJECTS": str(self.projects), "LEHRLING_LOCKS": str(self.projects.parent / "locks"),
                "LEHRLING_KEYS": str(self.projects.parent / "keys" / "keys.yaml"), "HF_HUB_OFFLINE": "1", **more}


@pytest.fixture
def projects(tmp_path: Path) -> Path:
    folder = tmp_path / "projects"
    folder.mkdir()
    return folder


@pytest.fixture
def lehrling(projects: Path) -> Commands:
    return Commands(projects)


@dataclass(frozen=True)
class Demo:
    """The finished demo: its projects folder, the project's name and the document that `--json` printed."""

    run: Commands
    name: str
    result: dict[str, Any]

    @property
    def folder(self) -> Path:
        return self.run.projects / self.name


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """`python app.py demo --json`, run once for all tests that look at a finished project."""
    projects = tmp_path_factory.mktemp("demo") / "projects"
    projects.mkdir()
    run = Commands(projects)
    answer = run("demo", "--json", timeout=1200)
    assert answer.code == 0, answer.err[-4000:]
    return Demo(run, "sample-demo", answer.json)
