"""The command line as a person types it: exit codes, words, JSON, bad input that changes nothing."""

from __future__ import annotations

import hashlib
import resource
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from pypdf import PdfWriter

from phases.cli import COMMANDS
from phases.shared.project import sample_documents
from tests.conftest import ROOT, Commands

NOTES = """# Bells

The north bell weighs 212 kg. The north bell was cast in 1871 by Ilka Brandow.

The clapper of the north bell is made of iron.
"""


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    path = tmp_path / "bells.md"
    path.write_text(NOTES, encoding="utf-8")
    return path


def fingerprint(folder: Path) -> dict[str, str]:
    """Every file of a project with its content's hash, without the jobs' own folders."""
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.rglob("*")) if path.is_file() and "runs" not in path.parts}


def test_help_comes_within_a_second_and_without_heavy_packages() -> None:
    """A second of the processor's time: by the clock it depends on what else the machine does."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([sys.executable, str(ROOT / "app.py"), "--help"], capture_output=True, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert all(command.name in done.stdout for command in COMMANDS)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 1.0
    shown = subprocess.run([sys.executable, "-X", "importtime", str(ROOT / "app.py"), "--help"], capture_output=True, text=True, check=True)
    loaded = {line.rsplit("|", 1)[-1].strip() for line in shown.stderr.splitlines() if "|" in line}
    assert not loaded & {"torch", "gradio", "transformers", "numpy"}


@pytest.mark.parametrize("words", [("fly",), ("ingest",), ("chunks", "x", "--colour"), ("cpt", "handbook", "--epochs", "many"),
                                   ("chunks", "nowhere"), ("new", "../evil"), ("cpt", "handbook", "--preset", "huge"),
                                   ("sft-data", "handbook", "--style", "sonnet")])
def test_a_wrong_word_exits_2_and_says_what_is_right(lehrling: Commands, words: tuple[str, ...]) -> None:
    lehrling("new", "handbook")
    answer = lehrling(*words)
    assert answer.code == 2, answer.err
    assert answer.err.strip() and "Traceback" not in answer.err


def test_new_ingest_chunks_search(lehrling: Commands, notes: Path) -> None:
    assert lehrling("new", "handbook", "--json").json["project"] == "handbook"
    first = lehrling("ingest", "handbook", str(notes), "--json")
    assert first.code == 0 and first.json["state"] == "done" and first.json["added"] == ["bells.md"]
    assert lehrling("ingest", "handbook", str(notes), "--json").json["unchanged"] == ["bells.md"]
    page = lehrling("chunks", "handbook", "--page", "9", "--json").json
    assert page["page"] == 1
    assert page["total"] >= 1 and "212 kg" in page["chunks"][0]["content"]
    hit = lehrling("search", "handbook", 'who cast the "north bell" OR NOT * 🗼', "--json").json["hits"][0]
    assert "Ilka Brandow" in hit["chunk"]["content"] and "\x02" in hit["snippet"]
    assert "212 kg" in lehrling("search", "handbook", "weighs").out.replace("[", "").replace("]", "")
    assert "Nothing was asked" in lehrling("search", "handbook", "  ").out
    listed = lehrling("projects", "--json").json
    assert [(one["name"], one["documents"]) for one in listed] == [("handbook", 1)]


def test_chunks_are_excluded_edited_deleted_and_undone(lehrling: Commands, notes: Path) -> None:
    lehrling("new", "handbook")
    lehrling("ingest", "handbook", str(notes))
    number = str(lehrling("chunks", "handbook", "--json").json["chunks"][0]["id"])
    lehrling("exclude", "handbook", number)
    assert lehrling("search", "handbook", "clapper", "--json").json["hits"] == []
    lehrling("include", "handbook", number)
    lehrling("edit-chunk", "handbook", number, "--content", "The clapper is made of bronze.")
    assert lehrling("search", "handbook", "bronze", "--json").json["hits"]
    lehrling("delete-chunk", "handbook", number)
    assert lehrling("chunks", "handbook", "--json").json["total"] == 0
    assert lehrling("undo", "handbook").code == 0
    assert "bronze" in lehrling("chunks", "handbook", "--json").json["chunks"][0]["content"]
    assert lehrling("undo", "handbook").code == 0
    assert "212 kg" in lehrling("chunks", "handbook", "--json").json["chunks"][0]["content"]


def test_a_chunk_is_split_merged_and_undone(lehrling: Commands, notes: Path) -> None:
    lehrling("new", "handbook")
    lehrling("ingest", "handbook", str(notes))
    whole = lehrling("chunks", "handbook", "--json").json["chunks"][0]
    number = str(whole["id"])
    assert "stands 2 times" in lehrling("split-chunk", "handbook", number, "--at", "The north bell").err
    assert "does not stand" in lehrling("split-chunk", "handbook", number, "--at", "The south bell").err
    made = lehrling("split-chunk", "handbook", number, "--at", "The clapper", "--json").json["chunks"]
    parts = lehrling("chunks", "handbook", "--json").json["chunks"]
    assert [one["id"] for one in parts] == made and parts[1]["content"].startswith("The clapper")
    assert [one["id"] for one in lehrling("chunks", "handbook", "--contains", "ILKA", "--json").json["chunks"]] == made[:1]
    assert "No chunk fits" in lehrling("chunks", "handbook", "--contains", "zzqq").out
    assert lehrling("merge-chunks", "handbook", number).code == 0
    assert [one["content"] for one in lehrling("chunks", "handbook", "--json").json["chunks"]] == [whole["content"]]
    assert "last of bells.md" in lehrling("merge-chunks", "handbook", number).err
    assert "merged chunks" in lehrling("undo", "handbook").out and "split chunk" in lehrling("undo", "handbook").out
    assert lehrling("chunks", "handbook", "--json").json["chunks"] == [whole]
    assert lehrling("split-chunk", "handbook", number, "--at", "30").code == 0


def bad_files(folder: Path) -> dict[str, Path]:
    folder.mkdir()
    writer = PdfWriter()
    writer.add_blank_page(200, 200)
    writer.encrypt("secret")
    writer.write(folder / "locked.pdf")
    (folder / "empty.txt").write_bytes(b"")
    (folder / "text.pdf").write_text("This is no PDF.", encoding="utf-8")
    (folder / "program.exe").write_bytes(b"MZ\x00\x01")
    (folder / "broken.docx").write_bytes(b"PK\x03\x04 not a real archive")
    return {path.name: path for path in folder.iterdir()}


def test_bad_files_are_named_with_their_reason_and_the_good_one_is_taken(lehrling: Commands, notes: Path, tmp_path: Path) -> None:
    lehrling("new", "handbook")
    bad = bad_files(tmp_path / "bad")
    answer = lehrling("ingest", "handbook", *map(str, bad.values()), str(notes), "--json")
    assert answer.json["added"] == ["bells.md"]
    reasons = {one["file"]: one["reason"] for one in answer.json["rejected"]}
    assert set(reasons) == set(bad)
    assert "encrypted" in reasons["locked.pdf"] or "password" in reasons["locked.pdf"]
    assert "empty" in reasons["empty.txt"]
    assert len(list((lehrling.projects / "handbook" / "data" / "documents").iterdir())) == 1


def test_a_folder_is_taken_with_all_in_it_and_notes_are_shown(lehrling: Commands, notes: Path, tmp_path: Path) -> None:
    lehrling("new", "handbook")
    folder = tmp_path / "papers"
    (folder / "lists").mkdir(parents=True)
    notes.rename(folder / notes.name)
    (folder / "lists" / "bells.jsonl").write_text('{"name": "South bell", "weight": "180 kg"}\nnot JSON\n', encoding="utf-8")
    (folder / "photo.png").write_bytes(b"\x89PNG\r\n")
    (folder / "old.doc").write_bytes(b"\xd0\xcf")
    answer = lehrling("ingest", "handbook", str(folder))
    assert answer.code == 0
    assert "added: bells.md, lists/bells.jsonl" in answer.out
    assert "not taken: photo.png: 'photo.png' is a .png file, which cannot be read.\n" in answer.out
    assert "not taken: old.doc: 'old.doc' is a .doc file, which cannot be read. Open it in its program and save it as DOCX or PDF.\n" in answer.out
    assert answer.out.count("Readable are: .pdf, .docx") == answer.out.count(".parquet") == 1
    assert "note: lists/bells.jsonl: Left out 1 lines that are not JSON: 2." in answer.out
    assert "180 kg" in lehrling("search", "handbook", "South bell", "--json").out


def test_only_bad_files_leave_everything_as_it_was(lehrling: Commands, notes: Path, tmp_path: Path) -> None:
    lehrling("new", "handbook")
    lehrling("ingest", "handbook", str(notes))
    before = lehrling("chunks", "handbook", "--json").out
    files = fingerprint(lehrling.projects / "handbook" / "data" / "documents")
    lehrling("ingest", "handbook", *map(str, bad_files(tmp_path / "bad").values()))
    assert lehrling("chunks", "handbook", "--json").out == before
    assert fingerprint(lehrling.projects / "handbook" / "data" / "documents") == files


def test_nothing_taken_is_a_failure_that_a_script_notices(lehrling: Commands, tmp_path: Path) -> None:
    lehrling("new", "handbook")
    answer = lehrling("ingest", "handbook", *map(str, bad_files(tmp_path / "bad").values()))
    assert answer.code == 1 and "No file was taken." in answer.out and "locked.pdf" in answer.out


def test_a_detached_job_runs_although_nobody_waits(lehrling: Commands, notes: Path) -> None:
    """No window is open and no command waits: the job is seen through all the same, and nothing lives on afterwards."""
    lehrling("new", "handbook")
    job = lehrling("ingest", "handbook", str(notes), "--detach", "--json").json["job"]
    deadline = time.monotonic() + 60
    with sqlite3.connect(lehrling.projects / "jobs.sqlite") as connection:  # looks only: a command would lend a hand
        while connection.execute("SELECT state FROM jobs WHERE id = ?", (job,)).fetchone()[0] != "done":
            assert time.monotonic() < deadline
            time.sleep(0.2)
    assert lehrling("chunks", "handbook", "--json").json["total"] >= 1
    while any("phases.shared.jobs.background" in " ".join(one.info["cmdline"] or ()) and str(lehrling.projects) in one.info["cmdline"]
              for one in psutil.process_iter(["cmdline"])):
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_the_built_in_writer_says_which_language_it_asks_in(lehrling: Commands, notes: Path) -> None:
    lehrling("new", "handbuch", "--language", "de")
    lehrling("ingest", "handbuch", str(notes))
    answer = lehrling("sft-data", "handbuch")
    assert answer.code == 1 and "English only" in answer.err


def test_a_missing_file_is_said_before_anything_starts(lehrling: Commands, tmp_path: Path) -> None:
    lehrling("new", "handbook")
    answer = lehrling("ingest", "handbook", str(tmp_path / "nowhere.pdf"))
    assert answer.code == 1 and "nowhere.pdf" in answer.err
    assert lehrling("jobs", "handbook", "--json").json["jobs"] == []


@pytest.mark.parametrize(("words", "said"), [
    (("cpt", "handbook"), "chunks"), (("sft", "handbook"), "CPT"), (("sft-data", "handbook"), "chunks"),
    (("evaluate", "handbook"), "question"), (("export", "handbook"), "model"), (("chat", "handbook", "--prompt", "Hi?"), "model")])
def test_a_command_that_cannot_start_says_what_is_missing(lehrling: Commands, words: tuple[str, ...], said: str) -> None:
    lehrling("new", "handbook")
    before = fingerprint(lehrling.projects / "handbook" / "models")
    answer = lehrling(*words)
    assert answer.code == 1 and said.lower() in answer.err.lower(), answer.err
    assert "Traceback" not in answer.err
    assert fingerprint(lehrling.projects / "handbook" / "models") == before


@pytest.mark.parametrize("words", [("chunks",), ("reingest",), ("embed",), ("search", "bell", "--mode", "semantic"), ("search", " "),
                                   ("clean-preview", "bells.md"), ("documents",)])
def test_advice_names_the_project(lehrling: Commands, notes: Path, words: tuple[str, ...]) -> None:
    lehrling("new", "the book")
    if words[0] == "clean-preview":
        lehrling("ingest", "the book", str(notes))
    command, *more = words
    answer = lehrling(command, "the book", *more)
    assert "NAME" not in answer.out + answer.err and ('"the book"' in answer.out + answer.err or command == "documents")


def test_a_missing_base_model_is_said(lehrling: Commands, notes: Path, tmp_path: Path) -> None:
    lehrling("new", "handbook")
    lehrling("ingest", "handbook", str(notes))
    answer = lehrling("cpt", "handbook", "--base-model", str(tmp_path / "no model"))
    assert answer.code == 1 and "no model" in answer.err + answer.out
    assert not (lehrling.projects / "handbook" / "models" / "cpt_model").exists()


def test_a_provider_that_is_down_is_said_and_nothing_is_written(lehrling: Commands, notes: Path) -> None:
    lehrling("new", "handbook")
    lehrling("ingest", "handbook", str(notes))
    answer = lehrling("sft-data", "handbook", "--provider", "openai", "--base-url", "http://127.0.0.1:9/v1", "--model", "m",
                      "--count", "3", "--retries", "0", "--json")
    assert answer.code == 1 and answer.json["state"] == "failed"
    assert answer.json["error"]["sentence"] and answer.json["error"]["advice"]
    assert lehrling("pairs", "handbook", "--json").json["total"] == 0


def test_builtin_pairs_review_and_export(lehrling: Commands) -> None:
    lehrling("new", "handbook")
    lehrling("ingest", "handbook", str(next(path for path in sample_documents() if path.suffix == ".md")))
    made = lehrling("sft-data", "handbook", "--provider", "builtin", "--style", "factual", "--count", "40", "--json")
    assert made.code == 0, made.err
    pairs = [one for one in lehrling("pairs", "handbook", "--json").json["pairs"] if one["split"] == "train"]
    lehrling("reject", "handbook", str(pairs[0]["id"]), "--reason", "unclear")
    lehrling("accept", "handbook", str(pairs[1]["id"]))
    states = {one["id"]: one["state"] for one in lehrling("pairs", "handbook", "--json").json["pairs"]}
    assert (states[pairs[0]["id"]], states[pairs[1]["id"]]) == ("rejected", "accepted")
    written = Path(lehrling("export-data", "handbook", "--json").json["file"]).read_text(encoding="utf-8")
    assert pairs[0]["instruction"] not in written and pairs[1]["instruction"] in written


def test_keys_are_stored_for_the_owner_alone(lehrling: Commands) -> None:
    answer = lehrling("set-key", "OPENROUTER_API_KEY", stdin="sk-very-secret\n")
    assert answer.code == 0 and "sk-very-secret" not in answer.out + answer.err
    path = lehrling.projects.parent / "keys" / "keys.yaml"
    assert path.stat().st_mode & 0o077 == 0 and "sk-very-secret" in path.read_text(encoding="utf-8")
