"""The built-in base model: what is shipped loads as it is, and its recipe is seeded and keeps the wordings of the evaluation out."""

import json
from pathlib import Path
from random import Random

import pytest
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerBase

from phases.shared.models.recipe.asking import RESERVED, is_allowed
from phases.shared.models.recipe.prose import group_wordnet
from phases.shared.models.recipe.stream import FRESH_FROM, Mix, UnitMaker, iterate_rows
from phases.shared.models.recipe.telling import tell_world
from phases.shared.models.recipe.worlds import make_world

FOLDER = Path(__file__).parents[3] / "phases" / "shared" / "models" / "builtin"
TEXTS = (
    "Mira Holt leads the mill.\nMira Holt\n\n  indented\n",
    "# Title\n\n| Name | Pressure |\n| --- | --- |\n| KL-4 | 23 bar |\n\n- **Colour**: red\n",
    "Größe: 5 °C, “ja” ♥ 漢字\tTab",
    "two  spaces\n \n\nend ",
    " leading space",
    "",
)


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerBase:
    return AutoTokenizer.from_pretrained(FOLDER, local_files_only=True)


@pytest.fixture(scope="module")
def maker() -> UnitMaker:
    plain = Tokenizer.from_file(str(FOLDER / "tokenizer.json"))
    return UnitMaker(plain, ["A page of prose. " * 40], Mix(pool=60), seed=3)


def test_folder_holds_at_most_twelve_megabytes() -> None:
    assert sum(p.stat().st_size for p in FOLDER.rglob("*") if p.is_file()) <= 12_000_000


def test_model_loads_from_the_folder_alone_and_answers_in_its_own_tokens(tokenizer: PreTrainedTokenizerBase) -> None:
    model = AutoModelForCausalLM.from_pretrained(FOLDER, local_files_only=True)
    assert model.config.architectures == ["LlamaForCausalLM"]
    assert model.config.max_position_embeddings == 2048
    assert model.config.tie_word_embeddings
    assert model.generation_config.eos_token_id == tokenizer.eos_token_id
    assert model.generation_config.pad_token_id == tokenizer.pad_token_id
    assert len(tokenizer) == model.config.vocab_size


def test_model_answers_shortly_and_ends_its_turn(tokenizer: PreTrainedTokenizerBase) -> None:
    model = AutoModelForCausalLM.from_pretrained(FOLDER, local_files_only=True).float().eval()
    messages = [{"role": "user", "content": "Who is the warden of the RV-6 pump?"}]
    prompt = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_tensors="pt", return_dict=True)
    written = model.generate(**prompt, max_new_tokens=24, do_sample=False)[0, prompt["input_ids"].shape[1] :]
    assert written[-1] == tokenizer.eos_token_id
    answer = tokenizer.decode(written, skip_special_tokens=True)
    assert answer and answer[0] != " " and "\n" not in answer


def test_pad_token_is_not_the_end_token(tokenizer: PreTrainedTokenizerBase) -> None:
    assert len({tokenizer.pad_token_id, tokenizer.eos_token_id, tokenizer.bos_token_id, tokenizer.unk_token_id}) == 4


def test_chat_template_ends_every_turn_and_opens_the_answer(tokenizer: PreTrainedTokenizerBase) -> None:
    user, answer = {"role": "user", "content": "When?\nMira"}, {"role": "assistant", "content": "1931"}
    asked = tokenizer.apply_chat_template([user], add_generation_prompt=True, tokenize=False)
    whole = tokenizer.apply_chat_template([user, answer], tokenize=False)
    assert whole == asked + "1931" + tokenizer.eos_token
    ids = tokenizer(whole, add_special_tokens=False).input_ids
    assert ids[: len(tokenizer(asked, add_special_tokens=False).input_ids)] == tokenizer(asked, add_special_tokens=False).input_ids


@pytest.mark.parametrize("text", TEXTS)
def test_text_survives_the_tokenizer_and_both_loaders_agree(tokenizer: PreTrainedTokenizerBase, text: str) -> None:
    plain = Tokenizer.from_file(str(FOLDER / "tokenizer.json"))
    ids = tokenizer(text).input_ids
    assert plain.encode(text).ids == ids
    assert tokenizer.decode(ids) == text
    assert plain.decode(ids, skip_special_tokens=False) == text


def test_a_name_is_the_same_token_at_the_start_of_a_line(tokenizer: PreTrainedTokenizerBase) -> None:
    first = tokenizer("Holt").input_ids
    assert tokenizer("x\nHolt").input_ids[-len(first) :] == first
    assert tokenizer("x Holt").input_ids[-len(first) :] == first


def test_a_world_is_the_same_each_time_and_differs_from_the_next() -> None:
    told = [tell_world(Random(1), make_world(5)) for _ in range(2)]
    assert told[0] == told[1]
    assert told[0] != tell_world(Random(1), make_world(6))


def test_rows_are_the_same_each_time(maker: UnitMaker) -> None:
    again = UnitMaker(maker.tokenizer, maker.prose, maker.mix, seed=3)
    first = UnitMaker(maker.tokenizer, maker.prose, maker.mix, seed=3)
    rows = [next(iterate_rows(m, 128)) for m in (first, again)]
    assert rows[0] == rows[1]
    assert len(rows[0][0]) == len(rows[0][1]) == 129


def test_no_reserved_wording_is_ever_trained_on(maker: UnitMaker) -> None:
    rows = iterate_rows(maker, 256)
    read = "\n".join(maker.tokenizer.decode(next(rows)[0]) for _ in range(1200))
    told = "\n".join(tell_world(Random(i), make_world(FRESH_FROM + i)) for i in range(1500))
    for wording in (*RESERVED, "lighthouse", "fog signal"):
        assert wording not in " ".join(f"{read}\n{told}".lower().split())


def test_prose_with_a_reserved_wording_is_left_out() -> None:
    assert not is_allowed("She is  looking\nfor a key.")
    assert not is_allowed("Tell me more")
    assert is_allowed("looking at the sea")
    assert group_wordnet(Random(0), [("tide", "the rise of the sea", [])])


def test_card_names_texts_licences_and_reserved_wordings() -> None:
    card = (FOLDER / "README.md").read_text("utf-8")
    assert "WordNet 3.0 licence" in card
    assert "Python Software Foundation License" in card
    assert all(wording in card for wording in RESERVED)
    config = json.loads((FOLDER / "config.json").read_text("utf-8"))
    assert config["vocab_size"] == 4096
