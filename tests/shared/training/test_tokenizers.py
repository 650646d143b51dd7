"""Tokenizers are made ready without a new token: pad is never the end, a chat template is made of what is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from phases.shared.training.tokenizers import CHATML, choose_pad_token, leading_tokens, prepare_tokenizer
from tests.tiny_models import make_tiny_model

CHAT = [{"role": "user", "content": "Who?"}, {"role": "assistant", "content": "Ilse"}]


def tokenizer_of(tmp_path: Path, **choices: bool):
    from transformers import AutoTokenizer
    return AutoTokenizer.from_pretrained(make_tiny_model(tmp_path / "tiny", **choices))


def test_a_template_is_made_of_tokens_that_are_there(tmp_path: Path) -> None:
    tokenizer = tokenizer_of(tmp_path, chat_template=False)
    size = len(tokenizer)
    prepare_tokenizer(tokenizer)
    assert tokenizer.apply_chat_template(CHAT, tokenize=False) == "<s>Question: Who?\nAnswer: Ilse</s>\n"
    assert tokenizer.apply_chat_template(CHAT[:1], tokenize=False, add_generation_prompt=True) == "<s>Question: Who?\nAnswer:"
    assert len(tokenizer) == size and tokenizer.pad_token == "<pad>"


def test_chatml_tokens_are_used_where_the_model_has_them(tmp_path: Path) -> None:
    tokenizer = tokenizer_of(tmp_path, chat_template=False)
    tokenizer.add_tokens(["<|im_start|>", "<|im_end|>"])
    prepare_tokenizer(tokenizer)
    assert tokenizer.chat_template == CHATML and tokenizer.eos_token == "<|im_end|>"


def test_pad_is_never_the_end(tmp_path: Path) -> None:
    tokenizer = tokenizer_of(tmp_path)
    tokenizer.pad_token = tokenizer.eos_token
    prepare_tokenizer(tokenizer)
    assert tokenizer.pad_token_id not in (None, tokenizer.eos_token_id)


def test_without_reserved_tokens_the_last_one_pads() -> None:
    class Bare:
        eos_token, bos_token, all_special_tokens = "</s>", None, ["</s>"]

        def get_vocab(self) -> dict[str, int]:
            return {"</s>": 0, "a": 1, "rare": 2}

    assert choose_pad_token(Bare()) == "rare"


@pytest.mark.parametrize("begin", [True, False])
def test_begin_token_only_where_the_tokenizer_puts_one(tmp_path: Path, begin: bool) -> None:
    tokenizer = tokenizer_of(tmp_path, begin=begin)
    assert leading_tokens(tokenizer) == ([tokenizer.bos_token_id] if begin else [])


def test_the_models_own_template_stays(tmp_path: Path) -> None:
    tokenizer = tokenizer_of(tmp_path)
    before = tokenizer.chat_template
    assert prepare_tokenizer(tokenizer).chat_template == before
