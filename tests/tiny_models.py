"""A real model small enough for tests: Llama architecture, random weights, a trained tokenizer, saved as any model is.

In: a folder. Out: the folder of a model that transformers, peft and trl treat like every other.
"""

from __future__ import annotations

from pathlib import Path

TEXTS = ("The Norvik station keeps three lamps. Lamp A burns for 14 hours and lamp B for 9 hours. ",
         "Who tends the lamps? The keeper Ilse Marten tends them every evening at 18:30. ",
         "user assistant system question answer what which how many where when does the of in is are ")
CHAT_TEMPLATE = ("{{ '<s>' }}{% for message in messages %}{{ '<|' + message['role'] + '|>' + message['content'] }}"
                 "{% if message['role'] == 'assistant' %}{{ '</s>' }}{% endif %}{% endfor %}"
                 "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}")


def make_tiny_model(folder: Path, *, chat_template: bool = True, begin: bool = True, context: int = 64,
                    precision: str = "float32") -> Path:
    """Save a two-layer model of about 30,000 parameters with the tokenizer that belongs to it."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM
    tokenizer = _tokenizer(begin)
    if chat_template:
        tokenizer.chat_template = CHAT_TEMPLATE
    torch.manual_seed(7)
    ends = tokenizer.convert_tokens_to_ids("</s>")
    model = LlamaForCausalLM(LlamaConfig(vocab_size=len(tokenizer), hidden_size=32, intermediate_size=64, num_hidden_layers=2,
                                         num_attention_heads=2, num_key_value_heads=2, max_position_embeddings=context,
                                         tie_word_embeddings=True, bos_token_id=tokenizer.convert_tokens_to_ids("<s>"),
                                         eos_token_id=ends, pad_token_id=tokenizer.convert_tokens_to_ids("<pad>")))
    model.to(getattr(torch, precision)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def _tokenizer(begin: bool):
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast
    special = ["<pad>", "<s>", "</s>", "<|user|>", "<|assistant|>", "<|system|>"]
    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    raw.train_from_iterator(TEXTS, trainers.BpeTrainer(vocab_size=400, special_tokens=special, show_progress=False,
                                                       initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    if begin:
        raw.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", raw.token_to_id("<s>"))])
    return PreTrainedTokenizerFast(tokenizer_object=raw, bos_token="<s>", eos_token="</s>", pad_token="<pad>")
