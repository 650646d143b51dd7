"""The process that does a job's work.    python -m phases.shared.jobs.child JOB_DIR

In: the job's folder (its config.yaml and frozen inputs/) and, on stdin, one JSON line from the worker:
{"job", "run", "fetch", "config", "attempt", "keys"}. Keys come this way only: never in arguments, environment, files or log.
Out: outcome.json, written last: {"state": "done" | "stopped" | "failed", "result", "error"}.

The worker sends the line after it has stored this process's id. End of file instead of a line means that the worker ended in
between: then nothing has begun, and nothing is done, so that a job never has two children.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import traceback
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

import yaml

from phases.shared.files import write_json
from phases.shared.jobs.context import OUTCOME_FILE, JobContext, JobStopped
from phases.shared.jobs.kinds import load_named
from phases.shared.jobs.process import usable_cores
from phases.shared.jobs.queue import CONFIG_FILE
from phases.shared.jobs.reasons import EXIT_DISK_FULL, NO_SPACE, record_of
from phases.shared.jobs.together import work_together
from phases.shared.options import resolve
from phases.shared.project import Project, open_project
from phases.shared.settings import redact

NEVER_BEGAN, NOWHERE_TO_WRITE = 3, 4


class RedactedStream:
    """A text stream that takes keys out of every whole line before it is written."""

    def __init__(self, stream: TextIO, keys: Mapping[str, str]) -> None:
        self._stream = stream
        self._keys = keys
        self._pending = ""

    def write(self, text: str) -> int:
        whole, newline, self._pending = (self._pending + text).rpartition("\n")
        self._stream.write(redact(whole + newline, self._keys))
        return len(text)

    def flush(self) -> None:
        self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def main(arguments: list[str]) -> int:
    """Read the order, work, write the outcome; returns the exit status."""
    job_dir = Path(arguments[0])
    line = sys.stdin.readline()
    if not line.endswith("\n"):
        return NEVER_BEGAN
    order = json.loads(line)
    _forget_stdin()
    if order["keys"]:
        sys.stdout = sys.stderr = RedactedStream(sys.stderr, order["keys"])  # type: ignore[assignment]
    outcome = work(job_dir, order)
    if not job_dir.is_dir():
        return NOWHERE_TO_WRITE  # the project was renamed or deleted: do not make a part of it anew
    try:
        write_json(job_dir / OUTCOME_FILE, outcome)
        sys.stderr.flush()
    except OSError as problem:
        return EXIT_DISK_FULL if problem.errno in NO_SPACE else 1
    gc.freeze()  # else the interpreter looks through all of torch before it leaves, for more than a second
    return 0


def work(job_dir: Path, order: Mapping[str, Any]) -> dict[str, Any]:
    """Run the job, in one process or several; whatever happens becomes an outcome. What it downloads comes first: several processes
    have no keys."""
    project = None
    try:
        project = open_project(job_dir.parents[1].parent, job_dir.parents[1].name)
        config = _config(job_dir, order)
        processes, nodes = getattr(config, "processes", 1), getattr(config, "nodes", 1)
        if hasattr(config, "device"):
            _choose_devices(config)
        if order.get("fetch"):
            load_named(order["fetch"])(JobContext(project, order["job"], order["attempt"], order["keys"]), config)
        if processes * nodes > 1:
            threads = config.threads or max(1, usable_cores() // processes)
            return work_together(project, job_dir, order, processes, threads, nodes)
    except BaseException as problem:
        return _failed(problem, order, project)
    return do_work(job_dir, order)


def do_work(job_dir: Path, order: Mapping[str, Any], rank: int = 0) -> dict[str, Any]:
    """The work of this process; of several that work together the one numbered `rank`."""
    project = None
    try:
        project = open_project(job_dir.parents[1].parent, job_dir.parents[1].name)
        context = JobContext(project, order["job"], order["attempt"], order["keys"], rank)
        context.phase("starting")
        result = load_named(order["run"])(context, _config(job_dir, order))
        outcome = {"state": "done", "result": result or {}, "error": None}
        return _without_keys(outcome, order["keys"])
    except JobStopped as stopped:
        return _without_keys({"state": "stopped", "result": stopped.result, "error": None}, order["keys"])
    except BaseException as problem:
        return _failed(problem, order, project)


def _config(job_dir: Path, order: Mapping[str, Any]) -> Any:
    return resolve(load_named(order["config"]), yaml.safe_load((job_dir / CONFIG_FILE).read_text(encoding="utf-8")))


def _choose_devices(config: Any) -> None:
    """Before torch is loaded: the GPUs that this run may see."""
    from phases.shared.training.hardware import usable_gpus, visible_devices
    chosen = visible_devices(config, usable_gpus(os.environ.get("CUDA_VISIBLE_DEVICES")))
    if chosen is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = chosen


def _failed(problem: BaseException, order: Mapping[str, Any], project: Project | None) -> dict[str, Any]:
    with suppress(MemoryError, OSError):  # what the log cannot take must not keep the reason back
        print(redact("".join(traceback.format_exception(problem)), order["keys"]), file=sys.stderr)
    return _without_keys({"state": "failed", "result": None, "error": record_of(problem, project)}, order["keys"])


def _without_keys(outcome: dict[str, Any], keys: Mapping[str, str]) -> dict[str, Any]:
    return json.loads(redact(json.dumps(outcome, ensure_ascii=False), keys))


def _forget_stdin() -> None:
    """Nobody answers a question that a library would ask."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
