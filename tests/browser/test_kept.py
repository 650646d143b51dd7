"""What a page keeps over a reload: the open tab and the model to chat with; and an export that says why it cannot start."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from phases.shared.models.folder import ModelInfo, write_model_info
from phases.shared.project import Project
from tests.browser.conftest import OpenWindow
from tests.rag_data.test_embed import add_chunks
from tests.tiny_project import make_project


def add_model(project: Project, folder: str, phase: str) -> None:
    place = project.models / folder
    place.mkdir(parents=True)
    write_model_info(place, ModelInfo("full", project.base_model, phase=phase))


def open_part(page: Page, name: str) -> None:
    page.locator("#phases button[role=tab][data-tab-id=sft]").first.click()
    page.locator(f".subtabs button[role=tab][data-tab-id={name}]").first.click()


@pytest.mark.long
def test_tab_and_model_stay_as_they_were_chosen(window: OpenWindow, page: Page) -> None:
    project = make_project(window.projects.parent)
    page.goto(window.page_of("lamps"))
    open_part(page, "export")
    expect(page.locator("#missing-export")).to_contain_text("has no model 'final'")
    expect(page.locator("#start-export")).to_be_disabled()

    add_model(project, "final", "sft")
    expect(page.locator("#start-export")).to_be_enabled()
    expect(page.locator("#missing-export")).to_have_text("")

    open_part(page, "chat")
    model = page.locator("#chat-model input")
    expect(model).to_have_value("final")
    model.click()
    page.get_by_role("option", name="base").click()
    add_chunks(project, 3)
    expect(page.locator("#phases button[role=tab][data-tab-id=rag_data]").first).to_contain_text("3 documents")
    page.wait_for_timeout(1500)  # what follows the heads of the tabs would have come by now
    expect(model).to_have_value("base")
    assert re.search("tab=sft.*part=chat", page.url)

    page.reload()
    expect(model).to_be_visible()
    expect(model).to_have_value("base")
