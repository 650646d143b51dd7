"""A data set in the window: looked at first, its template taken and changed, then its rows added."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from phases.shared.project import create_project
from tests.browser.conftest import OpenWindow


@pytest.mark.long
def test_look_then_import(window: OpenWindow, page: Page, tmp_path: Path) -> None:
    window.projects.mkdir(exist_ok=True)
    create_project(window.projects, "fevers")
    folder = tmp_path / "fevers"
    folder.mkdir()
    rows = [{"question": f"What is fever {number}?", "answer": "A <b>heat</b>."} for number in range(9)]
    (folder / "train.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    page.goto(window.page_of("fevers"))
    page.wait_for_selector("body[data-filled~=ingest]")
    fold, told = page.locator("#dataset-fold"), page.locator("#dataset-told")
    fold.get_by_role("button", name="Data sets").click()
    expect(fold).to_contain_text("medalpaca/medical_meadow_mediqa")
    page.locator("#dataset-id input").fill(str(folder))
    page.locator("#dataset-id input").press("Enter")
    page.locator("#dataset-look").click()
    expect(told).to_contain_text("columns question, answer", timeout=60_000)
    expect(told).to_contain_text("Answer: A <b>heat</b>.")
    told.get_by_role("button", name="Question, answer").click()
    template = fold.get_by_label("Template")
    expect(template).to_have_value("Question: {question}\nAnswer: {answer}")
    template.fill("Q: {question} A: {answer}")
    page.locator("#dataset-take").click()
    expect(page.locator("#chunks")).to_contain_text("Q: What is fever 0? A: A <b>heat</b>.", timeout=60_000)
    expect(told).to_contain_text("fevers/train.jsonl")
