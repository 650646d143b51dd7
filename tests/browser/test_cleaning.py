"""Cleaning in the window: the fold counts what is on, the preview stores nothing, a document is read again with other switches."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page, expect

from phases.shared.project import create_project
from tests.browser.conftest import OpenWindow

TEXT = "# Lamps &amp; oil\n\nSee https://example.org/lamps for the lamp. It burns oil, and it is cleaned by the keeper.\n"


def test_clean_preview_and_read_again(window: OpenWindow, page: Page, tmp_path: Path) -> None:
    window.projects.mkdir(exist_ok=True)
    create_project(window.projects, "cleaning")
    page.goto(window.page_of("cleaning"))
    file = tmp_path / "lamps.md"
    file.write_text(TEXT, encoding="utf-8")
    fold = page.locator("#fold-cleaning")
    fold.get_by_text("Cleaning (7 of 12 on)").click()
    expect(page.locator("#clean-preview-button")).to_be_disabled()
    page.set_input_files("#upload input[type=file]", str(file))
    page.locator("#clean-preview-button").click()
    expect(page.locator("#clean-preview")).to_contain_text("Web addresses removed (off): 1", timeout=60_000)
    expect(page.locator("#documents tbody tr")).to_have_count(0)

    page.locator("#add-documents").click()
    expect(page.locator("#ingest-report")).to_contain_text("HTML entities decoded: 1", timeout=60_000)
    page.locator("#documents tbody tr").first.click()
    expect(page.locator("#document-cleaning")).to_contain_text("How lamps.md was read")
    fold.get_by_label("Remove web addresses").check()
    expect(fold).to_contain_text("Cleaning (8 of 12 on)")
    page.locator("#document-preview").click()
    expect(page.locator("#document-preview-shown")).to_contain_text("See for the lamp", timeout=60_000)
    page.locator("#read-again").click()
    expect(page.locator("#chunks")).to_contain_text("See for the lamp", timeout=60_000)
    expect(page.locator("#ingest-report")).to_contain_text("read again")
    expect(page.locator("#undo-chunk")).to_contain_text("read lamps.md again")

    page.locator("#language input").click()
    page.get_by_role("option", name="English").click()
    expect(page.locator("#chunks tbody tr")).to_have_count(1)
    page.locator("#report-fold").get_by_text("Report").click()
    page.locator("#report-settings").get_by_label("Expected language").fill("de")
    page.locator("#report-make").click()
    expect(page.locator("#report")).to_contain_text("In another language than German")
