"""General text: plain prose on everyday things, to measure what a training cost outside the documents.

In: a project's language. Out: paragraphs, written for this program, which no document of a user contains and no training of ours
reads (the built-in model's pretraining neither). Their perplexity before and after a training tells of forgetting.
"""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).resolve().parent / "general_texts"
OTHERWISE = "en"


def general_texts(language: str) -> tuple[list[str], str]:
    """The paragraphs in this language ("de", "de-AT"), else in English, and the language that they are in."""
    spoken = language.split("-")[0].lower()
    file = FOLDER / f"{spoken}.txt"
    if not file.is_file():
        spoken, file = OTHERWISE, FOLDER / f"{OTHERWISE}.txt"
    return [one.strip() for one in file.read_text(encoding="utf-8").split("\n\n") if one.strip()], spoken
