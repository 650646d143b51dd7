"""JSON and JSON Lines -> records: each object one.

In: a JSON file (a list of objects, an object that holds one such list, or anything else, which is one record), or one object
a line. Out: `Records`. What stands beside the list of an object becomes a record of its own, before the others.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from phases.rag_data.extract.records import HEAD_BYTES, MOST_RECORDS, Records, flatten, text_of, too_deep
from phases.rag_data.extract.sniff import damaged
from phases.shared.errors import FileRejected
from phases.shared.sizes import size

NAMED_LINES = 5
LIST_OF_OBJECTS = re.compile(r"\[\s*(?=\{)")
BETWEEN = re.compile(r"[\s,]*")


def read_json(path: Path, source: str, head: int = 0) -> Records:
    """Read a JSON file; one with an object a line is read as such. Raises FileRejected when it is not JSON or nested too deep.

    Args:
        head: only so many records, from the first bytes of a long file; 0 reads all.
    """
    text, cut = text_of(path, head)
    if cut:
        first = _first_objects(text, source, head)
        return _lines(text, source, head, cut) if _is_object(text.split("\n", 1)[0], source) else Records(first, None)
    try:
        whole = json.loads(text)
    except RecursionError:
        raise too_deep(source) from None
    except json.JSONDecodeError as problem:
        if problem.msg == "Extra data" and _is_object(text.split("\n", 1)[0], source):
            return _lines(text, source, head, cut)
        raise damaged(source, f"line {problem.lineno}, column {problem.colno}: {problem.msg}") from None
    except ValueError as problem:
        raise damaged(source, str(problem)) from None
    records = _records(whole)
    return Records([flatten(one, source) for one in records[:head or MOST_RECORDS]],
                   len(records) if len(records) <= (head or len(records)) else None)


def read_jsonl(path: Path, source: str, head: int = 0) -> Records:
    """Read one JSON value a line. Lines that are none are named in a note; a file of such lines only is refused."""
    text, cut = text_of(path, head)
    return _lines(text, source, head, cut)


def _first_objects(text: str, source: str, head: int) -> list[dict[str, str]]:
    """The objects at the start of a file's first list of objects, as far as its head goes."""
    found: list[dict[str, str]] = []
    begin, decoder = LIST_OF_OBJECTS.search(text), json.JSONDecoder()
    place = begin.end() if begin else len(text)
    while len(found) < head and place < len(text):
        try:
            value, place = decoder.raw_decode(text, place)
        except RecursionError:
            raise too_deep(source) from None
        except ValueError:
            break
        found.append(flatten(value, source))
        place = BETWEEN.match(text, place).end()
    if not found:
        raise FileRejected(f"'{source}' does not begin with a list of objects within its first {size(HEAD_BYTES)}.",
                           "It can be added, but not previewed.", subject=source, code="file_no_head")
    return found


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


def _lines(text: str, source: str, head: int, cut: bool) -> Records:
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
        if total <= (head or MOST_RECORDS):
            records.append(flatten(value, source))
        elif head:
            cut = True
            break
    if not records and broken:
        raise FileRejected(f"'{source}' holds no line of JSON.", "Check its ending: each line should be one JSON object.",
                           subject=source, code="file_wrong_kind")
    named = ", ".join(map(str, broken[:NAMED_LINES])) + (" and more" if len(broken) > NAMED_LINES else "")
    notes = (f"Left out {len(broken)} lines that are not JSON: {named}.",) if broken else ()
    return Records(records, None if cut else total, notes)


def _is_object(line: str, source: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except RecursionError:
        raise too_deep(source) from None
    except ValueError:
        return False
