"""A person measures a training before it starts, runs it twice, looks at more curves, lays the runs over each other, and takes the
settings out and in."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from playwright.sync_api import Page, expect

from phases.shared.jobs.queue import list_jobs
from phases.shared.project import open_project
from tests.browser.conftest import OpenWindow
from tests.tiny_project import make_project

NAME = "lamps"
LONG = 240_000  # milliseconds; each run takes some seconds on two idle cores


@pytest.fixture(autouse=True)
def project(window: OpenWindow) -> None:
    make_project(window.projects.parent)


def fill(page: Page, **values: str) -> None:
    for label, value in values.items():
        page.locator("#tab-cpt").get_by_label(re.compile(f"^{label.replace('_', ' ')}")).first.fill(value)


def start(page: Page, button: str) -> None:
    expect(page.locator(button)).to_be_enabled()
    page.locator(button).click()


def test_from_the_plan_to_the_comparison(window: OpenWindow, page: Page, tmp_path: Path) -> None:
    page.goto(window.page_of(NAME))
    page.locator("#phases button[role=tab][data-tab-id=cpt]").first.click()
    expect(page.locator("body[data-filled~=cpt]")).to_be_attached()
    plan = page.locator("#plan-cpt")
    fill(page, Sequence_length="48", LoRA_rank="4", Epochs="2")
    expect(plan).to_contain_text("not measured yet")
    start(page, "#measure-cpt")
    expect(plan).to_contain_text("being measured", timeout=LONG)
    expect(plan).to_contain_text("(measured)", timeout=LONG)

    start(page, "#start-cpt")
    history = page.locator("#history-cpt")
    expect(history.locator(".state-done")).to_have_count(1, timeout=LONG)
    expect(plan).to_contain_text("as the last run")
    page.locator("#more-cpt").get_by_text("More curves").click()
    expect(page.locator("#more-cpt canvas")).to_have_count(4, timeout=LONG)
    fill(page, Epochs="3")
    expect(plan).to_contain_text("× 3")
    start(page, "#start-cpt")
    expect(history.locator(".state-done")).to_have_count(2, timeout=LONG)
    for place in range(2):
        expect(page.locator("#compare-cpt")).to_have_count(0)
        history.get_by_role("checkbox").nth(place).click()
        expect(history.locator("[aria-checked=true]")).to_have_count(place + 1)
    expect(page.locator("#compare-cpt tbody tr").first).to_contain_text("Epochs")
    assert [job.kind for job in list_jobs(window.projects, NAME)] == ["cpt", "cpt", "cpt-probe"]

    page.get_by_text("Load or save settings").first.click()
    with page.expect_download() as download:
        page.locator("#save-settings-cpt").click()
    saved = yaml.safe_load(Path(download.value.path()).read_text())
    assert download.value.suggested_filename == "cpt.yaml" and (saved["epochs"], saved["max_length"], saved["lora_rank"]) == (3.0, 48, 4)
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump({**saved, "batch_size": 7}))
    page.locator("#load-settings-cpt input[type=file], input[type=file][data-testid=file-upload]").first.set_input_files(tmp_path / "mine.yaml")
    expect(page.locator("#tab-cpt").get_by_label(re.compile("^Batch size")).first).to_have_value("7")
    (tmp_path / "wrong.yaml").write_text("epoch: 3")
    page.locator("#load-settings-cpt input[type=file], input[type=file][data-testid=file-upload]").first.set_input_files(tmp_path / "wrong.yaml")
    expect(page.get_by_text("'epoch' is not a setting")).to_be_visible()
    start(page, "#keep-settings-cpt")
    expect(page.get_by_text("New runs of this project begin with these settings.")).to_be_visible()
    assert open_project(window.projects, NAME).settings["cpt"]["batch_size"] == 7
    page.reload()
    expect(page.locator("body[data-filled~=cpt]")).to_be_attached()
    expect(page.locator("#tab-cpt").get_by_label(re.compile("^Batch size")).first).to_have_value("7")
