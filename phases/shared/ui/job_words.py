"""A job in words: what it is, how far it is, how it ended. Pure functions from a `Job` to text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from phases.shared.database.jobs import now
from phases.shared.jobs.queue import Job
from phases.shared.jobs.times import local_time
from phases.shared.ui.figures import duration, number, percent, size
from phases.shared.ui.texts import many, say, word


def kind_of(job: Job) -> str:
    return word("job", job.kind)


def progress_words(job: Job) -> list[str]:
    """ "training", "step 120 of 300", "loss 2.31", "4 min left": what is known by now."""
    progress: Mapping[str, Any] = job.progress or {}
    parts = [word("phase", str(progress["phase"]))] if progress.get("phase") else [say("status.starting")]
    if progress.get("total"):
        parts.append(done_words(job))
    if progress.get("loss") is not None:
        parts.append(say("status.loss", loss=number(progress["loss"])))
    if progress.get("eta_seconds") is not None:
        parts.append(say("status.left", time=duration(progress["eta_seconds"])))
    if progress.get("text"):
        parts.append(str(progress["text"]))
    return parts


def run_line(job: Job) -> str:
    """A run in a tab's head: "step 5 of 300", "waiting", "done, loss 1.82"."""
    if job.state == "running":
        return ", ".join(progress_words(job)[:2])
    loss = (job.result or {}).get("train_loss")
    if job.state == "done" and loss is not None:
        return say("training.state_done", loss=number(loss))
    return word("state", job.state)


def head_line(data: str, job: Job | None, *, made: bool = True) -> str:
    """A tab's second line: the state of its data, and beside it a job that goes on, waits or did not end well: "model ready · job waiting".
    A running job alone is told while there is nothing `made` yet."""
    if job is None or job.state == "done":
        return data
    if job.state == "running":
        return f"{data} · {progress_words(job)[:2][-1]}" if made else run_line(job)
    name = say("head.job") if job.kind in ("cpt", "sft", "sft-data") else kind_of(job)
    return f"{data} · {name} {word('state', job.state)}"


def about_words(job: Job) -> str:
    """What a job is about, in few words from its settings: "model cpt-lamps, 3 epochs", "100 pairs"; "" where its kind says it all."""
    had, parts = job.config, []
    if job.kind.split("-probe")[0] in ("cpt", "sft"):
        first = "cpt" if job.kind.startswith("cpt") else "final"
        parts = [say("about.model", name="-".join(one for one in (first, had.get("name", "").strip().removeprefix(f"{first}-")) if one))]
        parts += [say("about.epochs", n=f"{had['epochs']:g}")] if "epochs" in had else []
    elif job.kind == "sft-data":
        parts = [many("pair", had["count"]) if had.get("count") else say("about.every_pair"), word("choice.provider", had.get("provider", ""))]
    elif job.kind == "evaluate":
        parts = [word("model", one.strip()) for one in had.get("models", "").split(",")]
    elif job.kind in ("export", "push"):
        parts = [say("about.model", name=had.get("model", "")), *([had["format"]] if had.get("format") else [])]
    return ", ".join(one for one in parts if one)


def waits_words(job: Job, first: Job | None = None) -> str:
    """What a queued job waits for: "until 22:00", "after cpt-…" (or what the job `first` before it is), what the worker said of it, or its turn."""
    parts = [say("queue.until", time=local_time(job.not_before))] if job.not_before and job.not_before > now() else []
    if job.after:
        parts.append(say("queue.after", job=", ".join(one for one in (kind_of(first), about_words(first)) if one) if first else job.after))
    said = "" if job.not_before else (job.progress or {}).get("text", "")  # it may still name a time that has come since
    return ", ".join(parts) or said or say("queue.turn")


def done_words(job: Job) -> str:
    """ "step 120 of 300", "3 of 8", "1.2 MiB of 3.4 GiB"."""
    progress: Mapping[str, Any] = job.progress or {}
    done, total = progress.get("done", 0), progress["total"]
    if progress.get("unit") == "bytes":
        return say("status.part", done=size(done), total=size(total))
    return say(f"status.{unit_of(job)}", done=f"{done:,}", total=f"{total:,}")


def unit_of(job: Job) -> str:
    """What the progress counts: training steps in training, else parts of the work."""
    training = job.kind in ("cpt", "sft", "cpt-probe", "sft-probe") and (job.progress or {}).get("phase") == "training"
    return "step" if training else "part"


def share_done(job: Job) -> float:
    progress = job.progress or {}
    return min(1.0, progress.get("done", 0) / progress["total"]) if progress.get("total") else 0.0


def result_words(job: Job) -> str:
    """How a job ended: its result in a few figures, or its reason and what to do."""
    if job.error and job.state in ("failed", "interrupted", "stopped"):
        reason = f"{job.error.get('sentence', '')} {job.error.get('advice', '')}".strip()
        if reason:
            return reason
    if job.state != "done":
        return say(f"ended.{job.state}_resumable") if job.resumable else word("ended", job.state)
    return _figures(job.kind, job.result or {})


def _figures(kind: str, result: Mapping[str, Any]) -> str:
    if kind in ("ingest", "dataset"):
        return _ingested(result)
    if kind == "embed":
        return say("embed.done", chunks=many("chunk", result.get("embedded", 0)))
    if kind == "push":
        return say("push.done", address=result["address"], size=size(result["bytes"]), seen=say(f"push.seen_{'public' if result['public'] else 'private'}"))
    if kind.endswith("-probe"):
        return say("result.measured", speed=number(result.get("tokens_per_second"), 0), memory=size(result.get("peak_bytes")))
    parts = []
    if result.get("train_loss") is not None:
        parts.append(say("result.loss", loss=number(result["train_loss"])))
    if result.get("perplexity_after") is not None:
        parts.append(say("result.perplexity", before=number(result.get("perplexity_before"), 1),
                         after=number(result["perplexity_after"], 1)))
    if result.get("general_after") is not None:
        parts.append(say("result.general", before=number(result.get("general_before"), 1), after=number(result["general_after"], 1)))
    for row in result.get("table", []):
        if row.get("closed_book_accuracy") is not None:
            parts.append(f"{word('model', row['model'])} {percent(row['closed_book_accuracy'])}")
    pairs = result.get("pairs", result.get("written"))
    if isinstance(pairs, int):
        parts.append(many("pair", pairs))
    if result.get("seconds"):
        parts.append(say("result.trained", time=duration(result["seconds"])))
    if result.get("folder"):
        parts.append(str(result["folder"]))
    return ", ".join(parts) or word("ended", "done")


def _ingested(result: Mapping[str, Any]) -> str:
    counts = [(key, len(result.get(key) or [])) for key in ("added", "replaced", "read_again", "unchanged", "rejected")]
    words = [say(f"ingested.{key}", n=count) for key, count in counts if count]
    return ", ".join([*words, many("chunk", result["chunks"])] if result.get("chunks") else words) or word("ended", "done")
