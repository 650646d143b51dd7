"""Whether a text really holds what an answer claims as its proof.

In: the evidence as the model wrote it, and the text. Out: where it stands in the text, or nothing. White space is compared
loosely (models join lines), quotation marks and dashes by kind; words and figures exactly.
"""

from __future__ import annotations

ALIKE = str.maketrans({"“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "‘": "'", "’": "'", "‚": "'", "–": "-", "—": "-", "‑": "-",
                       "−": "-"})


def find_evidence(evidence: str, text: str) -> tuple[int, int] | None:
    """Start and end of the evidence in the text (end excluded), or None."""
    wanted, _ = _normalised(evidence)
    wanted = wanted.strip()
    if not wanted:
        return None
    normal, places = _normalised(text)
    found = normal.find(wanted)
    if found < 0:
        return None
    return places[found], places[found + len(wanted) - 1] + 1


def _normalised(text: str) -> tuple[str, list[int]]:
    """The text with runs of white space as one blank, and for each of its letters the place in the original."""
    letters, places = [], []
    for place, letter in enumerate(text.translate(ALIKE)):
        if not letter.isspace():
            letters.append(letter)
            places.append(place)
        elif letters and letters[-1] != " ":
            letters.append(" ")
            places.append(place)
    return "".join(letters), places
