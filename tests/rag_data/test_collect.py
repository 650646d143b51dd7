"""Folders and ZIP files: every file an own document named by its path inside, and nothing that an archive does escapes."""

from __future__ import annotations

import stat
import zipfile
from pathlib import Path

import pytest

from phases.rag_data.collect import Found, Limits, clean_source_path, collect_files
from phases.rag_data.config import IngestConfig
from phases.rag_data.ingest import ingest_files
from phases.shared.database.connection import knowledge
from phases.shared.database.documents import list_documents
from phases.shared.errors import FileRejected
from phases.shared.jobs.queue import Job
from phases.shared.jobs.wait import wait_for_job
from phases.shared.project import Project, create_project

FIXTURES = Path(__file__).parents[1] / "fixtures" / "documents"
LIMITS = Limits(file=1_000_000, total=10_000_000)


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    (tmp_path / "scratch").mkdir()
    return tmp_path / "scratch"


@pytest.fixture
def project(projects: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("LEHRLING_LOCKS", str(projects.parent / "locks"))
    return create_project(projects, "pump house")


def add(project: Project, *files: Path) -> Job:
    job = ingest_files(project.root.parent, project, IngestConfig(), list(files))
    return wait_for_job(project.root.parent, job.id, lambda _: None)


def packed(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def codes(found: list[Found]) -> dict[str, str]:
    return {one.source: one.refused.code if one.refused else "" for one in found}


def test_a_zip_becomes_its_documents(project: Project, tmp_path: Path) -> None:
    fixtures = {name: (FIXTURES / name).read_bytes() for name in ("slides.pptx", "sheets.xlsx", "pandoc.epub")}
    path = packed(tmp_path / "all.zip", {
        "Über uns/notes.txt": "Grüße".encode(), "deep/er/notes.txt": b"Other words.", "picture.png": b"\x89PNG",
        "inner.zip": b"PK\x05\x06" + bytes(18), "locked.xlsx": b"plain", **fixtures})
    job = add(project, path)
    assert job.state == "done", job.error
    assert job.result["added"] == ["Über uns/notes.txt", "deep/er/notes.txt", "slides.pptx", "sheets.xlsx", "pandoc.epub"]
    reasons = {one["file"]: one["reason"] for one in job.result["rejected"]}
    assert set(reasons) == {"picture.png", "inner.zip", "locked.xlsx"}
    assert "ZIP file inside a ZIP file" in reasons["inner.zip"]
    with knowledge(project) as connection:
        assert [(one.source, one.media, one.pages) for one in list_documents(connection)][2] == ("slides.pptx", "pptx", 4)
    assert list(project.root.rglob("unpacked-*")) == []
    assert add(project, path).result["unchanged"] == job.result["added"]


def test_a_folder_is_walked_in_order_and_says_what_it_passes_over(project: Project, tmp_path: Path) -> None:
    folder = tmp_path / "files"
    (folder / "b" / "c").mkdir(parents=True)
    (folder / ".git").mkdir()
    (folder / ".git" / "config.txt").write_text("hidden", encoding="utf-8")
    (folder / "b" / "c" / "two.md").write_text("# Two\n\nWords.", encoding="utf-8")
    (folder / "one.csv").write_text("name\nrot\n", encoding="utf-8")
    (tmp_path / "outside.txt").write_text("outside", encoding="utf-8")
    (folder / "link.txt").symlink_to(tmp_path / "outside.txt")
    (folder / "round").symlink_to(folder)
    packed(folder / "b" / "more.zip", {"three.txt": b"Three words here."})
    job = add(project, folder)
    assert job.result["added"] == ["one.csv", "b/more.zip/three.txt", "b/c/two.md"]
    assert {one["file"] for one in job.result["rejected"]} == {".git", "link.txt", "round"}


def test_names_that_lead_elsewhere_links_and_leftovers_are_refused(tmp_path: Path, scratch: Path) -> None:
    path = packed(tmp_path / "a.zip", {"../up.txt": b"x", "/etc/root.txt": b"x", "C:\\win.txt": b"x", "a/../../b.txt": b"x",
                                       "__MACOSX/._a.txt": b"x", "__MACOSX/._b.txt": b"x", "good.txt": b"words"})
    link = zipfile.ZipInfo("link.txt")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(link, "/etc/passwd")
    found = collect_files([("a.zip", path)], scratch, LIMITS)
    assert codes(found) == {"up.txt": "file_unsafe_path", "etc/root.txt": "file_unsafe_path", "C_/win.txt": "file_unsafe_path",
                            "a/b.txt": "file_unsafe_path", "__MACOSX": "file_hidden", "good.txt": "", "link.txt": "file_link"}
    assert [one.read_bytes() for one in scratch.iterdir()] == [b"words"]
    assert {one.path.parent for one in found if one.path} == {scratch}


def test_bombs_and_broken_archives_are_refused_by_name(tmp_path: Path, scratch: Path) -> None:
    bomb = packed(tmp_path / "bomb.zip", {"a.txt": b" " * 30_000_000})
    whole = packed(tmp_path / "whole.zip", {"a.txt": b"words" * 1000})
    cut, text = tmp_path / "cut.zip", tmp_path / "text.zip"
    cut.write_bytes(whole.read_bytes()[:60])
    text.write_bytes(b"plain words")
    many = packed(tmp_path / "many.zip", {f"{n}.txt": b"" for n in range(5001)})
    found = collect_files([(one.name, one) for one in (bomb, cut, text, many, whole)], scratch, LIMITS)
    assert codes(found) == {"bomb.zip": "file_too_dense", "cut.zip": "file_damaged", "text.zip": "file_wrong_kind",
                            "many.zip": "file_too_dense", "a.txt": ""}


def test_a_flipped_bit_and_a_password_cost_one_file_only(tmp_path: Path, scratch: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("bad.txt", "good.txt", "locked.txt"):
            archive.writestr(name, f"words of {name}")
    data = bytearray(path.read_bytes().replace(b"words of bad", b"words of bat"))
    place = data.rindex(b"PK\x01\x02")  # the directory's entry of the last file
    data[place + 8] |= 1
    path.write_bytes(data)
    assert codes(collect_files([("a.zip", path)], scratch, LIMITS)) == {
        "bad.txt": "file_damaged", "good.txt": "", "locked.txt": "file_encrypted"}


def test_limits_hold_for_what_archives_unpack_to(tmp_path: Path, scratch: Path) -> None:
    path = packed(tmp_path / "a.zip", {f"{n}.txt": bytes(range(256)) * 16 for n in range(4)})
    with pytest.raises(FileRejected, match="together"):
        collect_files([("a.zip", path)], scratch, Limits(file=10_000, total=10_000))
    assert set(codes(collect_files([("a.zip", path)], scratch, Limits(file=4000, total=10_000))).values()) == {"file_too_large"}


def test_names_written_by_other_systems_keep_their_umlauts(tmp_path: Path, scratch: Path) -> None:
    path = packed(tmp_path / "a.zip", {"Gru\u0308ße.txt": b"words"})
    data = path.read_bytes()
    for mark in (b"PK\x03\x04", b"PK\x01\x02"):  # take away the sign that the name is UTF-8
        place = data.index(mark) + (6 if mark == b"PK\x03\x04" else 8)
        data = data[:place + 1] + bytes([data[place + 1] & ~0x08]) + data[place + 2:]
    path.write_bytes(data)
    assert codes(collect_files([("a.zip", path)], scratch, LIMITS)) == {"Grüße.txt": ""}


def test_two_files_of_one_path_are_told_apart(project: Project, tmp_path: Path) -> None:
    left, right = packed(tmp_path / "l.zip", {"x/a.txt": b"left words"}), packed(tmp_path / "r.zip", {"x/a.txt": b"right words"})
    assert add(project, left, right).result["added"] == ["x/a.txt", "x/a (2).txt"]


def test_paths_are_cleaned_part_by_part() -> None:
    assert clean_source_path("../a\nb/./c|d\\e.txt") == "a_b/c_d/e.txt"
    assert clean_source_path("../..") == "file"
