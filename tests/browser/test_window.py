"""The window as a program: it opens fast, shows a welcome, makes projects, looks the same on every page, and keeps strangers out."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from phases.shared.project import SAMPLE_DOCUMENTS, create_project
from tests.browser.conftest import OpenWindow, opened
from tests.rag_data.test_embed import add_chunks

SECONDS_TO_OPEN = 15  # 5 on an idle machine with two cores; tests share theirs


def loaded_libraries(process: int) -> str:
    return Path(f"/proc/{process}/maps").read_text(encoding="utf-8", errors="replace")


def test_it_opens_fast_and_without_torch(window: OpenWindow, page: Page) -> None:
    assert window.seconds < SECONDS_TO_OPEN
    page.goto(window.address)
    expect(page.get_by_text("From your documents to a small model")).to_be_visible()
    maps = Path(f"/proc/{window.process.pid}/maps")
    if maps.exists():
        assert "torch" not in loaded_libraries(window.process.pid)


def test_a_page_without_a_project_offers_two_ways_to_begin(window: OpenWindow, page: Page) -> None:
    page.goto(window.address)
    expect(page.get_by_role("tab", name="1 RAG data")).to_contain_text("no project")
    title = page.get_by_text("Knowledge base", exact=True)
    expect(title).to_be_hidden()
    page.locator("#try-sample").click()
    page.wait_for_url("**project=sample-demo**")
    expect(title).to_be_visible()
    expect(page.get_by_role("tab", name="1 RAG data")).to_contain_text("3 documents", timeout=60_000)
    expect(page.locator("#documents")).to_contain_text(next(SAMPLE_DOCUMENTS.glob("*.pdf")).name)


def test_a_wrong_name_is_said_in_the_dialog_and_a_good_one_opens(window: OpenWindow, page: Page) -> None:
    page.goto(window.address)
    page.locator("#new-project").click()
    dialog = page.get_by_role("dialog")
    for name in ("../outside", "", "con"):
        page.locator("#new-name textarea, #new-name input").fill(name)
        page.locator("#new-create").click()
        expect(dialog.get_by_role("alert")).to_contain_text("cannot be the name of a project")
    assert not (window.projects.parent / "outside").exists()
    page.locator("#new-name textarea, #new-name input").fill("Grüne Brücke")
    page.locator("#new-create").click()
    page.wait_for_url("**project=Gr**")
    expect(page.get_by_role("tab", name="1 RAG data")).to_contain_text("no documents yet")
    expect(page.locator("#picker input")).to_have_value("Grüne Brücke")


def test_all_four_tabs_stay_in_sight_in_a_narrow_window(window: OpenWindow, page: Page) -> None:
    project = create_project(window.projects, "narrow")
    add_chunks(project, 1200)
    page.set_viewport_size({"width": 600, "height": 900})
    page.goto(window.page_of("narrow"))
    expect(page.get_by_role("tab", name="1 RAG data")).to_contain_text("1,200 chunks")
    page.get_by_role("tab", name="4 SFT").click()
    expect(page.locator("#tab-sft")).to_be_visible()


def test_an_unknown_project_in_the_address_is_named_and_nothing_else_happens(window: OpenWindow, page: Page) -> None:
    page.goto(window.page_of('<img src=x onerror="document.title=1">'))
    expect(page.get_by_text("There is no project")).to_be_visible()
    expect(page).to_have_title("Lehrling")
    expect(page.locator("#try-sample")).to_be_visible()


def test_strangers_are_refused(window: OpenWindow) -> None:
    upload = {"files": ("evil.txt", b"evil")}
    with httpx.Client(base_url=window.address, trust_env=False) as program:
        assert program.get("/", headers={"host": "evil.example"}).status_code == 400
        for address in ("/monitoring", "/monitoring/summary", "/gradio_api/mcp/sse", "/gradio_api/runs", "/docs", "/redoc", "/openapi.json"):
            assert program.get(address).status_code == 404, address
        assert program.post("/gradio_api/upload", files=upload, headers={"origin": "http://evil.example"}).status_code == 403
        assert program.post("/gradio_api/queue/join", json={}, headers={"origin": "null"}).status_code == 403
        assert program.post("/gradio_api/upload", files=upload).status_code == 200
        assert program.get("/config").json()["dependencies"], "the rest still works"
        info = program.get("/gradio_api/info").json()
        assert info == {"named_endpoints": {}, "unnamed_endpoints": {}}, "no function is offered as an API"


@pytest.mark.parametrize("address", ["/gradio_api/file=/etc/passwd", "/gradio_api/file=../../etc/passwd", "/download/sample-demo/data/../project.yaml",
                                     "/download/sample-demo/data/wissensbasis.sqlite", "/download/..%2f..%2fetc/data/passwd", "/file=/etc/passwd"])
def test_no_file_outside_the_results_can_be_read(window: OpenWindow, address: str) -> None:
    answer = httpx.get(window.address + address, trust_env=False)
    assert answer.status_code in (400, 403, 404), answer.text[:200]


def test_beyond_this_machine_a_token_is_asked_for(tmp_path: Path, browser: Browser) -> None:
    with opened(tmp_path, "--host", "0.0.0.0", LEHRLING_TOKEN="open-sesame") as window:
        assert httpx.get(window.address, trust_env=False).status_code == 401
        context = browser.new_context()
        page = context.new_page()
        page.goto(f"{window.address}/?token=open-sesame")
        expect(page.get_by_text("From your documents to a small model")).to_be_visible()
        assert "open-sesame" not in page.url
        cookie = context.cookies()[0]
        assert cookie["httpOnly"] and cookie["sameSite"] == "Strict"
        context.close()
        assert "open-sesame" not in window.log.read_text(encoding="utf-8")


def test_without_a_token_it_does_not_open_beyond_this_machine(lehrling) -> None:
    answer = lehrling("--host", "0.0.0.0", timeout=60)
    assert answer.code == 2 and "--token" in answer.err


def test_it_works_behind_a_path_prefix(tmp_path: Path) -> None:
    with opened(tmp_path, "--root-path", "/lehrling") as window:
        page = httpx.get(f"{window.address}/", trust_env=False)
        assert page.status_code == 200 and "/lehrling" in page.text


def test_help_is_there_in_a_second(lehrling) -> None:
    answer = lehrling("--help", timeout=20)
    assert answer.code == 0 and "--root-path" in answer.out and "demo" in answer.out
