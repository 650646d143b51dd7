"""Templates: how a record (a row of a table, an object of a JSON file) reads as text.

In: "{name} ran {race.distance} m in {time} s." and a record, a mapping from column names to values. Out: the text.
Command: `python app.py preview NAME FILE --template "..."`, then `ingest` with the same flag.

A field is a column's name in braces, nested ones by dotted names. `{visits.1.day}` is the day of the first visit, `{visits.day}`
those of all visits, parted by commas. `{{` and `}}` are braces. A sentence of which a value is missing is left out, and so is a line
of which nothing is left. Names are looked up and nothing else: no format strings, no attributes, no code.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from phases.rag_data.extract.document import closed_code, paragraph
from phases.shared.errors import FileRejected, SettingError

PIECES = re.compile(r"\{\{|\}\}|\{([^{}\n]*)\}|[{}]|[^{}]+")
SENTENCE_END = re.compile(r"(?<=[.!?\u2026])[ \t]+")
ABBREVIATION = re.compile(r"(?:^|\W)(?:Dr|Mr|Mrs|Ms|St|Nr|No|Prof|ca|approx|vs)\.$")
PLACE = re.compile(r"\.\d+(?=\.|$)")
LONGEST_ABBREVIATION = 10
MOST_NAMED = 40
LONGEST_TEMPLATE = 20_000


@dataclass(frozen=True)
class Field:
    """A place for a column's value."""

    name: str


Sentence = tuple[str | Field, ...]


@dataclass(frozen=True)
class Template:
    """A template that was read: lines of sentences of words and fields."""

    lines: tuple[tuple[Sentence, ...], ...]

    @property
    def fields(self) -> list[str]:
        """The columns that it asks for, each once."""
        parts = (part for line in self.lines for sentence in line for part in sentence)
        return list(dict.fromkeys(part.name for part in parts if isinstance(part, Field)))


@dataclass(frozen=True)
class Ready:
    """A ready template: what it is called, and for each of its fields the names that columns may have."""

    label: str
    text: str
    columns: Mapping[str, tuple[str, ...]]


QUESTION = ("question", "query", "prompt", "title")
ANSWER = ("answer", "answers.text", "final_answer", "output", "response", "completion")
INSTRUCTION, OUTPUT = ("instruction", "prompt"), ("output", "response", "completion", "answer")
READY: tuple[Ready, ...] = (
    Ready("Context, question, answer", "Context: {context}\nQuestion: {question}\nAnswer: {answer}",
          {"context": ("context", "passage", "background"), "question": QUESTION, "answer": ANSWER}),
    Ready("Question, answer", "Question: {question}\nAnswer: {answer}", {"question": QUESTION[:2], "answer": ANSWER}),
    Ready("Instruction, input, output", "{instruction}\n{input}\n{output}",
          {"instruction": INSTRUCTION, "input": ("input", "context"), "output": OUTPUT}),
    Ready("Instruction, output", "{instruction}\n{output}", {"instruction": INSTRUCTION, "output": OUTPUT}),
    Ready("Title, text", "# {title}\n\n{text}",
          {"title": ("title", "headline", "name"), "text": ("text", "body", "content", "article", "document")}),
    Ready("Text", "{text}", {"text": ("text", "body", "content", "article", "document")}),
)


@dataclass(frozen=True)
class Offer:
    """A ready template with a file's own columns in it."""

    label: str
    text: str


def parse_template(text: str) -> Template:
    """Read a template. Raises SettingError for a brace that is never closed, a field without a name, or no field at all."""
    if len(text) > LONGEST_TEMPLATE:
        raise _wrong(f"It has more than {LONGEST_TEMPLATE:,} characters.")
    lines = tuple(tuple(_sentences(line)) for line in text.strip("\n").split("\n"))
    template = Template(lines)
    if not template.fields:
        raise _wrong("It holds no field.")
    return template


def _sentences(line: str) -> Iterator[Sentence]:
    """The sentences of a line. Only the template's own words end one, never a value; "Dr." ends none."""
    parts: list[str | Field] = []
    for part in _parts(line):
        if isinstance(part, Field):
            parts.append(part)
            continue
        begin = 0
        for end in SENTENCE_END.finditer(part):
            if not ABBREVIATION.search(part[max(0, end.start() - LONGEST_ABBREVIATION):end.start()]):
                yield (*parts, part[begin:end.start()])
                parts, begin = [], end.end()
        if part[begin:]:
            parts.append(part[begin:])
    if parts:
        yield tuple(parts)


def _parts(line: str) -> Iterator[str | Field]:
    """Words and fields by turns."""
    words = ""
    for piece in PIECES.finditer(line):
        if piece[1] is None:
            if piece[0] in ("{", "}"):
                raise _wrong(f"A brace stands alone in '{line[:80]}'.")
            words += piece[0][0] if piece[0] in ("{{", "}}") else piece[0]
            continue
        if not piece[1].strip():
            raise _wrong(f"A field without a name stands in '{line[:80]}'.")
        if words:
            yield words
        words = ""
        yield Field(piece[1].strip())
    if words:
        yield words


def _wrong(what: str) -> SettingError:
    return SettingError(f"The template cannot be read. {what}",
                        "Write columns in braces, as in {name} ran {time} s.; {{ and }} stand for braces themselves.",
                        subject="template", code="template_malformed")


def columns_of(records: Iterable[Mapping[str, str]]) -> list[str]:
    """All columns of some records, in the order in which they come up."""
    return list(dict.fromkeys(name for one in records for name in one))


def check_columns(template: Template, columns: Sequence[str], source: str) -> None:
    """Raises FileRejected, with the columns that there are, when the template asks for another."""
    known = {*columns, *(_placeless(name) for name in columns)}
    unknown = [name for name in template.fields if name not in known]
    if unknown:
        named = ", ".join(f"{{{name}}}" for name in unknown)
        more = f" and {len(columns) - MOST_NAMED} more" if len(columns) > MOST_NAMED else ""
        raise FileRejected(f"The template asks for {named}, which '{source}' does not have.",
                           f"Its columns: {', '.join(columns[:MOST_NAMED])}{more}.", subject=source, code="template_column")


def fits(template: Template, record: Mapping[str, str]) -> bool:
    """Whether the record has all columns that the template asks for."""
    return {*template.fields} <= {*record, *map(_placeless, record)}


def render(template: Template, record: Mapping[str, str], missing: dict[str, None] | None = None) -> str:
    """The record as text; "" when nothing of it is there. `missing` gathers, in their order, the columns whose sentences were left out."""
    lines, any_value = [], False
    for line in template.lines:
        sentences = []
        for sentence in line:
            values = {part.name: value_of(record, part.name) for part in sentence if isinstance(part, Field)}
            lacking = [name for name, value in values.items() if not value]
            if missing is not None:
                missing.update(dict.fromkeys(lacking))
            if not lacking:
                any_value = any_value or bool(values)
                sentences.append(_filled(sentence, values))
        if sentences or not line:
            lines.append(" ".join(sentences).rstrip())
    return closed_code(re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")) if any_value else ""


def _filled(sentence: Sentence, values: Mapping[str, str]) -> str:
    """The sentence with its values. A value may not make a heading, and so a section, of its own."""
    text = ""
    for part in sentence:
        if isinstance(part, str):
            text += part
        else:
            value = values[part.name]
            begins = not text.strip()
            value = paragraph(value) if begins or "\n" in value else value
            text += closed_code(value) if begins else value
    return text


def value_of(record: Mapping[str, str], name: str) -> str:
    """A column's value, or those of all places of a list, parted by commas; "" when there is none."""
    if name in record:
        return record[name].strip()
    within = name.split(".")[0] + "."
    return ", ".join(value.strip() for key, value in record.items()
                     if key.startswith(within) and _placeless(key) == name and value.strip())


def _placeless(name: str) -> str:
    """A dotted name without the numbers of list places: "visits.2.day" is "visits.day"."""
    return PLACE.sub("", name)


def offers(columns: Sequence[str]) -> list[Offer]:
    """The ready templates that fit these columns, the fullest first, then one with every column on a line of its own."""
    found = [Offer(one.label, text) for one in READY if (text := _fitted(one, columns))]
    every = "\n".join(f"{name}: {{{name}}}" for name in columns if not re.search(r"[{}\n]", name))
    return [*found, Offer("Every column", every)] if every else found


def _fitted(ready: Ready, columns: Sequence[str]) -> str:
    """The ready template with the file's own column names; "" when one is not there."""
    own = {name.lower(): name for name in [*dict.fromkeys(map(_placeless, columns)), *columns]}
    text, taken = ready.text, set()
    for field, names in ready.columns.items():
        column = next((own[name] for name in names if name in own and own[name] not in taken), None)
        if column is None:
            return ""
        taken.add(column)
        text = text.replace(f"{{{field}}}", f"\0{column}\1")
    return text.replace("\0", "{").replace("\1", "}")
