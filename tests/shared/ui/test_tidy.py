"""Markdown in a list: words without marks."""

from __future__ import annotations

import pytest

from phases.shared.ui.tidy import tidy


@pytest.mark.parametrize(("markdown", "words"), [
    ("# The lamp\n\nIt burns.\n\n## At night ##", "The lamp · It burns. At night"),
    ("| Name | Hours |\n|:---|--:|\n| North \\| South | 12 |\n| A |  |", "Name · Hours North | South · 12 A"),
    ("- one\n* two\n1. three\n> **bold** and *slanted*, `code`, [a link](http://x.y/z \"t\") ![a picture](p.png)", "one two 1. three bold and slanted, code, a link a picture"),
    ("```python\nx = 1\n```\n---\nend", "x = 1 end"),
    ("brake | \x02closes\x03 |\n| at **\x0223\x03** | bar |", "brake · \x02closes\x03 at \x0223\x03 · bar"),
    ("C# and #5, a_b_c, __init__, 2 * 3 * 4, -5 degrees, a | b", "C# and #5, a_b_c, __init__, 2 * 3 * 4, -5 degrees, a | b"),
    ("<b onclick=\"x\">crossed</b>", "<b onclick=\"x\">crossed</b>"), ("", "")])
def test_the_words_stay_and_the_marks_go(markdown: str, words: str) -> None:
    assert tidy(markdown) == words
