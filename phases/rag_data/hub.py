"""A Hugging Face data set -> a document of the knowledge base: its first rows, read as records.

In: the id of a data set (or a folder with one), its configuration and split, how many rows, and a template. Out: one document with
its chunks, named by id, configuration and split; its rows are kept as the original.
Command: `python app.py import-dataset NAME ID_OR_FOLDER [--config C] [--split S] [--limit N] [--template "..."] [--look]`

    import_dataset   checks, then submits a job                (window or command)
    prepare          freezes what is asked for                 (the same process; no network)
    run              fetches rows, then adds them as an import adds a JSONL file    (the job's child)

No program that comes with a data set is ever run.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from phases.rag_data.config import DatasetConfig, IngestConfig, check_config
from phases.rag_data.extract.records import Records, flatten
from phases.rag_data.hub_rows import fetch_rows
from phases.rag_data.ingest_run import run as run_import
from phases.rag_data.originals import copy_original
from phases.rag_data.preview import preview_records
from phases.rag_data.shape import LABELS
from phases.rag_data.templates import columns_of, offers, parse_template
from phases.shared.database.connection import knowledge
from phases.shared.errors import NotReady
from phases.shared.files import sha256_of, sync_folder, write_json
from phases.shared.jobs.context import JobContext, JobStopped
from phases.shared.jobs.queue import Job, submit_job
from phases.shared.options import as_mapping, resolve
from phases.shared.project import Project
from phases.shared.settings import hub_key

HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")
LOOKED_AT = 20
ROWS = "rows.jsonl"
ASKED = "dataset.json"


@dataclass(frozen=True)
class Recommended:
    """A data set to begin with, and what is known of its terms."""

    id: str
    about: str
    terms: str


RECOMMENDED: tuple[Recommended, ...] = (
    Recommended("medalpaca/medical_meadow_mediqa", "Health: questions with answers from medical sources", "no licence known here"),
    Recommended("gbharti/finance-alpaca", "Finance: instructions with answers", "said to be MIT; its sources have terms of their own"),
    Recommended("pile-of-law/pile-of-law", "Law: court opinions, contracts, statutes",
                "CC BY-NC-SA 4.0, not for commerce; has a loading program, which is never run here: if it is refused, add its files by themselves"),
)


def import_dataset(projects: Path, project: Project, config: DatasetConfig, dataset: str, *, look: bool = False) -> Job:
    """Submit a job that adds the rows, or with `look` only shows the first. Raises NotReady or SettingError."""
    return submit_job(projects, project, "dataset", config, arguments={"dataset": dataset.strip(), "look": look})


def prepare(project: Project, config: DatasetConfig, inputs: Path, arguments: Mapping[str, Any]) -> None:
    """Freeze what is asked for, with the project's settings for adding documents."""
    dataset = str(arguments.get("dataset") or "")
    folder = Path(dataset).expanduser()
    is_folder = bool(dataset) and folder.is_dir()
    if not is_folder and not HUB_ID.fullmatch(dataset):
        raise NotReady(f"'{dataset}' is neither the id of a data set nor a folder." if dataset else "No data set was chosen.",
                       "An id reads OWNER/NAME, as in medalpaca/medical_meadow_mediqa.", subject=dataset, code="dataset_name")
    if config.template.strip():
        parse_template(config.template)
    settings = resolve(IngestConfig, project.settings.get("ingest"), {"template": config.template})
    check_config(settings)
    write_json(inputs / ASKED, {"dataset": folder.resolve().name if is_folder else dataset, "look": bool(arguments.get("look")),
                                "path": str(folder.resolve()) if is_folder else dataset, "ingest": as_mapping(settings)})
    with knowledge(project):  # made here, because the job's child only reads it
        pass


def run(context: JobContext, config: DatasetConfig) -> dict[str, Any]:
    """Fetch the rows, then add them; a resumed job goes on with the rows that it has."""
    asked = json.loads((context.inputs / ASKED).read_text(encoding="utf-8"))
    about_file = context.inputs / "fetched.json"
    if not about_file.exists():
        context.phase("downloading")
        limit = LOOKED_AT if asked["look"] else config.limit
        fetched = fetch_rows(asked["path"], config.config, config.split, limit, context.job_dir / ROWS, _teller(context, limit),
                             hub_key(context.keys))
        write_json(about_file, _read_as(fetched, config, asked, context.job_dir / ROWS))
    about = json.loads(about_file.read_text(encoding="utf-8"))
    if asked["look"]:
        return about
    settings = resolve(IngestConfig, asked["ingest"], {"template": about["template"]})
    if not (context.inputs / "files.json").exists():
        write_json(context.inputs / LABELS, {})
        write_json(context.inputs / "files.json", [_kept(context, about)])
    return {**run_import(context, settings), **about}


def _teller(context: JobContext, limit: int) -> Callable[[int], None]:
    """Tells how many rows are here, and heeds a stop: the rows are fetched anew when the job is resumed."""

    def tell(rows: int) -> None:
        context.progress(rows, limit)
        if context.stop_requested():
            raise JobStopped

    return tell


def _read_as(fetched: dict[str, Any], config: DatasetConfig, asked: Mapping[str, Any], rows: Path) -> dict[str, Any]:
    """How the rows will read: the template that was given, else a ready one that fits their columns; and the first of them."""
    source = "/".join(one for one in (asked["dataset"], fetched["config"], f"{fetched['split']}.jsonl") if one)
    with rows.open(encoding="utf-8") as file:
        records = [flatten(json.loads(line), source) for line in islice(file, LOOKED_AT)]
    ready = [one for one in offers(columns_of(records)) if one.label != "Every column"]
    template = config.template.strip("\n ") or (ready[0].text if ready else "")
    found = preview_records(Records(records, None), template, source)
    return {**fetched, "source": source, "template": template, "columns": found.columns, "sample": found.records,
            "offers": [asdict(one) for one in found.offers]}


def _kept(context: JobContext, about: Mapping[str, Any]) -> dict[str, Any]:
    """The rows as an original of the project, listed as an import lists its files."""
    rows = context.job_dir / ROWS
    digest = sha256_of(rows)
    stored = f"{digest}.jsonl"
    copy_original(rows, context.project.documents / stored)
    sync_folder(context.project.documents)
    how = about["template"].replace("\n", " / ") or "sections of fields"
    notes = [f"Read as: {how}"]
    if about["cut"]:
        of = f" of {about['total']:,}" if about["total"] else "; there are more"
        notes.append(f"Took the first {about['rows']:,} rows{of}.")
    if len(about["splits"]) > 1:
        notes.append(f"Took the split '{about['split']}' of {', '.join(about['splits'])}.")
    if about["left_out"]:
        notes.append(f"Left out what is not text in: {', '.join(about['left_out'])}.")
    return {"source": about["source"], "stored": stored, "sha256": digest, "bytes": rows.stat().st_size, "rejected": None, "notes": notes}
