"""The steps that work on a whole text: each finds its edits and changes nothing.

In: a document's Markdown text. Out: edits in its order. Fenced code is left alone by all but the composing of letters; tables,
headings and lists keep their marks.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator

from phases.rag_data.clean.edits import Edit, Spans, code_spans, not_in
from phases.rag_data.clean.lines import BLANKS

ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
MARKS = set("|#`*_\\\n\r")  # an entity of these was written so that it is no mark
UNSEEN = re.compile("[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff\ue000-\uf8ff"
                    "\U000e0000-\U000e007f\U000f0000-\U0010ffff]+")
ADDRESS = r"(?:(?:https?|ftp)://|www\.)"
LINK = re.compile(rf'!?\[([^\]\n]*)\]\(\s*<?{ADDRESS}(?:[^()\s>]|\([^()\s]*\))*>?(?:\s+"[^"\n]*")?\s*\)', re.IGNORECASE)
LINK_LINE = re.compile(rf"^ {{0,3}}\[[^\]\n]+\]:[ \t]*<?{ADDRESS}\S*(?:[ \t]+\S.*)?$\n?", re.IGNORECASE | re.MULTILINE)
BARE = re.compile(rf"[ \t]?(?:<{ADDRESS}[^>\s]+>|\b{ADDRESS}(?:[^\s<>|()\[\]\"”“»]|\([^\s()<>|]*\))+(?<![.,;:!?'*_]))", re.IGNORECASE)
MAIL_NAME = r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)+"
MAIL_LINK = re.compile(rf"\[([^\]\n]*)\]\(\s*mailto:{MAIL_NAME}[^)\s]*\)", re.IGNORECASE)
MAIL = re.compile(rf"[ \t]?(?:<(?:mailto:)?{MAIL_NAME}>|(?:mailto:)?(?<![\w.+%-]){MAIL_NAME})", re.IGNORECASE)
KEPT_SYMBOLS = set("°℃℉№Ω©®™´")
STRUCTURE = re.compile(r"^[ \t]*(?:#{1,6} |>+ ?|[-*+•] |\d{1,3}[.)] |\|[ \t:|-]+\|[ \t]*$)|\|", re.MULTILINE)
PARAGRAPH = re.compile(r"[^\n](?:[^\n]|\n(?!\n))*")
OWN_KIND = re.compile(r"^[ \t]*(?:#{1,6} |\||>|[-*+•] |\d{1,3}[.)] |    |\t)", re.MULTILINE)
SHORTEST_REPEATED = 40
ALIGNED = re.compile(r"^(?: {4}|\t|[ ]{0,3}\|)[^\n]*$", re.MULTILINE)  # indented code, rows of tables
TRAILING = re.compile(r"[^\S\n]+(?=\n)")
INNER = re.compile(rf"(?<=\S){BLANKS.pattern}(?=\S)")
EMPTY_LINES = re.compile(r"\n{3,}")


def compose_letters(text: str) -> Iterator[Edit]:
    """Words in which a letter and its accent are two characters (Unicode NFC)."""
    if not unicodedata.is_normalized("NFC", text):
        for word in re.finditer(r"\S+", text):
            composed = unicodedata.normalize("NFC", word[0])
            if composed != word[0]:
                yield Edit(*word.span(), composed)


def decode_entities(text: str) -> Iterator[Edit]:
    """`&amp;` as "&", `&uuml;` as "ü"; not in code, and not where the sign would become a mark of Markdown."""
    def found() -> Iterator[Edit]:
        for match in ENTITY.finditer(text):
            sign = html.unescape(match[0]).replace("\u00a0", " ")
            if sign != match[0] and not MARKS & set(sign):
                yield Edit(*match.span(), sign)

    return not_in(found(), code_spans(text)) if "&" in text else iter(())


def remove_unseen(text: str) -> Iterator[Edit]:
    """Invisible characters (soft hyphens, zero-width spaces, direction marks) and those of private fonts."""
    return not_in((Edit(*match.span()) for match in UNSEEN.finditer(text)), code_spans(text, inline=False))


def remove_symbols(text: str, *, keep_punctuation: bool = True) -> Iterator[Edit]:
    """Emoji, dingbats, drawing characters. Without `keep_punctuation` also punctuation, but for that within words and
    numbers and the marks of headings, lists and tables.
    """
    letters = set(text)
    wanted = {one for one in letters if one > "\x7f" and unicodedata.category(one) in {"So", "Sk", "Me"} and one not in KEPT_SYMBOLS}
    wanted |= letters & {"\ufe0e", "\ufe0f"} if wanted else set()
    if not keep_punctuation:
        wanted |= {one for one in letters if unicodedata.category(one)[0] in "PS" and one not in KEPT_SYMBOLS}
    if not wanted:
        return iter(())
    runs = re.finditer(f"[{re.escape(''.join(sorted(wanted)))}]+", text)
    return _symbol_edits(text, runs, _structure(text))


def _symbol_edits(text: str, runs: Iterator[re.Match[str]], kept: Spans) -> Iterator[Edit]:
    """A blank takes the place of what stood between two words."""
    for match in runs:
        start, end = match.span()
        before, after = text[start - 1:start], text[end:end + 1]
        ascii_or_quote = len(match[0]) == 1 and (match[0] < "\x7f" or match[0] in "’‑–·")
        if kept.touch(start, end) or (ascii_or_quote and before.isalnum() and after.isalnum()):
            continue
        yield Edit(start, end, " " if before.strip() and after.strip() else "")


def _structure(text: str) -> Spans:
    """Code and the marks of headings, lists, quotes and tables."""
    code = code_spans(text)
    marks = [match.span() for match in STRUCTURE.finditer(text) if not code.touch(*match.span())]
    spans = sorted([*zip(code.starts, code.ends, strict=True), *marks])
    return Spans(tuple(start for start, _ in spans), tuple(end for _, end in spans))


def remove_urls(text: str) -> Iterator[Edit]:
    """Web addresses; of a link its words stay."""
    if "://" not in text and "www." not in text.lower():
        return iter(())
    return not_in(_links(text, (LINK, LINK_LINE, BARE), BARE), code_spans(text))


def remove_emails(text: str) -> Iterator[Edit]:
    """E-mail addresses; of a link its words stay."""
    return not_in(_links(text, (MAIL_LINK, MAIL), MAIL), code_spans(text)) if "@" in text else iter(())


def _links(text: str, patterns: tuple[re.Pattern[str], ...], bare: re.Pattern[str]) -> Iterator[Edit]:
    """What the patterns find, the first one where they overlap; a link's words that are an address go with it."""
    found = []
    for pattern in patterns:
        for match in pattern.finditer(text):
            words = match[1] if pattern.groups else ""
            found.append(Edit(*match.span(), "" if bare.fullmatch(words) else words))
    end = 0
    for one in sorted(found, key=lambda one: (one.start, -one.end)):
        if one.start >= end:
            yield one
            end = one.end


def drop_duplicates(text: str) -> Iterator[Edit]:
    """Paragraphs, lists and tables that repeat an earlier one of the document; short ones, headings and code stay."""
    code, seen = code_spans(text, inline=False), set()
    for match in PARAGRAPH.finditer(text):
        words = " ".join(match[0].split())
        if len(words) < SHORTEST_REPEATED or match[0].startswith("#") or code.touch(*match.span()):
            continue
        if words in seen:
            yield _whole_paragraph(text, match)
        seen.add(words)


def limit_length(text: str, shortest: int, longest: int) -> Iterator[Edit]:
    """Paragraphs with fewer or more characters; headings, tables, lists, quotes and code stay."""
    code = code_spans(text, inline=False)
    for match in PARAGRAPH.finditer(text):
        length = len(match[0].strip())
        if length and not shortest <= length <= longest and not OWN_KIND.search(match[0]) and not code.touch(*match.span()):
            yield _whole_paragraph(text, match)


def _whole_paragraph(text: str, match: re.Match[str]) -> Edit:
    """A paragraph with the empty lines behind it, so that one gap stays."""
    end = match.end()
    while text.startswith("\n", end):
        end += 1
    return Edit(match.start(), end)


def normalise_space(text: str) -> Iterator[Edit]:
    """Runs of blanks within a line, blanks at its end, and more than one empty line; code and tables keep their own."""
    code, aligned = code_spans(text, inline=False), _spans(ALIGNED, text)
    found = [Edit(*match.span(), " ") for match in INNER.finditer(text) if match[0] != " " and not aligned.touch(*match.span())]
    found += [Edit(*match.span()) for match in TRAILING.finditer(text)]
    found += [Edit(*match.span(), "\n\n") for match in EMPTY_LINES.finditer(text)]
    return not_in(sorted(found, key=lambda one: one.start), code)


def _spans(pattern: re.Pattern[str], text: str) -> Spans:
    found = [match.span() for match in pattern.finditer(text)]
    return Spans(tuple(start for start, _ in found), tuple(end for _, end in found))
