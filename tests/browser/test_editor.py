"""The chunks under a person's hand: undo is seen at once, nothing typed is lost, and what has gone meanwhile leaves no dead page."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from phases.shared.database.chunks import NewChunk, get_chunk
from phases.shared.database.connection import knowledge
from phases.shared.database.documents import NewDocument, add_document
from phases.shared.project import Project, create_project
from tests.browser.conftest import OpenWindow
from tests.rag_data.test_embed import add_chunks


def opened_page(page: Page, window: OpenWindow, name: str, chunks: int) -> Project:
    window.projects.mkdir(exist_ok=True)
    project = create_project(window.projects, name)
    add_chunks(project, chunks)
    page.goto(window.page_of(name))
    expect(page.locator("#chunks tr[data-row]").first).to_be_visible()
    return project


def row(page: Page, chunk: int) -> Locator:
    return page.locator(f"#chunks tr[data-row='{chunk}']")


def text_of(project: Project, chunk: int) -> str:
    with knowledge(project) as connection:
        return get_chunk(connection, chunk).content


def test_undo_shows_the_old_text_and_nothing_typed_is_lost(window: OpenWindow, page: Page) -> None:
    project = opened_page(page, window, "typing", 4)
    area, undo = page.locator("#chunk-text textarea"), page.locator("#undo-chunk")
    row(page, 2).click()
    old = area.input_value()
    area.fill(f"{old} Möwen 🐦")
    page.locator("#chunk-save").click()
    expect(undo).to_contain_text("edited chunk 2")
    assert text_of(project, 2) == f"{old} Möwen 🐦"
    undo.click()
    expect(area).to_have_value(old)
    for button in (undo, page.locator("#editor-undo")):
        expect(button).to_have_text("Undo")

    page.locator("#chunk-toggle").click()
    expect(page.locator("#editor-undo")).to_have_text("Undo: excluded chunk 2")
    page.locator("#editor-undo").click()
    expect(page.locator("#chunk-toggle")).to_have_text("Exclude")
    area.fill(f"{old} Typed.")
    row(page, 3).click()
    expect(page.get_by_text("What you typed into chunk 2 is not saved.")).to_be_visible()
    page.locator("#chunk-toggle").click()
    expect(page.locator("#chunk-toggle")).to_have_text("Include")
    expect(area).to_have_value(f"{old} Typed.")
    page.locator("#chunk-discard").click()
    expect(area).to_have_value(old)
    row(page, 3).click()
    expect(page.locator("#chunk-editor")).to_contain_text("Chunk 3,")
    assert page.locator("#chunk-editor").locator("textarea, input").filter(visible=True).count() == 1


@pytest.mark.long
def test_two_pages_do_not_overwrite_each_other(window: OpenWindow, page: Page, browser: Browser) -> None:
    project = opened_page(page, window, "pages", 4)
    second = browser.new_page()
    second.goto(window.page_of("pages"))
    for one in (page, second):
        row(one, 2).click()
    mine, other = page.locator("#chunk-text textarea"), second.locator("#chunk-text textarea")
    mine.fill("Mine.")
    other.fill("Theirs.")
    second.locator("#chunk-save").click()
    expect(page.locator("#chunk-editor").get_by_role("alert")).to_contain_text("changed elsewhere")
    page.locator("#chunk-save").click()
    expect(page.get_by_text("nothing was saved")).to_be_visible()
    expect(mine).to_have_value("Mine.")
    assert text_of(project, 2) == "Theirs."
    page.locator("#chunk-discard").click()
    expect(mine).to_have_value("Theirs.")
    second.locator("#undo-chunk").click()
    expect(mine).to_have_value(other.input_value())
    second.locator("#chunk-delete").click()
    expect(page.locator("#chunk-editor")).to_be_hidden()
    second.close()


def test_a_filter_whose_document_is_removed_gives_way_to_all(window: OpenWindow, page: Page) -> None:
    project = opened_page(page, window, "gone", 120)
    with knowledge(project) as connection:
        add_document(connection, NewDocument("notes.md", "2", "md", 9, "Notes."), [NewChunk("Notes on gulls.", 0, 6, 3)], "builtin")
    page.get_by_label("Source", exact=True).click()
    page.get_by_role("option", name="notes.md").click()
    expect(page.locator("#chunks tr[data-row]")).to_have_count(1)
    page.locator("#documents [data-act=remove][data-source='notes.md']").click()
    expect(page.get_by_label("Source", exact=True)).to_have_value("every document")
    expect(page.locator("#chunks .pages")).to_contain_text("1 of 3")

    page.locator("#undo-chunk").click()
    for number in (2, 3):
        page.locator("#chunks [data-turn]").last.click()
        expect(page.locator("#chunks .pages")).to_contain_text(f"{number} of 3")
    page.locator("#documents [data-act=remove][data-source='lamps.txt']").click()
    expect(page.locator("#chunks")).to_contain_text("Notes on gulls.")
    expect(page.locator("#chunks .pages")).to_contain_text("1 row")


@pytest.mark.long
def test_a_long_list_of_documents_scrolls_in_its_place(window: OpenWindow, page: Page, tmp_path: Path) -> None:
    project = opened_page(page, window, "many", 1)
    with knowledge(project) as connection:
        for number in range(60):
            add_document(connection, NewDocument(f"d{number}.md", f"x{number}", "md", 9, "A."), [NewChunk(f"Lamp {number}.", 0, 2, 3)], "builtin")
    expect(page.locator("#documents tr[data-row]")).to_have_count(61)
    assert page.locator("#documents").bounding_box()["height"] < 700
    page.goto(f"{window.page_of('many')}&__theme=dark")
    expect(page.locator("body.dark")).to_be_attached()
    assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "dark"


@pytest.mark.long
def test_the_same_filter_of_the_pairs_gives_way_too(window: OpenWindow, page: Page) -> None:
    project = opened_page(page, window, "pairs", 2)
    with knowledge(project) as connection:
        add_document(connection, NewDocument("notes.md", "2", "md", 9, "Notes."), [NewChunk("Notes on gulls.", 0, 6, 3)], "builtin")
    expect(page.locator("#documents")).to_contain_text("notes.md")
    page.get_by_role("tab", name="3 SFT data").click()
    source = page.locator("#tab-sft_data").get_by_label("Source", exact=True)
    source.click()
    page.get_by_role("option", name="notes.md").click()
    page.get_by_role("tab", name="1 RAG data").click()
    page.locator("#documents [data-act=remove][data-source='notes.md']").click()
    expect(page.locator("#documents")).not_to_contain_text("notes.md")
    page.get_by_role("tab", name="3 SFT data").click()
    expect(source).to_have_value("every document")
