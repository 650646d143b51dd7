"""JSON and JSON Lines -> text: each object a record.

In: a JSON file (a list of objects, an object that holds one such list, or anything else, which is one record), or one object
a line. Out: Markdown text. What stands beside the list of an object becomes a record of its own, before the others.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from phases.rag_data.clean import Cleaning
from phases.rag_data.extract.document import Extracted
from phases.rag_data.extract.records import MOST_RECORDS, flatten, records_text, too_deep
from phases.rag_data.extract.sniff import damaged
from phases.rag_data.extract.text import decode
from phases.shared.errors import FileRejected

NAMED_LINES = 5


def extract_json(path: Path, source: str, cleaning: Cleaning) -> Extracted:
    """Read a JSON file; one with an object a line is read as such. Raises FileRejected when it is not JSON or nested too deep."""
    text = decode(path.read_bytes())
    try:
        whole = json.loads(text)
    except RecursionError:
        raise too_deep(source) from None
    except json.JSONDecodeError as problem:
        if problem.msg == "Extra data" and _is_object(text.split("\n", 1)[0], source):
            return _lines(text, source)
        raise damaged(source, f"line {problem.lineno}, column {problem.colno}: {problem.msg}") from None
    except ValueError as problem:
        raise damaged(source, str(problem)) from None
    records = _records(whole)
    return records_text([flatten(one, source) for one in records[:MOST_RECORDS]], len(records), source)


def extract_jsonl(path: Path, source: str, cleaning: Cleaning) -> Extracted:
    """Read one JSON value a line. Lines that are none are named in a note; a file of such lines only is refused."""
    return _lines(decode(path.read_bytes()), source)


def _records(whole: Any) -> list[Any]:
    """The list that a file is about: itself, or the only list of objects in it."""
    if isinstance(whole, list):
        return whole if any(isinstance(one, dict | list) for one in whole) else [whole]
    if isinstance(whole, dict):
        lists = [key for key, one in whole.items() if isinstance(one, list) and any(isinstance(inner, dict) for inner in one)]
        if len(lists) == 1:
            beside = {key: one for key, one in whole.items() if key != lists[0]}
            return [*([beside] if beside else []), *whole[lists[0]]]
    return [whole]


def _lines(text: str, source: str) -> Extracted:
    records, total, broken = [], 0, []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except RecursionError:
            raise too_deep(source) from None
        except ValueError:
            broken.append(number)
            continue
        total += 1
        if total <= MOST_RECORDS:
            records.append(flatten(value, source))
    if not records and broken:
        raise FileRejected(f"'{source}' holds no line of JSON.", "Check its ending: each line should be one JSON object.",
                           subject=source, code="file_wrong_kind")
    named = ", ".join(map(str, broken[:NAMED_LINES])) + (" and more" if len(broken) > NAMED_LINES else "")
    notes = (f"Left out {len(broken)} lines that are not JSON: {named}.",) if broken else ()
    return records_text(records, total, source, notes)


def _is_object(line: str, source: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except RecursionError:
        raise too_deep(source) from None
    except ValueError:
        return False
