"""The kinds of job: which lane each takes and, by dotted name, the functions of its phase.

In: a kind's name. Out: a `JobKind`. The functions behind the names:

    prepare(project, config, inputs: Path, arguments) -> None     in the submitting process: freezes what the job needs; arguments["promised"]
                                                                  holds the models that the jobs it waits for will make (promises.py)
    fetch(context: JobContext, config) -> None                    in the child, before `run`: downloads what the job needs, with the keys
    run(context: JobContext, config) -> dict                      in the child: the result, or raises JobStopped
    apply(connection, project, job_id, record) -> None            in the worker: one record becomes rows
    makes(config, inputs: Path) -> tuple[str, str]                the name of the model that a job will publish, and its base model

Dotted names, so that `shared` imports no phase and the window's process no training code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType
from typing import Any

from phases.shared.errors import JobError, SettingError
from phases.shared.settings import HUB_KEYS, WRITER_KEYS, keys_named

LANES = ("compute", "light", "cluster")


@dataclass(frozen=True)
class JobKind:
    """One kind of job.

    lane: "compute" needs the machine's accelerator or all its cores; "light" parses, or writes through a service. A training whose
        settings send it to a cluster takes the lane "cluster" instead, which leaves this machine free.
    config: dotted name of the configuration class. apply: "" for kinds that write files only. makes: "" for kinds that publish no model.
    fetch: "" for kinds that download nothing, or do so in `run`.
    keys: names of the keys that the child gets, as far as they are set. calls_services: nothing works without them.
    """

    name: str
    lane: str
    config: str
    prepare: str
    run: str
    apply: str = ""
    keys: tuple[str, ...] = ()
    calls_services: bool = False
    makes: str = ""
    fetch: str = ""


KINDS: Mapping[str, JobKind] = MappingProxyType({kind.name: kind for kind in (
    JobKind("ingest", "light", "phases.rag_data.config:IngestConfig", "phases.rag_data.ingest:prepare",
            "phases.rag_data.ingest_run:run", "phases.rag_data.ingest:apply"),
    JobKind("dataset", "light", "phases.rag_data.config:DatasetConfig", "phases.rag_data.hub:prepare",
            "phases.rag_data.hub:run", "phases.rag_data.ingest:apply", keys=HUB_KEYS),
    JobKind("embed", "compute", "phases.rag_data.config:EmbedConfig", "phases.rag_data.embed:prepare",
            "phases.rag_data.embed:run", "phases.rag_data.embed:apply", keys=HUB_KEYS),
    JobKind("cpt", "compute", "phases.cpt.config:CptConfig", "phases.cpt.corpus:prepare", "phases.cpt.train:run",
            keys=HUB_KEYS, makes="phases.cpt.corpus:makes", fetch="phases.cpt.train:fetch"),
    JobKind("cpt-probe", "compute", "phases.cpt.config:CptConfig", "phases.cpt.corpus:prepare_probe", "phases.cpt.train:probe",
            keys=HUB_KEYS, fetch="phases.cpt.train:fetch"),
    JobKind("sft-data", "light", "phases.sft_data.config:WriteConfig", "phases.sft_data.generate:prepare",
            "phases.sft_data.generate:run", "phases.sft_data.generate:apply", keys=WRITER_KEYS, calls_services=True),
    JobKind("sft", "compute", "phases.sft.config:SftConfig", "phases.sft.data:prepare", "phases.sft.train:run",
            keys=HUB_KEYS, makes="phases.sft.data:makes", fetch="phases.sft.train:fetch"),
    JobKind("sft-probe", "compute", "phases.sft.config:SftConfig", "phases.sft.data:prepare", "phases.sft.train:probe",
            keys=HUB_KEYS, fetch="phases.sft.train:fetch"),
    JobKind("evaluate", "compute", "phases.sft.config:EvaluateConfig", "phases.sft.evaluate:prepare",
            "phases.sft.evaluate:run", keys=HUB_KEYS, fetch="phases.sft.evaluate:fetch"),
    JobKind("export", "compute", "phases.sft.config:ExportConfig", "phases.sft.export:prepare", "phases.sft.export:run",
            keys=HUB_KEYS, fetch="phases.sft.export:fetch"),
    JobKind("push", "light", "phases.sft.config:PushConfig", "phases.sft.push:prepare", "phases.sft.push:run", keys=HUB_KEYS,
            calls_services=True),
)})


def kind_named(kinds: Mapping[str, JobKind], name: str) -> JobKind:
    """The kind of that name. Raises JobError for an unknown one."""
    if name not in kinds:
        raise JobError(f"There is no kind of job '{name}'.", f"Kinds: {', '.join(kinds)}.", subject=name, code="job_kind")
    return kinds[name]


def lane_of(kind: JobKind, config: Any) -> str:
    """Where a job of that kind with these settings works."""
    return "cluster" if getattr(config, "runner", "local") == "slurm" else kind.lane


def keys_for(kind: JobKind, lane: str) -> dict[str, str]:
    """The keys that a job's child gets: none on a cluster, since they do not leave this machine. Raises SettingError when the file of
    keys must be mended and nothing works without them."""
    if lane == "cluster" or not kind.keys:
        return {}
    try:
        return keys_named(kind.keys)
    except SettingError:
        if kind.calls_services:
            raise
        return {}


def load_named(dotted: str) -> Any:
    """What a dotted name "package.module:thing" stands for."""
    module, _, name = dotted.partition(":")
    return getattr(import_module(module), name)
