"""All steps of a text in their order: the text, its pages, and what each step changed.

In: a document's text as its format's function gave it, where its pages begin, and the switches. Out: the text for the
knowledge base and its pages; counts and examples go to the switches' tally.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from phases.rag_data.clean import steps
from phases.rag_data.clean.edits import Edit, apply_edits
from phases.rag_data.clean.switches import MOST_EXAMPLES, Cleaning, around

Find = Callable[[str], Iterable[Edit]]


def clean_text(text: str, pages: Sequence[int], cleaning: Cleaning) -> tuple[str, tuple[int, ...]]:
    """The cleaned text and where its pages begin. White space comes last, since the steps before leave gaps."""
    places = tuple(pages)
    for step, find in _steps(cleaning):
        edits = list(find(text))
        cleaning.tally.add(step, len(edits), _examples(text, edits))
        text, places = apply_edits(text, edits, places)
    outer = None if cleaning.normalise_space else "\n"
    lead, tail = len(text) - len(text.lstrip(outer)), len(text.rstrip(outer))
    lead -= text[:lead].endswith((" ", "\t")) and text.startswith("#", lead)  # the blank keeps text from being a heading
    ends = [Edit(0, lead)] if lead else []
    return apply_edits(text, [*ends, Edit(tail, len(text))] if lead < tail < len(text) else ends, places)


def _steps(cleaning: Cleaning) -> Iterator[tuple[str, Find]]:
    every: tuple[tuple[str, Find], ...] = (
        ("normalise_unicode", steps.compose_letters), ("decode_entities", steps.decode_entities), ("remove_control", steps.remove_unseen),
        ("remove_urls", steps.remove_urls), ("remove_emails", steps.remove_emails),
        ("remove_symbols", lambda text: steps.remove_symbols(text, keep_punctuation=cleaning.keep_punctuation)),
        ("drop_duplicates", steps.drop_duplicates),
        ("limit_length", lambda text: steps.limit_length(text, cleaning.min_chars, cleaning.max_chars)),
        ("normalise_space", steps.normalise_space))
    return ((step, find) for step, find in every if getattr(cleaning, step))


def _examples(text: str, edits: Sequence[Edit]) -> Iterator[tuple[str, str]]:
    """The first few that look different, each with a little of what stands around it."""
    for one in edits[:10 * MOST_EXAMPLES]:
        yield around(text, one.start, one.end, _seen(text[one.start:one.end])), around(text, one.start, one.end, one.new)


def _seen(text: str) -> str:
    """What nobody can see as its number."""
    return "".join(f"<U+{ord(one):04X}>" if steps.UNSEEN.match(one) else one for one in text)
