"""Cleaning: small pure functions, each behind its own switch of `IngestConfig`, each with a count and examples of what it did.

In: text as a parser gave it. Out: text for the knowledge base, and a record: step -> {"count", "examples": [[before, after]]}.
Nothing here knows of files.

    lines.py      what reading itself needs: safe text, tidy lines, wrapped lines joined
    running.py    page headers and footers
    switches.py   `Cleaning`: the switches, and the tally of what was changed
    edits.py      changes of a text as records, applied so that the places of pages stay right
    steps.py      one function a step: text -> edits
    pipeline.py   all steps of a text in their order
"""

from phases.rag_data.clean.lines import join_wrapped, safe_text, tidy_line
from phases.rag_data.clean.running import MIN_PAGES, EdgeLine, page_numbers, repeated_lines
from phases.rag_data.clean.switches import Cleaning, cleaning_of

__all__ = ["MIN_PAGES", "Cleaning", "EdgeLine", "cleaning_of", "join_wrapped", "page_numbers", "repeated_lines", "safe_text", "tidy_line"]
