"""Search by meaning in the window: offered once the chunks are embedded, and the window's process stays without torch."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page, expect

from phases.shared.database.chunks import edit_chunk
from phases.shared.database.connection import knowledge
from phases.shared.project import create_project
from tests.browser.conftest import OpenWindow
from tests.browser.test_window import loaded_libraries
from tests.embedding_model import minilm_folder
from tests.rag_data.test_embed import add_chunks


def test_embed_then_search_by_meaning(window: OpenWindow, page: Page) -> None:
    window.projects.mkdir(exist_ok=True)
    project = create_project(window.projects, "meaning", settings={"search": {"embedding_model": str(minilm_folder())}})
    page.goto(window.page_of("meaning"))
    expect(page.locator("#embed-state")).to_contain_text("add documents first")
    expect(page.locator("#embed-start")).to_be_disabled()
    add_chunks(project, 4)
    with knowledge(project) as connection:
        edit_chunk(connection, 2, "The physician prescribed two tablets against the fever.", 10)

    expect(page.locator("#embed-state")).to_contain_text("4 chunks to embed")
    page.locator("#search-mode input").click()
    expect(page.get_by_role("option")).to_have_count(1)
    page.keyboard.press("Escape")
    page.locator("#embed-start").click()
    expect(page.locator("#embed-state")).to_contain_text("sees 4 chunks", timeout=90_000)
    expect(page.locator("#embed-start")).to_be_disabled()

    page.locator("#search textarea, #search input").fill("Which medicine did the doctor give?")
    expect(page.locator("#chunks")).to_contain_text("No chunk has these words")
    page.locator("#search-mode input").click()
    page.get_by_role("option", name="semantic").click()
    expect(page.locator("#chunks tbody tr").first).to_contain_text("tablets", timeout=60_000)
    maps = Path(f"/proc/{window.process.pid}/maps")
    if maps.exists():
        assert "torch" not in loaded_libraries(window.process.pid)
