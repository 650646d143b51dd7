"""Tables and JSON: each record a section of fields, whatever the delimiter, the encoding or the nesting."""

from __future__ import annotations

import json
import time
from datetime import date
from pathlib import Path

import pandas
import pyarrow.parquet
import pytest

from phases.rag_data.chunk import chunk_document
from phases.rag_data.clean import Cleaning
from phases.rag_data.config import IngestConfig
from phases.rag_data.extract import records
from phases.rag_data.extract.document import Document
from phases.rag_data.extract.formats import extract_document
from phases.rag_data.extract.parser import Parser
from phases.shared.errors import FileRejected

ROWS = [["Nr", "Name", "Höhe", "Bemerkung"], ["1", "Wehr Ahlen", "4,20", "läuft; ohne Geräusch"], ["2", "Wehr Köln", "3,10", ""]]
TEXT = ("# Wehr Ahlen\n\n- Nr: 1\n- Höhe: 4,20\n- Bemerkung: läuft; ohne Geräusch\n\n"
        "# Wehr Köln\n\n- Nr: 2\n- Höhe: 3,10")


def read(tmp_path: Path, name: str, content: str | bytes, encoding: str = "utf-8") -> Document:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return extract_document(path, name)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_delimiter_and_encoding_are_found_out(tmp_path: Path, delimiter: str, encoding: str) -> None:
    table = "\r\n".join(delimiter.join(f'"{one}"' if "," in one or ";" in one else one for one in row) for row in ROWS)
    assert read(tmp_path, "a.csv", table, encoding).text == TEXT


def test_a_table_parted_by_tabs_keeps_its_commas(tmp_path: Path) -> None:
    assert read(tmp_path, "a.tsv", "\n".join("\t".join(row) for row in ROWS)).text == TEXT


def test_excel_names_its_delimiter(tmp_path: Path) -> None:
    assert read(tmp_path, "a.csv", "sep=;\r\nName;Ort\r\nJörg;Köln, Nord\r\n").text == "# Jörg\n\n- Ort: Köln, Nord"


@pytest.mark.parametrize("above", ["# Source: the harbour office", "Gauges of 2024;;", "Gauges of 2024\nby the harbour office"])
def test_a_title_above_a_table_is_left_out_with_a_note(above: str, tmp_path: Path) -> None:
    document = read(tmp_path, "a.csv", f"{above}\n\nName;Ort;Stand\nJörg;Köln;3\nAnna;Bonn;4\n")
    assert document.text == "# Jörg\n\n- Ort: Köln\n- Stand: 3\n\n# Anna\n\n- Ort: Bonn\n- Stand: 4"
    assert document.notes == (f"Left out what stands above the names of the columns: {above.rstrip(';').replace(chr(10), ' / ')}",)


def test_a_first_row_that_names_few_columns_is_no_title(tmp_path: Path) -> None:
    document = read(tmp_path, "a.csv", "Name;;\nJörg;3;4\n")
    assert (document.text, document.notes) == ("# Jörg\n\n- Column 2: 3\n- Column 3: 4", ())


def test_tables_without_names_and_uneven_ones(tmp_path: Path) -> None:
    assert read(tmp_path, "a.csv", "1,2\n3,4\n").text == (
        "# Record 1\n\n- Column 1: 1\n- Column 2: 2\n\n# Record 2\n\n- Column 1: 3\n- Column 2: 4")
    document = read(tmp_path, "a.csv", "name,name\nrot,blau,gelb\n")
    assert document.text == "# rot\n\n- name (2): blau\n- Column 3: gelb"
    assert document.notes == ("1 rows have more fields than the first one.",)


def test_values_of_several_lines_stay_whole_and_make_no_headings(tmp_path: Path) -> None:
    document = read(tmp_path, "a.csv", 'title,body\nFirst,"one\n# two\nthree"\n')
    assert document.text == "# First\n\nbody:\none\n # two\nthree"


def test_nested_objects_have_dotted_names(tmp_path: Path) -> None:
    patient = {"id": 7, "name": "Jörg Weiß", "address": {"city": "Köln", "zip": {"code": "50667"}}, "tags": ["a", "b"],
               "visits": [{"day": "2024-03-03", "ok": True}, {"day": "2024-04-03", "ok": False}], "note": None}
    assert read(tmp_path, "a.json", json.dumps([patient])).text == (
        "# Jörg Weiß\n\n- id: 7\n- address.city: Köln\n- address.zip.code: 50667\n- tags: a, b\n"
        "- visits.1.day: 2024-03-03\n- visits.1.ok: yes\n- visits.2.day: 2024-04-03\n- visits.2.ok: no")


def test_a_list_inside_an_object_and_one_object_a_line(tmp_path: Path) -> None:
    people = [{"name": "Anna Klein"}, {"name": "Bert Groß"}]
    expected = "# Anna Klein\n\n- name: Anna Klein\n\n# Bert Groß\n\n- name: Bert Groß"
    lines = "\n".join(json.dumps(one, ensure_ascii=False) for one in people)
    assert read(tmp_path, "a.json", json.dumps({"people": people})).text == expected
    assert read(tmp_path, "a.json", lines).text == expected
    document = read(tmp_path, "a.jsonl", f"{lines}\n{{broken\n")
    assert (document.text, document.notes) == (expected, ("Left out 1 lines that are not JSON: 3.",))
    assert read(tmp_path, "b.json", json.dumps({"year": 2024, "people": people})).text.startswith("# Record 1\n\n- year: 2024\n\n# Anna")


def test_parquet_rows_are_records_and_pictures_are_named(tmp_path: Path) -> None:
    table = pyarrow.table({"name": ["Wehr Ahlen", "Wehr Köln"], "height": [4.2, 3.1], "built": [date(1954, 3, 3), None],
                           "keeper": [{"first": "Jörg"}, {"first": "Änne"}], "photo": [b"\x89PNG", b"\xff\xd8"]})
    pyarrow.parquet.write_table(table, tmp_path / "weirs.parquet")
    with Parser(Cleaning()) as parser:
        document = parser.extract(tmp_path / "weirs.parquet", "weirs.parquet")
        data = (tmp_path / "weirs.parquet").read_bytes()
        for broken in (data[:-40], data[:60] + bytes(40) + data[100:]):
            (tmp_path / "cut.parquet").write_bytes(broken)
            with pytest.raises(FileRejected, match="damaged or cut off"):
                parser.extract(tmp_path / "cut.parquet", "cut.parquet")
    assert document.text == ("# Wehr Ahlen\n\n- height: 4.2\n- built: 1954-03-03\n- keeper.first: Jörg\n\n"
                             "# Wehr Köln\n\n- height: 3.1\n- keeper.first: Änne")
    assert (document.title, document.notes) == ("weirs", ("Left out what is not text in: photo.",))


def test_the_row_numbers_that_pandas_adds_are_no_data(tmp_path: Path) -> None:
    frame = pandas.DataFrame({"name": ["Wehr Ahlen", "Wehr Köln", "Wehr Rees"], "height": [4.2, 3.1, 2.8]})
    frame.iloc[[1, 2, 0]].to_parquet(tmp_path / "some.parquet")
    document = extract_document(tmp_path / "some.parquet", "some.parquet")
    assert document.text == "# Wehr Köln\n\n- height: 3.1\n\n# Wehr Rees\n\n- height: 2.8\n\n# Wehr Ahlen\n\n- height: 4.2"
    assert document.notes == ("Left out the row numbers that pandas added: __index_level_0__.",)
    frame.set_index("name").to_parquet(tmp_path / "named.parquet")
    frame.to_parquet(tmp_path / "all.parquet")
    for name in ("named", "all"):
        document = extract_document(tmp_path / f"{name}.parquet", f"{name}.parquet")
        assert "# Wehr Rees\n\n- height: 2.8" in document.text and document.notes == (), "an index with a name is data"


def test_more_records_than_a_document_takes_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from phases.rag_data.extract import tables

    monkeypatch.setattr(tables, "MOST_RECORDS", 2)
    document = read(tmp_path, "a.csv", "name\nrot\ngelb\nblau\n")
    assert document.notes == ("Read the first 2 of 3 records; split the file to add the others.",)
    assert "blau" not in document.text


@pytest.mark.parametrize(("name", "content", "word"), [
    ("deep.json", b"[" * 200_000, "nested more than 32"),
    ("deep.json", b'{"a":' * 50 + b"1" + b"}" * 50, "nested more than 32"),
    ("deep.jsonl", b"[" * 200_000, "nested more than 32"),
    ("cut.json", b'[{"name": "Anna"}, {"na', "line 1, column"),
    ("not.jsonl", b"plain words\nand more\n", "no line of JSON"),
    ("quote.csv", b'a,b\n"never closed,' + b"x" * 1_100_000, "quotation mark|field of more"),
    ("wide.csv", b"x," * 1000, "more than 500 columns"),
    ("many.json", json.dumps({str(n): n for n in range(600)}).encode(), "more than 500 fields"),
    ("long.json", b'["' + b"x" * 1_100_000 + b'"]', "single value"),
    ("nul.json", b'{"a": "b"}\x00\x00', "binary data"),
    ("nul.csv", b"a,b\x00\n", "binary data"),
    ("zip.csv", b"PK\x03\x04 and more", "ZIP")])
def test_hostile_records_are_refused_in_a_sentence(tmp_path: Path, name: str, content: bytes, word: str) -> None:
    with pytest.raises(FileRejected, match=word):
        read(tmp_path, name, content)


def test_a_single_line_of_many_megabytes_is_refused_in_time(tmp_path: Path) -> None:
    good = tmp_path / "good.csv"
    good.write_text("name\nrot\n", encoding="utf-8")
    began = time.monotonic()
    with Parser(Cleaning()) as parser:
        for name in ("long.csv", "long.json", "long.jsonl"):
            path = tmp_path / name
            with path.open("wb") as file:
                for _ in range(30):
                    file.write(b"x" * 1_000_000)
            with pytest.raises(FileRejected):
                parser.extract(path, name)
        assert parser.extract(good, "good.csv").text == "# rot\n\n- name: rot"
    assert time.monotonic() - began < 30


def test_records_are_cut_between_records(tmp_path: Path) -> None:
    table = "name,colour\n" + "\n".join(f"Lamp number {chr(65 + n)}{chr(65 + n)}{chr(65 + n)},red" for n in range(20))
    document = read(tmp_path, "a.csv", table)
    chunks = chunk_document(document, IngestConfig(chunk_size=40, chunk_overlap=0), lambda text: len(text.split()))
    assert len(chunks) > 3
    assert all(one.content.startswith("# Lamp") and one.content.endswith("red") for one in chunks)


def test_the_heading_column_is_the_first_of_distinct_words() -> None:
    rows = [{"id": f"A-{n}", "kind": "pump", "link": f"https://a.org/{n}xyz", "name": f"Pump of hall {n}"} for n in range(9)]
    assert records.heading_column(rows) == "name"
    assert records.heading_column([{"a": "1"}, {"a": "2"}]) == ""
    assert records.heading_column([{"kind": "pump"}, {"kind": "pump"}]) == "kind"
