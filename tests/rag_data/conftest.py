"""A parser child that misbehaves on demand."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from phases.rag_data.extract import parser_process


@pytest.fixture
def hostile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A parser child that hangs, works for 0.8 seconds, dies or swells when the file's text says so, put where the real one is started."""
    script = tmp_path / "hostile_parser.py"
    script.write_text(
        "import os, runpy, sys, time\n"
        "from pathlib import Path\n"
        "from phases.rag_data.extract import formats\n"
        "real = formats.extract_document\n"
        "def extract(path, source, cleaning):\n"
        "    word, began = Path(path).read_text().strip(), time.process_time()\n"
        "    if word == 'hang': time.sleep(60)\n"
        "    if word == 'spin':\n"
        "        while True: pass\n"
        "    while word == 'work' and time.process_time() < began + 0.8: pass\n"
        "    if word == 'crash': os.abort()\n"
        "    if word == 'swell': bytearray(3_000_000_000)\n"
        "    if word == 'raise': raise RuntimeError('broken')\n"
        "    if word == 'print': print('noise on stdout', flush=True)\n"
        "    return real(path, source, cleaning)\n"
        "formats.extract_document = extract\n"
        "runpy.run_module(sys.argv.pop(1), run_name='__main__', alter_sys=True)\n")
    wrapper = tmp_path / "python"
    wrapper.write_text(f"#!/bin/sh\nshift\nexec '{sys.executable}' '{script}' \"$@\"\n")
    wrapper.chmod(0o755)
    monkeypatch.setattr(parser_process.sys, "executable", str(wrapper))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    return tmp_path
