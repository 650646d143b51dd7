"""What became of the files of an import: its records in short, its result, its log.

In: records as shelf.py makes them. Out: what the job remembers of each file, and the job's result.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from phases.rag_data.clean.switches import added_up
from phases.rag_data.extract.formats import readable_endings

STORED = {"added", "replaced", "read_again"}


def summary_of(record: Mapping[str, Any]) -> dict[str, Any]:
    """What the job remembers of a file: not its text."""
    return {"file": record["file"]["source"], "sha256": record["file"]["sha256"], "outcome": record["outcome"],
            "notes": record["notes"], "reason": record.get("reason"), "chunks": sum(len(one.get("chunks", ())) for one in record.get("parts", [record])),
            "cleaning": record["document"]["reading"]["cleaning"] if "document" in record else {}}


def result_of(done: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The job's result: names by outcome, reasons of the refused, the number of new chunks, all notes, and what cleaning did:
    with examples in all, as counts for each file. Where a file's ending is not known, those that are stand once, as `readable`.
    """
    by_outcome = {kind: [one["file"] for one in done if one["outcome"] == kind] for kind in ("added", "unchanged", "replaced", "read_again")}
    readable = readable_endings()
    rejected = [{"file": one["file"], "reason": one["reason"]["sentence"], "advice": one["reason"]["advice"].removesuffix(readable).rstrip()}
                for one in done if one["outcome"] == "rejected"]
    unknown = any(one["reason"]["advice"].endswith(readable) for one in done if one["outcome"] == "rejected")
    notes = [{"file": one["file"], "note": note} for one in done for note in one["notes"]]
    cleaned = [{"file": one["file"], "steps": {step: about["count"] for step, about in one["cleaning"].items()}}
               for one in done if one["cleaning"]]
    return {**by_outcome, "rejected": rejected, **({"readable": readable} if unknown else {}), "chunks": sum(one["chunks"] for one in done), "notes": notes,
            "cleaning": added_up(one["cleaning"] for one in done), "cleaned": cleaned}


def in_words(done: Mapping[str, Any]) -> str:
    """A line of the log."""
    if done["outcome"] == "rejected":
        return f"rejected: {done['reason']['sentence']}"
    chunks = f", {done['chunks']} chunks" if done["outcome"] in STORED else ""
    return f"{done['outcome']}: {done['file']}{chunks}"
