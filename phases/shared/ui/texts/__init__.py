"""The words a person reads, from one catalogue.

In: a key such as "shell.new_project" and its values. Out: the text. `many("chunk", 3)` gives "3 chunks".
"""

from __future__ import annotations

from phases.shared.ui.texts.en import TEXTS


def say(key: str, **values: object) -> str:
    """The text of a key, with its values filled in."""
    return TEXTS[key].format(**values)


def many(thing: str, count: int) -> str:
    """A count with its noun, in the right number: "1 chunk", "142 chunks"."""
    return say(f"many.{thing}.{'one' if count == 1 else 'other'}", n=f"{count:,}")


def word(prefix: str, name: str) -> str:
    """The word for a state, phase or kind; the name itself (underscores as blanks) when the catalogue has none."""
    return TEXTS.get(f"{prefix}.{name}", name.replace("_", " "))
