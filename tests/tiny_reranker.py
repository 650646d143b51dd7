"""A real cross-encoder small enough for tests: BERT with one score, two layers, trained for a moment to see the same word in both.

In: a folder. Out: the folder of a model that sentence-transformers' CrossEncoder reads like every other: it gives a text a
high score when the question's animal stands in it.
"""

from __future__ import annotations

from pathlib import Path

ANIMALS = ("heron", "otter", "falcon", "badger")
WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *ANIMALS, "where", "does", "the", "live", "lives", "by", "river", "in", "a", "tower")


def make_tiny_reranker(folder: Path, labels: int = 1) -> Path:
    """Save the model with its tokenizer; with other `labels` it is a classifier and no reranker."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification

    tokenizer = _tokenizer()
    torch.manual_seed(3)
    model = BertForSequenceClassification(BertConfig(
        vocab_size=len(WORDS), hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=1,
        initializer_range=0.1, max_position_embeddings=32, num_labels=labels, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0))
    if labels == 1:
        _train(model, tokenizer)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def _train(model, tokenizer) -> None:
    import torch

    pairs = [(one, other) for one in ANIMALS for other in ANIMALS]
    batch = tokenizer([f"where does the {one} live" for one, _ in pairs], [f"the {other} lives by the river" for _, other in pairs],
                      padding=True, return_tensors="pt")
    wanted = torch.tensor([[float(one == other)] for one, other in pairs])
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    model.train()
    for _ in range(300):
        loss = torch.nn.functional.binary_cross_entropy_with_logits(model(**batch).logits, wanted)
        if loss.item() < 0.02:
            break
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    assert loss.item() < 0.1, f"the test's model did not learn: {loss.item():.3f}"


def _tokenizer():
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    places = {word: place for place, word in enumerate(WORDS)}
    raw = Tokenizer(models.WordLevel(places, unk_token="[UNK]"))
    raw.normalizer = normalizers.Lowercase()
    raw.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    raw.post_processor = processors.BertProcessing(("[SEP]", places["[SEP]"]), ("[CLS]", places["[CLS]"]))
    return PreTrainedTokenizerFast(tokenizer_object=raw, unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]", pad_token="[PAD]",
                                   mask_token="[MASK]", model_max_length=32)
