"""A page that stays open while the program is killed and started again under a running training."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from phases.shared.jobs.queue import list_jobs
from phases.shared.project import create_project
from tests.browser.conftest import end_jobs, free_port, opened
from tests.browser.test_training import NAME, open_tab, start_run
from tests.browser.test_walk import LONG, fill, head
from tests.rag_data.test_embed import add_chunks

pytestmark = pytest.mark.long
STEP_BEHIND = "done => Number((document.querySelector('#run-cpt')?.innerText.match(/step ([\\d,]+)/) || ['', '0'])[1].replace(',', '')) > done"


def test_a_page_finds_its_run_again_after_the_program_was_killed_under_it(tmp_path: Path, page: Page, request: pytest.FixtureRequest) -> None:
    port = free_port()
    request.addfinalizer(lambda: end_jobs(tmp_path / "projects"))
    with opened(tmp_path, port=port) as window:
        window.projects.mkdir(exist_ok=True)
        add_chunks(create_project(window.projects, NAME), 16)
        open_tab(page, window)
        fill(page.locator("#tab-cpt"), Sequence_length="64")
        start_run(page, Epochs="900")
        page.wait_for_function(STEP_BEHIND, arg=0, timeout=LONG)
        expect(page.locator("#plot-cpt canvas, #plot-cpt svg").first).to_be_visible(timeout=LONG)
        window.process.kill()
        window.process.wait()
    (before,) = list_jobs(window.projects, NAME)
    expect(page.get_by_text("Connection to the server was lost")).to_be_visible()
    with opened(tmp_path, port=port) as window:
        page.wait_for_function(STEP_BEHIND, arg=before.progress["done"], timeout=LONG)
        expect(head(page, "cpt")).to_have_attribute("aria-selected", "true")
        plot = page.locator("#plot-cpt")
        expect(plot.locator("canvas, svg").first).to_be_visible(timeout=LONG)
        drawn, deadline = plot.screenshot(), time.monotonic() + LONG / 1000
        while plot.screenshot() == drawn:
            assert time.monotonic() < deadline, "the curve stands still"
            time.sleep(0.5)
        (now,) = list_jobs(window.projects, NAME)
        assert (now.id, now.state, now.child_pid) == (before.id, "running", before.child_pid)
        page.locator("#status [data-act=stop]").click()
        page.locator("#stop-cancel").click()
        expect(page.locator("#history-cpt")).to_contain_text("cancelled", timeout=LONG)
