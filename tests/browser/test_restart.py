"""A page that stays open while the program is restarted under a running training."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from phases.shared.jobs.queue import list_jobs
from phases.shared.project import create_project
from tests.browser.conftest import end_jobs, free_port, opened
from tests.browser.test_training import NAME, open_tab, start_run
from tests.browser.test_walk import LONG
from tests.rag_data.test_embed import add_chunks


def test_a_page_finds_its_run_again_after_the_program_was_restarted_under_it(tmp_path: Path, page: Page, request: pytest.FixtureRequest) -> None:
    port = free_port()
    request.addfinalizer(lambda: end_jobs(tmp_path / "projects"))
    with opened(tmp_path, port=port) as window:
        window.projects.mkdir(exist_ok=True)
        add_chunks(create_project(window.projects, NAME), 16)
        open_tab(page, window)
        start_run(page, Epochs="900")
        expect(page.locator("#status")).to_contain_text("step ", timeout=LONG)
    before = list_jobs(window.projects, NAME)[0]
    with opened(tmp_path, port=port) as window:
        done = before.progress["done"]
        expect(page.locator("#status")).to_contain_text(re.compile(r"step \d"), timeout=LONG)
        page.wait_for_function("done => Number((document.querySelector('#status').innerText.match(/step (\\d+)/) || [0, 0])[1]) > done", arg=done,
                               timeout=LONG)
        now = list_jobs(window.projects, NAME)[0]
        assert (now.id, now.state, now.child_pid) == (before.id, "running", before.child_pid)
        page.locator("#status [data-act=stop]").click()
        page.locator("#stop-cancel").click()
        expect(page.locator("#history-cpt")).to_contain_text("cancelled", timeout=LONG)
