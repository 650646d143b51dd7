"""Two trainings in tab 2, as a person sees them: phases and live loss, stop, resume, another rate, both over each other, settings as a
file, a reload, a second page. Models and texts are tiny."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from phases.shared.jobs.queue import list_jobs
from phases.shared.project import create_project
from tests.browser.conftest import OpenWindow
from tests.browser.test_walk import LONG, field, fill, head
from tests.rag_data.test_embed import add_chunks

pytestmark = pytest.mark.long
NAME = "training"
# Writes down what the page says of a run's progress, whenever it changes: some phases are shorter than a test's look at the page.
WATCH = """() => { window.seen = [];
  new MutationObserver(() => window.seen.push(document.querySelector('#run-cpt').innerText)).observe(
    document.querySelector('#run-cpt'), {childList: true, subtree: true, characterData: true}); }"""


@pytest.fixture(scope="module", autouse=True)
def project(window: OpenWindow) -> None:
    window.projects.mkdir(exist_ok=True)
    add_chunks(create_project(window.projects, NAME), 16)


def open_tab(page: Page, window: OpenWindow, name: str = NAME) -> None:
    page.goto(window.page_of(name))
    head(page, "cpt").click()
    expect(page.locator("body[data-filled~=cpt]")).to_be_attached()


def start_run(page: Page, **settings: str) -> None:
    """Fill the form, wait until the plan has seen it, and press Start."""
    tab = page.locator("#tab-cpt")
    fill(tab, **settings)
    if page.locator("#command-cpt").count() == 0:
        tab.get_by_text("The same as a command").first.click()
    for flag in (f"--{name.lower().replace('_', '-')} {value}" for name, value in settings.items()):
        expect(page.locator("#command-cpt")).to_contain_text(flag)
    page.locator("#start-cpt").click()


def test_a_run_shows_its_phases_and_loss_and_is_stopped_and_resumed(window: OpenWindow, page: Page, browser: Browser) -> None:
    open_tab(page, window)
    page.evaluate(WATCH)
    fill(page.locator("#tab-cpt"), Sequence_length="64")
    start_run(page, Epochs="50", Learning_rate="0.002")
    run = page.locator("#run-cpt")
    expect(run).to_contain_text("training, step ", timeout=LONG)
    expect(run).to_contain_text(re.compile(r"Loss\s*\d"), timeout=LONG)
    expect(page.locator("#plot-cpt canvas, #plot-cpt svg").first).to_be_visible(timeout=LONG)
    page.locator("#status [data-act=stop]").click()
    page.locator("#stop-save").click()
    expect(run).to_contain_text("it can be resumed", timeout=LONG)
    second = browser.new_context().new_page()
    second.set_default_timeout(LONG)
    open_tab(second, window)
    expect(second.locator("#run-cpt")).to_contain_text("it can be resumed")
    stopped_at = list_jobs(window.projects, NAME)[0].progress["done"]
    assert 0 < stopped_at < 200
    run.get_by_role("button", name="Resume").click()
    expect(head(page, "cpt")).to_contain_text("done, loss", timeout=LONG)
    expect(second.locator("#history-cpt .state-done")).to_have_count(1)
    second.context.close()
    shown = page.evaluate("window.seen.join('\\n')")
    assert "starting" in shown and "training, step" in shown
    steps = [int(one) for one in re.findall(r"step (\d+) of 200", shown)]
    assert steps and steps[-1] > stopped_at, "the resumed run went on from where it stopped"


def test_two_runs_lie_over_each_other_with_only_what_differs(window: OpenWindow, page: Page) -> None:
    open_tab(page, window)
    expect(field(page.locator("#tab-cpt"), "Epochs")).to_have_value("50")
    start_run(page, Epochs="5", Learning_rate="0.0005")
    history = page.locator("#history-cpt")
    expect(history.locator(".state-done")).to_have_count(2, timeout=LONG)
    expect(page.locator("#compare-cpt")).to_be_hidden()
    for number in range(2):
        history.get_by_role("checkbox").nth(number).click()
        expect(history.get_by_role("checkbox").nth(number)).to_be_checked()
    compared = page.locator("#compare-cpt")
    differs = compared.locator("tbody tr")
    expect(differs.filter(has_text="Learning rate")).to_contain_text(re.compile("0.0005.*0.002"))
    expect(differs.filter(has_text="Epochs")).to_have_count(1)
    for same in ("Sequence length", "Batch size", "LoRA rank", "Method"):
        expect(differs.filter(has_text=same)).to_have_count(0)
    expect(compared.locator("canvas, svg").first).to_be_visible()
    page.reload()
    for number in range(2):
        expect(history.get_by_role("checkbox").nth(number)).to_be_checked()
    expect(differs.filter(has_text="Learning rate")).to_contain_text(re.compile("0.0005.*0.002"))


def test_settings_go_out_and_come_back_as_a_file(window: OpenWindow, page: Page, tmp_path: Path) -> None:
    open_tab(page, window)
    tab = page.locator("#tab-cpt")
    tab.get_by_role("button", name="Load or save settings").click()
    with page.expect_download() as download:
        page.locator("#save-settings-cpt").click()
    kept = tmp_path / download.value.suggested_filename
    download.value.save_as(kept)
    assert kept.suffix == ".yaml" and "learning_rate: 0.0005" in kept.read_text(encoding="utf-8")
    fill(tab, Learning_rate="0.01", Epochs="99")
    with page.expect_file_chooser() as chooser:
        page.locator("#load-settings-cpt").click()
    chooser.value.set_files(kept)
    expect(field(tab, "Learning rate")).to_have_value("0.0005")
    expect(field(tab, "Epochs")).to_have_value("5")


def test_a_reload_and_another_page_show_all_of_it_again(window: OpenWindow, page: Page, browser: Browser) -> None:
    open_tab(page, window)
    page.reload()
    second = browser.new_context().new_page()
    second.set_default_timeout(LONG)
    second.goto(window.page_of(NAME))
    for one in (page, second):
        head(one, "cpt").click()
        expect(one.locator("#history-cpt .state-done")).to_have_count(2)
        expect(one.locator("#run-cpt")).to_contain_text("general text")
        expect(one.locator("#plot-cpt canvas, #plot-cpt svg").first).to_be_visible()
        expect(field(one.locator("#tab-cpt"), "Learning rate")).to_have_value("0.0005")
    second.context.close()
