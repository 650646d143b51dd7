"""PDF files for benchmarks: several pages each of varied text with headings, lists, tables, running heads and feet.

    python -m tests.benchmarks.pdf_corpus FOLDER [--files 200]

In: an empty folder. Out: FILE_000.pdf ... in it, the same for the same number of files.
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

BODY = ParagraphStyle("body", fontName="Times-Roman", fontSize=10.5, leading=13.5, spaceAfter=7, alignment=4)
ITEM = ParagraphStyle("item", parent=BODY, leftIndent=16, spaceAfter=2)
CHAPTER = ParagraphStyle("chapter", fontName="Helvetica-Bold", fontSize=16, leading=20, spaceBefore=10, spaceAfter=8)
SECTION = ParagraphStyle("section", fontName="Helvetica-Bold", fontSize=12.5, leading=16, spaceBefore=8, spaceAfter=5)
GRID = TableStyle([("GRID", (0, 0), (-1, -1), 0.5, colors.grey), ("FONTSIZE", (0, 0), (-1, -1), 9)])

PLACES = "lighthouse pump station mill quay signal box foundry bakery archive greenhouse observatory ferry workshop reservoir".split()
PARTS = ("main valve", "inlet filter", "drive belt", "oil lamp", "pressure gauge", "cooling jacket", "spare fuse", "winding drum",
         "copper seal", "timing gear", "relief spring", "hand crank", "return line", "bearing block", "terminal strip")
PEOPLE = ("the keeper", "the fitter", "an apprentice", "the night watch", "the inspector", "a second engineer", "the foreman")
DEEDS = ("checks", "cleans", "replaces", "tightens", "oils", "measures", "records the state of", "inspects", "releases", "marks")
WHEN = ("before every start", "once a week", "after each storm", "at the end of the shift", "every 400 hours", "in the first frost",
        "when the alarm sounds", "as soon as the pressure falls below the mark")
WHY = ("because dirt shortens its life", "so that no water reaches the wiring", "which prevents the damage that was seen in earlier years",
       "as the regulation requires", "since a worn one may fail without a warning", "and enters the reading in the book",
       "although the manufacturer asks for it only once a year", "unless the engine has been standing still for more than a day")
NUMBERS = ("It takes about {a} minutes and needs {b} litres of water at {c} degrees.", "The limit is {a}.{b} bar; above {c} bar the line is shut.",
           "In {year} the value was {a} per cent, a year later {b} per cent.", "Order number {c}-{a}{b}, revision {a}, dated {year}.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--files", type=int, default=200)
    arguments = parser.parse_args()
    make_corpus(arguments.folder, arguments.files)


def make_corpus(folder: Path, files: int) -> list[Path]:
    """The PDF files; those that are there already stay."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"file_{number:03}.pdf" for number in range(files)]
    for number, path in enumerate(paths):
        if not path.exists():
            make_file(path, random.Random(number))
    return paths


def make_file(path: Path, chance: random.Random) -> None:
    """One file of about 5 to 11 pages."""
    place = chance.choice(PLACES)
    story: list[Flowable] = [Paragraph(f"Handbook of the {place}, part {chance.randint(1, 40)}", CHAPTER)]
    for chapter in range(1, chance.randint(3, 6) + 1):
        story.append(Paragraph(f"{chapter} The {chance.choice(PARTS)}", CHAPTER))
        for section in range(1, chance.randint(2, 4) + 1):
            story.append(Paragraph(f"{chapter}.{section} {chance.choice(DEEDS).capitalize()} the {chance.choice(PARTS)}", SECTION))
            story += [Paragraph(paragraph(chance, place), BODY) for _ in range(chance.randint(2, 5))]
            story += extra(chance)

    def frame(canvas: Canvas, template: SimpleDocTemplate) -> None:
        canvas.setFont("Helvetica", 8)
        canvas.drawString(72, A4[1] - 40, f"Handbook of the {place}")
        canvas.drawString(280, 30, f"Page {template.page}")

    SimpleDocTemplate(str(path), pagesize=A4, invariant=1, title=f"The {place}").build(story, frame, frame)


def paragraph(chance: random.Random, place: str) -> str:
    return " ".join(sentence(chance, place) for _ in range(chance.randint(3, 8)))


def sentence(chance: random.Random, place: str) -> str:
    if chance.random() < 0.2:
        return chance.choice(NUMBERS).format(a=chance.randint(2, 99), b=chance.randint(0, 9), c=chance.randint(100, 999),
                                             year=chance.randint(1890, 2020))
    words = (f"{chance.choice(PEOPLE)} of the {place} {chance.choice(DEEDS)} the {chance.choice(PARTS)} {chance.choice(WHEN)}"
             + (f", {chance.choice(WHY)}" if chance.random() < 0.7 else ""))
    return words[0].upper() + words[1:] + "."


def extra(chance: random.Random) -> list[Flowable]:
    """Sometimes a list or a table."""
    kind = chance.random()
    if kind < 0.2:
        return [Paragraph(f"{chance.choice(DEEDS)} the {chance.choice(PARTS)}", ITEM, bulletText="\u2022")
                for _ in range(chance.randint(3, 6))]
    if kind < 0.35:
        rows = [["Part", "Limit", "Last seen"], *([chance.choice(PARTS), f"{chance.randint(1, 90)} bar", str(chance.randint(1900, 2020))]
                                                  for _ in range(chance.randint(3, 8)))]
        return [Table(rows, style=GRID), Spacer(1, 10)]
    return []


if __name__ == "__main__":
    main()
