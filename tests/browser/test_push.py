"""A push in the window: what would be sent and who could see it stands there first; the key is asked for once."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from phases.sft.exported import seal_export
from phases.shared.project import create_project
from tests.browser.conftest import opened
from tests.services.push_server import KEY, push_server


@pytest.mark.long
def test_plan_key_and_push(page: Page, tmp_path: Path) -> None:
    project = create_project(tmp_path / "projects", "lamps")
    folder = project.exports / "safetensors_20260101"
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(b"w" * 5000)
    (folder / "README.md").write_text("---\nlicense: mit\n---\n# Lamps\n", encoding="utf-8")
    seal_export(folder, {"model": "final", "base": "builtin"})
    with push_server() as hub, opened(tmp_path, HF_ENDPOINT=hub.address, HF_HUB_OFFLINE="0", NO_PROXY="127.0.0.1") as window:
        page.goto(window.page_of("lamps"))
        page.wait_for_selector("body[data-filled~=ingest]")
        page.get_by_role("tab", name="4 SFT").click()
        page.get_by_role("tab", name="Export").click()
        plan, start = page.locator("#push-plan"), page.locator("#start-push")
        expect(plan).to_contain_text("set-key HF_TOKEN", timeout=120_000)
        expect(start).to_be_disabled()
        page.locator("#push-key input").fill(KEY)
        page.locator("#push-save-key").click()
        expect(page.locator("#push-key")).to_be_hidden(timeout=60_000)
        page.locator("#push-repo").get_by_role("textbox").fill("ada/lamps")
        expect(plan).to_contain_text("exports/safetensors_20260101 → ada/lamps", timeout=60_000)
        expect(plan).to_contain_text("Private: only you can see it")
        expect(plan).to_contain_text("Documents, chunks, pairs and runs of the project are not part of it")
        expect(plan).to_contain_text("python app.py push lamps ada/lamps --model safetensors_20260101")
        expect(plan.get_by_role("row", name="model.safetensors")).to_contain_text("4.9 KiB")
        assert hub.asked == []
        start.click()
        expect(page.locator("#run-push")).to_contain_text(f"{hub.address}/ada/lamps", timeout=60_000)
        assert hub.repositories["ada/lamps"].private and set(hub.repositories["ada/lamps"].files) == {".gitattributes", "README.md", "model.safetensors"}
        assert KEY not in page.content()
