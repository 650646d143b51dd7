"""A question in words -> the chunks that answer it best, by full text (BM25).

In: whatever a person typed. Out: hits with score and a snippet in which the found words are marked.
Command: `python app.py search NAME QUERY`.

A question that is mostly stop words would visit every chunk, so stop words are left out and the rarest terms are
searched for, at most MOST_TERMS of them.
"""

from __future__ import annotations

import re
import sqlite3
import unicodedata
from dataclasses import dataclass

from phases.shared.database.chunk_index import chunks_per_term, match_chunks
from phases.shared.database.chunks import ChunkRow

MARK_START = "\x02"
MARK_END = "\x03"
MOST_TERMS = 16
LONGEST_TERM = 100
WORD = re.compile(r"[^\W_]+")
STOP_WORDS = frozenset("""
    a about after all also am an and any are as at be because been before being but by can could did do does for from had
    has have he her his how i if in into is it its just may me more most my no not of on only or other our out over she
    should so some such than that the their them then there these they this those to under up us was we were what when
    where which while who whom whose why will with would you your
    aber alle als also am an auch auf aus bei bin bis da damit dann das dass dem den denn der des dessen die dies diese
    diesem diesen dieser dieses doch dort du durch ein eine einem einen einer eines er es für gegen hat hatte ich ihm ihn
    ihr im ist ja kann kein keine können man mein mit muss nach nicht noch nur ob oder ohne sehr sein seine sich sie sind
    so über um und uns unser unter vom von vor wann war waren warum was wegen welche welcher welches wenn wer werden wie
    wieder wird wo wurde wurden zu zum zur zwischen
    """.split())


@dataclass(frozen=True)
class Hit:
    """A found chunk. `score` is BM25, higher is better; `snippet` marks the hits with MARK_START and MARK_END."""

    chunk: ChunkRow
    score: float
    snippet: str


def search_chunks(connection: sqlite3.Connection, query: str, limit: int = 10, source: str | None = None) -> list[Hit]:
    """The active chunks that match best, the best first; an empty list when nothing was asked or found.

    Args:
        query: plain words; quotes, operators and signs have no meaning.
        source: only chunks of this file.
    """
    terms = _rarest(connection, query_terms(query))
    if not terms:
        return []
    expression = " OR ".join(f'"{term}"' for term in terms)
    found = match_chunks(connection, expression, limit, source, (MARK_START, MARK_END))
    return [Hit(chunk, score, snippet) for chunk, score, snippet in found]


def query_terms(query: str) -> list[str]:
    """The different words of a query in their order, without stop words unless nothing else is left."""
    words = [word.lower()[:LONGEST_TERM] for word in WORD.findall(unicodedata.normalize("NFC", query))]
    telling = [word for word in words if word not in STOP_WORDS]
    return list(dict.fromkeys(telling or words))


def _rarest(connection: sqlite3.Connection, terms: list[str]) -> list[str]:
    """The terms that stand in the fewest chunks; those that the index does not know come last."""
    if len(terms) <= MOST_TERMS:
        return terms
    counts = chunks_per_term(connection, [_as_indexed(term) for term in terms])
    unknown = max(counts.values(), default=0) + 1
    return sorted(terms, key=lambda term: counts.get(_as_indexed(term), unknown))[:MOST_TERMS]


def _as_indexed(term: str) -> str:
    """A word as the index holds it: without accents (unicode61, remove_diacritics 2)."""
    parted = unicodedata.normalize("NFD", term)
    return unicodedata.normalize("NFC", "".join(one for one in parted if not unicodedata.combining(one)))
