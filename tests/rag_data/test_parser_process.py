"""Parsers forked from a process that has loaded their libraries: they read and misbehave like those that are started one by one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from phases.rag_data.clean import Cleaning
from phases.rag_data.config import IngestConfig
from phases.rag_data.extract.parser import MEMORY_BYTES, Parser
from phases.rag_data.extract.parser_process import FORKS, ForkServer, start_parser
from phases.shared.errors import FileRejected
from phases.shared.models.tokenizer import BUILTIN_FOLDER
from phases.shared.options import as_mapping
from tests.rag_data.files import make_docx, make_pdf

forks = pytest.mark.skipif(not FORKS, reason="this system does not fork parsers")
CUTTING = {"config": as_mapping(IngestConfig(chunk_size=64, chunk_overlap=8)), "name": "builtin", "tokenizer": str(BUILTIN_FOLDER / "tokenizer.json")}


@pytest.fixture
def server() -> Iterator[ForkServer]:
    with ForkServer() as running:
        running.load(["pdf"])
        yield running


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def eventually(holds: Callable[[], bool]) -> bool:
    until = time.monotonic() + 20
    while not holds() and time.monotonic() < until:
        time.sleep(0.02)
    return holds()


def gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


@forks
def test_a_forked_parser_reads_what_one_by_itself_reads(server: ForkServer, tmp_path: Path) -> None:
    files = [make_pdf(tmp_path / "a.pdf", 12), make_docx(tmp_path / "b.docx"), written(tmp_path / "c.md", "# Über uns\n\n" + "Die Wörter sind gezählt. " * 90)]
    with Parser(Cleaning(), cutting=CUTTING, start=server.start) as forked, Parser(Cleaning(), cutting=CUTTING) as alone:
        for one in files:
            document, chunks = forked.read(one, one.name)
            assert (document, chunks) == alone.read(one, one.name)
            assert chunks


@forks
def test_a_forked_parser_has_the_libraries_already(server: ForkServer, tmp_path: Path) -> None:
    """Loading them takes a parser that is started by itself most of half a second of the processor."""
    text = written(tmp_path / "a.md", "Words of the keeper. " * 40)
    with Parser(Cleaning(), cutting=CUTTING, start=server.start) as parser:
        parser.read(text, "a.md")
        forked = parser._child.processor_seconds()
    with Parser(Cleaning(), cutting=CUTTING) as parser:
        parser.read(text, "a.md")
        assert forked < 0.5 * parser._child.processor_seconds()


@forks
@pytest.mark.parametrize(("word", "code"), [("hang", "file_too_slow"), ("crash", "file_damaged"), ("swell", "file_too_dense"), ("raise", "file_damaged")])
def test_a_forked_parser_that_misbehaves_costs_its_file_only(hostile: Path, word: str, code: str) -> None:
    bad, good = written(hostile / "bad.txt", word), written(hostile / "good.txt", "print")
    with ForkServer() as server, Parser(Cleaning(), seconds=2, start=server.start) as parser:
        assert parser.extract(good, "good.txt").text == "print"
        with pytest.raises(FileRejected) as refused:
            parser.extract(bad, "bad.txt")
        assert refused.value.code == code
        assert word != "crash" or "its reader ended with code -6" in str(refused.value)
        assert parser.extract(good, "good.txt").text == "print"


@forks
def test_neither_gets_keys_and_both_end_with_the_import(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    with ForkServer() as server:
        parser = server.start(MEMORY_BYTES)  # nobody ends it
        both = [psutil.Process(server._process.pid), psutil.Process(parser.pid)]
        assert both[1].ppid() == both[0].pid
        assert all("sk-secret" not in json.dumps(one.environ()) for one in both)
    assert eventually(lambda: all(gone(one.pid) for one in both))


@forks
def test_where_the_server_was_killed_parsers_come_by_themselves(server: ForkServer, tmp_path: Path) -> None:
    text = written(tmp_path / "a.txt", "Words of the keeper.")
    with Parser(Cleaning(), start=server.start) as parser:
        parser.extract(text, "a.txt")
        server._process.kill()
        server._process.wait()
        assert parser.extract(text, "a.txt").text == "Words of the keeper."
        parser._child.kill()
        assert eventually(lambda: not parser._child.is_alive())
        assert parser.extract(text, "a.txt").text == "Words of the keeper."


@forks
def test_a_server_that_hangs_is_not_waited_for_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("phases.rag_data.extract.parser_process.PATIENCE_SECONDS", 0.5)
    with ForkServer() as server:
        server._process.send_signal(signal.SIGSTOP)
        with Parser(Cleaning(), start=server.start) as parser:
            assert parser.extract(written(tmp_path / "a.txt", "Words of the keeper."), "a.txt").text == "Words of the keeper."
        assert eventually(lambda: gone(server._process.pid))


def test_a_system_that_does_not_fork_starts_each_by_itself(tmp_path: Path) -> None:
    with ForkServer(forks=False) as server, Parser(Cleaning(), start=server.start) as parser:
        server.load(["pdf"])
        assert parser.extract(written(tmp_path / "a.txt", "Words of the keeper."), "a.txt").text == "Words of the keeper."
        assert psutil.Process(parser._child.pid).ppid() == os.getpid()


@forks
def test_nobody_is_left_when_the_import_is_killed(tmp_path: Path) -> None:
    """Its parsers and their server see their streams end."""
    script = ("import time; from phases.rag_data.extract.parser_process import ForkServer\n"
              "server = ForkServer(); parser = server.start(900_000_000)\n"
              "print(server._process.pid, parser.pid, flush=True); time.sleep(60)")
    running = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    pids = [int(one) for one in running.stdout.readline().split()]
    assert not any(map(gone, pids))
    running.send_signal(signal.SIGKILL)
    running.wait()
    running.stdout.close()
    assert eventually(lambda: all(map(gone, pids)))


def test_the_end_of_a_parser_tells_how_it_ended() -> None:
    alone = start_parser(MEMORY_BYTES)
    os.kill(alone.pid, signal.SIGABRT)
    assert eventually(lambda: not alone.is_alive())
    assert alone.end() == -signal.SIGABRT
