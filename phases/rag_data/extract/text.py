"""TXT and Markdown -> text.

In: bytes in any usual encoding. Out: text whose paragraphs are one line each. Markdown keeps its marks; plain text gets
headings where a line is underlined, numbered as a section, or in capitals.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from phases.rag_data.clean import Cleaning, tidy_line
from phases.rag_data.clean.lines import UNSPACED_SIGN
from phases.rag_data.extract.document import Extracted
from phases.rag_data.extract.text_outline import mark_headings, printed_pages

WESTERN = "cp1252"
FENCE = re.compile(r"\s{0,3}(```|~~~)")
UNDERLINE = re.compile(r"\s{0,3}(=+|-+)\s*")
ITEM = re.compile(r"(\s*)([-*+\u2022]|\d{1,3}[.)])\s+")
OWN_LINE = re.compile(r"\s{0,3}(#{1,6}(\s|$)|\||>|<|\[[^\]]+\]:|([-*_]\s*){3,}$|:{3})|\s{4,}|\t")
FRONT_MATTER = re.compile(r"\A---\n(.*?)\n(---|\.\.\.)\n", re.DOTALL)
COLUMNS = re.compile(r"\S {3,}\S")
WIDE = re.compile("[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\U00020000-\U0003ffff]")
KEPT_TOGETHER = 2  # columns of a sign that may not begin a line, and takes the one before it along
WRAP_LIMIT = 120
NARROWEST_WRAP = 50


def decode(data: bytes) -> str:
    """Text of bytes: UTF-8 if they are that, else by their mark, else the likeliest encoding.

    Short texts give statistics little to hold on to: where Windows-1252 reads them without a gap and the guess is merely
    another single-byte page, Windows-1252 (Latin-1) is taken.
    """
    for mark, name in ((b"\xff\xfe\x00\x00", "utf-32"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if data.startswith(mark):
            return data.decode(name, errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return _guess(data)


def _guess(data: bytes) -> str:
    from charset_normalizer import from_bytes

    best = from_bytes(data).best()
    try:
        western = data.decode(WESTERN)
    except UnicodeDecodeError:
        western = None
    if western is not None and (best is None or _looks_western(western)):
        return western
    return str(best) if best is not None else data.decode("latin-1")


def _looks_western(text: str) -> bool:
    """Foreign letters are few and stand beside plain ones, as umlauts and accents do; Cyrillic read so is dense."""
    foreign = sum(1 for letter in text if letter > "\x7f" and letter.isalpha())
    plain = sum(1 for letter in text if letter.isascii() and letter.isalpha())
    usual = sum(1 for letter in text if letter in "äöüßÄÖÜéèêëáàâãåçñóòôõøúùûíìîïæœÉÈÀÇÑØÅÆ")
    return foreign * 2 <= plain and usual * 10 >= foreign * 8


def extract_txt(path: Path, source: str, cleaning: Cleaning) -> Extracted:
    """Plain text: underlined lines become headings, wrapped lines are joined where the text was wrapped at all."""
    pages, notes = printed_pages(decode(path.read_bytes()), cleaning)
    text = cleaning.safe("\n\n".join(pages)).expandtabs(4)
    width = _wrap_width(text.split("\n")) if cleaning.join_lines else 0
    blocks = []
    for block in mark_headings(re.split(r"\n(?:[ \t]*\n)+", text.strip("\n"))):
        lines = [line.rstrip() for line in block.strip("\n").split("\n")]
        blocks.append(_txt_block(lines, width, cleaning))
    return Extracted("\n\n".join(block for block in blocks if block.strip()), notes=notes)


def _txt_block(lines: list[str], width: int, cleaning: Cleaning) -> str:
    if len(lines) >= 2 and (mark := UNDERLINE.fullmatch(lines[1])) and lines[0].strip() and len(mark[1]) >= 3:
        level = "#" if mark[1].startswith("=") else "##"
        rest = _txt_block(lines[2:], width, cleaning) if lines[2:] else ""
        return f"{level} {tidy_line(lines[0])}" + (f"\n\n{rest}" if rest else "")
    joined: list[list[str]] = []
    for number, line in enumerate(lines):
        before = lines[number - 1] if number else ""
        if joined and width and _was_wrapped(before, line, width):
            joined[-1].append(line)
        else:
            joined.append([line])
    return "\n".join(cleaning.join(group) if len(group) > 1 else group[0] for group in joined)


def _wrap_width(lines: list[str]) -> int:
    """The column at which a text was wrapped, or 0 when it was not: its longest lines are much alike in length."""
    lengths = sorted((_width(line) for line in lines if line.strip() and not COLUMNS.search(line)), reverse=True)
    if len(lengths) < 4 or not NARROWEST_WRAP <= lengths[0] <= WRAP_LIMIT:
        return 0
    return lengths[len(lengths) // 50]


def _was_wrapped(before: str, line: str, width: int) -> bool:
    """The next line's first word would not have fitted on the line before."""
    if not line.strip() or ITEM.match(line) or COLUMNS.search(before) or COLUMNS.search(line):
        return False
    parted = re.search(r"\w-$", before) and line.lstrip()[0].islower() and len(before) > width / 2
    word = line.split()[0]
    room = 1 + _width(word) if not UNSPACED_SIGN.match(word) else KEPT_TOGETHER + _width(word[0])
    return bool(parted) or _width(before) + room > width


def _width(line: str) -> int:
    """Columns that a line takes: signs of Chinese, Japanese and Korean take two each."""
    return len(line) if line.isascii() else len(line) + len(WIDE.findall(line))


def extract_markdown(path: Path, source: str, cleaning: Cleaning) -> Extracted:
    """Markdown stays as it is, with one line a paragraph; front matter gives the title and is left out."""
    text = cleaning.safe(decode(path.read_bytes()))
    title, notes = "", ()
    if front := FRONT_MATTER.match(text):
        text = text[front.end():]
        found = re.search(r"^title:\s*[\"']?(.+?)[\"']?\s*$", front[1], re.MULTILINE)
        title, notes = found[1] if found else "", ("Left out the settings at the head of the file (front matter).",)
    lines = list(_headings_apart(_atx_headings(text.split("\n"))))
    return Extracted("\n".join(join_paragraphs(lines, cleaning)) if cleaning.join_lines else "\n".join(lines), title,
                     notes=notes)


def _atx_headings(lines: list[str]) -> Iterator[tuple[str, bool]]:
    """Lines, and whether each is a heading; underlined headings as "# Heading", the one form that chunks are cut by."""
    fence = ""
    number = 0
    while number < len(lines):
        line = lines[number]
        mark = FENCE.match(line)
        if mark and (not fence or mark[1] == fence):
            fence = "" if fence else mark[1]
        following = lines[number + 1] if number + 1 < len(lines) else ""
        before = lines[number - 1] if number else ""
        underline = UNDERLINE.fullmatch(following)
        if not fence and underline and line.strip() and not before.strip() and not OWN_LINE.match(line) and not ITEM.match(line):
            yield f"{'#' if underline[1][0] == '=' else '##'} {line.strip()}", True
            number += 2
            continue
        is_heading = not fence and bool(re.match(r" {0,3}#{1,6} +\S", line))
        yield (re.sub(r"\s+#+$", "", line.strip()) if is_heading else line), is_heading
        number += 1


def _headings_apart(lines: Iterable[tuple[str, bool]]) -> Iterator[str]:
    """A blank line around every heading that has none."""
    before, after_heading = "", False
    for line, is_heading in lines:
        if (is_heading or after_heading) and before.strip() and line.strip():
            yield ""
        yield line
        before, after_heading = line, is_heading


def join_paragraphs(lines: list[str], cleaning: Cleaning) -> Iterator[str]:
    """Markdown lines with those of one paragraph joined; code, tables, lists and hard breaks stay."""
    fence, group = "", []
    for line in lines:
        mark = FENCE.match(line)
        closes = mark and fence and mark[1] == fence
        opens = mark and not fence
        if fence or opens or not line.strip() or (OWN_LINE.match(line) and not (group and line.startswith("  "))):
            yield from _flush(group, cleaning)
            group = []
            yield line
        elif group and not ITEM.match(line) and not group[-1].endswith(("  ", "\\")):
            group.append(line)
        else:
            yield from _flush(group, cleaning)
            group = [line]
        fence = mark[1] if opens else "" if closes else fence
    yield from _flush(group, cleaning)


def _flush(group: list[str], cleaning: Cleaning) -> Iterator[str]:
    if group:
        indent = group[0][:len(group[0]) - len(group[0].lstrip())]
        yield indent + cleaning.join(group)
