"""Pairs -> `data/NAME.jsonl`, the file that other programs read: a line {"instruction", "output"} for each training pair.

    python app.py export-data NAME --dataset sft_data
"""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

from phases.shared.database.pairs import dataset_pairs
from phases.shared.files import write_atomically
from phases.shared.project import Project


def export_dataset(project: Project, connection: sqlite3.Connection, name: str = "sft_data") -> Path:
    """Write the data set's training pairs that are not rejected; held-out and validation pairs never leave by this door."""
    pairs = dataset_pairs(connection, name, "train", accepted_only=False)
    lines = [json.dumps({"instruction": one.instruction, "output": one.output}, ensure_ascii=False) for one in pairs]
    path = project.dataset_file(name)
    write_atomically(path, "".join(f"{line}\n" for line in lines))
    return path
