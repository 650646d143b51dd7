"""A folder that is dropped on the window: its files come in with their paths inside it, as with the command."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from phases.shared.database.connection import knowledge
from phases.shared.database.documents import list_documents
from phases.shared.project import create_project
from tests.browser.conftest import OpenWindow

DEEP = "ein sehr langer Name für einen Ordner mit Umlauten wie ä, ö und ü"


def drop(page: Page, *paths: Path) -> None:
    """What Chromium does when a person drags files and folders from the desktop."""
    box = page.locator("#upload").bounding_box()
    devtools = page.context.new_cdp_session(page)
    for step in ("dragEnter", "dragOver", "drop"):
        devtools.send("Input.dispatchDragEvent", {"type": step, "x": box["x"] + 60, "y": box["y"] + 50, "data": {
            "items": [], "files": [str(one) for one in paths], "dragOperationsMask": 1}})


@pytest.mark.long
def test_a_folder_is_dropped_beside_a_file(window: OpenWindow, page: Page, tmp_path: Path) -> None:
    window.projects.mkdir(exist_ok=True)
    project = create_project(window.projects, "folder")
    course = tmp_path / "Kurs"
    for week in ("Woche 1", "Woche 2", f"{DEEP}/{DEEP}/{DEEP}"):
        (course / week).mkdir(parents=True)
        (course / week / "notizen.md").write_text(f"# {week[:9]}\n\nBrüche und Möwen.", encoding="utf-8")
    for hidden in (".git/config", ".DS_Store"):
        (course / hidden).parent.mkdir(exist_ok=True)
        (course / hidden).write_text("x", encoding="utf-8")
    alone = tmp_path / "allein.txt"
    alone.write_text("Ein Text für sich allein.", encoding="utf-8")
    page.goto(window.page_of("folder"))
    page.wait_for_selector("body[data-filled~=ingest]")
    drop(page, course, alone)
    expect(page.locator("#add-documents")).to_have_text("Add 6 files")
    page.locator("#add-documents").click()
    report = page.locator("#ingest-report")
    expect(report).to_contain_text("4 added, 2 rejected")
    expect(report).to_contain_text(".DS_Store: not added")
    expect(report).to_contain_text(".git: not added")
    with knowledge(project) as connection:
        sources = {one.source for one in list_documents(connection)}
    assert sources == {"Woche 1/notizen.md", "Woche 2/notizen.md", f"{DEEP}/{DEEP}/notizen.md", "allein.txt"}
    expect(page.locator("#add-documents")).to_be_disabled()

    drop(page, alone)
    expect(page.locator("#add-documents")).to_have_text("Add 1 file")
