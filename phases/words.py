"""What a command's record looks like in words: the record that `--json` prints -> lines for a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from phases.shared.sizes import size

Record = Mapping[str, Any]


def table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Columns as wide as their widest cell, two blanks between them; numbers to the right."""
    cells = [[_cell(one) for one in row] for row in rows]
    widths = [max(len(row[column]) for row in [list(head), *cells]) for column in range(len(head))]
    right = [all(isinstance(row[column], int | float) or row[column] is None for row in rows) and bool(rows)
             for column in range(len(head))]
    lines = [[text.rjust(width) if to_right else text.ljust(width)
              for text, width, to_right in zip(row, widths, right, strict=True)] for row in [list(head), *cells]]
    return "\n".join("  ".join(line).rstrip() for line in lines)


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else str(value)


def percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f} %"


def show_sentence(result: Record) -> str:
    return str(result["sentence"])


def show_projects(result: Sequence[Record]) -> str:
    if not result:
        return "No projects yet. Make one: python app.py new NAME. Or see it work: python app.py demo."
    return table(("project", "language", "base model", "documents", "chunks", "tokens", "CPT model", "final model"),
                 [(one["name"], one["language"], one["base_model"], one["documents"], one["chunks"], one["tokens"],
                   one["cpt_model"], one["final_model"]) for one in result])


def show_new(result: Record) -> str:
    return (f"Project '{result['project']}' is made in {result['folder']}.\n"
            f"Next: python app.py ingest \"{result['project']}\" FILE...")


def show_base_models(result: Record) -> str:
    if "search" in result:
        return _show_found(result)
    rows = [(one["id"], one["size"], one["licence"] + (" (to accept)" if one["gated"] else ""), one["context"], size(one["download_bytes"]),
             *(size(one["memory"][method]) for method in ("lora", "qlora", "full")), ", ".join(one["fits"]) or "no",
             "instruct" if one["instruct"] else "base") for one in result["models"]]
    head = ("id", "size", "licence", "context", "download", "LoRA", "QLoRA", "full", "fits here", "kind")
    machine = result["machine"]
    gpu = f", GPU {size(machine['gpu_memory'])}" if machine["gpu_memory"] else ", no NVIDIA GPU (QLoRA needs one)"
    return (f"{table(head, rows)}\nLoRA, QLoRA, full: memory with one text of 1,024 tokens at a time.\n"
            f"This machine: {size(machine['memory'])}{gpu}.")


def _show_found(result: Record) -> str:
    if not result["models"]:
        return f"The hub has no text-generating model in safetensors format for '{result['search']}'."
    rows = [(one["id"], one["parameters"], one["licence"], one["gated"], "chat" if one["chat"] else "base",
             "needs its own code: cannot be used" if one["own_code"] else "", one["downloads"]) for one in result["models"]]
    return table(("id", "parameters", "licence", "to accept", "kind", "", "downloads"), rows)


def show_plan(plan: Record) -> str:
    """The plan as lines of figures, then what is missing, then what to think about."""
    exact = "" if plan["exact"] else " (estimated: the model is not on this machine yet)"
    share = f", {percent(plan['trained_share'])} of the model" if plan["trained_share"] is not None else ""
    lines = [
        "ready to start" if plan["ready"] else "not ready",
        f"texts: {plan['texts']:,}   sequences: {plan['sequences']:,}   tokens: {plan['tokens']:,}{exact}",
        f"steps: {plan['steps']:,}   each text is read {times(plan['exposures'])}, {plan['tokens_in_all']:,} tokens in all",
        f"time: {_plan_time(plan)}", f"memory: {_plan_memory(plan)}",
        f"disk: {_size(plan['disk_bytes'])} for checkpoints, result and export",
        f"trained parameters: {_cell(plan['trained_parameters'])}{share}"]
    if plan["download"]:
        lines.append(f"download: {plan['download']}, {_size(plan['download_bytes'])}")
    return "\n".join(lines + [f"missing: {one}" for one in plan["missing"]] + [f"warning: {one}" for one in plan["warnings"]]
                     + [f"note: {one}" for one in plan["notes"]])


def _plan_time(plan: Record) -> str:
    if plan["seconds"] is None:
        return "not measured yet; --probe measures it"
    return f"about {minutes(plan['seconds'])} ({_origin(plan['seconds_from'])})"


def _plan_memory(plan: Record) -> str:
    if plan["memory_bytes"] is None:
        return "not known before the model is downloaded"
    return f"{_size(plan['memory_bytes'])} ({_origin(plan['memory_from'])})"


def _origin(source: str) -> str:
    return {"probe": "measured", "run": "as a run before took", "estimate": "estimated; --probe measures it"}.get(source, source)


def times(count: float) -> str:
    return "once" if count == 1 else f"{count:g} times"


def minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def _size(count: int | None) -> str:
    return size(count) or "size not known"


def show_train(result: Record) -> str | None:
    """What the flags that start no training print; None for a training."""
    if "config" in result:
        return str(result["config"]).rstrip()
    if "settings" in result:
        return f"{result['sentence']}\n{plainly(result['settings'])}"
    if "plan" in result:
        return show_plan(result["plan"])
    return show_job(result["probe"]) if "probe" in result else None


def show_comparison(result: Record) -> str:
    """Only what differs, a column a run."""
    rows = [(name.replace("_", " "), *(plainly(value) for value in values))
            for part in ("settings", "results") for name, values in result[part].items()]
    if not rows:
        return "These runs differ in nothing that is kept."
    return table(("", *result["runs"]), rows)


def show_cpt(result: Record) -> str:
    if (other := show_train(result)) is not None:
        return other
    lines = [state_line(result)]
    if result.get("model"):
        lines.append(f"model: {result['model']}   steps: {result.get('steps')}   seconds: {result.get('seconds')}")
        lines.append(f"perplexity on held-out sections: {_number(result.get('perplexity_before'))} before, "
                     f"{_number(result.get('perplexity_after'))} after")
        lines.append(f"perplexity on general text: {_number(result.get('general_before'))} before, {_number(result.get('general_after'))} after "
                     "(higher: so much was forgotten)")
    return "\n".join(lines)


def show_sft(result: Record) -> str:
    if (other := show_train(result)) is not None:
        return other
    lines = [state_line(result)]
    if result.get("model"):
        lines.append(f"model: {result['model']}   steps: {result.get('steps')}   seconds: {result.get('seconds')}")
    return "\n".join(lines)


def show_sft_data(result: Record) -> str:
    if "test" in result:
        return str(result["test"])
    known = ("asked", "written", "rejected", "failed", "reason", "file", "prompt_tokens", "completion_tokens")
    named = {"asked": "wanted", "written": "training pairs written", "failed": "slots without a pair"}
    return "\n".join([state_line(result), *(f"{named.get(key, key.replace('_', ' '))}: {plainly(result[key])}" for key in known if result.get(key))])


def show_pairs(result: Record) -> str:
    rows = [(one["id"], one["style"], one["split"].replace("_", " "), one["state"], shortened(one["instruction"]), shortened(one["output"], 40))
            for one in result["pairs"]]
    return f"{table(('#', 'style', 'split', 'state', 'question', 'answer'), rows)}\npage {result['page']}, {result['total']} pairs in all"


def show_evaluation(result: Record) -> str:
    if "table" not in result:
        return state_line(result)
    return f"{state_line(result)}\n\n{evaluation_table(result['table'])}"


def evaluation_table(rows: Sequence[Record]) -> str:
    """Base, CPT and final model side by side, each share with its 95 % interval and number of questions."""
    head = ("model", "held-out phrasings right", "95 % interval", "n", "never-asked facts right", "95 % interval", "n",
            "perplexity, held-out sections", "perplexity, general text", "ended by itself")
    return table(head, [(one["model"], percent(one["closed_book_accuracy"]), _interval(one["closed_book_interval"]),
                         one["closed_book_n"], percent(one["unasked_accuracy"]), _interval(one["unasked_interval"]),
                         one["unasked_n"], _number(one["perplexity"]), _number(one.get("general_perplexity")), percent(one.get("stop_rate"))) for one in rows])


def show_models(result: Record) -> str:
    rows = [(one["name"], one["kind"], one["made_from"], one["job"], one["created"], plainly(one["figures"]), _size(one["bytes"]))
            for one in result["models"]]
    return table(("name", "kind", "made from", "job", "made", "figures", "size"), rows)


def show_export(result: Record) -> str:
    lines = [state_line(result)]
    if result.get("folder"):
        lines.append(f"folder: {result['folder']}")
        lines.append(f"files: {', '.join(result['files'])}")
        lines.append(f"checked: loads in plain transformers, same greedy text on {result['parity']['same_text']} prompts")
    return "\n".join(lines)


def show_push(result: Record) -> str:
    if "plan" in result:
        plan = result["plan"]
        rows = [(name, size(count)) for name, count in (*plan["files"], ("together", plan["bytes"]))] if plan["files"] else []
        head = f"exports/{plan['folder']} -> {plan['repo']}" if plan["folder"] else f"-> {plan['repo']}"
        return "\n".join([head, *([table(("file", "size"), rows)] if rows else []), *plan["notes"], *(f"missing: {one}" for one in plan["missing"])])
    lines = [state_line(result)]
    if result.get("commit"):
        seen = "everybody can see it" if result["public"] else "private"
        lines.append(f"{result['address']} ({seen}): {len(result['files'])} files, {size(result['bytes'])}, commit {result['commit'][:12]}")
    return "\n".join(lines)


def show_chat(result: Record) -> str:
    return ""


def show_jobs(result: Record) -> str:
    if "log" in result:
        return result["log"]
    if not result["jobs"]:
        return "No jobs yet."
    listed = table(("job", "project", "state", "step", "created", "what"),
                   [(one["id"], one["project"], one["state"], _steps(one["progress"]), one["created"],
                     (one["error"] or {}).get("sentence", "") or (one["progress"] or {}).get("text", ""))
                    for one in result["jobs"]])
    resumable = next((one for one in result["jobs"] if one["resumable"]), None)
    return listed if resumable is None else (
        f"{listed}\n\nTo go on with {resumable['id']}: python app.py resume \"{resumable['project']}\" {resumable['id']}")


def show_job(result: Record) -> str:
    return "\n".join([state_line(result), *(f"{key}: {plainly(value)}" for key, value in result.items()
                                             if key not in ("job", "state", "resumable", "error", "not_before"))])


def show_demo(result: Record) -> str:
    rows = [{"model": model, **values} for model, values in result["evaluation"].items()]
    lines = [f"Project '{result['project']}', {result['seconds']} seconds.", "", evaluation_table(rows), "",
             "Three questions in wordings that were never trained on:"]
    for one in result["answers"]:
        lines.append(f"  {one['question']}\n    {one['answer']}" + ("" if one["correct"] else f"   (the documents say: {one['expected']})"))
    name = result["project"]
    lines += ["", "What the table says: each held-out question words a taught fact in a way that no training used, and an answer counts only",
              "when its words are the expected ones. The CPT model has read the documents but was never asked anything; the questions of",
              "the last phase make the knowledge answer. Facts that were never asked stay unknown to a model this small: ask about what",
              "matters. Perplexity (lower is better) is how surprised a model is by sections kept aside: reading lowers it, and training on",
              "bare answers raises it again.",
              "", f"The model: {result['export']}", f"Ask it yourself: python app.py chat {name} --model final --prompt \"...\"",
              "Open the window: python app.py"]
    return "\n".join(lines)


def state_line(result: Record) -> str:
    line = f"{result['job']}: {result['state']}"
    error = result.get("error") or {}
    if error:
        line += f". {error.get('sentence', '')} {error.get('advice', '')}".rstrip()
    if result.get("not_before"):
        from phases.shared.jobs.times import day_and_time
        line += ". It starts {} at {}.".format(*day_and_time(result["not_before"]))
    if result.get("resumable") and result["state"] not in ("done", "queued", "running"):
        line = f"{line.rstrip('.')}. It can be resumed."
    return line


def _steps(progress: Record | None) -> str:
    return f"{progress['done']} of {progress['total']}" if progress and progress.get("total") else "-"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _interval(bounds: Sequence[float] | None) -> str:
    return "-" if not bounds else f"{100 * bounds[0]:.0f} to {100 * bounds[1]:.0f} %"


def plainly(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {plainly(one)}" for key, one in value.items()) or "none"
    if isinstance(value, list | tuple):
        return ", ".join(plainly(one) for one in value) or "none"
    return f"{value:.4g}" if isinstance(value, float) else _cell(value)


def shortened(text: str, most: int = 70) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= most else flat[:most - 1] + "…"
