"""The template in the window: shown for files of records, with their columns, a live preview and its errors in words."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page, expect

from phases.shared.project import create_project
from tests.browser.conftest import OpenWindow


def test_the_columns_are_those_of_the_file_that_is_shown(window: OpenWindow, page: Page, tmp_path: Path) -> None:
    window.projects.mkdir(exist_ok=True)
    create_project(window.projects, "mixed")
    runs, books = tmp_path / "runs.csv", tmp_path / "books.json"
    runs.write_text("name,time\nAnna,12.1\n", encoding="utf-8")
    books.write_text('[{"title": "Über Moore", "author": {"name": "K. Sumpf"}}]', encoding="utf-8")
    page.goto(window.page_of("mixed"))
    page.wait_for_selector("body[data-filled~=ingest]")
    page.locator("#upload input[type=file]").set_input_files([runs, books])
    columns = page.locator("#template-columns button")
    expect(columns).to_have_text(["name", "time"])
    page.get_by_label("Preview of").click()
    page.get_by_role("option", name="books.json").click()
    expect(columns).to_have_text(["title", "author.name"])
    columns.nth(1).click()
    expect(page.locator("#template-preview")).to_contain_text("K. Sumpf")
    expect(page.locator("#template-preview")).not_to_contain_text("Über Moore")


def test_a_template_with_a_live_preview(window: OpenWindow, page: Page, tmp_path: Path) -> None:
    window.projects.mkdir(exist_ok=True)
    create_project(window.projects, "sprints")
    runs, words = tmp_path / "runs.csv", tmp_path / "words.txt"
    runs.write_text("name,time\n<b>Anna</b>,12.1\nBert,\n" + "Cleo,55.0\n" * 500, encoding="utf-8")
    words.write_text("The keeper lights the lamp at dusk.", encoding="utf-8")
    page.goto(window.page_of("sprints"))
    page.wait_for_selector("body[data-filled~=ingest]")
    preview, template = page.locator("#template-preview"), page.locator("#template textarea")
    expect(template).to_be_hidden()

    page.locator("#upload input[type=file]").set_input_files([words, runs])
    expect(preview).to_contain_text("- time: 12.1")
    expect(preview).to_contain_text("<b>Anna</b>")
    template.fill("Runner: ")
    page.locator("#template-columns button", has_text="name").click()
    expect(template).to_have_value("Runner: {name}")
    expect(preview).to_contain_text("Runner: Bert")
    template.fill("{name} ran {tme} s.")
    expect(preview.get_by_role("alert")).to_contain_text("asks for {tme}, which 'runs.csv' does not have. Its columns: name, time.")
    template.fill("{name} ran {time} s.")
    expect(preview).to_contain_text("<b>Anna</b> ran 12.1 s.")
    expect(preview).to_contain_text("shows nothing of this record")
    page.locator("#template-ready input").click()
    page.get_by_role("option", name="Every column").click()
    expect(template).to_have_value("name: {name}\ntime: {time}")
    expect(preview).to_contain_text("name: Bert")

    page.locator("#preview-files").click()
    expect(page.locator("#file-preview")).to_contain_text("words.txt: the first 1 of about 1 chunk")
    expect(page.locator("#file-preview")).to_contain_text("lights the lamp")
    expect(page.locator("#file-preview")).to_contain_text("runs.csv: its records are shown with the template above.")
    expect(page.locator("#file-preview")).not_to_contain_text("Bert")
    template.fill("{name} ran {time} s.")
    expect(preview).to_contain_text("ran 12.1 s.")
    page.locator("#add-documents").click()
    expect(page.locator("#chunks")).to_contain_text("Cleo ran 55.0 s.", timeout=60_000)
    expect(page.locator("#ingest-report")).to_contain_text("Without a value")
    expect(template).to_be_hidden()
