"""A tokenizer made ready for training and chat, without adding a token.

In: a tokenizer as its model brought it. Out: the same one with a pad token that is not the end token and a chat template
made of tokens it has. For child processes only (transformers).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

THOUGHT, ANSWER = "<think>", "Ilse Marten"
PAD_CANDIDATES = ("<|pad|>", "<pad>", "[PAD]", "<|finetune_right_pad_id|>", "<|fim_pad|>", "<|reserved_special_token_0|>",
                  "<reserved_0>", "<unused0>", "<|video_pad|>", "<unk>", "[UNK]")

CHATML = ("{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}"
          "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}")
LLAMA3 = ("{{ bos_token }}{% for message in messages %}{{ '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n' + "
          "message['content'] | trim + '<|eot_id|>' }}{% endfor %}"
          "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}")
GEMMA = ("{{ bos_token }}{% for message in messages %}{{ '<start_of_turn>' + ('model' if message['role'] == 'assistant' else 'user')"
         " + '\n' + message['content'] | trim + '<end_of_turn>\n' }}{% endfor %}"
         "{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}")
PLAIN = ("{{ bos_token or '' }}{% for message in messages %}{% if message['role'] == 'assistant' %}"
         "{{ 'Answer: ' + message['content'] + eos_token + '\n' }}{% elif message['role'] == 'system' %}{{ message['content'] + '\n' }}"
         "{% else %}{{ 'Question: ' + message['content'] + '\n' }}{% endif %}{% endfor %}"
         "{% if add_generation_prompt %}{{ 'Answer:' }}{% endif %}")  # the blank belongs to the answer's first token
TEMPLATES = (  # the tokens a template needs, the template, its end of a turn
    (("<|im_start|>", "<|im_end|>"), CHATML, "<|im_end|>"),
    (("<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"), LLAMA3, "<|eot_id|>"),
    (("<start_of_turn>", "<end_of_turn>"), GEMMA, "<end_of_turn>"),
)


def prepare_tokenizer(tokenizer: Any) -> Any:
    """Give a tokenizer a chat template, the end token of its turns, and a pad token of its own where it lacks them; returns it."""
    text_end = tokenizer.eos_token
    template, end = chosen_template(tokenizer.chat_template, tokenizer.get_vocab())
    tokenizer.chat_template = template
    tokenizer.eos_token = end or turn_end(tokenizer) or text_end
    if tokenizer.pad_token is None or tokenizer.pad_token in (text_end, tokenizer.eos_token):
        tokenizer.pad_token = choose_pad_token(tokenizer, text_end)
    tokenizer.padding_side = "right"
    return tokenizer


def chosen_template(own: Any, vocabulary: Mapping[str, int]) -> tuple[Any, str | None]:
    """The chat template to train and talk with, and its end of a turn where it is ours.

    The model's own stays, unless it writes thoughts before an answer (Qwen3): pairs have none, and the model would learn to say
    empty ones.
    """
    fitting = [(template, end) for needed, template, end in TEMPLATES if all(one in vocabulary for one in needed)]
    if own and not (isinstance(own, str) and THOUGHT in own and fitting):
        return own, None
    return fitting[0] if fitting else (PLAIN, None)


def turn_end(tokenizer: Any) -> str | None:
    """The token with which the template ends an answer. Some bases (Qwen2.5) bring a template and still name the end of a text."""
    chat = [{"role": "user", "content": "Who?"}, {"role": "assistant", "content": ANSWER}]
    behind = tokenizer.apply_chat_template(chat, tokenize=False).rpartition(ANSWER)[2]
    if tokenizer.eos_token and tokenizer.eos_token in behind:
        return tokenizer.eos_token
    found = {behind.index(token): token for token in tokenizer.get_added_vocab() if token in behind}
    return found[min(found)] if found else None


def choose_pad_token(tokenizer: Any, text_end: str | None = None) -> str:
    """A token that texts do not use: a known reserved one, else a special one, else the last of the vocabulary.

    Padding is masked, so the choice changes no figure; it must only not be an end token, which would then go unlearnt.
    """
    vocabulary = tokenizer.get_vocab()
    taken = {tokenizer.eos_token, tokenizer.bos_token, text_end}
    special = [token for token in tokenizer.all_special_tokens if token not in taken]
    for candidate in (*PAD_CANDIDATES, *special):
        if candidate in vocabulary and candidate not in taken:
            return candidate
    return max((token for token in vocabulary if token not in taken), key=vocabulary.__getitem__)


def leading_tokens(tokenizer: Any) -> list[int]:
    """What the tokenizer puts before a text by itself: its begin token, or nothing."""
    ids = tokenizer("a")["input_ids"]
    return [tokenizer.bos_token_id] if tokenizer.bos_token_id is not None and ids[:1] == [tokenizer.bos_token_id] else []


def plain_ids(tokenizer: Any, text: str) -> list[int]:
    """The tokens of a text alone, without begin and end."""
    return tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]


def end_ids(tokenizer: Any, model: Any) -> set[int]:
    """Every token that ends a generation of this model."""
    configured = getattr(model.generation_config, "eos_token_id", None)
    several = configured if isinstance(configured, list) else [configured]
    return {one for one in (*several, tokenizer.eos_token_id) if one is not None}
