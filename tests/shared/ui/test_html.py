"""What is drawn as HTML: everything escaped, numbers readable, empty states that say what to do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from phases.shared.database.chunks import ChunkRow
from phases.shared.project import create_project
from phases.shared.search import MARK_END, MARK_START
from phases.shared.ui.downloads import download_link, offered
from phases.shared.ui.figures import duration, number, percent, size
from phases.shared.ui.panels.cleaning import cleaning_html, preview_html
from phases.shared.ui.panels.evaluation import evaluation_html
from phases.shared.ui.panels.knowledge import chunks_table, near
from phases.shared.ui.panels.pairs import source_html
from phases.shared.ui.panels.report import report_html
from phases.shared.ui.panels.runs import curve_points
from phases.shared.ui.tables import Column, marked, page_links, table
from phases.shared.ui.texts import TEXTS, many, say, word

ROOT = Path(__file__).parents[3]
EVIL = '<img src=x onerror="alert(1)">'


def chunk(content: str, **about: object) -> ChunkRow:
    values = {"id": 7, "content": content, "source": f"a{EVIL}.md", "chunk_index": 0, "metadata": {"page": 3}, "document": 1,
              "content_hash": "", "state": "active", "origin": "document", "held_out": False, "tokens": 5, "span_start": 0, "span_end": 9}
    return ChunkRow(**{**values, **about})


def test_hits_are_marked_and_everything_else_is_escaped() -> None:
    shown = marked(f"{EVIL} the {MARK_START}brake{MARK_END}", MARK_START, MARK_END)
    assert "<mark>brake</mark>" in shown and "<img" not in shown
    drawn = chunks_table([(chunk(EVIL), f"{EVIL} {MARK_START}x{MARK_END}")], 1, 1, 0, searching=True, filtered=False)
    assert "<img" not in drawn and "<mark>x</mark>" in drawn
    assert "not searched" in chunks_table([], 0, 1, 0, searching=True, filtered=True, excluded=True)
    assert "<img" not in near(chunk(EVIL), "Before")


def test_a_report_is_escaped_and_says_what_it_found() -> None:
    spread = {"total": 1000, "smallest": 1, "median": 12.5, "largest": 99}
    record = {"made": EVIL, "settings": {"shortest": 10, "longest": 2048}, "expected": ["de"], "languages": {"de": 3, EVIL: 2}, "other_language": [9],
              "columns": [{"source": EVIL, "name": EVIL, "rows": 4, "empty": 1, "values": {EVIL: 3}}], "cleaning": {"join_lines": 7}, "chunks": 30, "excluded": 0, "held_out": 0, "tokens": spread,
              "words": spread, "characters": spread, "histogram": [{"start": 0, "end": 50, "chunks": 1}, {"start": 50, "end": 100, "chunks": 99}],
              "empty": [], "too_short": list(range(20)), "too_long": [], "documents": [{"source": EVIL, "language": EVIL, "chunks": 1, "tokens": 1}],
              "duplicates": [{"chunk": 7, "of": 3, "similarity": 0.912, "exact": False, "source": EVIL, "text": EVIL}] * 21}
    shown = report_html(record, True, ["<a href='x'>get</a>"])
    assert "<img" not in shown and "<a href='x'>" in shown and "has changed since" in shown
    assert "1 / 12.5 / 99" in shown and "20 chunks" in shown and "11</button>, …" in shown and 'data-row="9"' in shown and "Empty" not in shown
    assert 'title="50 to 99 tokens: 99 chunks"><i style="height:100%"' in shown and "height:3%" in shown
    assert "In another language than German" in shown and "German 3" in shown and "25 %" in shown and "Wrapped lines joined" in shown
    assert "91 %" in shown and 'data-row="7"' in shown and "and 1 more" in shown
    assert "No empty" in report_html({**record, "too_short": [], "other_language": [], "duplicates": [], "histogram": []}, False, [])


def test_what_cleaning_changed_is_escaped_and_shows_line_ends() -> None:
    record = {"join_lines": {"count": 1234, "examples": [[f"a{EVIL}\nb", "a  b"]]}, "remove_urls": {"count": 1, "examples": [["x", ""]]}}
    shown = cleaning_html(record, [{"file": EVIL, "steps": {"join_lines": 2}}] * 22)
    assert "<img" not in shown and "⏎" in shown and "a··b" in shown and "1,234" in shown and "left out" in shown and "and 2 files more" in shown
    assert "changed nothing" in cleaning_html({})
    preview = {"source": EVIL, "before": 9, "after": 8, "excerpts": [[EVIL, ""]],
               "steps": [{"step": "remove_urls", "on": False, "count": 2, "examples": [["x", ""]]}, {"step": "join_lines", "on": False, "count": 0, "examples": []}]}
    drawn = preview_html(preview)
    assert "<img" not in drawn and "Web addresses removed (off)" in drawn and "Wrapped lines" not in drawn and "Nothing was stored" in drawn


def test_evidence_stands_out_in_its_chunk() -> None:
    assert "<mark>23 bar</mark>" in source_html(chunk("The brake closes at 23 bar."), "23 bar")
    assert say("pairs.no_evidence") in source_html(chunk("Changed."), "23 bar")
    assert "<img" not in source_html(chunk(EVIL), EVIL).replace("&lt;img", "")


def test_tables_are_paged_and_say_what_to_do_when_empty() -> None:
    columns = (Column("Name", lambda row: row),)
    assert "Add documents" in table(columns, [], empty="Add documents")
    assert page_links(2, 120) .count("data-turn") == 2 and "2 of 3" in page_links(2, 120)
    assert "data-turn" not in page_links(1, 50)
    drawn = table(columns, ["a", "b"], key=str, chosen="b")
    assert drawn.count("data-row") == 2 and drawn.count("aria-current") == 1


def test_figures_are_readable() -> None:
    assert [duration(value) for value in (None, 8, 240, 7800, 200_000)] == ["", "8 s", "4 min", "2 h 10 min", "2 d 7 h"]
    assert [size(value) for value in (12, 3.5 * 1024, 11.7 * 1024**2, 3 * 1024**3)] == ["12 bytes", "3.5 KiB", "11.7 MiB", "3.0 GiB"]
    assert [number(value) for value in (None, 3, 0.0003, 1234.5, 2.314)] == ["–", "3", "0.0003", "1,234.50", "2.31"]
    assert percent(0.975) == "98 %" and percent(None) == "–"
    assert many("chunk", 1) == "1 chunk" and many("chunk", 1200) == "1,200 chunks"


def test_the_log_scale_is_the_decimal_logarithm() -> None:
    points = [{"step": 1, "loss": 10.0, "smoothed": 10.0}, {"step": 2, "loss": 1.0, "smoothed": 5.0, "eval_loss": 100.0}]
    drawn = curve_points(points, log_scale=True)
    assert drawn["loss"][:2] == [1.0, 0.0] and drawn["loss"][-1] == 2.0
    assert len(set(drawn["curve"])) == 3


def test_the_evaluation_shows_each_model_with_its_interval() -> None:
    row = {"model": "final", "closed_book_accuracy": 0.9, "closed_book_interval": [0.83, 0.94], "closed_book_n": 120,
           "unasked_accuracy": None, "perplexity": 12.3, "general_perplexity": 45.6}
    drawn = evaluation_html({"table": [row], "examples": [{"question": EVIL, "answer": "23", "final": EVIL}], "ended": None})
    assert "90.0 %" in drawn and "(83 to 94 %, 120 questions)" in drawn and "12.3" in drawn and "45.6" in drawn and "<img" not in drawn
    assert say("evaluation.empty") in evaluation_html(None)


def test_only_results_can_be_downloaded(tmp_path: Path) -> None:
    project = create_project(tmp_path, "a b")
    (project.data / "sft_data.jsonl").write_text("{}\n", encoding="utf-8")
    (project.data / "report.md").write_text("# Report", encoding="utf-8")
    (project.exports / "x").mkdir()
    (project.exports / "x" / "model.safetensors").write_bytes(b"1")
    (project.exports / "secret").symlink_to(project.settings_file)
    assert set(offered(project)) == {"data/sft_data.jsonl", "data/report.md", "exports/x/model.safetensors"}
    assert 'href="/p/download/a%20b/data/sft_data.jsonl"' in download_link("/p", project, "data/sft_data.jsonl", "get")


def test_every_text_that_is_asked_for_is_there() -> None:
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "phases").rglob("*.py") if "texts" not in path.parts]
    asked = {key for source in sources for key in re.findall(r'\bsay\(\s*"([a-z0-9_.]+)"', source)}
    assert len(asked) > 100
    assert asked - set(TEXTS) == set()
    things = {thing for source in sources for thing in re.findall(r'\bmany\(\s*"([a-z_]+)"', source)}
    assert {f"many.{thing}.{number}" for thing in things for number in ("one", "other")} - set(TEXTS) == set()


@pytest.mark.parametrize("prefix", ["job", "state", "ended"])
def test_every_state_and_kind_has_a_word(prefix: str) -> None:
    kinds = ("ingest", "cpt", "sft-data", "sft", "evaluate", "export")
    states = ("queued", "running", "done", "failed", "stopped", "cancelled", "interrupted")
    names = {"job": kinds, "state": states, "ended": states[2:]}[prefix]
    assert all(f"{prefix}.{name}" in TEXTS for name in names)
    assert word(prefix, "some_new_thing") == "some new thing"
