"""Free prose for pretraining: Debian's `wordnet-base` and `python3.11-doc` go in, clean paragraphs come out.

Install both with apt; no other text is read. Licences: WordNet 3.0 licence (permissive), Python documentation (PSF licence, examples 0BSD).
"""

import re
from pathlib import Path
from random import Random

from phases.shared.models.recipe.asking import is_allowed

WORDNET = Path("/usr/share/wordnet")
PYTHON_DOCS = Path("/usr/share/doc/python3.11/html/_sources")
_ROLE = re.compile(r":[a-zA-Z:+-]+:`[~!]?([^`<]*?)(?:\s*<[^>]*>)?`")
_LINK = re.compile(r"`([^`<]+?)\s*<[^>]*>`_{1,2}")
_SKIPPED = re.compile(r"^\s*(\.\.|>>>|\.\.\.|:[a-z]+|[-=~^*#\"+`]{4,}|\|)")


def _clean_paragraph(block: str) -> str:
    text = _LINK.sub(r"\1", _ROLE.sub(r"\1", block))
    return re.sub(r"\s+", " ", text.replace("``", "`").replace("\\ ", "")).strip()


def _read_rst(path: Path) -> list[str]:
    """The paragraphs of one page that are sentences, not code or markup."""
    blocks = re.split(r"\n\s*\n", path.read_text("utf-8", errors="replace"))
    kept = []
    for block in blocks:
        lines = [line for line in block.splitlines() if not _SKIPPED.match(line)]
        text = _clean_paragraph("\n".join(lines))
        letters = sum(c.isalpha() or c.isspace() for c in text)
        if len(text) > 60 and letters > 0.85 * len(text) and text[-1] in ".:!?" and is_allowed(text):
            kept.append(text.replace("::", ":"))
    return kept


def read_python_docs(root: Path = PYTHON_DOCS) -> list[str]:
    """The pages of Python's documentation, each as paragraphs with empty lines between them, the change log left out."""
    pages = []
    for path in sorted(root.rglob("*.txt")):
        if "changelog" in path.name:
            continue
        paragraphs = _read_rst(path)
        pages += ["\n\n".join(paragraphs[i : i + 8]) for i in range(0, len(paragraphs), 8)]
    return [page for page in pages if len(page) > 200]


def read_wordnet(root: Path = WORDNET) -> list[tuple[str, str, list[str]]]:
    """(word, definition, example sentences) of every synset."""
    entries = []
    for name in ("noun", "verb", "adj", "adv"):
        for line in (root / f"data.{name}").read_text("utf-8", errors="replace").splitlines():
            if line.startswith("  ") or "|" not in line:
                continue
            head, gloss = line.split("|", 1)
            word = re.sub(r"\(\w+\)$", "", head.split()[4]).replace("_", " ")
            examples = [e.strip() for e in re.findall(r'"([^"]+)"', gloss)]
            definition = gloss.split('"')[0].strip(" ;\n")
            if definition and is_allowed(f"{word} {gloss}"):
                entries.append((word, definition, examples))
    return entries


def _sentence(text: str) -> str:
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?")) else text + "."


def group_wordnet(rng: Random, entries: list[tuple[str, str, list[str]]], per_page: int = 6) -> list[str]:
    """Pages of neighbouring entries; neighbours in WordNet are about kindred things. Some pages hold example sentences alone."""
    pages = []
    for start in range(0, len(entries), per_page):
        group = entries[start : start + per_page]
        if rng.random() < 0.6:
            lines = [f"{word}: {text}" + "".join(" " + _sentence(e) for e in examples) for word, text, examples in group]
            pages.append("\n".join(lines))
        else:
            joint = rng.choice(("means", "is"))
            pages.append(" ".join(_sentence(f"{word} {joint} {text}") + "".join(" " + _sentence(e) for e in examples) for word, text, examples in group))
    return pages


def read_prose(seed: int) -> list[str]:
    """All prose pages in a seeded order."""
    for folder, package in ((WORDNET, "wordnet-base"), (PYTHON_DOCS, "python3.11-doc")):
        if not folder.is_dir():
            raise FileNotFoundError(f"{folder} is missing: install it with `apt-get install {package}`, then run again.")
    rng = Random(f"prose {seed}")
    pages = read_python_docs() + group_wordnet(rng, read_wordnet())
    rng.shuffle(pages)
    return [page for page in pages if is_allowed(page)]
