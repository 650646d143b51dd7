"""Small kinds of job for the tests of the queue: their functions run in real child processes.

In: a `SampleConfig`. Out: records, progress, errors or signals, as its `behaviour` says. Every record becomes one row of the
table `changes`, which would take a record twice: whoever applies one twice is seen.
"""

from __future__ import annotations

import errno
import json
import os
import signal
import sqlite3
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from phases.shared.errors import ModelError, NotReady
from phases.shared.jobs.context import JobContext, JobStopped
from phases.shared.jobs.kinds import JobKind
from phases.shared.options import option
from phases.shared.project import Project

HERE = "tests.shared.jobs.sample_kinds"


@dataclass(frozen=True)
class SampleConfig:
    behaviour: str = option("work", label="Behaviour", help="What the job does.")
    count: int = option(3, label="Count", help="Records to write.")
    pause: float = option(0.0, label="Pause", help="Between two records.", unit="s")


class OutOfMemoryError(RuntimeError):
    """Named like torch's."""


def prepare(project: Project, config: SampleConfig, inputs: Path, arguments: Mapping[str, Any]) -> None:
    (inputs / "given.json").write_text(json.dumps(dict(arguments)), encoding="utf-8")
    if config.behaviour == "unready":
        raise NotReady("The sample is not ready.", missing=("There are no documents.", "There is no base model."))


def run(context: JobContext, config: SampleConfig) -> dict[str, Any]:
    BEHAVIOURS.get(config.behaviour, lambda context: None)(context)
    context.phase("working")
    begun = context.records()
    for number in range(len(begun), config.count):
        if context.stop_requested():
            raise JobStopped({"written": number})
        context.record({"number": number, "attempt": context.attempt})
        context.progress(number + 1, config.count, loss=1.0)
        time.sleep(config.pause)
    given = json.loads((context.inputs / "given.json").read_text(encoding="utf-8"))
    return {"written": config.count, "given": given, "pid": os.getpid()}


def apply(connection: sqlite3.Connection, project: Project, job_id: str, record: Mapping[str, Any]) -> None:
    if record.get("poison"):
        raise ModelError("This record cannot be applied.", "Leave it out.")
    connection.execute("INSERT INTO changes (batch, at, action, table_name, row_id) VALUES (?, ?, ?, 'sample', ?)",
                       (record["sequence"], "now", job_id, record["number"]))


def rows_of(connection: sqlite3.Connection, job_id: str) -> list[int]:
    """The numbers that a job's records left in the knowledge base."""
    return [row["row_id"] for row in connection.execute("SELECT row_id FROM changes WHERE action = ? ORDER BY id", (job_id,))]


def _fail_in_words(context: JobContext) -> None:
    raise ModelError("The sample model is missing.", "Choose another one.", subject="sample")


def _fail_unexpectedly(context: JobContext) -> None:
    raise KeyError("somewhere")


def _run_out_of_memory(context: JobContext) -> None:
    raise OutOfMemoryError("tried to allocate 80 GiB")


def _fill_the_disk(context: JobContext) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def _be_killed(context: JobContext) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _write_poison(context: JobContext) -> None:
    context.record({"poison": True})
    time.sleep(30)


def _ignore_the_end(context: JobContext) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    context.phase("deaf")
    time.sleep(60)


def _tell_the_keys(context: JobContext) -> None:
    """Try every way in which a key could get out."""
    key = context.keys["OPENAI_API_KEY"]
    (context.job_dir / "length.txt").write_text(str(len(key)), encoding="utf-8")
    print(f"printed {key}", flush=True)
    sys.stderr.write(key[:9])
    sys.stderr.write(key[9:] + "\n")
    context.log(f"logged {key}")
    context.phase(f"phase {key}")
    context.record({"number": 0, "text": f"recorded {key}"})
    time.sleep(1.0)
    raise RuntimeError(f"the service refused {key}")


BEHAVIOURS = {"fail": _fail_in_words, "crash": _fail_unexpectedly, "memory": _run_out_of_memory, "disk": _fill_the_disk,
              "killed": _be_killed, "poison": _write_poison, "deaf": _ignore_the_end, "keys": _tell_the_keys}

SAMPLE_KINDS: Mapping[str, JobKind] = {kind.name: kind for kind in (
    JobKind("train", "compute", f"{HERE}:SampleConfig", f"{HERE}:prepare", f"{HERE}:run"),
    JobKind("write", "light", f"{HERE}:SampleConfig", f"{HERE}:prepare", f"{HERE}:run", f"{HERE}:apply",
            keys=("OPENAI_API_KEY",), calls_services=True),
    JobKind("parse", "light", f"{HERE}:SampleConfig", f"{HERE}:prepare", f"{HERE}:run", f"{HERE}:apply"),
)}
