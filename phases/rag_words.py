"""What the commands of tab 1 print: the record of a command as words for a person.

In: the records of `rag_commands.py`. Out: text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from phases.words import Record, percent, plainly, shortened, state_line, table


def show_ingest(result: Record) -> str:
    lines = [state_line(result)]
    if result.get("taken") is False:
        lines.append("No file was taken.")
    for word in ("added", "replaced", "read_again", "unchanged"):
        if result.get(word):
            lines.append(f"{word.replace('_', ' ')}: {', '.join(result[word])}")
    lines += [f"not taken: {one['file']}: {one['reason']} {one.get('advice', '')}".rstrip() for one in result.get("rejected", [])]
    lines += [result["readable"]] if result.get("readable") else []
    lines += [f"note: {one['file']}: {one['note']}" for one in result.get("notes", [])]
    if result.get("chunks") is not None:
        lines.append(f"chunks added: {result['chunks']}")
    for step, about in result.get("cleaning", {}).items():
        lines.append(f"cleaned: {step.replace('_', ' ')}: {about['count']:,}")
        lines += _examples(about["examples"])
    if len(result.get("cleaned", ())) > 1:
        lines += [f"cleaned: {one['file']}: {plainly({step.replace('_', ' '): count for step, count in one['steps'].items()})}"
                  for one in result["cleaned"]]
    return "\n".join(lines)


def _examples(pairs: Sequence[Sequence[str]]) -> list[str]:
    return [f"    {_one_line(before)}  ->  {_one_line(after) or '(left out)'}" for before, after in pairs]


def _one_line(text: str) -> str:
    """Line ends and runs of blanks as signs that can be seen."""
    return re.sub(r"[^\S\n]{2,}|\t", lambda blanks: "\u00b7" * len(blanks[0]), text).replace("\n", " \u23ce ").strip()


def show_clean_preview(result: Record) -> str:
    rows = [(one["label"], one["on"], one["count"]) for one in result["steps"]]
    lines = [f"{result['source']}: {result['before']:,} characters, {result['after']:,} after cleaning", "",
             table(("step", "on", "changes (or would)"), rows)]
    for one in result["steps"]:
        if one["examples"]:
            lines += ["", f"{one['label']}{'' if one['on'] else ' (off)'}:", *_examples(one["examples"])]
    for before, after in result["excerpts"]:
        lines += ["", "before: " + _one_line(before), "after:  " + (_one_line(after) or "(left out)")]
    return "\n".join([*lines, "", "Nothing was stored. Switch steps with flags, and read a document again with: "
                      f"python app.py reingest \"{result['project']}\" DOCUMENT"])


def show_preview(result: Record) -> str:
    """The first records with what a template may name, or the first chunks."""
    if result["columns"]:
        many = "its first records" if result["total"] is None else f"{result['total']:,} records"
        lines = [f"{result['source']}: {many}, columns {', '.join(result['columns'])}"]
        lines += [f"ready template \"{one['label']}\": {one['text']!r}" for one in result["offers"]]
    else:
        lines = [f"{result['source']}: about {result['total']:,} chunks"]
    lines += [f"note: {one}" for one in result["notes"]]
    parts = [f"--- record {place}\n{one or '(nothing of it is shown)'}" for place, one in enumerate(result["records"], start=1)]
    parts += [f"--- chunk {place}, {one['tokens']} tokens\n{one['content']}" for place, one in enumerate(result["chunks"], start=1)]
    return "\n".join([*lines, *parts])


def show_dataset(result: Record) -> str:
    """What was added, or with --look the columns and first rows of a data set."""
    if "columns" not in result or "added" in result:
        return show_ingest(result)
    lines = [f"{result['source']}: splits {', '.join(result['splits'])}; columns {', '.join(result['columns'])}",
             f"licence as the data set states it: {result['licence'] or 'not stated; check its card'}",
             f"reads as: {result['template']!r}" if result["template"] else "reads as sections of fields"]
    return "\n".join(lines + [f"--- row {place}\n{one}" for place, one in enumerate(result["sample"], start=1)])


def show_documents(result: Sequence[Record]) -> str:
    if not result:
        return "No documents yet. The command ingest adds some."
    return table(("document", "pages", "chunks", "tokens", "added"),
                 [(one["source"], one["pages"], one["chunks"], one["tokens"], one["added"]) for one in result])


def show_chunks(result: Record) -> str:
    if not result["total"]:
        return ("No chunk fits. Without --contains, --source, --state and --language all are listed; documents are added with: "
                f"python app.py ingest \"{result['project']}\" FILE...")
    rows = [(one["id"], one["source"], one["metadata"].get("page"), one["tokens"], one["language"],
             "held out" if one["held_out"] else one["state"], shortened(one["content"])) for one in result["chunks"]]
    return f"{table(('#', 'source', 'page', 'tokens', 'language', 'state', 'text'), rows)}\npage {result['page']}, {result['total']} chunks in all"


def show_report(result: Record) -> str:
    return Path(result["file"]).read_text(encoding="utf-8").rstrip()


def show_excluded(result: Record) -> str:
    if not result["excluded"]:
        return "No chunk repeats another one."
    rows = [(one["chunk"], one["of"], percent(one["similarity"])) for one in result["excluded"]]
    return f"{table(('excluded', 'repeats', 'alike'), rows)}\nUndo takes all of them back: python app.py undo \"{result['project']}\""


def show_search(result: Record) -> str:
    unseen = result["without_vector"]
    name = result["project"]
    lines = [f"{unseen} chunks have no vector yet and were not searched by meaning: python app.py embed \"{name}\""] if unseen else []
    if not result["query"].strip():
        return f'Nothing was asked. Say what to look for: python app.py search "{name}" "brake pressure"'
    if not result["hits"]:
        return "\n".join([*lines, f"Nothing found for: {shortened(result['query'])}"])
    for hit in result["hits"]:
        chunk = hit["chunk"]
        snippet = " ".join(hit["snippet"].replace("\x02", "[").replace("\x03", "]").split())
        lines.append(f"#{chunk['id']}  {chunk['source']}  {snippet}")
    return "\n".join(lines)
