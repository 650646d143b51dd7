"""Whether a pair may be used, in words when not."""

from __future__ import annotations

import pytest

from phases.sft_data.check import check_pair, normalise_question

CHUNK = "The height of the mast\nis 12 metres. The mast is grey, and it was made by “Tansy – Marl”."
EVIDENCE = "The height of the mast is 12 metres."


@pytest.mark.parametrize(("question", "answer", "evidence"), [
    ("What is the height of the mast?", "12 metres", EVIDENCE),
    ("How high is the mast?", "The mast is 12 metres high.", EVIDENCE),
    ("What colour is the mast?", "Grey.", "The mast is grey"),
    ("Who made the mast?", '"Tansy - Marl"', 'made by "Tansy - Marl"'),
    ("Help me with a hint.", "Think of the mast first. How high would it be? The height of the mast is 12 metres.", EVIDENCE),
    ("How high? A) 12 metres B) 5 metres", "A) 12 metres", EVIDENCE),
])
def test_good_pairs(question: str, answer: str, evidence: str) -> None:
    assert check_pair(question, answer, evidence, CHUNK) == ""


@pytest.mark.parametrize(("question", "answer", "evidence", "reason"), [
    (" ", "12 metres", EVIDENCE, "question is empty"),
    ("How high?", " ", EVIDENCE, "answer is empty"),
    ("How high?", "13 metres", EVIDENCE, "answer is not in the source"),
    ("What colour?", "green", "The mast is grey", "answer is not in the source"),
    ("How high?", "Let me see. The mast is 13 metres high, which is a lot for a mast of this age.", EVIDENCE, "answer is not in the source"),
    ("How high?", "12 metres", "The height of the mast is 13 metres.", "evidence is not in the chunk"),
    ("How high?" * 100, "12 metres", EVIDENCE, "question is too long"),
    ("How high?", "12 metres " * 300, EVIDENCE, "answer is too long"),
])
def test_bad_pairs_and_their_reasons(question: str, answer: str, evidence: str, reason: str) -> None:
    assert reason in check_pair(question, answer, evidence, CHUNK)


def test_questions_are_the_same_whatever_their_marks_and_case() -> None:
    assert normalise_question("How high is the MAST?") == normalise_question("  how high,\nis the mast")
    assert normalise_question("How high is the mast?") != normalise_question("How high is the tower?")
