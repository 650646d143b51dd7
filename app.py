"""Lehrling: `python app.py` opens the window with the four tabs; `python app.py COMMAND ...` is the command line.

    python app.py [--host H] [--port N] [--root-path /PREFIX] [--projects DIR] [--token SECRET] [--allowed-host NAME]
    python app.py demo                      python app.py --help

This file only assembles: the commands live in phases/cli.py, each tab in the `tab.py` of its phase.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path


def main(words: Sequence[str]) -> int:
    """A command when the first word is one, else the window. Returns the exit code."""
    if words and not words[0].startswith("-"):
        from phases.cli import main as run_command

        return run_command(words)
    if {"-h", "--help"} & set(words):
        print_help()
        return 0
    return open_lehrling(window_parser().parse_args(words))


def open_lehrling(given: argparse.Namespace) -> int:
    from phases.shared.errors import LehrlingError
    from phases.shared.project import projects_folder
    from phases.shared.ui.launch import Opening, open_window

    opening = Opening(projects_folder(given.projects), given.host, given.port, given.root_path,
                      given.token or os.environ.get("LEHRLING_TOKEN", ""), tuple(given.allowed_host))
    try:
        open_window(opening, tabs, open_sample)
    except KeyboardInterrupt:
        return 0
    except LehrlingError as problem:
        print(f"lehrling: {problem}", file=sys.stderr)
        return 2
    return 0


def tabs() -> list:
    """The four tabs, in the order of the work."""
    from phases.cpt import tab as cpt
    from phases.rag_data import tab as rag_data
    from phases.sft import tab as sft
    from phases.sft_data import tab as sft_data

    return [rag_data.PLAN, cpt.PLAN, sft_data.PLAN, sft.PLAN]


def open_sample(projects: Path) -> str:
    from phases.rag_data.view import open_sample as make_sample

    return make_sample(projects)


def window_parser() -> argparse.ArgumentParser:
    """The flags of the window."""
    parser = argparse.ArgumentParser(prog="python app.py", add_help=False, description="Opens the window.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (beyond this machine only with a token)")
    parser.add_argument("--port", type=int, default=7860, help="port to listen on (default 7860)")
    parser.add_argument("--root-path", default="", metavar="/PREFIX", help="path prefix behind a reverse proxy")
    parser.add_argument("--projects", metavar="DIR", help="another projects folder (else LEHRLING_PROJECTS, else projects/)")
    parser.add_argument("--token", default="", help="what a browser must know (?token=...); better as LEHRLING_TOKEN")
    parser.add_argument("--allowed-host", action="append", default=[], metavar="NAME", help="a further host name to answer to")
    return parser


def print_help() -> None:
    from phases.cli import build_parser

    build_parser().print_help()
    print("\nwithout a command, the window:\n")
    window_parser().print_help()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
