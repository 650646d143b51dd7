"""Templates: what a record reads like, what is missing, what is wrong, and that nothing but names is looked up."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import openpyxl
import pytest

from phases.rag_data.chunk import find_headings
from phases.rag_data.clean import Cleaning
from phases.rag_data.config import IngestConfig
from phases.rag_data.extract import records
from phases.rag_data.extract.formats import extract_document
from phases.rag_data.ingest import ingest_files
from phases.rag_data.preview import live_preview, preview_file
from phases.rag_data.templates import offers, parse_template, render
from phases.shared.database.changes import undo_last
from phases.shared.database.chunk_pages import chunk_page
from phases.shared.database.connection import knowledge
from phases.shared.database.documents import list_documents
from phases.shared.errors import FileRejected, SettingError
from phases.shared.jobs.queue import Job
from phases.shared.jobs.wait import wait_for_job
from phases.shared.project import Project, create_project

RUN = "{name} ran {race.distance} m in {time} s."
SPRINTS = "name,race.distance,time,coach\nAnna,100,12.1,Mia\nBert,200,,Ole\nCleo,400,55.0,\n"
ANNA = {"name": "Anna", "race.distance": "100", "time": "12.1"}


@pytest.fixture
def project(projects: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("LEHRLING_LOCKS", str(projects.parent / "locks"))
    return create_project(projects, "sprints")


def add(project: Project, *files: Path, template: str = "") -> Job:
    projects = project.root.parent
    job = ingest_files(projects, project, IngestConfig(template=template), list(files))
    return wait_for_job(projects, job.id, lambda _: None)


def contents(project: Project) -> list[str]:
    with knowledge(project) as connection:
        return [one.content for one in chunk_page(connection)[0]]


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(("template", "record", "text"), [
    (RUN, ANNA, "Anna ran 100 m in 12.1 s."),
    ("{{name}} is { name }.", ANNA, "{name} is Anna."),
    ("# {name}\n\nTime: {time}\nCoach: {coach}", ANNA, "# Anna\n\nTime: 12.1"),
    ("{name} ran. The coach is {coach}. Time: {time}.", ANNA, "Anna ran. Time: 12.1."),
    ("Dr. {coach} trains {name}. {name} is fast.", ANNA, "Anna is fast."),
    ("{name} ran {time} s. The coach is {coach}.", {"name": "Anna", "time": "", "coach": "Mia"}, "The coach is Mia."),
    ("{coach} is the coach.", ANNA, ""),
    ("{a} {b}", {"a": "{b}", "b": "{a.__class__} 1. 2"}, "{b} {a.__class__} 1. 2"),
    ("On {visits.day}: {visits.2.day}", {"visits.1.day": "Monday", "visits.2.day": "Friday"}, "On Monday, Friday: Friday"),
    ("{text}", {"text": "# no heading\nof its own"}, " # no heading\nof its own")])
def test_a_record_reads_as_its_template_says(template: str, record: dict[str, str], text: str) -> None:
    assert render(parse_template(template), record) == text


@pytest.mark.parametrize(("template", "headings"), [("{name}\n{text}", []), ("{text}", []), ("{name} {text}", []), ("# {name}\n\n{text}", ["# one", "# three", "``` Four"])])
def test_values_make_no_headings_and_swallow_none(template: str, headings: list[str], tmp_path: Path) -> None:
    rows = 'name,text\n# one,"# two\nmore"\n\u200b# three,"```\n# code that was cut off"\n``` Four,# last\n'
    document = extract_document(write(tmp_path / "a.csv", rows), "a.csv", Cleaning(template=template))
    assert [one.title for one in find_headings(document.text)] == headings
    assert "# two" in document.text


@pytest.mark.parametrize("template", ["{name", "name}", "{} ran", "{ } ran", "no field at all", "", "{{name}}", "{a{b}}", "{name}" * 5000])
def test_a_template_that_cannot_be_read_is_said(template: str) -> None:
    with pytest.raises(SettingError, match="template cannot be read"):
        parse_template(template)


@pytest.mark.parametrize("field", ["name.__class__", "name[0]", "name!r", "name:>9999999999", "0"])
def test_a_field_is_a_columns_name_and_no_code(tmp_path: Path, field: str) -> None:
    with pytest.raises(FileRejected, match="does not have") as refused:
        extract_document(write(tmp_path / "a.csv", SPRINTS), "a.csv", Cleaning(template=f"{{{field}}} ran"))
    assert "name, race.distance, time, coach" in refused.value.advice


def test_every_format_of_records_takes_a_template(tmp_path: Path) -> None:
    import pyarrow.parquet

    rows = [{"name": "Anna", "race": {"distance": 100}, "time": 12.1}, {"name": "Bert", "race": {"distance": 200}, "time": None}]
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "a.parquet")
    write(tmp_path / "a.json", json.dumps(rows))
    write(tmp_path / "a.jsonl", "\n".join(map(json.dumps, rows)))
    write(tmp_path / "a.csv", SPRINTS)
    write(tmp_path / "a.tsv", SPRINTS.replace(",", "\t"))
    for kind in ("parquet", "json", "jsonl", "csv", "tsv"):
        document = extract_document(tmp_path / f"a.{kind}", f"a.{kind}", Cleaning(template=RUN))
        assert document.text.startswith("Anna ran 100 m in 12.1 s."), kind
        assert "Bert" not in document.text
        assert document.notes[0].startswith("Without a value, and so without its sentence: {time} in 1 of")


def test_a_record_of_which_nothing_is_left_names_the_columns_that_lack(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    write(path, "name,time,coach\nAnna,12.1,Mia\nBert,,Mia\nCleo,,\nDora,,\n")
    document = extract_document(path, "a.csv", Cleaning(template="{name} ran {time} s.\n{coach} is the coach."))
    assert document.text == "Anna ran 12.1 s.\nMia is the coach.\n\nMia is the coach."
    assert document.notes[-1] == ("Left out whole: 2 of 4 records; no sentence of the template has all its values there: {time} has no value in 2 of them, "
                                  "{coach} has no value in 2 of them.")
    write(path, "name,time\nAnna,\nBert,\n")
    with pytest.raises(FileRejected, match=r"nothing of the 2 records of 'a.csv': .* {time} has no value in 2 of them\.") as refused:
        extract_document(path, "a.csv", Cleaning(template="{name} ran {time} s."))
    assert "a sentence or a line of its own" in refused.value.advice


def test_ready_templates_take_the_files_own_names() -> None:
    assert [(one.label, one.text) for one in offers(["Query", "Response", "passage"])][0] == (
        "Context, question, answer", "Context: {passage}\nQuestion: {Query}\nAnswer: {Response}")
    assert offers(["context", "title", "question", "answers.text.1"])[0].text.endswith("Question: {question}\nAnswer: {answers.text}")
    assert offers(["name", "time"])[0].label == "Every column"


def test_another_template_makes_the_same_file_anew(project: Project, tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", SPRINTS)
    assert add(project, path, template=RUN).result["added"] == ["a.csv"]
    assert contents(project) == ["Anna ran 100 m in 12.1 s.\n\nCleo ran 400 m in 55.0 s."]
    assert add(project, path, template=f"{RUN}\n").result["unchanged"] == ["a.csv"]
    assert add(project, path, template="{name}!").result["replaced"] == ["a.csv"]
    assert contents(project) == ["Anna!\n\nBert!\n\nCleo!"]
    with knowledge(project) as connection:
        assert json.loads(list_documents(connection)[0].shape) == {"template": "{name}!"}
        assert undo_last(connection) == "replaced a.csv"
    assert contents(project)[0].startswith("Anna ran")
    assert add(project, path).result["replaced"] == ["a.csv"]
    assert contents(project)[0].startswith("# Anna\n\n- race.distance: 100")


def test_a_template_is_nothing_to_other_documents(project: Project, tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", "Plain words.")
    add(project, path, template=RUN)
    assert add(project, path, template="{name}!").result["unchanged"] == ["a.txt"]


def test_the_same_records_under_another_name_take_the_old_ones_place(project: Project, tmp_path: Path) -> None:
    add(project, write(tmp_path / "a.csv", SPRINTS), template=RUN)
    job = add(project, write(tmp_path / "b.csv", SPRINTS), template="{name}!")
    assert job.result["replaced"] == ["b.csv"]
    assert job.result["notes"] == [{"file": "b.csv", "note": "It takes the place of 'a.csv', the same records read in another way."}]
    with knowledge(project) as connection:
        assert [one.source for one in list_documents(connection)] == ["b.csv"]
        undo_last(connection)
        assert [one.source for one in list_documents(connection)] == ["a.csv"]


def test_a_schema_names_the_fields(project: Project, tmp_path: Path) -> None:
    schema = {"fields": {"time": {"label": "Best time", "unit": "s", "description": "by hand"}, "race.distance": "Distance"}}
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("metadata/schema.json", json.dumps(schema))
        archive.writestr("runs/a.csv", SPRINTS)
        archive.writestr("other/metadata/schema.json", json.dumps({"fields": {"x": 1}}))
    job = add(project, tmp_path / "all.zip")
    assert job.result["added"] == ["runs/a.csv"]
    assert job.result["rejected"][0]["file"] == "other/metadata/schema.json"
    assert contents(project)[0].startswith("# Fields of a\n\n- Best time: by hand\n\n# Anna\n\n- Distance: 100\n- Best time: 12.1 s\n- coach: Mia")
    schema["fields"]["coach"] = "Trainer"
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("metadata/schema.json", json.dumps(schema))
        archive.writestr("runs/a.csv", SPRINTS)
    assert add(project, tmp_path / "all.zip").result["replaced"] == ["runs/a.csv"]
    assert "- Trainer: Mia" in contents(project)[0]


def test_a_preview_reads_the_head_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "HEAD_BYTES", 2000)
    rows = [{"name": f"Änne {number}", "time": number} for number in range(500)]
    broken = {"a.csv": "name,time\n" + "".join(f"{one['name']},{one['time']}\n" for one in rows) + '"never closed\n' * 9,
              "a.jsonl": "\n".join(map(json.dumps, rows)) + "\n{broken",
              "a.json": json.dumps({"made": [2024], "rows": rows})[:-40],
              "b.json": json.dumps(rows, indent=1)[:-40]}
    for name, content in broken.items():
        kind = extract_document(write(tmp_path / name, content), name, Cleaning(head=200))
        found = json.loads(kind.text)
        assert found["total"] is None and 20 < len(found["records"]) < 200, name
        assert found["records"][3] == {"name": "Änne 3", "time": "3"}
    for cut in range(2000, 2012):
        monkeypatch.setattr(records, "HEAD_BYTES", cut)
        found = json.loads(extract_document(tmp_path / "a.csv", "a.csv", Cleaning(head=200)).text)["records"]
        assert all(one["name"].startswith("Änne ") for one in found), "a letter of two bytes is not cut in two"
    text = extract_document(write(tmp_path / "w.csv", "name\n".encode("utf-16") + "Änne\n".encode("utf-16-le") * 900), "w.csv", Cleaning(head=5))
    assert json.loads(text.text)["records"] == [{"name": "Änne"}] * 5


def test_a_preview_of_a_document_shows_its_first_chunks(tmp_path: Path) -> None:
    path = write(tmp_path / "a.md", "".join(f"# Part {number}\n\n{'Words of the keeper. ' * 40}\n\n" for number in range(200)))
    found = preview_file(IngestConfig(chunk_size=100, chunk_overlap=0), path, "a.md", lambda text: len(text.split()))
    assert [one.headings for one in found.chunks] == [("Part 0",), ("Part 0",), ("Part 1",)]
    assert 350 < found.total < 450


def workbook(path: Path) -> Path:
    book = openpyxl.Workbook()
    rows = ["Runs of May"], [], ["name", "race.distance", "time", "coach"], ["Anna", 100, 12.1, "Mia"], ["# Bert", 200, None, "Ole"], [], ["place", "seats"], ["hall", 90]
    for row in rows:
        book.active.append(row)
    book.create_sheet("Prices").append(["thing", "price"])
    book["Prices"].append(["spikes", 49])
    book.save(path)
    return path


def test_the_rows_of_a_sheet_read_as_a_template_says_and_other_tables_stay(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx")
    document = extract_document(path, "a.xlsx", Cleaning(template=f"{RUN}\n{{coach}} is the coach."))
    assert document.text == ("# Sheet\n\nRuns of May\n\nAnna ran 100 m in 12.1 s.\nMia is the coach.\n\nOle is the coach.\n\n| place | seats |\n| --- | --- |\n| hall | 90 |\n\n"
                             "# Prices\n\n| thing | price |\n| --- | --- |\n| spikes | 49 |")
    assert document.notes == ("Read 2 rows as the template has them; 2 other tables stayed tables.",
                              "Without a value, and so without its sentence: {time} in 1 of 2 records.")
    plain = extract_document(path, "a.xlsx")
    assert "| Anna | 100 | 12.1 | Mia |" in plain.text and plain.notes == ()
    other = extract_document(path, "a.xlsx", Cleaning(template="{nothing}"))
    assert (other.text, other.notes) == (plain.text, ("No table begins with a row that names the template's columns; all stayed tables.",))


def test_a_workbook_is_previewed_as_records_only_with_a_template(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx")
    shown, wrong = live_preview(path, "")
    assert (shown.records, wrong, shown.columns) == ([], "", ["name", "race.distance", "time", "coach", "place", "seats", "thing", "price"])
    assert live_preview(path, "{thing}: {price}")[0].records == ["spikes: 49"]
    assert "asks for {prize}, which 'a.xlsx' does not have" in live_preview(path, "{prize}")[1]
    assert preview_file(IngestConfig(), path, "a.xlsx", len).chunks
    assert preview_file(IngestConfig(template="{name} of {coach}"), path, "a.xlsx", len).records == ["Anna of Mia", " # Bert of Ole"]


def test_a_workbook_is_added_again_with_another_template(project: Project, tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx")
    assert add(project, path).result["added"] == ["a.xlsx"]
    assert add(project, path, template="{thing} cost {price}.").result["replaced"] == ["a.xlsx"]
    assert any("spikes cost 49." in one for one in contents(project))
    assert add(project, path, template="{thing} cost {price}.").result["unchanged"] == ["a.xlsx"]


def test_the_command_line(lehrling, tmp_path: Path) -> None:
    lehrling("new", "t")
    write(tmp_path / "a.csv", SPRINTS)
    write(tmp_path / "run.txt", f"{RUN}\nCoach: {{coach}}\n")
    shown = lehrling("preview", "t", "a.csv", "--template-file", "run.txt", "--json").json
    assert shown["records"][:2] == ["Anna ran 100 m in 12.1 s.\nCoach: Mia", "Coach: Ole"]
    assert shown["columns"] == ["name", "race.distance", "time", "coach"] and shown["total"] == 3
    wrong = lehrling("preview", "t", "a.csv", "--template", "{nam}")
    assert (wrong.code, "asks for {nam}" in wrong.err, "race.distance, time" in wrong.err) == (1, True, True)
    assert lehrling("ingest", "t", "a.csv", "--template", "{nam").code == 2
    assert lehrling("ingest", "t", "a.csv", "--template", r"# {name}\nCoach: {coach}").code == 0
    assert lehrling("chunks", "t", "--json").json["chunks"][0]["content"] == "# Anna\nCoach: Mia\n\n# Bert\nCoach: Ole\n\n# Cleo"
