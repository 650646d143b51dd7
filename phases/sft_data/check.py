"""Whether a pair may be used, in words when not: for pairs of the built-in writer and of language models alike.

In: a question, its answer, the evidence that it rests on and the chunk. Out: "" or the reason.
"""

from __future__ import annotations

import re
import unicodedata

LONGEST_QUESTION = 600
LONGEST_OUTPUT = 2000
SHORT_ANSWER_WORDS = 12
ALIKE = str.maketrans({"“": '"', "”": '"', "„": '"', "‘": "'", "’": "'", "–": "-", "—": "-", "‑": "-", "−": "-", "\u00a0": " "})
OPTION = re.compile(r"^[A-D]\) ")


def check_pair(instruction: str, output: str, evidence: str, chunk_text: str) -> str:
    """The reason why a pair cannot be used, "" when it can.

    Args:
        evidence: the words of the document that prove the answer.
        chunk_text: the chunk that holds the evidence; a table's head stands there and not in the row.
    """
    question, answer = instruction.strip(), output.strip()
    if not question or not answer:
        return "The question is empty." if not question else "The answer is empty."
    if len(question) > LONGEST_QUESTION or len(answer) > LONGEST_OUTPUT:
        return "The question is too long." if len(question) > LONGEST_QUESTION else "The answer is too long."
    if normalise_text(evidence) not in normalise_text(chunk_text):
        return "The evidence is not in the chunk."
    if not _is_supported(answer, evidence, chunk_text):
        return "The answer is not in the source."
    return ""


def normalise_text(text: str) -> str:
    """White space, quotation marks, dashes and case made alike; words and figures stay."""
    return " ".join(unicodedata.normalize("NFKC", text).translate(ALIKE).casefold().split())


def normalise_question(question: str) -> str:
    """What makes two questions the same: their words, without punctuation and case."""
    return " ".join(re.findall(r"\w+", normalise_text(question)))


def _is_supported(answer: str, evidence: str, chunk_text: str) -> bool:
    """A short answer stands in the evidence; of a longer one every figure stands there or in the chunk."""
    bare = normalise_text(OPTION.sub("", answer)).rstrip(".")
    here, around = normalise_text(evidence), normalise_text(chunk_text)
    if bare in here:
        return True
    figures = re.findall(r"\d+(?:[.,:]\d+)*", bare)
    if len(bare.split()) > SHORT_ANSWER_WORDS or re.search(r"[.!?] ", answer):
        return all(figure in around for figure in figures)
    words = re.findall(r"[\w°%€$£]+", bare)
    return bool(words) and sum(_stands_in(word, here, around) for word in words) * 2 > len(words) and all(figure in around for figure in figures)


def _stands_in(word: str, here: str, around: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(word)}(?!\w)", here) is not None or re.search(rf"(?<!\w){re.escape(word)}(?!\w)", around) is not None
