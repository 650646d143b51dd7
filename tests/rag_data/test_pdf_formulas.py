"""Formulas of PDF files: the pieces that PDFium tells apart stand on one line, in the order in which they are read; lines of text stay lines.

The places are those of papers that TeX set, in points.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from reportlab.pdfgen.canvas import Canvas

from phases.rag_data.extract.formats import extract_document

BODY = 10.0
FULL = "The cardinality of each of these sets is known, and so is that of their union, if none is empty at all."
Words = list[tuple[float, float, float, str]]  # left end, base line, type size, text


def text_of(path: Path, words: Words) -> str:
    canvas = Canvas(str(path), invariant=1)
    for x, y, size, text in [(72, 760, BODY, FULL), (72, 748, BODY, FULL), *words]:
        canvas.setFont("Times-Roman", size)
        canvas.drawString(x, y, text)
    canvas.save()
    return extract_document(path, path.name).text.split("empty at all.", 2)[2].strip()


@pytest.mark.parametrize(("words", "expected"), [
    ([(72, 700, 10, "Denote by C ="), (133, 707.4, 10, "S"), (140, 697, 7, "j"), (143, 700, 10, "K(j) the union of them.")], "Denote by C = S jK(j) the union of them."),
    ([(90, 700, 10, "Y"), (89.8, 678.8, 7, "i\u2208n"), (103, 704.6, 10, "X"), (102, 678.8, 7, "j=1"), (114, 690.6, 10, "bij = per B")], "Y i\u2208n X j=1 bij = per B"),
    ([(90, 700, 10, "H ="), (112, 706.8, 10, "1"), (112, 693.2, 10, "2"), (119, 700, 10, "det K")], "H = 1 2 det K"),
    ([(90, 700, 10, "x"), (95.2, 704.1, 7, "2"), (95.2, 697.5, 7, "i"), (99.5, 700, 10, "= 0")], "x 2 i = 0")])
def test_a_formula_stands_on_one_line(words: Words, expected: str, tmp_path: Path) -> None:
    assert text_of(tmp_path / "a.pdf", words) == expected


def test_a_footnote_stands_behind_its_number_and_each_on_its_own(tmp_path: Path) -> None:
    notes: Words = [(76, 104, 5, "1"), (80, 100, 8, "The first was never found. " + FULL), (76, 94, 5, "2"), (80, 90, 8, "The second lies in the house.")]
    assert text_of(tmp_path / "a.pdf", notes) == f"1 The first was never found. {FULL}\n\n2 The second lies in the house."


@pytest.mark.parametrize("words", [
    [(72, 700, 10, "{"), (79, 688, 10, "open the gate"), (72, 676, 10, "}")], [(72, 700, 10, "it."), (87, 688, 10, "There is another gate behind the house.")],
    [(72, 700, 10, "\\cite"), (100, 686, 12, "Upper case names")], [(72, 700, 10, "Anna"), (72, 688, 10, "Berg")]])
def test_lines_of_text_stay_lines(words: Words, tmp_path: Path) -> None:
    lines = [line.lstrip("# ") for line in text_of(tmp_path / "a.pdf", words).split("\n") if line]
    assert lines == [text for *_, text in words]


def test_what_stands_beside_a_table_is_not_lost_in_it(tmp_path: Path) -> None:
    """A figure right beside a ruled table, a little higher than its first row."""
    path = tmp_path / "a.pdf"
    canvas = Canvas(str(path), invariant=1)
    canvas.setFont("Times-Roman", 10)
    canvas.drawString(72, 760, FULL)
    canvas.drawString(90, 705, "7")
    canvas.grid([97, 200, 300], [670, 690, 710])
    for x, y, text in ((99, 697, "A gate of oak and iron"), (202, 697, "opens to the sea"), (99, 677, "A gate of elm"), (202, 677, "opens to the land")):
        canvas.drawString(x, y, text)
    canvas.save()
    text = extract_document(path, "a.pdf").text
    assert "\n7\n" in text
    assert "| A gate of oak and iron | opens to the sea |" in text
