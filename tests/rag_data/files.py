"""Real files of every format, made on the spot: what a person would upload, and what a person should not."""

from __future__ import annotations

from pathlib import Path

import docx
import pypdf
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import PageBreak, Paragraph, SimpleDocTemplate, Table, TableStyle

BODY = ParagraphStyle("body", fontName="Helvetica", fontSize=10, leading=13, spaceAfter=8)
HEADING = ParagraphStyle("heading", fontName="Helvetica-Bold", fontSize=14, leading=18, spaceAfter=6)
BOLD = ParagraphStyle("bold", fontName="Helvetica-Bold", fontSize=10, leading=13, spaceBefore=6, spaceAfter=4)
GRID = TableStyle([("GRID", (0, 0), (-1, -1), 0.5, colors.black), ("FONTSIZE", (0, 0), (-1, -1), 9)])
ROWS = [["Valve", "Pressure", "Colour"], ["Inlet valve", "4.5 bar", "red"], ["Outlet valve", "3.1 bar", "blue"]]
LONG = ("The pump house stands beside the lower weir and was rebuilt after the flood of the year 1954, when the old one was "
        "carried away with all that was in it.")


def make_pdf(path: Path, pages: int = 4) -> Path:
    """Headings, wrapped paragraphs, a ruled table, a list, and a header and footer on each page."""
    story: list = []
    for number in range(1, pages + 1):
        story += [Paragraph(f"{number} Part of the work", HEADING), Paragraph(f"On page {number} one reads this. {LONG}", BODY),
                  Paragraph("Grüße aus Köln: die Höhe beträgt 7 Meter.", BODY)]
        if number == 2:
            story += [Paragraph("Valves of the house", BOLD), Table(ROWS, style=GRID), Paragraph("After the table.", BODY)]
        if number == 3:
            story += [Paragraph(item, BODY, bulletText="\u2022") for item in ("first thing", "second thing")]
        story.append(PageBreak())

    def frame(canvas: Canvas, template: SimpleDocTemplate) -> None:
        canvas.setFont("Helvetica", 8)
        canvas.drawString(72, A4[1] - 40, "Handbook of the Pump House")
        canvas.drawString(280, 30, f"Page {template.page} of {pages}")

    SimpleDocTemplate(str(path), pagesize=A4, invariant=1, title="Pump House").build(story, frame, frame)
    return path


def make_encrypted_pdf(path: Path) -> Path:
    writer = pypdf.PdfWriter(make_pdf(path.with_name("plain.pdf"), 1))
    writer.encrypt("secret")
    writer.write(path)
    return path


def make_scan(path: Path) -> Path:
    """Pages that are pictures."""
    from PIL import Image

    Image.new("RGB", (300, 400), "white").save(path, "PDF")
    return path


def make_docx(path: Path) -> Path:
    """Headings, lists, a table with a table in it, merged cells, and a page header."""
    file = docx.Document()
    file.core_properties.title = ""
    file.add_heading("The Pump House", 0)
    file.add_heading("Machines", 1)
    file.add_paragraph("Two pumps stand in the cellar.")
    file.add_paragraph("check the oil", style="List Bullet")
    file.add_paragraph("check the belt", style="List Bullet")
    file.add_paragraph("open the valve", style="List Number")
    file.add_paragraph("start the pump", style="List Number")
    table = file.add_table(rows=3, cols=3)
    for row, texts in zip(table.rows, ROWS, strict=True):
        for cell, text in zip(row.cells, texts, strict=True):
            cell.text = text
    inner = table.cell(2, 2).add_table(rows=1, cols=2)
    inner.cell(0, 0).text, inner.cell(0, 1).text = "matt", "since 1990"
    file.add_heading("Öffnungszeiten", 2)
    file.add_paragraph("Täglich außer montags.")
    file.sections[0].header.paragraphs[0].text = "RUNNING HEADER"
    file.save(str(path))
    return path
