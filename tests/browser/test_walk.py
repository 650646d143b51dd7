"""A person walks through the four tabs of one project: documents, CPT, pairs, SFT, evaluation, chat, export; with a reload in the
middle of a run, a second page, and a stop and resume. Settings are tiny: this shows the window, not what a model learns."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from phases.shared.database.chunks import NewChunk
from phases.shared.database.connection import knowledge
from phases.shared.database.documents import NewDocument, add_document
from phases.shared.jobs.queue import list_jobs
from phases.shared.project import SAMPLE_DOCUMENTS, create_project, open_project
from tests.browser.conftest import OpenWindow
from tests.browser.test_window import loaded_libraries

NAME = "walk"
LONG = 420_000  # milliseconds; a run takes a fraction of it on two idle cores
FORMS = {"rag_data": "ingest", "cpt": "cpt", "sft_data": "sft-data", "sft": "sft"}


@pytest.fixture(scope="module", autouse=True)
def project(window: OpenWindow) -> None:
    create_project(window.projects, NAME)


def go(page: Page, window: OpenWindow, tab: str) -> Locator:
    """Open the project's page on a tab; the tab's content."""
    page.goto(window.page_of(NAME))
    page.locator(f"#phases button[role=tab][data-tab-id={tab}]").first.click()
    content = page.locator(f"#tab-{tab}")
    expect(content).to_be_visible()
    expect(page.locator(f"body[data-filled~={FORMS[tab]}]")).to_be_attached()
    return content


def head(page: Page, tab: str) -> Locator:
    return page.locator(f"#phases button[role=tab][data-tab-id={tab}]").first


def field(content: Locator, label: str) -> Locator:
    return content.get_by_label(re.compile(f"^{label}")).filter(visible=True).first


def fill(content: Locator, **values: str) -> None:
    for label, value in values.items():
        field(content, label.replace("_", " ")).fill(value)


def command_of(page: Page, content: Locator, kind: str) -> Locator:
    """The line that tells the same as a command, unfolded."""
    if page.locator(f"#command-{kind}").count() == 0:
        content.get_by_text("The same as a command").first.click()
    return page.locator(f"#command-{kind}")


def test_1_documents_become_chunks_that_can_be_found_and_corrected(window: OpenWindow, page: Page, tmp_path: Path) -> None:
    tab = go(page, window, "rag_data")
    expect(tab.locator("#documents")).to_contain_text("No documents yet")
    fake = tmp_path / "fake.pdf"
    fake.write_text("not a PDF", encoding="utf-8")
    logbook = SAMPLE_DOCUMENTS / "tarn_skerry_logbook.md"
    tab.locator("#upload input[type=file]").set_input_files([logbook, fake])
    expect(tab.locator("#add-documents")).to_have_text("Add 2 files")
    tab.locator("#add-documents").click()
    expect(tab.locator("#ingest-report")).to_contain_text(f"{logbook.name}: added", timeout=LONG)
    expect(tab.locator("#ingest-report")).to_contain_text("fake.pdf: not added")
    expect(head(page, "rag_data")).to_contain_text("1 document,")
    expect(head(page, "cpt")).to_contain_text("ready to train")

    tab.locator("#search textarea, #search input").fill("brackwing engine")
    expect(tab.locator("#chunks mark").first).to_be_visible()
    tab.locator("#chunks tr[data-row]").first.click()
    editor = page.locator("#chunk-editor")
    expect(editor).to_be_visible()
    words = editor.locator("textarea").input_value()
    editor.locator("textarea").fill(words + '\n\nA 🦓 zebra <b onclick="x">crossed</b> the rock.')
    page.locator("#chunk-save").click()
    expect(editor).to_contain_text("edited")
    tab.locator("#search textarea, #search input").fill("zebra")
    expect(tab.locator("#chunks")).to_contain_text('<b onclick="x">')
    tab.locator("#search textarea, #search input").fill("")
    tab.locator("#contains textarea, #contains input").fill("ZEBRA")
    expect(tab.locator("#chunks tr[data-row]")).to_have_count(1)
    area = page.locator("#chunk-text textarea")
    area.evaluate("one => one.setSelectionRange(one.value.indexOf('<b'), one.value.indexOf('<b'))")
    page.locator("#chunk-split").click()
    expect(area).to_have_value(re.compile(r"A 🦓 zebra$"))
    expect(editor).to_contain_text('<b onclick="x">crossed')
    area.press_sequentially(" not saved")
    page.locator("#chunk-merge").click()
    expect(page.get_by_text("Save it first")).to_be_visible()
    area.fill(area.input_value().removesuffix(" not saved"))
    page.locator("#chunk-merge").click()
    expect(area).to_have_value(re.compile(r"A 🦓 zebra\s+<b"))
    page.locator("#chunk-toggle").click()
    expect(page.locator("#chunk-toggle")).to_have_text("Include")
    for action in ("merged chunks", "split chunk", "edited chunk"):
        page.locator("#undo-chunk").click()
        expect(page.locator("#undo-chunk")).to_contain_text(action)
    page.locator("#undo-chunk").click()
    expect(tab.locator("#chunks")).to_contain_text("No chunk fits")


def test_1_the_report_shows_repeated_chunks_and_excludes_them_on_request(window: OpenWindow, page: Page) -> None:
    project = create_project(window.projects, "repeats")
    contents = [" ".join(f"word{place * number}" for place in range(60 * number)) for number in (1, 2, 3, 4, 7)]
    contents += [contents[1], contents[4] + " and more", "tiny"]
    with knowledge(project) as connection:
        chunks = [NewChunk(one, 0, 1, len(one.split())) for one in contents]
        add_document(connection, NewDocument("repeats.md", "1", "md", 9, " ".join(contents)), chunks, "builtin")
    page.goto(window.page_of("repeats"))
    page.locator("#report-fold").get_by_text("Report").click()
    expect(page.locator("#report-exclude")).to_be_disabled()
    page.locator("#report-make").click()
    report = page.locator("#report")
    expect(report).to_contain_text("1 with the same text, 1 nearly the same")
    expect(report.locator(".histogram")).to_be_visible()
    with page.expect_download() as download:
        report.get_by_role("link", name="Download as Markdown").click()
    assert "| 6 | 2 | the same text |" in Path(download.value.path()).read_text(encoding="utf-8")
    report.locator("tr[data-row='7']").click()
    expect(page.locator("#chunk-editor")).to_contain_text("Chunk 7, repeats.md")
    page.locator("#report-exclude").click()
    expect(page.locator("#undo-chunk")).to_contain_text("excluded 2 duplicates")
    expect(page.locator("#report-exclude")).to_be_disabled()
    page.locator("#undo-chunk").click()
    expect(report).to_contain_text("has changed since")


def test_2_a_run_survives_reload_stop_and_resume_and_shows_on_every_page(window: OpenWindow, page: Page, browser: Browser) -> None:
    tab = go(page, window, "cpt")
    expect(page.locator("#plan-cpt")).to_contain_text("Steps")
    fill(tab, Epochs="40", Sequence_length="128")
    expect(command_of(page, tab, "cpt")).to_contain_text("--epochs 40")
    page.locator("#start-cpt").click()
    expect(page.locator("#status")).to_contain_text("step ", timeout=LONG)
    expect(page.locator("#plot-cpt canvas, #plot-cpt svg").first).to_be_visible(timeout=LONG)

    page.reload()
    expect(page.locator("#status")).to_contain_text("step ")
    expect(head(page, "cpt")).to_contain_text("step ")
    head(page, "cpt").click()
    expect(field(tab, "Epochs")).to_have_value("40")
    second = browser.new_context().new_page()
    second.goto(window.page_of(NAME))
    expect(second.locator("#status")).to_contain_text("CPT")

    page.locator("#status [data-act=stop]").click()
    expect(page.get_by_role("dialog")).to_contain_text("Stop: CPT?")
    page.locator("#stop-save").click()
    expect(page.locator("#notices")).to_contain_text("CPT: stopped", timeout=LONG)
    expect(second.locator("#notices")).to_contain_text("CPT: stopped", timeout=LONG)
    second.context.close()
    page.locator("#notices [data-act=seen]").first.click()
    expect(page.locator("#notices")).not_to_contain_text("CPT: stopped")

    page.locator("#history-cpt [data-act=resume]").first.click()
    expect(page.locator("#status")).to_contain_text("CPT", timeout=LONG)
    page.locator("#status [data-act=stop]").click()
    page.locator("#stop-cancel").click()
    expect(page.locator("#history-cpt")).to_contain_text("cancelled", timeout=LONG)


def test_3_a_short_run_ends_with_its_figures(window: OpenWindow, page: Page) -> None:
    tab = go(page, window, "cpt")
    expect(field(tab, "Epochs")).to_have_value("40")
    fill(tab, Epochs="1", Sequence_length="256")
    expect(command_of(page, tab, "cpt")).to_contain_text("--max-length 256")
    page.locator("#start-cpt").click()
    expect(head(page, "cpt")).to_contain_text("done, loss", timeout=LONG)
    expect(page.locator("#notices")).to_contain_text("CPT: done")
    expect(page.locator("#history-cpt tbody tr")).to_have_count(2)
    expect(page.locator("#run-cpt")).to_contain_text("done")
    assert "torch" not in loaded_libraries(window.process.pid)


def test_4_pairs_are_written_and_reviewed_beside_their_source(window: OpenWindow, page: Page) -> None:
    tab = go(page, window, "sft_data")
    fill(tab, Training_pairs="40")
    expect(page.locator("#start-sft-data")).to_have_text("Write 40 pairs")
    page.locator("#provider-test").click()
    expect(page.locator("#provider-told")).to_contain_text("always there")
    page.locator("#start-sft-data").click()
    expect(head(page, "sft_data")).to_contain_text("pairs,", timeout=LONG)
    expect(page.locator("#pairs tr[data-row]").first).to_be_visible(timeout=LONG)
    expect(page.locator("#status")).to_contain_text("Nothing is running", timeout=LONG)

    page.locator("#pairs tr[data-row]").first.click()
    expect(page.locator("#pair-source mark")).to_be_visible()
    first = page.locator("#pair-editor h3").inner_text()
    page.locator("#pair-source").click()
    page.keyboard.press("a")
    expect(page.locator("#pair-editor h3")).not_to_have_text(first)
    expect(page.locator("#pairs .state-accepted")).to_have_count(1)
    second = page.locator("#pair-editor h3").inner_text()
    page.keyboard.press("r")
    expect(page.locator("#pair-editor h3")).not_to_have_text(second)
    expect(page.locator("#pairs .state-rejected")).to_have_count(1)
    page.keyboard.press("e")
    answer = page.locator("#pair-answer textarea")
    expect(answer).to_be_focused()
    answer.fill("An answer by hand, with a and r in it.")
    page.locator("#review-save").click()
    expect(page.locator("#pairs")).to_contain_text("An answer by hand")

    page.locator("#export-data").click()
    link = page.locator("#dataset-link a")
    with page.expect_download() as download:
        link.click()
    lines = [json.loads(line) for line in Path(download.value.path()).read_text(encoding="utf-8").splitlines()]
    assert lines and all(set(line) == {"instruction", "output"} for line in lines)


def test_5_the_final_model_is_trained(window: OpenWindow, page: Page) -> None:
    tab = go(page, window, "sft")
    expect(page.locator("#plan-sft")).to_contain_text("Steps")
    fill(tab, Epochs="1", Sequence_length="256")
    expect(command_of(page, tab, "sft")).to_contain_text("--epochs 1")
    page.locator("#start-sft").click()
    expect(page.locator("#run-sft")).to_contain_text("done", timeout=LONG)
    expect(head(page, "sft")).to_contain_text("done, loss", timeout=LONG)


def test_6_the_models_are_measured(window: OpenWindow, page: Page) -> None:
    tab = go(page, window, "sft")
    tab.get_by_role("tab", name="Evaluate").click()
    expect(page.locator("#evaluation")).to_contain_text("No evaluation yet")
    page.locator("#start-evaluate").click()
    expect(page.locator("#evaluation .bars").first).to_be_visible(timeout=LONG)
    for model in ("base", "CPT", "final"):
        expect(page.locator("#evaluation table").first).to_contain_text(model)
    expect(head(page, "sft")).to_contain_text("right")


def test_7_the_model_answers_in_the_chat(window: OpenWindow, page: Page) -> None:
    tab = go(page, window, "sft")
    tab.get_by_role("tab", name="Chat").click()
    expect(page.locator("#chat-model input")).to_have_value("final")
    fill(tab, Length="12", Temperature="0")
    question = page.locator("#chat-question textarea, #chat-question input")
    question.fill("What colour is the hull of <b>Brackwing</b>?")
    page.locator("#chat-send").click()
    expect(page.locator("#chat .user")).to_contain_text("<b>Brackwing</b>")
    expect(page.locator("#chat .bot")).to_contain_text(re.compile(r"\w"), timeout=LONG)
    expect(question).to_have_value("")
    assert "torch" not in loaded_libraries(window.process.pid)


def test_8_the_model_is_taken_away(window: OpenWindow, page: Page) -> None:
    tab = go(page, window, "sft")
    tab.get_by_role("tab", name="Export").click()
    expect(page.locator("#exports")).to_contain_text("Nothing exported yet")
    page.locator("#start-export").click()
    row = page.locator("#exports tr", has_text="model.safetensors")
    expect(row).to_be_visible(timeout=LONG)
    with page.expect_download() as download:
        row.get_by_role("link", name="Download").click()
    project = open_project(window.projects, NAME)
    original = next(project.exports.glob("*/model.safetensors"))
    assert Path(download.value.path()).stat().st_size == original.stat().st_size
    assert all(job.state in ("done", "cancelled") for job in list_jobs(window.projects, NAME))
