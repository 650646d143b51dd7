"""Cleaning: what each step changes and what it must not, its count and examples, and that pages stay where they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from phases.rag_data.chunk import find_headings
from phases.rag_data.clean import Cleaning
from phases.rag_data.clean.edits import Edit, apply_edits, code_spans
from phases.rag_data.clean.lines import joined_lines
from phases.rag_data.clean.pipeline import clean_text
from phases.rag_data.clean.switches import STEPS, added_up
from phases.rag_data.extract.formats import extract_document
from tests.rag_data.files import make_pdf

TABLE = "| Ventil | Druck |\n| --- | --- |\n| Einlass | 4,5 bar |"
CODE = "```python\nurl = 'https://example.org/a'  # an &amp;  \n\n\n\nmail  =  'a@b.de'  # ★\n```"
OFF = dict.fromkeys(STEPS, False)


def cleaned(text: str, *steps: str, **more: object) -> str:
    return clean_text(text, (), Cleaning(**{**OFF, **dict.fromkeys(steps, True), **more}))[0]


def counts(text: str, *steps: str, **more: object) -> dict[str, int]:
    cleaning = Cleaning(**{**OFF, **dict.fromkeys(steps, True), **more})
    clean_text(text, (), cleaning)
    return {step: one["count"] for step, one in cleaning.tally.record().items()}


@pytest.mark.parametrize(("step", "before", "after"), [
    ("normalise_unicode", "Gru\u0308\u00dfe aus Ko\u0308ln", "Grüße aus Köln"),
    ("decode_entities", "R&amp;D in M&uuml;nchen, 5&nbsp;m &#8211; gut", "R&D in München, 5 m – gut"),
    ("decode_entities", "AT&T, a & b; &unknown; &#124; &#42;", "AT&T, a & b; &unknown; &#124; &#42;"),
    ("decode_entities", "Write `&lt;p&gt;` for &lt;p&gt;", "Write `&lt;p&gt;` for <p>"),
    ("remove_control", "Schiff\u00adfahrt\u200b \ue123ahoi\u202e", "Schifffahrt ahoi"),
    ("remove_control", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"),  # joins letters
    ("remove_symbols", "★ Neu ✓ 21 °C, 5 € – „gut“! ☎️", " Neu  21 °C, 5 € – „gut“! "),
    ("remove_urls", "Siehe https://example.org/a_(b)?x=1&y=2. Oder www.example.org, dann weiter.", "Siehe. Oder, dann weiter."),
    ("remove_urls", "The [manual](https://example.org/a_(b)) and [https://example.org](https://example.org)!", "The manual and !"),
    ("remove_urls", "Words.\n\n[1]: https://example.org/a \"Title\"\nMore <http://example.org>.", "Words.\n\nMore."),
    ("remove_urls", "| Seite | https://example.org |\n| --- | --- |", "| Seite | |\n| --- | --- |"),
    ("remove_urls", "Mail a@b.de, file C:/x, ratio 3://4", "Mail a@b.de, file C:/x, ratio 3://4"),
    ("remove_emails", "Frag müller@köln.example.de. Oder [uns](mailto:a@b.de), <c@d.org>!", "Frag. Oder uns,!"),
    ("remove_emails", "@keeper at 5 @ 3, https://example.org", "@keeper at 5 @ 3, https://example.org"),
    ("drop_duplicates", f"# A\n\n{'Der Leuchtturm steht auf der Klippe am Meer. ' * 2}\n\nJa.\n\n{'Der Leuchtturm  steht auf der Klippe am Meer. ' * 2}\n\nJa.\n\n# A",
     f"# A\n\n{'Der Leuchtturm steht auf der Klippe am Meer. ' * 2}\n\nJa.\n\nJa.\n\n# A"),
    ("normalise_space", "Ein\u00a0 Wort \t hier.  \n\n\n\nNoch\u2009eins.\n", "Ein Wort hier.\n\nNoch eins."),
    ("normalise_space", "- eins\n  - zwei  drei\n\n    code  here", "- eins\n  - zwei drei\n\n    code  here"),
    ("normalise_space", "| a  | b   |\n| --- | --- |\n|  | c |", "| a  | b   |\n| --- | --- |\n|  | c |"),
])
def test_what_a_step_changes(step: str, before: str, after: str) -> None:
    assert cleaned(before, step) == after


@pytest.mark.parametrize(("before", "after"), [
    ("Halt! (Wirklich?) 3.5 % von x-y, o'clock — ja.", "Halt Wirklich 3.5  von x-y o'clock  ja"),
    ("# Titel: Teil\n\n- Punkt, zwei\n2. Satz!", "# Titel Teil\n\n- Punkt zwei\n2. Satz"),
    (f"{TABLE}\n| a! | b? |", f"{TABLE}\n| a | b |"),
    ("Wort—Wort `a.b()` Ende.", "Wort Wort `a.b()` Ende"),
])
def test_punctuation_can_go_but_not_the_marks(before: str, after: str) -> None:
    assert cleaned(before, "remove_symbols", keep_punctuation=False) == after


def test_paragraphs_outside_the_limits_are_left_out_and_counted() -> None:
    text = f"# A\n\nKurz.\n\n{'Ein Satz mit Worten. ' * 5}\n\n- x\n- y\n\n{TABLE}\n\n```\nz\n```\n\n{'Lang ' * 60}"
    assert cleaned(text, "limit_length", max_chars=250) == text.replace("Kurz.\n\n", "").replace("Lang " * 60, "").rstrip()
    assert counts(text, "limit_length", max_chars=250) == {"limit_length": 2}
    assert cleaned(text, "limit_length", min_chars=0, max_chars=300) == text


@pytest.mark.parametrize("step", [*STEPS, "all"])
def test_tables_code_headings_and_lists_are_not_damaged(step: str) -> None:
    text = f"# Ventile & Höhe\n\n{TABLE}\n\n{CODE}\n\n## Liste\n\n- eins\n- zwei\n  1. drei\n\n> Zitat.\n\nNach dem Code."
    assert cleaned(text, *(STEPS if step == "all" else [step])) == text


def test_ordinary_text_is_left_alone_by_what_is_on() -> None:
    text = ("# Wärter\n\nDer Wärter schreibt an wart@leuchtturm.de (siehe https://example.org): „Öl – 14,5 l“ & mehr.\n\n"
            "L'été, où ça? ¡Sí! 10 × 5 = 50 m², naïve façade.")
    cleaning = Cleaning()
    assert clean_text(text, (), cleaning)[0] == text
    assert cleaning.tally.record() == {}


def test_counts_and_examples_before_and_after() -> None:
    cleaning = Cleaning()
    clean_text("A &amp; B, C &amp; D, E &auml; F, G &ouml; H, I\u200bJ.", (), cleaning)
    record = cleaning.tally.record()
    assert record["decode_entities"]["count"] == 4 and len(record["decode_entities"]["examples"]) == 3
    assert record["decode_entities"]["examples"][0] == ["A &amp; B, C &amp; D, E &auml; ", "A & B, C &amp; D, E &auml; "]
    assert record["remove_control"]["examples"] == [[", C & D, E ä F, G ö H, I<U+200B>J.", ", C & D, E ä F, G ö H, IJ."]]
    assert added_up([record, record])["decode_entities"]["count"] == 8
    assert added_up([record, {"join_lines": {"count": 1, "examples": []}}]).keys() == {"decode_entities", "remove_control", "join_lines"}


def test_every_step_can_be_switched_off() -> None:
    text = "Gru\u0308\u00dfe &amp; a@b.de  https://example.org \u200b★"
    assert cleaned(text) == text


@pytest.mark.parametrize(("edits", "places", "text", "moved"), [
    ([], (0, 3, 9), "abcdefghi", (0, 3, 9)),
    ([Edit(0, 2)], (0, 2, 5), "cdefghi", (0, 0, 3)),
    ([Edit(1, 2, "xyz"), Edit(4, 9)], (0, 1, 2, 4, 6, 9), "axyzcd", (0, 1, 4, 6, 6, 6)),
    ([Edit(3, 3, "+")], (3, 4), "abc+defghi", (3, 5)),
])
def test_places_move_with_the_text(edits: list[Edit], places: tuple[int, ...], text: str, moved: tuple[int, ...]) -> None:
    assert apply_edits("abcdefghi", edits, places) == (text, moved)


def test_pages_begin_where_they_began() -> None:
    pages = ["Seite &amp; eins  hier.", "# Zwei\n\nhttps://example.org steht da.", "Drei\u200b."]
    text, starts = "", []
    for page in pages:
        text += "\n\n" if text else ""
        starts.append(len(text))
        text += page
    got, moved = clean_text(text, starts, Cleaning(remove_urls=True))
    assert [got[place:].split("\n")[0] for place in moved] == ["Seite & eins hier.", "# Zwei", "Drei."]
    assert find_headings(got)[0].start == moved[1]


def test_code_is_found_with_its_fences() -> None:
    text = "a `b` c\n```\nd `e`\n```\nf ``g ` h``\n~~~\nopen"
    assert [text[start:end] for start, end in zip(*vars(code_spans(text)).values(), strict=True)] == [
        "`b`", "```\nd `e`\n```", "``g ` h``", "~~~\nopen"]


@pytest.mark.parametrize(("lines", "hyphens", "text", "words"), [
    (["Der Leucht-", "turm steht"], True, "Der Leuchtturm steht", [("Leucht-\nturm", "Leuchtturm")]),
    (["Der Leucht-", "turm steht"], False, "Der Leucht-turm steht", []),
    (["auf- und", "abwärts, Auf-", "und Abbau"], True, "auf- und abwärts, Auf- und Abbau", []),
    (["Nord-", "Süd und 3-", "4 Tage"], True, "Nord-Süd und 3-4 Tage", []),
])
def test_wrapped_lines(lines: list[str], hyphens: bool, text: str, words: list[tuple[str, str]]) -> None:
    assert joined_lines(lines, hyphens=hyphens) == (text, words)


def test_a_wrapped_text_file_tells_what_was_joined(tmp_path: Path) -> None:
    line = "Der Leuchtturm steht seit dem Jahr 1887 auf einer Klippe und sein Licht-"
    path = tmp_path / "a.txt"
    path.write_text("\x07\n" + f"{line}\nsignal ist weit zu sehen, wenn es Nacht ist und der Nebel nicht zu dicht\n" * 4, encoding="utf-8")
    document = extract_document(path, "a.txt")
    assert "Lichtsignal" in document.text and "\x07" not in document.text
    record = document.cleaning
    assert record["join_hyphenation"]["count"] == 4 and record["join_hyphenation"]["examples"][0] == ["Licht-\nsignal", "Lichtsignal"]
    assert record["join_lines"]["count"] >= 4
    assert record["remove_control"] == {"count": 1, "examples": [["<U+0007>\n" + line[:23], "\n" + line[:23]]]}
    plain = extract_document(path, "a.txt", Cleaning(join_lines=False))
    assert "Licht-\nsignal" in plain.text and set(plain.cleaning) == {"remove_control"}


def test_headers_of_pages_are_counted_and_pages_stay(tmp_path: Path) -> None:
    document = extract_document(make_pdf(tmp_path / "pump.pdf"), "pump.pdf", Cleaning(remove_symbols=True, keep_punctuation=False))
    assert document.cleaning["drop_repeated_lines"]["count"] == 8
    assert ["Handbook of the Pump House", ""] in document.cleaning["drop_repeated_lines"]["examples"]
    assert [document.text[place:].split("\n")[0] for place in document.pages] == [f"# {number} Part of the work" for number in range(1, 5)]
    whole = extract_document(tmp_path / "pump.pdf", "pump.pdf", Cleaning(drop_repeated_lines=False))
    assert "Handbook of the Pump House" in whole.text


def test_files_that_hold_nothing_else_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("https://example.org/a", encoding="utf-8")
    with pytest.raises(Exception, match="no text after cleaning"):
        extract_document(path, "a.txt", Cleaning(remove_urls=True))
