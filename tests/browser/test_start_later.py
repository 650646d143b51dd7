"""A night planned in the window: CPT at a time, SFT after it with the model that it will make; then reordered and cancelled."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from phases.shared.jobs.queue import list_jobs
from tests.browser.conftest import OpenWindow
from tests.tiny_project import add_pairs, make_project

pytestmark = pytest.mark.long


def open_tab(page: Page, tab: str) -> None:
    page.locator(f"#phases button[role=tab][data-tab-id={tab}]").first.click()
    expect(page.locator(f"body[data-filled~={tab}]")).to_be_attached(timeout=60_000)


def test_a_night_is_planned_reordered_and_cancelled(window: OpenWindow, page: Page) -> None:
    add_pairs(make_project(window.projects.parent))
    page.goto(window.page_of("lamps"))
    open_tab(page, "cpt")
    page.locator("#later-cpt").get_by_role("button", name="Start later").click()
    at, note = page.locator("#at-cpt").get_by_role("textbox"), page.locator("#later-note-cpt")
    expect(note).to_contain_text("The clock of this machine says")
    at.fill("tonight")
    expect(note).to_contain_text("'tonight' is no time. Write it as 22, 22:00")
    at.fill("2126-12-24 22:00")
    expect(note).to_contain_text("It starts Tuesday 2126-12-24 at 22:00")
    page.locator("#start-cpt").click()
    expect(page.locator("#run-cpt")).to_contain_text("It waits: until 2126-12-24 22:00")
    expect(at).to_have_value("")
    (cpt,) = list_jobs(window.projects, "lamps")

    open_tab(page, "sft")
    expect(page.locator("#plan-sft")).to_contain_text("There is no CPT model yet")
    page.locator("#later-sft").get_by_role("button", name="Start later").click()
    page.locator("#after-sft").get_by_label("After a job").click()
    page.get_by_role("option", name=cpt.id).click()
    expect(page.locator("#plan-sft")).to_contain_text(f"It starts from the model that {cpt.id} will make")
    page.locator("#tab-sft").get_by_text("The same as a command").first.click()
    expect(page.locator("#command-sft")).to_contain_text(f"--after {cpt.id}")
    page.locator("#start-sft").click()
    expect(page.locator("#run-sft")).to_contain_text(f"It waits: after {cpt.id}")
    (sft,) = [job for job in list_jobs(window.projects, "lamps") if job.kind == "sft"]
    assert (sft.after, cpt.not_before[:10]) == (cpt.id, "2126-12-24")

    page.reload()
    page.locator("#status [data-act=queue]").click()
    queue = page.locator("#queue-dialog")
    expect(queue.locator("tbody tr")).to_contain_text(["until 2126-12-24 22:00", "after CPT, model cpt"])
    expect(queue.locator("[data-act=up]").first).to_be_disabled()
    expect(queue.locator("[data-act=down]").nth(1)).to_be_disabled()
    queue.locator("[data-act=first]").nth(1).click()
    expect(queue.locator("tbody tr")).to_contain_text(["after CPT, model cpt", "until 2126-12-24 22:00"])
    queue.locator("[data-act=cancel]").nth(1).click()
    expect(page.locator("#notices")).to_contain_text("which had to be done first, is cancelled")
