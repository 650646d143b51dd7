"""The model card: a README.md that tells whoever finds the folder what the model is, what it was made from, and how it did.

In: the model's description, the settings and hash of its job, what it read and what was measured. Out: README.md; for an export the
same without what is nobody else's business: names of documents and places on this machine.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from phases.shared.files import write_atomically
from phases.shared.models.base import HUB_ID
from phases.shared.models.folder import ModelInfo
from phases.shared.models.licence import licence_fields
from phases.shared.training.checkpoints import library_versions


@dataclass(frozen=True)
class Lineage:
    """Everything a card says. `read` is what was trained on in numbers and names; `figures` what was measured; `curve` the rows of
    the loss curve that are shown ({"step", "epoch", "smoothed", "eval_loss"?, "rate"}, losses in nats a token)."""

    title: str
    info: ModelInfo
    config: Mapping[str, Any]
    data_hash: str
    read: Mapping[str, Any]
    figures: Mapping[str, Any]
    curve: Sequence[Mapping[str, Any]] = ()
    language: str = "en"


def write_card(folder: Path, lineage: Lineage) -> None:
    """Write README.md into a model folder, with the front matter of the Hugging Face hub."""
    info = lineage.info
    front = _front(info, lineage.language, ["lehrling", str(lineage.config.get("method", "lora")), info.kind])
    parent = f"{info.parent.get('name', 'base')} ({info.parent['job']})" if info.parent.get("job") else info.parent.get("name", "base")
    parts = [front, f"# {lineage.title}", _what_it_is(info),
             "## Lineage", _table({"base model": info.base, "base model's hash": info.base_hash, "trained from": parent,
                                   "job": info.job, "made": info.created, "hash of the data": lineage.data_hash, **lineage.read}),
             "## Figures", _table(lineage.figures), *_curve(lineage.curve), "## Settings", _table(lineage.config),
             "## Library versions", _table(library_versions())]
    write_atomically(folder / "README.md", "\n\n".join(parts) + "\n")


def write_exported_card(folder: Path, source: Path, info: ModelInfo, kind: str, language: str) -> None:
    """The card of an export ("full" or "adapter"), made from the one in `source` where that has one."""
    whole = replace(info, kind=kind)
    try:
        text = (source / "README.md").read_text(encoding="utf-8").split("---\n", 2)[2].strip() if info.phase != "base" else ""
    except (OSError, IndexError):
        text = ""
    text = text or f"# {info.name or 'Model'} of a Lehrling project\n\n{_what_it_is(whole)}"
    text = text.replace(_what_it_is(info), _what_it_is(whole)).replace(info.base, name_for_others(info.base))
    text = re.sub(r"(?m)^\| documents \| .* \|$", "| documents | (their names are left out) |", text)
    write_atomically(folder / "README.md", f"{_front(whole, language, ['lehrling', info.phase])}\n\n{text}\n")


def name_for_others(base: str) -> str:
    """A base model's hub id, or the last part of a folder's path: where it lies is nobody else's business."""
    return base if HUB_ID.fullmatch(base) else Path(base).name


def _front(info: ModelInfo, language: str, tags: list[str]) -> str:
    """The fields that the Hugging Face hub reads."""
    fields = {"language": language, **licence_fields(info.base), "library_name": "peft" if info.kind == "adapter" else "transformers",
              "pipeline_tag": "text-generation", "tags": tags, **({"base_model": info.base} if HUB_ID.fullmatch(info.base) else {})}
    return f"---\n{yaml.safe_dump(fields, sort_keys=False, allow_unicode=True)}---"


def _what_it_is(info: ModelInfo) -> str:
    if info.phase == "base":
        return "A base model as it was chosen, without any training: full weights in safetensors with its tokenizer and a chat template."
    if info.phase == "cpt" and info.kind == "adapter":
        return ("A LoRA adapter from continued pretraining on a project's own documents. It needs its base model and is loaded "
                "with `peft.PeftModel.from_pretrained`.")
    if info.phase == "cpt":
        return ("A full model from continued pretraining on a project's own documents, with every weight trained: `transformers` loads it as "
                "it is. It goes on with a text; it has not learnt to answer.")
    return ("A full model in safetensors with its tokenizer and chat template: `transformers` loads it as it is. It answers what "
            "its documents say; like every language model it can be wrong, so check what matters.")


def _table(values: Mapping[str, Any]) -> str:
    rows = [f"| {str(key).replace('_', ' ')} | {_cell(value)} |" for key, value in values.items()]
    return "\n".join(["| | |", "|---|---|", *rows])


def _curve(points: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """The course of the training as a table; the loss is smoothed as in the window."""
    if not points:
        return ()
    head = ("step", "epoch", "training loss, smoothed", "held-out loss", "learning rate")
    rows = [(point["step"], *(point.get(name) for name in ("epoch", "smoothed", "eval_loss", "rate"))) for point in points]
    lines = [head, ("---:",) * len(head), *([_cell(value) for value in row] for row in rows)]
    return "## Curves", "\n".join(f"| {' | '.join(line)} |" for line in lines)


def id_ranges(ids: Iterable[int], most: int = 60) -> str:
    """Numbers in words that a person can look up: "1 to 8, 10"; of very many pieces the first."""
    pieces: list[list[int]] = []
    for one in sorted(set(ids)):
        if pieces and one == pieces[-1][1] + 1:
            pieces[-1][1] = one
        else:
            pieces.append([one, one])
    said = [str(first) if first == last else f"{first} to {last}" for first, last in pieces[:most]]
    return ", ".join(said) + (f", and others up to {pieces[-1][1]}" if len(pieces) > most else "")


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{str(key).replace('_', ' ')} {_cell(one)}" for key, one in value.items()) or "-"
    return str(value if value not in (None, "") else "-").replace("|", "\\|").replace("\n", " ")
