"""Chunks: exact spans, within their size, with headings and tables whole, and some sections held out."""

from __future__ import annotations

import random
import re
from dataclasses import replace

import pytest

from phases.rag_data.chunk import chunk_document, find_headings, held_out_sections, sections
from phases.rag_data.config import IngestConfig, check_config
from phases.rag_data.extract.document import Document
from phases.rag_data.extract.long_lines import check_tokens
from phases.rag_data.language import sample_length
from phases.shared.errors import FileRejected, SettingError
from phases.shared.models.tokenizer import token_counter
from phases.shared.project import Project

WORDS = "lamp tower keeper brass valve winter signal cable hatch engine ledger brine granite copper gull".split()


@pytest.fixture(scope="module")
def count(tmp_path_factory: pytest.TempPathFactory):
    """The built-in tokenizer, as in a new project."""
    return token_counter(Project(tmp_path_factory.mktemp("project"))).count


def prose(seed: int, sentences: int) -> str:
    chance = random.Random(seed)
    return " ".join(" ".join(chance.choices(WORDS, k=9)).capitalize() + "." for _ in range(sentences))


def table(rows: int, name: str) -> str:
    body = "\n".join(f"| {name} {n} | {n * 3} metres | grey |" for n in range(rows))
    return f"| Name | Size | Colour |\n| --- | --- | --- |\n{body}"


def book(number: int = 24, sentences: int = 12) -> Document:
    parts = [f"# The Book\n\n{prose(0, 3)}"]
    parts += [f"## Part {n}\n\n{prose(n, sentences)}\n\n{prose(100 + n, sentences // 2)}" for n in range(1, number)]
    return Document("book.md", "md", "\n\n".join(parts))


CONFIG = IngestConfig(chunk_size=120, chunk_overlap=20)


def test_content_is_the_span_and_nothing_is_lost(count) -> None:
    document = book()
    chunks = chunk_document(document, CONFIG, count)
    covered = [False] * len(document.text)
    for chunk in chunks:
        assert chunk.content == document.text[chunk.start:chunk.end]
        assert chunk.tokens == count(chunk.content)
        covered[chunk.start:chunk.end] = [True] * (chunk.end - chunk.start)
    assert not "".join(letter for letter, seen in zip(document.text, covered, strict=True) if not seen).strip()
    assert [one.start for one in chunks] == sorted(one.start for one in chunks)


def test_chunks_keep_to_their_size(count) -> None:
    chunks = chunk_document(book(), CONFIG, count)
    assert max(one.tokens for one in chunks) <= 122  # a token more may arise where two pieces meet


def test_overlap_repeats_the_end_and_only_where_it_is_wanted(count) -> None:
    document = Document("a.txt", "txt", prose(1, 60))
    overlapping = chunk_document(document, replace(CONFIG, holdout_percent=0), count)
    apart = chunk_document(document, replace(CONFIG, chunk_overlap=0, holdout_percent=0), count)
    assert any(two.start < one.end for one, two in zip(overlapping, overlapping[1:], strict=False))
    assert all(two.start >= one.end for one, two in zip(apart, apart[1:], strict=False))


def test_repeated_text_still_gives_exact_spans_in_order(count) -> None:
    document = Document("a.txt", "txt", "\n\n".join(["The same line again and again."] * 200))
    chunks = chunk_document(document, CONFIG, count)
    assert all(one.content == document.text[one.start:one.end] for one in chunks)
    assert all(one.start < two.start for one, two in zip(chunks, chunks[1:], strict=False))


def test_a_heading_is_never_the_end_of_a_chunk(count) -> None:
    document = Document("a.md", "md", "\n\n".join(f"## Part {n}\n\n{prose(n, 3 + n % 25)}" for n in range(40)))
    for chunk in chunk_document(document, replace(CONFIG, holdout_percent=0), count):
        assert not re.fullmatch(r"#+ .*", chunk.content.splitlines()[-1]), chunk.content


def test_a_table_that_fits_is_whole_and_a_longer_one_is_cut_between_rows(count) -> None:
    short = table(5, "pipe")
    text = f"## Sizes\n\n{prose(1, 9)}\n\n{short}\n\n{prose(2, 9)}\n\n{table(60, 'bolt')}"
    chunks = chunk_document(Document("a.md", "md", text), replace(CONFIG, chunk_overlap=0), count)
    assert sum(short in one.content for one in chunks) == 1
    for chunk in chunks:
        for line in chunk.content.splitlines():
            assert not line.startswith("|") or line.endswith("|")


def test_heading_path_page_and_fences(count) -> None:
    text = f"# A\n\n{prose(1, 9)}\n\n## B\n\n{prose(2, 9)}\n\n```\n# not a heading\n```\n\n# C\n\n{prose(3, 9)}"
    pages = (0, text.index("## B"), text.index("# C"))
    chunks = chunk_document(Document("a.pdf", "pdf", text, pages=pages), CONFIG, count)
    assert [one.title for one in find_headings(text)] == ["A", "B", "C"]
    by_start = {one.content.split("\n")[0]: one for one in chunks}
    assert by_start["## B"].headings == ("A", "B")
    assert by_start["# C"].headings == ("C",)
    assert (by_start["# A"].page, by_start["## B"].page, by_start["# C"].page) == (1, 2, 3)
    assert by_start["# C"].metadata == {"page": 3, "headings": ["C"], "start": pages[2], "end": by_start["# C"].end}


def test_the_path_holds_no_addresses_of_links_and_pictures() -> None:
    text = "# lamp [![Build](https://a.b/x.svg)](https://a.b/c) ![logo](l.png \"Logo\")\n\n## The [wick](docs/wick.md)\n\n## rows[0](n)\n\n## ![](l.png)"
    assert [one.title for one in find_headings(text)] == ["lamp", "The wick", "rows[0](n)", "![](l.png)"]


def test_held_out_sections_are_whole_apart_and_within_the_share(count) -> None:
    document = book(60, 6)
    chunks = chunk_document(document, IngestConfig(holdout_percent=10), count)
    held = [one for one in chunks if one.held_out]
    assert held
    assert sum(one.end - one.start for one in held) <= 0.1 * len(document.text)
    whole = {document.text[one.start:one.end].strip() for one in sections(document)}
    assert {one.content for one in held} <= whole
    for one in held:
        assert all(other.end <= one.start or other.start >= one.end for other in chunks if other is not one)


def test_the_choice_of_held_out_sections_depends_on_their_text_alone(count) -> None:
    document = book(60, 16)
    first = held_out_sections(document.text, sections(document), 10)
    assert first == held_out_sections(document.text, sections(document), 10)
    wholes = {document.text[one.start:one.end].strip() for one in first}
    config = replace(CONFIG, holdout_percent=10, chunk_overlap=80)  # wide enough to repeat a sentence
    cut = [one for one in chunk_document(document, config, count) if one.held_out]
    assert all(any(one.content in whole for whole in wholes) for one in cut)
    assert sum(len(one.content.split()) for one in cut) == sum(len(whole.split()) for whole in wholes)


def test_documents_of_few_sections_hold_none_out(count) -> None:
    assert not any(one.held_out for one in chunk_document(book(6), replace(CONFIG, holdout_percent=50), count))


def test_text_without_headings_is_held_out_by_groups_of_paragraphs(count) -> None:
    document = Document("a.txt", "txt", "\n\n".join(prose(n, 8) for n in range(60)))
    assert any(one.held_out for one in chunk_document(document, replace(CONFIG, holdout_percent=10), count))


def test_an_overlap_as_large_as_the_chunk_is_refused() -> None:
    with pytest.raises(SettingError, match="does not fit"):
        check_config(IngestConfig(chunk_size=100, chunk_overlap=100))


def test_rows_of_signs_without_a_blank_are_cut_in_few_steps_and_keep_to_the_size(count) -> None:
    document = Document("a.txt", "txt", "".join(random.Random(5).choices("abcdefghijklmnopqrstuvwxyz0123456789", k=40_000)))
    asked: list[str] = []
    chunks = chunk_document(document, CONFIG, lambda text: asked.append(text) or count(text))
    assert len(asked) < len(document.text) / 4
    assert max(one.tokens for one in chunks) <= 122
    assert all(one.content == document.text[one.start:one.end] for one in chunks)


def test_sentences_of_scripts_without_blanks_stay_whole(count) -> None:
    document = Document("a.txt", "txt", "灯台守は夕方に灯をともす。船は港に入るか？はい！" * 60)
    chunks = chunk_document(document, replace(CONFIG, chunk_overlap=0), count)
    assert len(chunks) > 5
    assert all(one.content[-1] in "。？！" for one in chunks)


def test_a_text_of_too_many_tokens_is_refused_by_samples() -> None:
    check_tokens("word " * 400_000, "a.txt", lambda text: len(text) // 5, most=400_001)
    with pytest.raises(FileRejected, match=r"'a.txt' holds about 2 million tokens; a document may have 0 million"):
        check_tokens("word " * 400_000, "a.txt", len, most=400_001)


def test_the_more_chunks_the_less_of_each_tells_its_language() -> None:
    assert (sample_length(0), sample_length(500), sample_length(5000), sample_length(10**6)) == (6000, 6000, 600, 300)
