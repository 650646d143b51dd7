"""The first rows of a data set, from the hub or a folder, as JSON lines. Runs in a job's child only: the one place that downloads data.

In: the id of a data set or a folder, its configuration, split, and how many rows. Out: a file of rows and what was taken, or
FileRejected with what is wrong and what to do. Programs that come with a data set are never run (`datasets` refuses them).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from phases.rag_data.extract.parquet import NAMELESS_INDEX, without_bytes
from phases.shared.errors import FileRejected, causes_of
from phases.shared.jobs.context import JobStopped


def fetch_rows(path: str, config: str, split: str, limit: int, target: Path, tell: Callable[[int], None],
               key: str = "") -> dict[str, Any]:
    """Write the first rows as JSON lines. Raises FileRejected when the data set cannot be had, with what to do.

    Args:
        tell: called with the number of rows so far; it may raise JobStopped. key: of the hub, "" for none.
    """
    try:
        splits = _opened(path, config, key)
        chosen = split or ("train" if "train" in splits else next(iter(splits)))
        if chosen not in splits:
            raise _refusal(path, f"has no split '{chosen}'", f"Its splits: {', '.join(splits)}.", "dataset_split")
        rows, left_out, indexes, count = splits[chosen], set(), set(), 0
        names = {name: one for name, one in (rows.features or {}).items() if hasattr(one, "int2str")}
        with target.open("w", encoding="utf-8") as file:
            for row in islice(_undecoded(rows), limit + 1):
                tell(count)
                count += 1
                if count <= limit:
                    file.write(json.dumps(_plain(_without_indexes(row, indexes), names, left_out), ensure_ascii=False, default=str) + "\n")
    except (FileRejected, JobStopped):
        raise
    except Exception as problem:  # the library raises what its many parts raise
        raise in_words(problem, path) from None
    if count == 0:
        raise _refusal(path, "has no rows in it", "Choose another split.", "dataset_empty")
    known = (rows.info.splits or {}).get(chosen) if rows.info else None
    return {"config": config, "split": chosen, "splits": list(splits), "rows": min(count, limit), "cut": count > limit,
            "total": known.num_examples if known else 0, "left_out": sorted(left_out), "indexes": sorted(indexes), "licence": (rows.info and rows.info.license) or ""}


def _opened(path: str, config: str, key: str) -> Mapping[str, Any]:
    """The splits of a data set: of a saved one as it is, of any other as a stream, so that only what is read is downloaded."""
    from datasets import load_dataset, load_from_disk
    saved = [Path(path) / name for name in ("state.json", "dataset_dict.json")]
    if not any(one.is_file() for one in saved):
        return load_dataset(path, config or None, streaming=True, token=key or None)
    found = load_from_disk(path)
    return found if hasattr(found, "keys") else {str(found.split or "train"): found}


def _undecoded(rows: Any) -> Iterable[Mapping[str, Any]]:
    """Rows whose pictures and sounds stay bytes: nobody decodes them here."""
    from datasets import Audio, Image, Video
    for name, one in (rows.features or {}).items():
        if isinstance(one, Audio | Image | Video):
            rows = rows.cast_column(name, type(one)(decode=False))
    return rows


def _without_indexes(row: Mapping[str, Any], indexes: set[str]) -> Mapping[str, Any]:
    """A row without the numbers that pandas adds to it; `indexes` gathers their columns' names."""
    found = {key for key in row if NAMELESS_INDEX.fullmatch(key)}
    indexes |= found
    return {key: value for key, value in row.items() if key not in found} if found else row


def _plain(row: Mapping[str, Any], names: Mapping[str, Any], left_out: set[str]) -> dict[str, Any]:
    """A row without bytes, its classes by their names."""
    worded = {key: names[key].int2str(value) if key in names and isinstance(value, int) and value >= 0 else value for key, value in row.items()}
    return without_bytes(worded, left_out)


def in_words(problem: Exception, path: str) -> FileRejected:
    """What the library says, as a sentence."""
    words = [(type(one).__name__, str(one)) for one in causes_of(problem)]
    kinds, said = {kind for kind, _ in words}, " ".join(text for _, text in words)
    listed = re.search(r"available configs: \[(.*?)\]|Available: \[(.*?)\]", said)
    if "GatedRepoError" in kinds or "is a gated dataset" in said:
        return _refusal(path, "is shown only to those who accepted its terms",
                        f"Accept them at huggingface.co/datasets/{path}, then store a key of that account with: python app.py set-key HF_TOKEN.", "dataset_gated")
    if "OfflineModeIsEnabled" in said or "OfflineModeIsEnabled" in kinds:
        return _refusal(path, "cannot be fetched: this program was told to stay offline", "Unset HF_HUB_OFFLINE, or give a folder.", "dataset_offline")
    if kinds & {"DatasetNotFoundError", "RepositoryNotFoundError"}:
        return _refusal(path, "is not on the hub, or is private", "Check its id: OWNER/NAME; a private one needs a key of its owner: python app.py set-key HF_TOKEN.", "dataset_missing")
    if "scripts are no longer supported" in said:
        return _refusal(path, "is loaded by a program of its own, which is never run here",
                        "Choose a data set of Parquet, CSV or JSON files, or download its files and add those.", "dataset_script")
    if listed:
        return _refusal(path, "has several configurations, or not this one", f"Choose one with --config: {listed[1] or listed[2]}.", "dataset_config")
    if kinds & {"EmptyDatasetError", "DataFilesNotFoundError"}:
        return _refusal(path, "holds no files of data", "It needs Parquet, CSV, JSON or text files.", "dataset_empty")
    if isinstance(problem, ConnectionError) or kinds & {"ConnectError", "ConnectTimeout", "ReadTimeout", "LocalEntryNotFoundError"}:
        return _refusal(path, "cannot be fetched: the hub does not answer", "Check the network, or give a folder.", "dataset_offline")
    return _refusal(path, f"cannot be read ({type(problem).__name__}: {str(problem)[:200]})", "Try another split or data set.", "dataset_broken")


def _refusal(path: str, what: str, advice: str, code: str) -> FileRejected:
    name = Path(path).name if Path(path).is_dir() else path
    return FileRejected(f"The data set '{name}' {what}.", advice, subject=name, code=code)
