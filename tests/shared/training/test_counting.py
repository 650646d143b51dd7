"""Tokens counted without torch are those that the training's own tokenizer makes."""

from __future__ import annotations

from pathlib import Path

import pytest

from phases.shared.models.base import BUILTIN_FOLDER
from phases.shared.training.counting import counter_of
from tests.tiny_models import make_tiny_model

TEXTS = ["The Norvik station keeps three lamps.", "", "äöü 🗼 lamp B burns for 14.200 hours\n\n  twice  ", "<s> a </s> keeper" * 9]
CHATML_TOKENS = ["<|im_start|>", "<|im_end|>"]


@pytest.fixture(params=["builtin", "tiny", "no begin", "no template", "chatml"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    if request.param == "builtin":
        return BUILTIN_FOLDER
    made = make_tiny_model(tmp_path / "tiny", begin=request.param != "no begin", chat_template=request.param == "tiny")
    if request.param == "chatml":
        from transformers import AutoTokenizer
        tokenizer = AutoTokenizer.from_pretrained(made)
        tokenizer.add_special_tokens({"additional_special_tokens": CHATML_TOKENS})
        tokenizer.save_pretrained(made)
    return made


def test_texts_and_chats_are_counted_as_the_training_counts_them(folder: Path) -> None:
    from phases.shared.training.loading import read_tokenizer
    from phases.shared.training.tokenizers import leading_tokens, plain_ids, prepare_tokenizer
    counter, tokenizer = counter_of(folder, "tiny"), prepare_tokenizer(read_tokenizer(folder))
    assert counter.exact and counter.runs_template()
    assert counter.texts(TEXTS) == [len(plain_ids(tokenizer, text)) for text in TEXTS]
    assert counter.begin == len(leading_tokens(tokenizer))
    chats = [[{"role": "user", "content": text}, {"role": "assistant", "content": f"{text} So."}] for text in TEXTS]
    asked = [(text, f"{text} So.") for text in TEXTS]
    assert counter.chats(asked) == [len(tokenizer.apply_chat_template(one, return_dict=True)["input_ids"]) for one in chats]


def test_a_model_that_is_not_here_is_estimated_and_says_so(tmp_path: Path) -> None:
    for counter in (counter_of(None, "Qwen/Qwen2.5-0.5B"), counter_of(tmp_path, "empty")):
        assert not counter.exact and not counter.runs_template() and counter.texts(["three lamps"])[0] > 1


def test_a_template_that_only_transformers_can_run_is_estimated(tmp_path: Path) -> None:
    folder = make_tiny_model(tmp_path / "tiny")
    (folder / "chat_template.jinja").write_text("{% generation %}x{% endgeneration %}")
    counter = counter_of(folder, "tiny")
    assert counter.exact and not counter.runs_template() and counter.chats([("a", "b")])[0] > 2
