"""The model card: what a run used goes in, `README.md` in the model's folder comes out.

`pretrain` writes it. Figures that were measured afterwards stand in `probes.md` beside this file and are copied in as they are.
"""

from pathlib import Path

_CARD = """---
license: other
language: en
library_name: transformers
pipeline_tag: text-generation
---

# Lehrling's built-in base model

A very small language model that needs no download: it lets every phase run, and be tested, on any machine. It knows nothing of the world.
What it has learnt is the form of the work: documents of stated facts, questions in very many wordings, bare values as answers. Fine-tuned
on questions about some documents, it answers other wordings of the same questions.

## Architecture

Llama, {parameters:,} parameters in bf16: hidden size 256, 6 layers, 8 heads, feed-forward size 672, vocabulary 4,096, input and output
embeddings tied, rotary positions, context 2,048 tokens (trained on rows of {length} tokens, the last {late:.0%} of the run on rows of {long_length}).

The tokenizer is SentencePiece BPE with byte fallback and single digits, in `tokenizer.model` and, with the same ids, in `tokenizer.json`.
A line break is a token of its own, and the first word of a line is the same token as after a space. `<|end|>` ends a turn and a document,
`<pad>` only pads. Chat: `<|user|>question<|end|><|assistant|>answer<|end|>`, `<|system|>` likewise. No begin token is needed.

## Texts

| Text | Licence | Share of the tokens |
| --- | --- | --- |
| WordNet 3.0 definitions and examples (Debian `wordnet-base`) | WordNet 3.0 licence, Copyright 2006 Princeton University: free to use, copy, modify and distribute with its notice | {prose:.0%} together with the next |
| Python 3.11 documentation, sentences only (Debian `python3.11-doc`) | Python Software Foundation License Version 2; examples also 0BSD | |
| Invented worlds, told and asked about at once | made by the recipe beside this folder, under the project's licence | {fresh:.0%} |
| A pool of {pool} invented worlds, told in other words each time | as above | {told:.0%} |
| Questions about the pool, without its text | as above | {asked:.0%} |

Of {pages:,} pages of prose {read:,} were read. Every name, place, device and number of the worlds is put together by a seeded generator.
Question wordings with these parts are in no text of the pretraining, so that evaluation can use them as new ones:
{reserved}.

## How it was made

    python -m phases.shared.models.recipe.pretrain --out DIR --tokens {tokens} --minutes {minutes} --pool {pool} --seed {seed}

{used_tokens:,} tokens in {steps:,} steps of 4,096 tokens, {used_minutes} minutes on {threads} CPU threads; {speed:,.0f} tokens per second. Muon for the
matrices of the layers (rate {rate}), AdamW for embeddings and norms (rate {embedding_rate}), both constant to half of the run, then falling in a line to
zero; bf16 autocast, float32 weights while training. Questions count 0.3 and answers 1.5 times in the loss. Last mean loss {loss}. The run ends at
the token budget or at the time limit, whichever comes first, so a slower machine makes a model of fewer tokens from the same seed.

{probes}
## Limits

- English only; the tokenizer writes umlauts and every other character, but the model has read hardly any German.
- It does not reason, calculate, write longer text or follow instructions beyond short questions. Asked about what it was not taught, it invents a short value.
- Facts that stand in the documents but are never asked in SFT are mostly not answered: telling is not teaching.
- Reading a value out of a text in the prompt is weak (see above), so it is no model for retrieval.
- Its style of answer is the bare value. Rows longer than {long_length} tokens were never seen in training.
"""


def write_card(folder: Path, plan: dict[str, float], mix: dict[str, float], used: dict[str, float], parameters: int, prose: tuple[int, int], reserved: tuple[str, ...]) -> None:
    """Write the card of one run; `prose` is how many pages there were and how many were read."""
    probes = Path(__file__).with_name("probes.md")
    text = _CARD.format(
        **(plan | mix), parameters=parameters, late=plan["long_share"], pages=prose[0], read=prose[1], used_tokens=used["tokens"], steps=used["steps"],
        used_minutes=used["minutes"], loss=used["loss"], speed=used["tokens"] / used["minutes"] / 60, reserved=", ".join(f'"{r}"' for r in reserved),
        probes=probes.read_text("utf-8") + "\n" if probes.is_file() else "",
    )
    (folder / "README.md").write_text(text, "utf-8")
