"""Project folders: names that cannot leave the folder, settings that are read whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from phases.shared.errors import LehrlingError, ProjectError
from phases.shared.files import append_json_line, read_json_lines, write_atomically
from phases.shared.project import create_project, list_projects, open_project, projects_folder


@pytest.mark.parametrize("name", ["../evil", "a/b", "a\\b", "..", ".", "", " ", ".hidden", "/etc", "a\0b", "x" * 65, "sample", "CON",
                                  "trailing.", "-flag", "line\nbreak"])
def test_names_that_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ProjectError) as caught:
        create_project(tmp_path / "projects", name)
    assert caught.value.advice
    assert not (tmp_path / "projects").exists() and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["handbook", "Lighthouse handbook", "Größe 7", "v1.2_b-c"])
def test_names_that_are_taken_as_they_are(tmp_path: Path, name: str) -> None:
    made = create_project(tmp_path, name, domain="technical")
    assert made.root.parent == tmp_path and made.documents.is_dir()
    assert open_project(tmp_path, name) == made
    assert list_projects(tmp_path) == [name]


def test_a_taken_name_is_refused_in_any_case_of_letters(tmp_path: Path) -> None:
    create_project(tmp_path, "Handbook")
    with pytest.raises(ProjectError, match="already"):
        create_project(tmp_path, "handbook")


def test_a_missing_project_names_the_others(tmp_path: Path) -> None:
    create_project(tmp_path, "one")
    with pytest.raises(ProjectError, match="Projects here: one"):
        open_project(tmp_path, "two")


@pytest.mark.parametrize("content", ["name: [", "colour: red\n", "- a\n- list\n", b"\xff\xfe\x00".decode("latin-1")])
def test_settings_that_cannot_be_read_are_said(tmp_path: Path, content: str) -> None:
    project = create_project(tmp_path, "one")
    project.settings_file.write_text(content, encoding="latin-1")
    with pytest.raises(ProjectError, match=r"project\.yaml of 'one'"):
        open_project(tmp_path, "one")


def test_a_renamed_folder_is_the_project_of_its_new_name(tmp_path: Path) -> None:
    create_project(tmp_path, "one").root.rename(tmp_path / "two")
    assert open_project(tmp_path, "two").name == "two"


def test_the_folder_of_the_projects(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEHRLING_PROJECTS", str(tmp_path / "from environment"))
    assert projects_folder() == tmp_path / "from environment"
    assert projects_folder(tmp_path / "given") == tmp_path / "given"


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "file.txt"
    write_atomically(target, "old")
    with pytest.raises(UnicodeEncodeError):
        write_atomically(target, "new \ud800")
    assert target.read_text() == "old" and list(tmp_path.iterdir()) == [target]


def test_a_line_cut_off_by_a_kill_is_left_out(tmp_path: Path) -> None:
    lines = tmp_path / "lines.jsonl"
    append_json_line(lines, {"a": 1})
    with lines.open("a", encoding="utf-8") as file:
        file.write('{"a": 2')
    assert list(read_json_lines(lines)) == [{"a": 1}]


def test_errors_survive_the_way_between_processes() -> None:
    import pickle
    error = pickle.loads(pickle.dumps(ProjectError("It is gone.", "Make it anew.", subject="x", code="gone")))
    assert isinstance(error, LehrlingError) and error.as_record() == {
        "code": "gone", "subject": "x", "sentence": "It is gone.", "advice": "Make it anew."}
    assert str(error) == "It is gone. Make it anew."
