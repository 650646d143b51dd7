"""Which chunks may hold some characters in a row, told without reading all texts.

In: characters as `str.casefold` leaves them. Out: the ids of chunks, among them every one that holds the characters; or None
when every text has to be read.

The full-text index finds whole words only. So all its words are kept once more as one text (`chunk_words`), in which the
words that hold some letters are found in a millisecond; the index then gives their chunks. It must never leave one out:
letters and digits other than a to z and 0 to 9 are not looked for, since the index has its own way with them; chunks written
since the text was made stand in `chunks_unlisted` (by triggers) and are always in the answer.
"""

from __future__ import annotations

import json
import re
import sqlite3

RUN = re.compile(r"[a-z0-9]+")
MOST_RUNS = 3  # of what is looked for, the longest
MOST_WORDS = 500  # that hold a run: each is a look into the index
MOST_CHUNKS = 15_000  # that hold these words: of more, reading all texts is as quick
MOST_UNLISTED = 1000  # chunks that are read each time before the words are listed anew
LONGEST_TERM = 32_000  # bytes; FTS5 cuts a word off at 32,768


def chunks_that_may_hold(connection: sqlite3.Connection, casefolded: str) -> list[int] | None:
    """Ids of all chunks that hold the characters, and of some that do not."""
    runs = _runs(casefolded)
    listed = _listed_words(connection) if runs and not connection.in_transaction else None
    if listed is None:
        return None
    found: set[int] | None = None
    for run in runs:
        words = _words_with(listed, run)
        chunks = _chunks_with(connection, words) if words is not None else None
        if chunks is not None:
            found = chunks if found is None else found & chunks
    if found is None:
        return None
    return sorted(found | {row["id"] for row in connection.execute("SELECT id FROM chunks_unlisted")})


def _runs(casefolded: str) -> list[str]:
    """The longest runs of letters and digits; a line end on the side where a word must begin or end.

    What stands beside a run inside of the characters tells so when it is an ASCII sign: no word goes on through one.
    """
    runs = []
    for found in RUN.finditer(casefolded):
        before, after = casefolded[:found.start()][-1:], casefolded[found.end():][:1]
        runs.append(("\n" if before and before.isascii() else "") + found.group() + ("\n" if after and after.isascii() else ""))
    return sorted(runs, key=len, reverse=True)[:MOST_RUNS]


def _listed_words(connection: sqlite3.Connection) -> str | None:
    """The words of the index, listed anew when too many chunks were written since; None when that cannot be done now."""
    words = connection.execute("SELECT words FROM chunk_words").fetchone()[0]
    unlisted = "rag_chunks" if words is None else "chunks_unlisted"
    behind = connection.execute(f"SELECT count(*) FROM (SELECT 1 FROM {unlisted} LIMIT ?)", (MOST_UNLISTED + 1,)).fetchone()[0]
    if behind > MOST_UNLISTED:
        words = _listed_anew(connection)
    return words or None


def _listed_anew(connection: sqlite3.Connection) -> str | None:
    """None while an import writes, or when the disk is full or read-only: the texts are read instead."""
    try:
        if not _began_to_write(connection):
            return None
        words = _list_words(connection)
        connection.execute("COMMIT")
        return words
    except sqlite3.OperationalError:
        return None
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _began_to_write(connection: sqlite3.Connection) -> bool:
    """Whether a transaction was begun; nobody is waited for."""
    waits = connection.execute("PRAGMA busy_timeout").fetchone()[0]
    connection.execute("PRAGMA busy_timeout=0")
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError:
        return False
    finally:
        connection.execute(f"PRAGMA busy_timeout={waits}")
    return True


def _list_words(connection: sqlite3.Connection) -> str:
    """A line for each word as `str.casefold` leaves it; where that differs, the next line is a tab and the word. Line ends all around.

    "" when the index holds a word that was cut off: its end would not be found.
    """
    terms = [row["term"] for row in connection.execute("SELECT term FROM rag_chunks_terms")]
    lines = (term if term.isascii() or term.casefold() == term else f"{term.casefold()}\n\t{term}" for term in terms)
    words = "\n" + "".join(f"{line}\n" for line in lines)
    if any(len(term.encode()) >= LONGEST_TERM for term in terms if len(term) >= LONGEST_TERM // 4):
        words = ""
    connection.execute("UPDATE chunk_words SET words = ?", (words,))
    connection.execute("DELETE FROM chunks_unlisted")
    return words


def _words_with(listed: str, run: str) -> list[str] | None:
    """The words in which the run stands; None for more than MOST_WORDS."""
    words, place = [], listed.find(run)
    while place >= 0:
        begin = listed.rfind("\n", 0, place + 1) + 1
        end = listed.find("\n", max(begin, place + 1))
        if listed.startswith("\t", end + 1):
            begin, end = end + 1, listed.find("\n", end + 1)
        words.append(listed[begin:end].lstrip("\t"))
        if len(words) > MOST_WORDS:
            return None
        place = listed.find(run, end)
    return words


def _chunks_with(connection: sqlite3.Connection, words: list[str]) -> set[int] | None:
    """The chunks that hold any of the words; None when that is quicker found out by reading."""
    rows = connection.execute(
        "SELECT f.rowid AS id FROM json_each(?) AS w CROSS JOIN rag_chunks_fts AS f WHERE f.rag_chunks_fts MATCH w.value LIMIT ?",
        (json.dumps([f'"{word}"' for word in words]), MOST_CHUNKS + 1))
    chunks = [row["id"] for row in rows]
    return set(chunks) if len(chunks) <= MOST_CHUNKS else None
