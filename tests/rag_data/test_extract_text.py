"""Plain text, Markdown and web pages."""

from __future__ import annotations

import html
import re
import textwrap
from pathlib import Path

import pytest

from phases.rag_data.clean import join_wrapped
from phases.rag_data.extract.formats import extract_document

GERMAN = ("Die Größe der Brücke über den Fluß beträgt zwölf Meter, und für Fußgänger führt ein schmaler Weg darüber. "
          "Früher gehörte sie dem Müller.\n")


def read(tmp_path: Path, name: str, content: str | bytes) -> str:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return extract_document(path, name).text


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "cp1252", "utf-16"])
@pytest.mark.parametrize("text", [GERMAN, "Über uns: Öl.\n"])
def test_umlauts_in_any_usual_encoding(tmp_path: Path, encoding: str, text: str) -> None:
    assert read(tmp_path, "a.txt", text.encode(encoding)) == text.strip()


def test_cyrillic_is_not_taken_for_latin(tmp_path: Path) -> None:
    text = "Маяк стоит на восточном берегу острова, и каждый вечер смотритель зажигает большую лампу.\n" * 3
    assert "смотритель" in read(tmp_path, "a.txt", text.encode("cp1251"))


def test_a_wrapped_text_gets_one_line_a_paragraph(tmp_path: Path) -> None:
    first = ("The tower was built of stone that was cut on the mainland, then shipped out course by course in the summer "
             "months when the landing could be trusted by all who were in it.")
    second = "The second paragraph of the tower book is shorter than the first one, but longer than a single line of it."
    wrapped = f"{textwrap.fill(first, 66)}\n\n{textwrap.fill(second, 66)}\n"
    assert read(tmp_path, "a.txt", wrapped) == f"{first}\n\n{second}"


def test_a_parted_word_is_joined(tmp_path: Path) -> None:
    lines = ["The lamp burns from one half hour before the sun goes down to one", "half hour after it has come up again, as the hand-",
             "book says; the keepers take turns of four hours each, day by day.", "Nobody sleeps on watch."]
    text = read(tmp_path, "a.txt", "\n".join(lines))
    assert "as the handbook says" in text


def test_an_address_is_not_joined(tmp_path: Path) -> None:
    assert read(tmp_path, "a.txt", "Anna Berg\nHafenweg 3\nPort Emmer\n\nDear Anna,\n") == (
        "Anna Berg\nHafenweg 3\nPort Emmer\n\nDear Anna,")


def test_an_underlined_line_is_a_heading(tmp_path: Path) -> None:
    assert read(tmp_path, "a.txt", "The Tower\n=========\n\nIt is tall.\n") == "# The Tower\n\nIt is tall."


def test_markdown_keeps_code_tables_and_lists(tmp_path: Path) -> None:
    source = ("---\ntitle: The Book\n---\nThe Tower\n---------\nIt was built\nof stone.\n\n- one item\n  that goes on\n- two\n\n"
              "| a | b |\n|---|---|\n| 1 | 2 |\n\n```\n# no heading\nkept\nlines\n```\n")
    assert read(tmp_path, "a.md", source) == (
        "## The Tower\n\nIt was built of stone.\n\n- one item that goes on\n- two\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n"
        "```\n# no heading\nkept\nlines\n```")


PAGE = """<!doctype html><html><head><title>Turm</title><meta charset="{charset}"><script>var x = "never";</script></head><body>
<nav><a href="/">Home</a> <a href="/b">Impressum</a></nav>{before}
<h1>Der Turm</h1><p>Der Turm ist   43 Meter hoch,<br>sagt Jörg. <b>Fett</b> ist er <i>nicht</i>.</p>
<h2>Türen</h2><table><tr><th>Tür</th><th>Farbe</th></tr><tr><td>Nord|Ost</td><td>grün</td></tr></table>
<ul><li>Öl<ul><li>fein</li></ul></li><li>Docht</li></ul><ol><li>putzen</li><li>zünden</li></ol>
<pre>a = 1
  b = 2</pre>{after}<footer><a href="/c">Kontakt</a></footer></body></html>"""
READ = ("# Der Turm\n\nDer Turm ist 43 Meter hoch,\nsagt Jörg. Fett ist er nicht.\n\n## Türen\n\n| Tür | Farbe |\n| --- | --- |\n"
        "| Nord\\|Ost | grün |\n\n- Öl\n  - fein\n- Docht\n\n1. putzen\n2. zünden\n\n```\na = 1\n  b = 2\n```")


@pytest.mark.parametrize(("before", "after"), [("", ""), ("<main>", "</main>"), ("<div><article>", "</article></div>")])
@pytest.mark.parametrize("charset", ["utf-8", "iso-8859-1"])
def test_a_web_page_keeps_its_structure_and_loses_its_menus(tmp_path: Path, before: str, after: str, charset: str) -> None:
    page = PAGE.format(charset=charset, before=before, after=after).encode(charset)
    assert read(tmp_path, "a.html", page) == READ


def test_a_long_page_without_a_main_part_loses_what_surrounds_it(tmp_path: Path) -> None:
    story = "".join(f"<p>In the year {year} the keeper wrote in the log book that the sea had been calm, the lamp had burnt "
                    f"well, and {year % 37} ships had passed the skerry before dawn.</p>" for year in range(1900, 1930))
    links = "".join(f'<li><a href="/{n}">Link number {n}</a></li>' for n in range(30))
    text = read(tmp_path, "a.html", f"<html><body><div class='x'><ul>{links}</ul></div><div><h1>Log</h1>{story}</div>"
                                    f"<div id='footer'><ul>{links}</ul></div></body></html>")
    assert "In the year 1929 the keeper" in text
    assert "Link number" not in text


@pytest.mark.parametrize("menu", [
    '<ul class="docnav top"><li class="previous"><a href="a.html">Back</a></li><li class="home">The whole handbook of the keepers</li><li><a href="b.html">Next</a></li></ul>',
    '<div class="navheader"><table><tr><th colspan="3">The whole handbook</th></tr><tr><td><a href="a.html">Back</a></td><th> </th><td>Next</td></tr></table></div>',
    '<div class="header"><p>Next: <a href="b.html" rel="next">Foghorns</a>, Up: <a href="a.html" rel="up">The whole handbook</a> [<a href="c.html">Index</a>]</p></div>',
    '<div class="fancy_toc"><div><a href="#lamps">Back</a></div><div><a href="#oil">Next</a></div></div>'])
def test_the_navigation_of_usual_programs_goes_also_beside_words(menu: str, tmp_path: Path) -> None:
    text = read(tmp_path, "a.html", f"<html><body>{menu}<h2>Lamps</h2><p>The keeper lights the lamp at dusk.</p>{menu}</body></html>")
    assert text == "## Lamps\n\nThe keeper lights the lamp at dusk."


def test_chapters_and_numbered_questions_of_a_plain_text_are_headings(tmp_path: Path) -> None:
    text = read(tmp_path, "a.txt", "Contents\n\n1. Weirs\n   1.1. What is a weir?\n   1.2. Who keeps it?\n\nChapter 1. Weirs\n\n1.1. What is a weir?\n\nA wall in a river.\n\n"
                                   "1.2. Who keeps it, and who pays the keeper\nwhen the river is dry?\n\nThe village does.\n\nChapter 2. The river was high that day, and so on.\n\nWhy?\n\n3. Who knows?\n")
    assert [line for line in text.split("\n") if line.startswith("#")] == [
        "# Chapter 1. Weirs", "## 1.1. What is a weir?", "## 1.2. Who keeps it, and who pays the keeper when the river is dry?"]


def test_marks_that_lead_to_a_heading_are_no_part_of_it(tmp_path: Path) -> None:
    marks = ("headerlink", "permalink", "copiable-link", "copiable-anchor")
    heads = "".join(f'<h2>Lamp {number}<a class="{mark}" href="#l"> \u00b6</a></h2><p>It burns.</p>' for number, mark in enumerate(marks))
    assert "\u00b6" not in read(tmp_path, "a.html", f"<html><body>{heads}</body></html>")


def test_a_doxygen_page_loses_its_frame_and_lists_its_parts_in_lines(tmp_path: Path) -> None:
    rows = "".join(f'<tr><td class="memItemLeft">double *&#160;</td><td class="memItemRight"><a href="#{name}">{name}</a> [2]</td></tr>' for name in ("crpix", "cdelt"))
    page = (f"<html><head><meta name='generator' content='Doxygen 1.9.4'/><title>T</title></head><body><div id='top'><div id='titlearea'>PROJECT 7.12</div></div>"
            f"<div class='header'><div class='summary'><a href='#f'>Data Fields</a></div><div class='headertitle'><div class='title'>axis Struct</div></div></div>"
            f"<div class='contents'><p>Parameters.</p><table><tr class='heading'><td colspan='2'><h2>Data Fields</h2></td></tr>{rows}</table></div></body></html>")
    assert read(tmp_path, "a.html", page) == "# axis Struct\n\nParameters.\n\n## Data Fields\n\ndouble * crpix [2]\n\ndouble * cdelt [2]"


SWITCHES = [
    '<div class="toplang"><p><span>Verf\u00fcgbare Sprachen: </span><a href="../de/a.html" title="Deutsch">de</a> | <a href="../en/a.html" hreflang="en" rel="alternate">en</a></p></div>',
    '<p>This page is also available in the following languages: <a href="a.de.html">Deutsch</a> <a href="a.fr.html">fran\u00e7ais</a> <a href="a.pt-br.html">Portugu\u00eas</a></p>',
    '<ul><li><a href="https://de.weirs.org/wiki/A" lang="de" hreflang="de">Wehr</a></li><li><a href="https://nl.weirs.org/wiki/B" hreflang="nl">Stuw</a></li></ul>']


@pytest.mark.parametrize("switch", SWITCHES)
@pytest.mark.parametrize("around", ["{}", "<main>{}</main>"])
def test_links_to_a_page_in_other_languages_go_with_a_note(switch: str, around: str, tmp_path: Path) -> None:
    body = f"<h1>Weirs</h1>{switch}<p>A weir holds the river back, so that the mill has its head of water all year round.</p>"
    path = tmp_path / "a.html"
    path.write_text(f"<html><meta charset=utf-8><body>{around.format(body)}</body></html>", encoding="utf-8")
    document = extract_document(path, "a.html")
    assert document.text == "# Weirs\n\nA weir holds the river back, so that the mill has its head of water all year round."
    assert document.notes == ("Left out the links to this page in other languages.",)


@pytest.mark.parametrize("line", [
    'Read the <a href="weirs.de.html" hreflang="de">German</a> and the <a href="weirs.fr.html" hreflang="fr">French</a> book if you can, since both tell more of the old mills and of their masters than this one does.',
    'See <a href="mill.html">mills</a>, <a href="dam.html">dams</a> and <a href="lock.html">locks</a>.', 'In <a href="../de/a.html">Germany</a> it rains.'])
def test_other_links_stay(line: str, tmp_path: Path) -> None:
    text = read(tmp_path, "a.html", f"<h1>Weirs</h1><p>{line}</p><p>A weir holds the river back all year round.</p>")
    assert re.sub("<.*?>", "", line) in text


JAPANESE = "この二つの機能は\n分離されています。\nDebian の\n文書は、続き、\nます。"


def test_japanese_lines_are_joined_without_blanks(tmp_path: Path) -> None:
    joined = "この二つの機能は分離されています。 Debian の文書は、続きます。"
    assert join_wrapped(JAPANESE.replace("続き、\n", "続き").split("\n")) == joined
    assert join_wrapped(["한국어는", "띄어쓰기를 한다"]) == "한국어는 띄어쓰기를 한다"
    page = f"<h1>機能</h1><p>{JAPANESE.replace('続き、', '続き')}</p><pre>一\n二</pre><ul><li>項\n目</ul>"
    assert read(tmp_path, "a.html", f"<meta charset=utf-8>{page}") == f"# 機能\n\n{joined}\n\n```\n一\n二\n```\n\n- 項目"


def test_wrapped_japanese_lines_are_told_by_the_columns_that_they_take(tmp_path: Path) -> None:
    lines = ["    この新しい入門書を第一次的な入門書として使ってください。この文書", "    では、一般の Debian ユーザーやデベロッパーを目指している人を対象に", "    ビルド方法の解説を試みます。", "    技術用語はできるだけ避けます。",
             "    諺にもあるように、百聞は一見にしかずです。実用的な例示を多用して", "    います。"]
    assert [line.strip() for line in read(tmp_path, "a.txt", "\n".join(lines)).split("\n")] == [
        "この新しい入門書を第一次的な入門書として使ってください。この文書では、一般の Debian ユーザーやデベロッパーを目指している人を対象にビルド方法の解説を試みます。", "技術用語はできるだけ避けます。",
        "諺にもあるように、百聞は一見にしかずです。実用的な例示を多用しています。"]


def test_a_long_page_keeps_its_code_as_code(tmp_path: Path) -> None:
    """As the pages that R writes: no main part, long text, and programs with comments between it."""
    parts = ["<p>" + " ".join(f"The {kind} gate {number} opens when the river is high, and closes when it has fallen below the mark." for number in range(8)) + "</p>"
             for kind in ("upper", "lower", "third")]
    program = "gates <- 1:3\nfor (gate in gates)\n    open(gate)"
    lines = "\n".join(f'<span id="cb{number}"><a href="#cb{number}"></a>{html.escape(line)}</span>' for number, line in enumerate(program.split("\n")))
    page = f'{parts[0]}{parts[1]}<div class="sourceCode"><pre class="sourceCode r"><code>{lines}</code></pre></div>{parts[2]}'
    text = read(tmp_path, "a.html", f"<html><body>{page}</body></html>")
    assert f"\n\n```\n{program}\n```\n\nThe third gate 0 opens" in text


def test_links_to_the_pages_beside_go_where_the_head_of_the_page_names_those(tmp_path: Path) -> None:
    """As LaTeX2HTML writes them, with labels; a link to the next page in the text stays."""
    head = '<head><title>Gates</title><link rel="next" href="n4.html"><link rel="previous" href="n2.html"></head>'
    panel = '<div class="navigation"><b>Next:</b> <a href="n4.html">Weirs</a> <b>Up:</b> <a href="n1.html">Rivers</a> <b>Previous:</b> <a href="n2.html">Mills</a><br></div>'
    page = f'<html>{head}<body>{panel}<h2>Gates</h2><p>They are of oak, as is told of all <a href="n4.html">weirs</a> in the next part of this book.</p><p>See <a href="n2.html">Mills and millers</a> and <a href="n4.html">Weirs of all kinds</a>.</p></body></html>'
    assert read(tmp_path, "a.html", page) == "## Gates\n\nThey are of oak, as is told of all weirs in the next part of this book.\n\nSee Mills and millers and Weirs of all kinds."
