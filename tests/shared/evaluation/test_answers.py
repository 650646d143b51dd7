"""Comparing answers as SQuAD does, and the interval of a share."""

from __future__ import annotations

import pytest

from phases.shared.evaluation.answers import exact_match, normalize_answer, token_f1, wilson_interval


@pytest.mark.parametrize(("prediction", "answer"), [
    ("23 bar", "23 bar."), ("The red lamp", "red lamp"), ("  Orla   Tesk ", "orla tesk"), ("14,200 litres", "14200 litres")])
def test_same_after_normalising(prediction: str, answer: str) -> None:
    assert exact_match(prediction, answer)


@pytest.mark.parametrize(("prediction", "answer"), [("23 bar", "24 bar"), ("", "red"), ("Orla", "Orla Tesk"), ("thermal", "ermal")])
def test_not_the_same(prediction: str, answer: str) -> None:
    assert not exact_match(prediction, answer)


def test_articles_go_only_as_words() -> None:
    assert normalize_answer("A theatre, an anchor and the bath") == "theatre anchor and bath"


def test_token_f1() -> None:
    assert token_f1("red brass lamp", "brass lamp") == pytest.approx(0.8)
    assert token_f1("red", "blue") == 0
    assert token_f1("", "") == 1


def test_wilson_interval_against_the_published_formula() -> None:
    """81 of 263: 0.2553 to 0.3662 (Newcombe 1998, table I, method 3)."""
    low, high = wilson_interval(81, 263)
    assert (low, high) == (pytest.approx(0.2553, abs=5e-5), pytest.approx(0.3662, abs=5e-5))
    assert wilson_interval(0, 0) is None
    assert wilson_interval(0, 20)[0] == 0
    assert wilson_interval(20, 20)[1] == pytest.approx(1)
