"""Facts of lists of "Key: value" lines under a heading that names a thing.

In: the items of one list and the heading above them. Out: a fact for every line with a short value. Works in any language.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from phases.sft_data.facts.blocks import Block
from phases.sft_data.facts.naming import Naming
from phases.sft_data.facts.nouns import labelled_fact
from phases.sft_data.facts.record import FoundFact
from phases.sft_data.facts.tables import is_label, is_value, without_marks

LINE = re.compile(r"\s*[-*+•] +(?:\*\*)?([^\W\d_][\w '’/()-]{1,40}?)(?:\*\*)?:(?:\*\*)? +(\S.*?)\s*$")
NO_THINGS = {"introduction", "summary", "overview", "options", "usage", "notes", "installation", "contents", "conclusion", "background",
             "example", "examples", "details", "description", "general", "data", "technical data", "specifications", "properties",
             "features", "requirements", "parameters", "arguments", "appendix", "references", "changes", "history", "see also",
             "license", "licence", "contact", "contributing", "other", "miscellaneous", "glossary", "definitions", "terminology",
             "einleitung", "übersicht", "technische daten", "beispiele", "anhang", "added", "changed", "fixed", "removed",
             "facts", "key facts", "at a glance", "configuration", "settings"}
MOST_NAME_WORDS = 4
FEWEST_LINES = 2


def find_in_list(document: int, items: Sequence[Block], heading: str, naming: Naming) -> Iterator[FoundFact]:
    """The facts of one list; lists of anything else than keys and values have none."""
    lines = [(item, match) for item in items if (match := LINE.match(item.text))]
    if len(lines) < FEWEST_LINES or len(lines) * 2 < len(items) or not names_a_thing(heading):
        return
    keys = Counter(match[1].casefold() for _, match in lines)
    subject = naming.called(heading)
    for item, match in lines:
        key, value = match[1].strip(), without_marks(match[2]).rstrip(".")
        if keys[match[1].casefold()] == 1 and len(key.split()) <= MOST_NAME_WORDS and is_label(key) and is_value(value):
            yield labelled_fact((document, item.start, item.end, item.text), subject, key, value, "key_value")


def names_a_thing(heading: str) -> bool:
    """Whether a heading can be the subject of a fact ("5.1 The Gastrel compressor"), and is no task or part of a text."""
    words = heading.split()
    if not 1 <= len(words) <= MOST_NAME_WORDS or heading.casefold() in NO_THINGS or re.search(r"[`:()\[\]{}?!]|\.$", heading):
        return False
    if words[0].endswith("ing") or words[0].lower() in {"how", "what", "why", "when", "about", "if", "using", "where", "new"}:
        return False
    return any(word[:1].isupper() for word in words) and not {"and", "und", "or"} & {word.lower() for word in words}
