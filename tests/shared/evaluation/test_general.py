"""General text: prose in the project's language, or in English, that stands for what a model knew before."""

from __future__ import annotations

import pytest

from phases.shared.evaluation.general import general_texts


@pytest.mark.parametrize(("language", "spoken"), [("en", "en"), ("de", "de"), ("de-AT", "de"), ("DE", "de"), ("fi", "en"), ("", "en")])
def test_the_text_is_in_the_language_of_the_project_where_there_is_one(language: str, spoken: str) -> None:
    texts, told = general_texts(language)
    assert told == spoken and len(texts) >= 5 and all(text == text.strip() and len(text) > 100 for text in texts)
    assert any(word in texts[0].lower().split() for word in {"en": ("the",), "de": ("der", "die", "das")}[spoken])
