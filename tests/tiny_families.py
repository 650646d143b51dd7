"""Real tiny models of the families that people choose: each family's own configuration class, special tokens and kind of tokenizer.

In: a folder and a family's name. Out: the folder of a base model with random weights, saved as that family's models are.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.tiny_models import TEXTS

CHATML_WITH_SYSTEM = ("{% if messages[0]['role'] != 'system' %}{{ '<|im_start|>system\\nYou help.<|im_end|>\\n' }}{% endif %}"
                      "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}"
                      "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}")
THINKING = CHATML_WITH_SYSTEM.replace("message['content'] +", "('<think>\\n\\n</think>\\n\\n' if message['role'] == 'assistant' else '') + message['content'] +")
PHI = ("{% for message in messages %}{{ '<|' + message['role'] + '|>\\n' + message['content'] + '<|end|>\\n' }}{% endfor %}"
       "{% if add_generation_prompt %}{{ '<|assistant|>\\n' }}{% else %}{{ eos_token }}{% endif %}")
SMALL = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1,
         "max_position_embeddings": 128}
QWEN = {"special": ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|fim_pad|>"), "eos": "<|endoftext|>", "pad": "<|endoftext|>",
        "tokenizer": "Qwen2Tokenizer"}
FAMILIES: dict[str, dict[str, Any]] = {
    "llama": {"special": ("<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>",
                          "<|finetune_right_pad_id|>"), "bos": "<|begin_of_text|>", "eos": "<|end_of_text|>", "begins": True,
              "config": {"tie_word_embeddings": True, "rope_parameters": {"rope_type": "llama3", "rope_theta": 500000.0, "factor": 32.0,
                                                                          "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                                                                          "original_max_position_embeddings": 64}}, "turn_end": "<|eot_id|>"},
    "qwen2": {**QWEN, "config": {"tie_word_embeddings": True}, "template": CHATML_WITH_SYSTEM, "turn_end": "<|im_end|>"},
    "qwen3": {**QWEN, "config": {"tie_word_embeddings": True, "head_dim": 32}, "template": THINKING, "turn_end": "<|im_end|>"},
    "phi3": {"special": ("<s>", "</s>", "<|endoftext|>", "<|assistant|>", "<|system|>", "<|end|>", "<|user|>", "<unk>"), "bos": "<s>",
             "eos": "<|endoftext|>", "pad": "<|endoftext|>", "pieces": True, "tokenizer": "LlamaTokenizer", "template": PHI,
             "ends": ("<|endoftext|>", "<|end|>"), "turn_end": "<|end|>", "config": {"tie_word_embeddings": False}},
    "gemma3_text": {"special": ("<pad>", "<eos>", "<bos>", "<unk>", "<start_of_turn>", "<end_of_turn>"), "bos": "<bos>", "eos": "<eos>",
                    "pad": "<pad>", "begins": True, "pieces": True, "tokenizer": "GemmaTokenizer", "turn_end": "<end_of_turn>",
                    "config": {"head_dim": 32, "sliding_window": 16, "layer_types": ["sliding_attention", "full_attention"],
                               "final_logit_softcapping": 30.0, "attn_logit_softcapping": 50.0}},
    "mistral": {"special": ("<unk>", "<s>", "</s>", "[INST]", "[/INST]"), "bos": "<s>", "eos": "</s>", "begins": True, "pieces": True,
                "tokenizer": "LlamaTokenizer", "turn_end": "</s>", "config": {"tie_word_embeddings": False, "sliding_window": 32}},
    "gpt2": {"special": ("<|endoftext|>",), "bos": "<|endoftext|>", "eos": "<|endoftext|>", "tokenizer": "GPT2Tokenizer",
             "turn_end": "<|endoftext|>", "config": {"n_embd": 32, "n_layer": 2, "n_head": 2, "n_positions": 128}},
}


def make_family(folder: Path, family: str) -> Path:
    """Save a model of the family with its tokenizer."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM
    about = FAMILIES[family]
    tokenizer = _tokenizer(about)
    shape = {} if family == "gpt2" else SMALL
    ends = [tokenizer.convert_tokens_to_ids(one) for one in about.get("ends", (about["eos"],))]
    torch.manual_seed(7)
    config = AutoConfig.for_model(family, **{**shape, **about["config"]}, vocab_size=len(tokenizer), bos_token_id=tokenizer.bos_token_id,
                                  eos_token_id=ends[0], pad_token_id=tokenizer.pad_token_id)
    model = AutoModelForCausalLM.from_config(config)
    model.generation_config.eos_token_id = ends if len(ends) > 1 else ends[0]
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    described = folder / "tokenizer_config.json"
    content = json.loads(described.read_text())
    described.write_text(json.dumps({**content, "tokenizer_class": about.get("tokenizer", "PreTrainedTokenizerFast")}))
    return folder


def _tokenizer(about: dict[str, Any]) -> Any:
    from tokenizers import processors
    from transformers import PreTrainedTokenizerFast
    raw = _pieces(about["special"]) if about.get("pieces") else _byte_level(about["special"])
    if about.get("begins"):
        raw.post_processor = processors.TemplateProcessing(single=f"{about['bos']} $A", special_tokens=[
            (about["bos"], raw.token_to_id(about["bos"]))])
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=raw, bos_token=about.get("bos"), eos_token=about["eos"], pad_token=about.get("pad"),
                                        **({"unk_token": "<unk>"} if about.get("pieces") else {}))
    tokenizer.add_special_tokens({"additional_special_tokens": list(about["special"])})
    if "template" in about:
        tokenizer.chat_template = about["template"]
    return tokenizer


def _byte_level(special: tuple[str, ...]) -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    raw.train_from_iterator(TEXTS, trainers.BpeTrainer(vocab_size=400, special_tokens=list(special), show_progress=False,
                                                       initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    return raw


def _pieces(special: tuple[str, ...]) -> Any:
    """BPE over pieces with "▁" for a blank and bytes for what it does not know, as SentencePiece models are."""
    from tokenizers import Tokenizer, decoders, models, normalizers, trainers
    learner = Tokenizer(models.BPE(unk_token="<unk>"))
    learner.normalizer = normalizers.Replace(" ", "▁")
    learner.train_from_iterator(TEXTS, trainers.BpeTrainer(vocab_size=300, special_tokens=list(special), show_progress=False))
    learnt = json.loads(learner.to_str())["model"]
    words = {**learnt["vocab"], **{f"<0x{number:02X}>": len(learnt["vocab"]) + number for number in range(256)}}
    raw = Tokenizer(models.BPE(vocab=words, merges=[tuple(one) for one in learnt["merges"]], unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    raw.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    raw.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    raw.add_special_tokens(list(special))
    return raw
