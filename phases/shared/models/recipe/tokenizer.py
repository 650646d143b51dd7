"""Train the tokenizer: lines of text go in, `tokenizer.model` (SentencePiece) and the same thing as `tokenizer.json` come out.

BPE with byte fallback, digits split. A line's first word is the same token as after a space: `\\n` is a token of its own, and what follows
it gets the space prefix that every text gets at its start; decoding takes exactly that one space away again.
"""

import json
from collections.abc import Iterable
from pathlib import Path

import sentencepiece
from tokenizers import AddedToken, Tokenizer, decoders, normalizers
from tokenizers.models import BPE

CONTROL = ("<s>", "<|end|>", "<pad>", "<|system|>", "<|user|>", "<|assistant|>")
CHAT_TEMPLATE = (
    "{%- for message in messages -%}"
    "{%- if message['role'] not in ['system', 'user', 'assistant'] -%}{{- raise_exception('Roles are system, user and assistant.') -}}{%- endif -%}"
    "{{- '<|' + message['role'] + '|>' + (message['content'] | trim) + '<|end|>' -}}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- '<|assistant|>' -}}{%- endif -%}"
)
_LETTERS = "äöüÄÖÜßéèáàçñåøæ€£§°±×÷²³µ–—„“”‘’…·•→≤≥%&@#$*_~^|<>[]{}()/\\=+"


def train_sentencepiece(lines: Iterable[str], folder: Path, vocabulary: int = 4096) -> Path:
    """Train and write `tokenizer.model`."""
    prefix = folder / "tokenizer"
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_prefix=str(prefix), model_type="bpe", vocab_size=vocabulary, byte_fallback=True, split_digits=True,
        character_coverage=0.9999, required_chars=_LETTERS, normalization_rule_name="identity", remove_extra_whitespaces=False, add_dummy_prefix=True,
        allow_whitespace_only_pieces=True, user_defined_symbols=["\n"], control_symbols=list(CONTROL[3:]), unk_id=0, bos_id=1, eos_id=2, pad_id=3,
        unk_piece="<unk>", bos_piece=CONTROL[0], eos_piece=CONTROL[1], pad_piece=CONTROL[2], num_threads=2, max_sentence_length=20000, minloglevel=2,
    )
    (folder / "tokenizer.vocab").unlink()
    return folder / "tokenizer.model"


def _list_merges(vocab: dict[str, int], scored: list[tuple[str, float]]) -> list[tuple[str, str]]:
    """The merges behind SentencePiece's pieces, in the order in which it learnt them."""
    merges = []
    for piece, score in scored:
        parts = [(piece[:i], piece[i:]) for i in range(1, len(piece)) if piece[:i] in vocab and piece[i:] in vocab]
        merges += [(score, vocab[left], vocab[right], left, right) for left, right in parts]
    merges.sort(key=lambda m: (-m[0], m[1], m[2]))
    return [(left, right) for *_, left, right in merges]


def convert_to_json(model: Path) -> Tokenizer:
    """The same tokenizer for the `tokenizers` library, which needs no SentencePiece at run time."""
    processor = sentencepiece.SentencePieceProcessor(model_file=str(model))
    pieces = [processor.id_to_piece(i) for i in range(processor.get_piece_size())]
    vocab = {piece: i for i, piece in enumerate(pieces)}
    special = {"<unk>", "\n", *CONTROL}
    scored = [(p, processor.get_score(i)) for i, p in enumerate(pieces) if p not in special and not processor.is_byte(i)]
    bare = {p: i for p, i in vocab.items() if p not in special and not processor.is_byte(i)}
    tokenizer = Tokenizer(BPE(vocab, _list_merges(bare, scored), unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Replace("\n ", "\n"), decoders.Strip(" ", 1, 0)]
    )
    tokenizer.add_special_tokens([AddedToken(t, normalized=False, special=True) for t in ("<unk>", *CONTROL)])
    tokenizer.add_tokens([AddedToken("\n", normalized=False, special=False)])
    return tokenizer


def write_tokenizer(folder: Path, context: int) -> None:
    """Write `tokenizer.json`, `tokenizer_config.json` and the chat template beside `tokenizer.model`."""
    tokenizer = convert_to_json(folder / "tokenizer.model")
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": context, "bos_token": "<s>", "eos_token": "<|end|>", "pad_token": "<pad>", "unk_token": "<unk>",
        "add_bos_token": False, "add_eos_token": False, "clean_up_tokenization_spaces": False, "padding_side": "right", "chat_template": CHAT_TEMPLATE,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=1) + "\n", "utf-8")
