"""A person measures a training before it starts, runs it twice, looks at more curves, lays the runs over each other, and takes the
settings out and in."""

from __future__ import annotations

import re
from pathlib import Path

import yaml
from playwright.sync_api import Locator, Page, expect

from phases.shared.jobs.queue import list_jobs
from phases.shared.project import open_project
from tests.browser.conftest import OpenWindow
from tests.tiny_project import make_project

NAME = "lamps"
LONG = 240_000  # milliseconds; each run takes some seconds on two idle cores


def field(page: Page, label: str) -> Locator:
    return page.locator("#tab-cpt").get_by_label(re.compile(f"^{label}")).first


def test_from_the_plan_to_the_comparison_and_the_settings_file(window: OpenWindow, page: Page, tmp_path: Path) -> None:
    make_project(window.projects.parent)
    page.goto(window.page_of(NAME))
    page.locator("#phases button[role=tab][data-tab-id=cpt]").first.click()
    expect(page.locator("body[data-filled~=cpt]")).to_be_attached()
    plan, history, more = page.locator("#plan-cpt"), page.locator("#history-cpt"), page.locator("#more-cpt")
    for label, value in (("Sequence length", "48"), ("LoRA rank", "4"), ("Epochs", "2")):
        field(page, label).fill(value)
    expect(plan).to_contain_text("not measured yet")
    page.locator("#measure-cpt").click()
    expect(plan).to_contain_text("(measured)", timeout=LONG)

    page.locator("#start-cpt").click()
    expect(history.locator(".state-done")).to_have_count(1, timeout=LONG)
    more.get_by_text("More curves").click()
    expect(more.locator("[role=graphics-document] svg")).to_have_count(4, timeout=LONG)
    field(page, "Epochs").fill("3")
    expect(plan).to_contain_text("× 3")
    page.locator("#start-cpt").click()
    expect(history.locator(".state-done")).to_have_count(2, timeout=LONG)
    assert [job.kind for job in list_jobs(window.projects, NAME)] == ["cpt", "cpt", "cpt-probe"]
    for place in range(2):
        history.get_by_role("checkbox").nth(place).click()
        expect(history.locator("[aria-checked=true]")).to_have_count(place + 1)
    expect(page.locator("#compare-cpt tbody tr").first).to_contain_text("Epochs")

    page.get_by_text("Load or save settings").first.click()
    with page.expect_download() as download:
        page.locator("#save-settings-cpt").click()
    saved = yaml.safe_load(Path(download.value.path()).read_text(encoding="utf-8"))
    assert (saved["epochs"], saved["max_length"], saved["lora_rank"]) == (3.0, 48, 4)
    _load(page, tmp_path, yaml.safe_dump({**saved, "batch_size": 7}))
    expect(field(page, "Batch size")).to_have_value("7")
    _load(page, tmp_path, "epoch: 3")
    expect(page.get_by_text("'epoch' is not a setting")).to_be_visible()
    page.locator("#keep-settings-cpt").click()
    expect(page.get_by_text("New runs of this project begin with these settings.")).to_be_visible()
    assert open_project(window.projects, NAME).settings["cpt"]["batch_size"] == 7
    page.reload()
    expect(page.locator("body[data-filled~=cpt]")).to_be_attached()
    page.locator("#phases button[role=tab][data-tab-id=cpt]").first.click()
    expect(field(page, "Batch size")).to_have_value("7")
    expect(history.locator(".state-done")).to_have_count(2)


def _load(page: Page, folder: Path, settings: str) -> None:
    (folder / "mine.yaml").write_text(settings, encoding="utf-8")
    page.locator("#load-settings-cpt input[type=file], input[type=file]#load-settings-cpt").set_input_files(folder / "mine.yaml")
