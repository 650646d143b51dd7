"""The whole folder of fixture documents, and one of hostile files, added as a person does: what is stored, what is refused and named."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from tests.conftest import Commands
from tests.rag_data.hostile import FIXTURES, locked_zip, looping_pdf, office_container, overlapping_zip, zip_of
from tests.rag_data.test_fixtures import ARCHIVES, EXPECTED, READ, REFUSED


def test_the_folder_of_fixtures_becomes_documents_and_what_is_refused_is_named(lehrling: Commands) -> None:
    lehrling("new", "all formats")
    answer = lehrling("ingest", "all formats", str(FIXTURES), "--json")
    assert answer.json["state"] == "done", answer.err
    inside = {one: wanted for name in ARCHIVES for one, wanted in EXPECTED[name]["files"].items()}
    refused_inside = {name for name, wanted in inside.items() if wanted.startswith("file_")}
    scripts = {one.relative_to(FIXTURES).as_posix() for one in FIXTURES.rglob("*") if one.is_file() and (one.suffix == ".py" or one.parent != FIXTURES)}
    taken = set(answer.json["added"]) | set(answer.json["unchanged"])  # files of an archive that stand beside it too
    assert taken == set(READ) | set(inside) - refused_inside
    reasons = {one["file"]: one for one in answer.json["rejected"]}
    assert set(reasons) == set(REFUSED) | refused_inside | scripts
    assert all(one["reason"] for one in reasons.values())
    assert {Path(one["file"]).suffix for one in reasons.values() if not one["advice"]} == {".py", ".exe", ".toml"}  # what can be read is said once, for all
    assert "PDF" in answer.json["readable"].upper()
    noted = {one["file"] for one in answer.json["notes"]}
    assert {name for name in READ if EXPECTED[name].get("notes") and name in answer.json["added"]} <= noted


def test_hostile_files_leave_nothing_behind(lehrling: Commands, tmp_path: Path) -> None:
    folder = tmp_path / "hostile"
    folder.mkdir()
    price_list = (FIXTURES / "price_list.pdf").read_bytes()
    hostile = {"locked.docx": office_container("EncryptionInfo", "EncryptedPackage"), "loop.pdf": looping_pdf(), "overlap.docx": overlapping_zip(),
               "half.pdf": price_list[:700], "renamed.docx": price_list, "empty.csv": b"", "blank.md": b" \n\n", "nul.txt": b"ab\x00cd",
               "locked.zip": locked_zip(zip_of({"a.txt": b"secret"})), "bomb.zip": zip_of({"a.txt": b"0" * 30_000_000}),
               "bad\x1b[31m\nname.txt": b"", "up.zip": zip_of({"../../up.txt": b"climbs out", "ok.txt": b"Words inside."})}
    for name, data in {**hostile, "good.txt": b"Good words."}.items():
        (folder / name).write_bytes(data)
    lehrling("new", "hostile")
    answer = lehrling("ingest", "hostile", str(folder), "--json").json
    assert answer["state"] == "done"
    assert sorted(answer["added"]) == ["good.txt", "ok.txt"]
    assert len(answer["rejected"]) == len(hostile)
    assert all(one["reason"] and one["advice"] and one["file"].isprintable() for one in answer["rejected"])
    project = lehrling.projects / "hostile"
    stored = [one.name for one in (project / "data" / "documents").iterdir()]
    with sqlite3.connect(project / "data" / "wissensbasis.sqlite") as database:
        assert database.execute("SELECT count(*), count(DISTINCT source) FROM rag_chunks").fetchone() == (2, 2)
    assert len(stored) == 2
    assert not list(tmp_path.rglob("up.txt"))
