"""How well the plan foretells a training: planned against real, on five different runs.

    python -m tests.benchmarks.preflight [--only N]

Each is planned, probed ("Measure time and memory"), and then run through the queue, as a person does with commands. Out: steps and tokens
(which have to be equal), job seconds and peak memory (real over planned; the aims are 0.75 to 1.25 and 0.85 to 1.15).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any

from phases.shared.jobs.queue import get_job
from phases.shared.project import SAMPLE_DOCUMENTS, open_project
from phases.shared.training.measured import MEASURED_FILE
from tests.tiny_models import make_tiny_model

ROOT = Path(__file__).parents[2]
RUNS = (  # title, base model, command, flags
    ("built-in CPT, small preset", "builtin", "cpt", ("--preset", "small", "--epochs", "4")),
    ("built-in CPT, short and wide", "builtin", "cpt", ("--max-length", "192", "--batch-size", "8", "--epochs", "5", "--lora-rank", "8")),
    ("built-in SFT from base", "builtin", "sft", ("--parent", "base", "--preset", "small", "--epochs", "4")),
    ("tiny CPT", "tiny", "cpt", ("--epochs", "2", "--learning-rate", "1e-3")),
    ("tiny SFT, accumulated", "tiny", "sft", ("--parent", "base", "--batch-size", "2", "--gradient-accumulation", "4", "--epochs", "6",
                                            "--max-length", "256")))


def command(projects: Path, *words: str) -> Any:
    """What `python app.py WORDS --json` prints."""
    place = {**os.environ, "LEHRLING_PROJECTS": str(projects), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run([sys.executable, str(ROOT / "app.py"), *words, "--json"], capture_output=True, text=True, env=place, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(words)}: {done.stderr[-2000:]}")
    return json.loads(done.stdout)


def make_project(projects: Path, name: str, base: str) -> None:
    """The sample documents with some pairs, for a base model."""
    command(projects, "new", name, "--base-model", base)
    command(projects, "ingest", name, *map(str, sorted(SAMPLE_DOCUMENTS.glob("*"))))
    command(projects, "sft-data", name, "--provider", "builtin", "--style", "factual", "--count", "60")


def compare(projects: Path, project: str, kind: str, flags: tuple[str, ...]) -> dict[str, Any]:
    plan = command(projects, kind, project, *flags, "--probe")["plan"]
    result = command(projects, kind, project, *flags)
    job = get_job(projects, result["job"])
    measured = json.loads((open_project(projects, project).job_dir(job.id) / MEASURED_FILE).read_text(encoding="utf-8"))
    seconds = (datetime.fromisoformat(job.ended) - datetime.fromisoformat(job.started)).total_seconds()
    return {"steps": (plan["steps"], result["steps"]), "tokens": (plan["tokens_in_all"], result["tokens"]),
            "seconds": (plan["seconds"], seconds), "memory": (plan["memory_bytes"] / 2**20, measured["peak_bytes"] / 2**20)}


def main(words: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", type=int, metavar="N", help="only the N-th run, from 1")
    only = parser.parse_args(words).only
    with tempfile.TemporaryDirectory() as folder:
        projects = Path(folder) / "projects"
        projects.mkdir()
        tiny = make_tiny_model(Path(folder) / "tiny", context=512)
        made: set[str] = set()
        print(f"{'run':32}{'steps':>12}{'tokens':>18}{'seconds':>18}{'ratio':>7}{'memory MiB':>16}{'ratio':>7}")
        for number, (title, base, kind, flags) in enumerate(RUNS, 1):
            if only not in (None, number):
                continue
            if base not in made:
                make_project(projects, base, str(tiny) if base == "tiny" else base)
                made.add(base)
            found = compare(projects, base, kind, flags)
            (planned, real), (foretold, peak) = found["seconds"], found["memory"]
            print(f"{title:32}{found['steps'][0]:>6}{found['steps'][1]:>6}{found['tokens'][0]:>9}{found['tokens'][1]:>9}{planned:>9.1f}{real:>9.1f}"
                  f"{real / planned:>7.2f}{foretold:>8.0f}{peak:>8.0f}{peak / foretold:>7.2f}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
