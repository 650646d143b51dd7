"""The words of a question -> what the full-text index is asked.

In: whatever a person typed. Out: `Words`, an FTS5 expression of quoted words joined by OR, or None when nothing was asked.

Ranking takes about a microsecond for every chunk that holds one of the words, so a question that is mostly common words
would visit every chunk. Stop words are left out; the rarest words are searched for, at most MOST_TERMS of them, the more
common ones only while all together stand in no more than MOST_MATCHES chunks. A single word that stands in more is looked
up in an even sample of the chunks: it tells too little for the difference to be seen.
"""

from __future__ import annotations

import math
import re
import sqlite3
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from phases.shared.database.chunk_index import chunks_per_term, indexed_chunks

MOST_TERMS = 16
MOST_LOOKED_UP = 64  # of a very long question, the longest words: finding out how rare a word is takes time too
MOST_MATCHES = 12_000
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
class Words:
    """`ranked` decides which chunks are best, `marked` what is marked in them.

    `every`: only chunks whose id is a multiple of it are compared; 1 for all. `weight`: the sum of the words' inverse
    document frequencies, about the score of a chunk of usual length that holds every word once.
    """

    ranked: str
    marked: str
    every: int
    weight: float


def choose_words(connection: sqlite3.Connection, query: str) -> Words | None:
    """What to ask the index; None when the question holds no word."""
    terms = query_terms(query)
    if not terms:
        return None
    terms = sorted(terms, key=len, reverse=True)[:MOST_LOOKED_UP] if len(terms) > MOST_LOOKED_UP else terms
    counts = chunks_per_term(connection, [_as_indexed(term) for term in terms])
    found = {term: counts.get(_as_indexed(term), 0) for term in terms}
    terms = sorted(terms, key=lambda term: (found[term] == 0, found[term]))[:MOST_TERMS]
    within = _within_budget(terms, found)
    total = indexed_chunks(connection)
    return Words(_any_of(within), _any_of(terms), max(1, math.ceil(found[within[0]] / MOST_MATCHES)),
                 sum(_inverse_frequency(total, found[term]) for term in terms))


def query_terms(query: str) -> list[str]:
    """The different words of a query in their order, without stop words unless nothing else is left."""
    words = [word.lower()[:LONGEST_TERM] for word in WORD.findall(unicodedata.normalize("NFC", query))]
    telling = [word for word in words if word not in STOP_WORDS]
    return list(dict.fromkeys(telling or words))


def _within_budget(terms: Sequence[str], found: Mapping[str, int]) -> list[str]:
    """The first term, and the others while the chunks that hold them are few enough together."""
    kept, matches = [], 0
    for term in terms:
        matches += found[term]
        if not kept or matches <= MOST_MATCHES:
            kept.append(term)
    return kept


def _inverse_frequency(total: int, found: int) -> float:
    """As FTS5's bm25() has it: https://www.sqlite.org/fts5.html#the_bm25_function."""
    return max(math.log((total - found + 0.5) / (found + 0.5)), 1e-6)


def _any_of(terms: Sequence[str]) -> str:
    return " OR ".join(f'"{term}"' for term in terms)


def _as_indexed(term: str) -> str:
    """A word as the index holds it: without accents (unicode61, remove_diacritics 2)."""
    parted = unicodedata.normalize("NFD", term)
    return unicodedata.normalize("NFC", "".join(one for one in parted if not unicodedata.combining(one)))
