"""The report: numbers, findings, duplicates and languages of real rows; and duplicates excluded as one action."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from phases.rag_data.config import ReportConfig
from phases.rag_data.extract.columns import column_numbers
from phases.rag_data.language import guess_language
from phases.rag_data.report import exclude_duplicates, last_report, write_report
from phases.rag_data.report_numbers import Bin, ColumnNumbers, Report, Spread, make_report, token_histogram
from phases.rag_data.report_text import as_markdown, findings
from phases.rag_data.similar import find_duplicates, shingles, similarity
from phases.shared.database.changes import undo_last
from phases.shared.database.chunks import ChunkRow, NewChunk, all_chunks, edit_chunk, hash_of, set_chunk_state
from phases.shared.database.connection import knowledge
from phases.shared.database.documents import NewDocument, add_document
from phases.shared.project import Project, create_project
from tests.conftest import Commands
from tests.rag_data.languages import PARAGRAPHS, UNTOLD

ENGLISH = "The lamp of the station burns oil, and it is cleaned by the keeper with a cloth that was washed. "
GERMAN = "Die Lampe der Station brennt mit Öl, und sie wird von dem Wärter mit einem Tuch geputzt, das sauber ist. "
FRENCH = "La lampe de la station brûle de l'huile, et elle est nettoyée par le gardien avec un chiffon qui est propre. "
CODE = "```\nfor number in range(12): print(the_sum_of_all(number))\n```"
SPANISH = "La lámpara de la estación quema aceite, y es limpiada por el guardián con un paño que está limpio para los barcos. "


def words(seed: int, number: int) -> list[str]:
    own = random.Random(seed)
    return ["".join(own.choice("abcdefgh") for _ in range(6)) for _ in range(number)]


def chunk(number: int, content: str, **about: object) -> ChunkRow:
    values = {"id": number, "content": content, "source": "a.md", "chunk_index": number, "metadata": {}, "document": 1,
              "content_hash": hash_of(content), "state": "active", "origin": "document", "held_out": False,
              "tokens": len(content.split()), "span_start": 0, "span_end": 0}
    return ChunkRow(**{**values, **about})


def pairs_of(chunks: list[ChunkRow]) -> list[tuple[int, int, bool]]:
    return [(one.chunk, one.of, one.exact) for one in find_duplicates(chunks)]


# ---- duplicates ----

def test_exact_and_near_duplicates_are_told_apart_and_unlike_text_is_none() -> None:
    text = words(1, 300)
    near = [*text[:150], "changed", *text[151:]]
    half = [*text[:200], *words(2, 100)]
    chunks = [chunk(1, " ".join(text)), chunk(2, " ".join(words(3, 300))), chunk(3, " ".join(text)), chunk(4, " ".join(near).upper()),
              chunk(5, " ".join(half)), chunk(6, "too short"), chunk(7, "Too short!"), chunk(8, "--- | ---"), chunk(9, "| --- |")]
    assert pairs_of(chunks) == [(3, 1, True), (4, 1, False), (7, 6, False)]
    assert find_duplicates(chunks)[1].source == "a.md" and find_duplicates(chunks)[1].text == " ".join(near).upper()[:100]
    assert find_duplicates(chunks)[1].similarity == pytest.approx(291 / 301, abs=1e-3)


def test_overlapping_neighbours_are_no_duplicates() -> None:
    text = words(4, 1000)
    assert pairs_of([chunk(number, " ".join(text[450 * number:450 * number + 500])) for number in range(3)]) == []


@pytest.mark.parametrize(("changed", "found"), [(1, True), (3, True), (4, False), (8, False)])
def test_the_threshold_is_the_exact_similarity(changed: int, found: bool) -> None:
    """Each changed word changes five of 196 runs: 3 leave 181/211 = 0.858, 4 leave 176/216 = 0.815."""
    text = words(5, 200)
    other = [f"other{place}" if place in {20 * (one + 1) for one in range(changed)} else word for place, word in enumerate(text)]
    assert bool(pairs_of([chunk(1, " ".join(text)), chunk(2, " ".join(other))])) is found


def test_every_pair_above_the_threshold_is_found() -> None:
    """Against comparing all with all, the definition itself."""
    own = random.Random(6)
    bases = [words(seed, 120) for seed in range(10, 40)]
    texts = [[word if own.random() > 0.01 else "x" + word for word in base] for base in bases for _ in range(4)]
    chunks = [chunk(number, " ".join(text)) for number, text in enumerate(texts)]
    runs = [shingles(one.content) for one in chunks]
    kept: list[int] = []
    repeated = []
    for number, mine in enumerate(runs):
        if any(similarity(mine, runs[other]) >= 0.85 for other in kept):
            repeated.append(number)
        else:
            kept.append(number)
    assert len(repeated) > 20 and [one for one, _, _ in pairs_of(chunks)] == repeated


def test_what_is_trained_on_is_kept_and_its_held_out_copy_is_the_duplicate() -> None:
    text = " ".join(words(7, 100))
    assert pairs_of([chunk(1, text, held_out=True), chunk(2, text)]) == [(1, 2, True)]


# ---- numbers ----

def test_numbers_findings_and_documents() -> None:
    chunks = [chunk(1, ENGLISH, tokens=20, language="en"), chunk(2, " \n", tokens=0), chunk(3, "Short.", tokens=2, held_out=True),
              chunk(4, GERMAN, tokens=3000, document=2, source="b|c.md", language="de"), chunk(5, "out", tokens=9, state="excluded", document=2, source="b|c.md")]
    report = make_report(chunks, ReportConfig(), "now")
    assert (report.chunks, report.excluded, report.held_out) == (5, 1, 1)
    assert report.tokens == Spread(3022, 0, 11.0, 3000)
    assert (report.words.largest, report.characters.largest) == (len(GERMAN.split()), len(GERMAN))
    assert (report.empty, report.too_short, report.too_long, report.duplicates) == ([2], [3], [4], [])
    assert [(one.source, one.language, one.chunks, one.tokens) for one in report.documents] == [
        ("a.md", "en", 3, 22), ("b|c.md", "de", 2, 3009)]
    assert sum(one.chunks for one in report.histogram) == 4
    assert findings(report)[:3] == ["empty: 1 (chunk 2)", "shorter than 10 tokens: 1 (chunk 3)", "longer than 2,048 tokens: 1 (chunk 4)"]
    shown = as_markdown(report, "lamps")
    assert "| tokens | 3,022 | 0 | 11 | 3,000 |" in shown and "| b\\|c.md | de | 2 | 3,009 |" in shown


@pytest.mark.parametrize(("tokens", "bins"), [
    ([], []), ([0], [Bin(0, 1, 1)]), ([0, 1, 19], [Bin(0, 1, 1), Bin(1, 2, 1), *(Bin(one, one + 1, 0) for one in range(2, 19)), Bin(19, 20, 1)]),
    ([20], [*(Bin(2 * one, 2 * one + 2, 0) for one in range(10)), Bin(20, 22, 1)])])
def test_bins_have_a_round_width_and_leave_nothing_out(tokens: list[int], bins: list[Bin]) -> None:
    assert token_histogram(tokens) == bins


@pytest.mark.parametrize("largest", [7, 99, 100, 511, 2048, 123_456])
def test_twenty_bins_at_most(largest: int) -> None:
    bins = token_histogram([1, largest])
    assert len(bins) <= 20 and bins[-1].start <= largest < bins[-1].end


def test_an_empty_knowledge_base_has_a_report(tmp_path: Path) -> None:
    project = create_project(tmp_path, "empty")
    assert last_report(project) is None
    assert write_report(project)["chunks"] == 0
    assert exclude_duplicates(project) == []


@pytest.mark.parametrize("language", PARAGRAPHS)
def test_the_language_of_ordinary_paragraphs(language: str) -> None:
    assert {text: guess_language([text]) for text in PARAGRAPHS[language]} == dict.fromkeys(PARAGRAPHS[language], language)


@pytest.mark.parametrize("text", UNTOLD)
def test_where_there_is_too_little_to_tell_no_language_is_named(text: str) -> None:
    assert guess_language([text]) == "unknown"


@pytest.mark.parametrize(("text", "language"), [(GERMAN.upper(), "de"), (ENGLISH + GERMAN, "unknown"), ("| a | 12 |\n" * 50 + FRENCH, "fr"),
                                                (f"{CODE}\n\n{SPANISH}", "es")])
def test_languages_of_mixed_text(text: str, language: str) -> None:
    assert guess_language([text]) == language


@pytest.mark.parametrize("beside", [f"`{ENGLISH * 4}`", f"~~~\n{ENGLISH * 4}\n~~~", f"https://a.org/{'-'.join((ENGLISH * 4).split())}",
                                    f"www.{'-'.join((ENGLISH * 4).split())}", f"{'-'.join((ENGLISH * 4).split())}@a.org"])
def test_code_and_addresses_tell_no_language(beside: str) -> None:
    assert guess_language([beside.replace("`", "").replace("~", "").replace("www.", "").replace("https://", "").replace("@", "")]) == "en"
    assert guess_language([f"{beside} {SPANISH}"]) == "es"


def test_chunks_in_another_language_than_the_expected_are_told() -> None:
    chunks = [chunk(1, ENGLISH, language="en"), chunk(2, GERMAN, language="de"), chunk(3, "12", language="unknown"), chunk(4, FRENCH, language="fr")]
    report = make_report(chunks, ReportConfig(), language="de-AT")
    assert (report.expected, report.other_language) == (["de"], [1, 4])
    assert report.languages == {"en": 1, "de": 1, "unknown": 1, "fr": 1}
    assert "in another language than de: 2 (chunk 1, 4)" in findings(report)
    assert make_report(chunks, ReportConfig(language="en, fr"), language="de").other_language == [2]


def test_a_document_is_in_the_language_of_most_of_it() -> None:
    chunks = [chunk(1, "| 1 | 2 |" * 99, language="unknown"), chunk(2, GERMAN, language="de"), chunk(3, ENGLISH * 2, language="en")]
    assert make_report(chunks, ReportConfig()).documents[0].language == "en"


def test_columns_and_labels() -> None:
    records = [{"text": "a", "label": "good", "note": ""}, {"text": "b", "label": "bad"}, {"text": " ", "label": "good", "Kategorie": "x"}]
    columns = column_numbers(records)
    assert columns == [{"name": "text", "rows": 3, "empty": 1},
                       {"name": "label", "rows": 3, "empty": 0, "values": {"good": 2, "bad": 1}}, {"name": "note", "rows": 3, "empty": 3},
                       {"name": "Kategorie", "rows": 3, "empty": 2, "values": {"x": 1}}]
    assert column_numbers([{"class": f"different {one}"} for one in range(200)]) == [{"name": "class", "rows": 200, "empty": 0}]
    report = make_report([], ReportConfig(), readings={"a|b.csv": {"columns": columns, "cleaning": {"join_lines": {"count": 7, "examples": []}}}, "old.md": {}})
    assert report.columns[0] == ColumnNumbers("a|b.csv", "text", 3, 1)
    shown = as_markdown(report, "x")
    assert "| a\\|b.csv | text | 3 | 1 | 33 % |" in shown and "| a\\|b.csv | label | good | 2 |" in shown and "| join lines | 7 |" in shown
    assert "## Columns" not in as_markdown(make_report([], ReportConfig()), "x")


def test_a_column_whose_few_values_sort_many_rows_holds_labels() -> None:
    rows = [{"sex": "fm"[one % 2], "survived": str(one % 2), "cylinders": str(one % 5), "name": f"N {one % 60}", "firm": "Weir"} for one in range(120)]
    found = {one["name"]: one.get("values") for one in column_numbers(rows)}
    assert found == {"sex": {"f": 60, "m": 60}, "survived": {"0": 60, "1": 60}, "cylinders": None, "name": None, "firm": None}
    assert not any("values" in one for one in column_numbers(rows[:19]))


@pytest.mark.parametrize(("threshold", "found"), [(0.6, True), (0.75, False)])
def test_the_threshold_is_a_setting(threshold: float, found: bool) -> None:
    """Eight changed words change 40 of 196 runs: 156/236 = 0.66."""
    text = words(5, 200)
    other = [f"other{place}" if place in {20 * (one + 1) for one in range(8)} else word for place, word in enumerate(text)]
    assert bool(find_duplicates([chunk(1, " ".join(text)), chunk(2, " ".join(other))], threshold)) is found


# ---- in a project ----

@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = create_project(tmp_path / "projects", "lamps")
    text = words(8, 120)
    contents = [" ".join(text), " ".join(words(9, 120)), " ".join([*text[:60], "other", *text[61:]]), " ".join(text)]
    with knowledge(made) as connection:
        add_document(connection, NewDocument("a.md", "1", "md", 9, "\n".join(contents)),
                     [NewChunk(one, 0, 1, 120) for one in contents], "builtin")
    return made


def languages(project: Project) -> set[str | None]:
    with knowledge(project) as connection:
        return {one.language for one in all_chunks(connection)}


def states(project: Project) -> list[str]:
    with knowledge(project) as connection:
        return [one.state for one in all_chunks(connection)]


def test_a_report_changes_nothing_and_is_kept_as_markdown_and_json(project: Project) -> None:
    assert languages(project) == {None}
    write_report(project)  # an older knowledge base gets its languages
    assert languages(project) == {"unknown"}
    before = project.database.read_bytes()
    record = write_report(project)
    assert project.database.read_bytes() == before
    assert [(one["chunk"], one["of"]) for one in record["duplicates"]] == [(3, 1), (4, 1)]
    assert json.loads((project.data / "report.json").read_text(encoding="utf-8")) == record
    assert "| 4 | 1 | the same text |" in (project.data / "report.md").read_text(encoding="utf-8")
    assert last_report(project) == (record, False)
    with knowledge(project) as connection:
        edit_chunk(connection, 2, "changed", 1)
    assert last_report(project) == (record, True)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"chunks": 1}', "\udcff"])
def test_a_damaged_report_counts_as_none(project: Project, content: str) -> None:
    (project.data / "report.json").write_text(content, encoding="utf-8", errors="surrogateescape")
    assert last_report(project) is None
    write_report(project)
    assert last_report(project) is not None


def test_duplicates_are_excluded_as_one_action(project: Project) -> None:
    with knowledge(project) as connection:
        set_chunk_state(connection, 2, "excluded")
    assert [one.chunk for one in exclude_duplicates(project)] == [3, 4]
    assert states(project) == ["active", "excluded", "excluded", "excluded"]
    assert exclude_duplicates(project) == []
    with knowledge(project) as connection:
        assert undo_last(connection) == "excluded 2 duplicates"
    assert states(project) == ["active", "excluded", "active", "active"]


def test_only_what_was_shown_is_excluded(project: Project) -> None:
    assert [one.chunk for one in exclude_duplicates(project, only=[1, 2, 4])] == [4]
    assert states(project) == ["active", "active", "active", "excluded"]


def test_the_commands(project: Project) -> None:
    lehrling = Commands(project.root.parent)
    assert lehrling("report", "lamps", "--json").json["tokens"]["median"] == 120
    shown = lehrling("report", "lamps", "--shortest", "121").out
    assert "shorter than 121 tokens: 4 (chunk 1, 2, 3, 4)" in shown and "exact duplicates: 1 (chunk 4)" in shown
    assert states(project) == ["active"] * 4
    assert [one["chunk"] for one in lehrling("exclude-duplicates", "lamps", "--json").json["excluded"]] == [3, 4]
    assert "No chunk repeats" in lehrling("exclude-duplicates", "lamps").out
    assert "excluded 2 duplicates" in lehrling("undo", "lamps").out and states(project) == ["active"] * 4


def test_a_report_is_pure() -> None:
    chunks = [chunk(number, " ".join(words(number % 3, 50))) for number in range(9)]
    first, second = make_report(chunks, ReportConfig()), make_report(list(chunks), ReportConfig())
    assert isinstance(first, Report) and first == second
