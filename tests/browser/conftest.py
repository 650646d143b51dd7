"""A real window in a process of its own, and a real Chromium that looks at it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from phases.shared.jobs.queue import list_jobs

ROOT = Path(__file__).parents[2]
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync")

expect.set_options(timeout=60_000)  # milliseconds; the five seconds of Playwright are too few where tests share two cores


@dataclass(frozen=True)
class OpenWindow:
    """`address` ends without a slash; `seconds` is the time from the start to the first answer."""

    address: str
    projects: Path
    process: subprocess.Popen
    seconds: float
    log: Path

    def page_of(self, project: str, **query: str) -> str:
        return str(httpx.URL(f"{self.address}/", params={"project": project, **query}))


@contextmanager
def opened(folder: Path, *words: str, path: str = "", port: int = 0, **environment: str) -> Iterator[OpenWindow]:
    """`python app.py --port N ...` until the block ends; `port` 0 is any free one."""
    projects, port, log = folder / "projects", port or free_port(), folder / "window.log"
    kept = {name: value for name, value in os.environ.items() if not name.endswith(("_API_KEY", "_TOKEN"))}
    settings = {"LEHRLING_LOCKS": str(folder / "locks"), "LEHRLING_KEYS": str(folder / "keys" / "keys.yaml"), "HF_HUB_OFFLINE": "1",
                "OMP_NUM_THREADS": "1"}  # threads that wait for each other on busy cores take many times as long
    begin = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen([sys.executable, str(ROOT / "app.py"), "--port", str(port), "--projects", str(projects), *words],
                                   cwd=folder, env={**kept, **settings, **environment}, stdout=output, stderr=output)
    try:
        address = f"http://127.0.0.1:{port}{path}"
        _wait_until_answering(f"http://127.0.0.1:{port}/", process, log)
        yield OpenWindow(address, projects, process, time.monotonic() - begin, log)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_answering(address: str, process: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text(encoding="utf-8")
        try:
            httpx.get(address, timeout=20, trust_env=False)
            return
        except httpx.TransportError:
            time.sleep(0.05)
    raise AssertionError(f"no answer within a minute: {log.read_text(encoding='utf-8')}")


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def end_jobs(projects: Path) -> None:
    """A job outlives the window, as it should; a test that failed leaves none behind."""
    for job in list_jobs(projects, states=("running",)) if (projects / "jobs.sqlite").exists() else ():
        with suppress(ProcessLookupError):
            os.killpg(job.child_pid, signal.SIGKILL)


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenWindow]:
    with opened(tmp_path_factory.mktemp("window")) as one:
        yield one
    end_jobs(one.projects)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    found = os.environ.get("LEHRLING_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        one = playwright.chromium.launch(executable_path=found or None, args=list(FLAGS))
        yield one
        one.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1300, "height": 900}, accept_downloads=True)
    one = context.new_page()
    one.set_default_timeout(120_000)
    yield one
    context.close()
