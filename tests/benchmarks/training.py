"""How a training job compares with a bare TRL script of the same configuration: speed, first step, memory.

    python -m tests.benchmarks.training                    (7 alternating runs of each; --runs N --epochs X)

In: the sample documents and the built-in model. Out: a table with medians and spreads, and the ratios job / script of each
pair of runs. tokens/s counts the tokens read between the end of the first step and the end of the last, saving and logging
included; the time to the first step runs from the command (or the press of Start) to the end of step 1; memory is the
highest resident memory of the training process. Both train on the same rows with the same settings, log every step and
save as often. The script groups rows by length as the job does.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from phases.cpt.config import CptConfig
from phases.shared.files import read_json_lines
from phases.shared.jobs.queue import get_job, submit_job
from phases.shared.jobs.wait import wait_for_job
from phases.shared.models.base import BUILTIN_FOLDER
from phases.shared.options import as_mapping
from phases.shared.project import Project, create_project, sample_documents
from phases.shared.training.plan import save_interval


@dataclass(frozen=True)
class Run:
    """One training: tokens per second, seconds to the end of step 1, highest memory in bytes, mean loss of the last steps."""

    speed: float
    first_step: float
    memory: int
    loss: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--epochs", type=float, default=10.0)
    parser.add_argument("--threads", type=int, default=0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["LEHRLING_LOCKS"] = str(Path(folder, "locks"))
        config = CptConfig(preset="small", learning_rate=2e-3, epochs=given.epochs, max_length=512, threads=given.threads)
        projects, project = sample_project(Path(folder, "projects"))
        jobs: list[Run] = []
        scripts: list[Run] = []
        for number in range(given.runs):
            jobs.append(run_job(projects, project, config))
            scripts.append(run_script(project, config, Path(folder, f"bare-{number}")))
            print(f"{number + 1}: job {jobs[-1]}  script {scripts[-1]}", file=sys.stderr, flush=True)
    show(jobs, scripts)


def sample_project(projects: Path) -> tuple[Path, Project]:
    """A project with the sample documents, added by a job; nothing is held out, so that no run stops to measure."""
    from phases.rag_data.config import IngestConfig
    from phases.rag_data.ingest import ingest_files
    project = create_project(projects, "speed")
    added = ingest_files(projects, project, IngestConfig(holdout_percent=0), list(sample_documents()))
    wait_for_job(projects, added.id, lambda job: None)
    return projects, project


def run_job(projects: Path, project: Project, config: CptConfig) -> Run:
    """Train through the queue, as the Start button does."""
    began = time.time()
    job = submit_job(projects, project, "cpt", config)
    memory = HighestMemory(lambda: get_job(projects, job.id).child_pid)
    ended = wait_for_job(projects, job.id, lambda _: memory.look())
    if ended.state != "done":
        raise SystemExit(f"The job is {ended.state}: {ended.error}")
    lines = list(read_json_lines(project.job_dir(job.id) / "metrics.jsonl"))
    seconds = lines[-1]["seconds"] - lines[0]["seconds"]
    tokens = sum(one["tokens_per_second"] * (one["seconds"] - before["seconds"])
                 for before, one in zip(lines, lines[1:], strict=False))
    losses = [one["loss"] for one in read_json_lines(project.job_dir(job.id) / "loss.jsonl")]
    return Run(tokens / seconds, lines[0]["time"] - began, memory.highest, statistics.mean(losses[-10:]))


def run_script(project: Project, config: CptConfig, folder: Path) -> Run:
    """Train with the bare script on the rows that the job trained on."""
    folder.mkdir()
    rows = rows_of(project, config)
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    steps = -(-len(rows) // config.batch_size) * config.epochs
    settings = {**as_mapping(config), "model": str(BUILTIN_FOLDER), "rows": str(folder / "rows.jsonl"), "out": str(folder / "out"),
                "log": str(folder / "log.jsonl"), "save_steps": save_interval(round(steps), config.save_steps)}
    (folder / "settings.json").write_text(json.dumps(settings), encoding="utf-8")
    began = time.time()
    with (folder / "output.txt").open("w") as output:
        script = subprocess.Popen([sys.executable, "-m", "tests.benchmarks.bare_trl", str(folder / "settings.json")],
                                  stdout=output, stderr=output)
        memory = HighestMemory(lambda: script.pid)
        while script.poll() is None:
            memory.look()
            time.sleep(0.2)
    if script.returncode:
        raise SystemExit((folder / "output.txt").read_text()[-2000:])
    lines = list(read_json_lines(folder / "log.jsonl"))
    speed = (lines[-1]["tokens"] - lines[0]["tokens"]) / (lines[-1]["time"] - lines[0]["time"])
    return Run(speed, lines[0]["time"] - began, memory.highest, statistics.mean(one["loss"] for one in lines[-10:]))


def rows_of(project: Project, config: CptConfig) -> list[dict[str, Any]]:
    """The token rows of the newest job, made as the job makes them."""
    from phases.cpt.train import training_rows
    from phases.shared.training.loading import read_tokenizer
    from phases.shared.training.tokenizers import prepare_tokenizer
    newest = max(project.root.glob("runs/*/inputs/texts.jsonl"), key=lambda path: path.stat().st_mtime)
    tokenizer = read_tokenizer(BUILTIN_FOLDER)
    text_end = tokenizer.eos_token_id
    prepare_tokenizer(tokenizer)
    return training_rows(list(read_json_lines(newest)), tokenizer, text_end, config.max_length)


class HighestMemory:
    """The highest resident memory of a process, as the system counted it (Linux)."""

    def __init__(self, pid: Callable[[], int | None]) -> None:
        self._pid = pid
        self.highest = 0

    def look(self) -> None:
        pid = self._pid()
        try:
            lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines() if pid else []
        except OSError:
            return
        peak = next((line for line in lines if line.startswith("VmHWM:")), "VmHWM: 0 kB")
        self.highest = max(self.highest, int(peak.split()[1]) * 1024)


def show(jobs: Sequence[Run], scripts: Sequence[Run]) -> None:
    """Medians with lowest and highest, and the ratio of each pair of neighbouring runs."""
    print("| | job | bare TRL script | ratio job / script |\n| --- | --- | --- | --- |")
    for label, name, unit in (("tokens/s", "speed", 1), ("first step, s", "first_step", 1), ("memory, MiB", "memory", 2**20),
                              ("loss at the end", "loss", 1)):
        own, other = ([getattr(one, name) / unit for one in runs] for runs in (jobs, scripts))
        ratios = [a / b for a, b in zip(own, other, strict=True)]
        print(f"| {label} | {spread(own)} | {spread(other)} | {spread(ratios)} |")


def spread(values: Sequence[float]) -> str:
    digits = 0 if statistics.median(values) >= 100 else 3
    return f"{statistics.median(values):,.{digits}f} ({min(values):,.{digits}f} to {max(values):,.{digits}f})"


if __name__ == "__main__":
    main()
