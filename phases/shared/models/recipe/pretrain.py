"""Make the built-in base model: free prose and invented worlds go in, a Hugging Face model folder of at most 12 MB comes out.

Run: python -m phases.shared.models.recipe.pretrain --out DIR [--tokens N] [--minutes M] [--pool N] [--seed N] [--threads N]
Training ends at the token budget or at the time limit, whichever comes first; the learning rate falls to zero towards that end.
"""

import argparse
import json
import shutil
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch.nn import functional
from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM

from phases.shared.models.recipe import prose, stream, tokenizer
from phases.shared.models.recipe.asking import RESERVED
from phases.shared.models.recipe.card import write_card

CONTEXT = 2048


@dataclass(frozen=True)
class Plan:
    """What one run does."""

    tokens: int = 16_000_000
    minutes: float = 35.0
    pool: int = 600
    rows: int = 16
    length: int = 256
    long_length: int = 1024
    long_share: float = 0.08
    rate: float = 4e-3
    embedding_rate: float = 3e-3
    seed: int = 7
    threads: int = 2
    save_minutes: float = 4.0


def build_model(seed: int) -> LlamaForCausalLM:
    """A Llama with random weights: 5.7 million parameters, embeddings tied."""
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=4096, hidden_size=256, intermediate_size=672, num_hidden_layers=6, num_attention_heads=8, num_key_value_heads=8,
        max_position_embeddings=CONTEXT, tie_word_embeddings=True, bos_token_id=1, eos_token_id=2, pad_token_id=3, rms_norm_eps=1e-5,
    )
    return LlamaForCausalLM(config)


def build_optimizers(model: LlamaForCausalLM, plan: Plan) -> list[torch.optim.Optimizer]:
    """Muon for the matrices inside the layers, AdamW for embeddings and norms."""
    inner = [p for n, p in model.named_parameters() if p.ndim == 2 and "embed" not in n]
    outer = [p for n, p in model.named_parameters() if p.ndim < 2 or "embed" in n]
    return [
        torch.optim.Muon(inner, lr=plan.rate, weight_decay=0.05, momentum=0.95, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(outer, lr=plan.embedding_rate, betas=(0.9, 0.98), weight_decay=0.01),
    ]


def scale_rate(progress: float) -> float:
    """Warm up over 2 %, hold to 50 %, then fall in a line to zero (Hägele et al. 2024, arXiv 2405.18392)."""
    return min(progress / 0.02 + 0.02, 1.0, max(2.0 * (1.0 - progress), 0.0))


def weigh_loss(model: torch.nn.Module, rows: list[tuple[list[int], list[float]]]) -> torch.Tensor:
    """The weighted mean loss of the next token; rows are one token longer than what the model reads."""
    ids = torch.tensor([row[0] for row in rows])
    weights = torch.tensor([row[1] for row in rows])[:, 1:].reshape(-1)
    with torch.autocast("cpu", torch.bfloat16):
        logits = model(input_ids=ids[:, :-1], use_cache=False).logits
    losses = functional.cross_entropy(logits.reshape(-1, logits.shape[-1]).float(), ids[:, 1:].reshape(-1), reduction="none")
    return (losses * weights).sum() / weights.sum()


def save_model(model: LlamaForCausalLM, folder: Path) -> None:
    """Write weights in bf16 and the generation settings."""
    copy = LlamaForCausalLM(model.config)
    copy.load_state_dict(model.state_dict())
    copy.generation_config = GenerationConfig(bos_token_id=1, eos_token_id=2, pad_token_id=3, do_sample=False, max_new_tokens=64)
    copy.to(torch.bfloat16).save_pretrained(folder)


def train(model: LlamaForCausalLM, maker: stream.UnitMaker, plan: Plan, out: Path) -> dict[str, float]:
    """Train to the end of the plan; returns what was used. Saves every few minutes."""
    optimizers = build_optimizers(model, plan)
    compiled = torch.compile(model)
    short, long = stream.iterate_rows(maker, plan.length), stream.iterate_rows(maker, plan.long_length)
    started = saved = time.monotonic()
    used = step = 0
    mean = 8.3
    while (progress := max(used / plan.tokens, (time.monotonic() - started) / 60 / plan.minutes)) < 1.0:
        late = progress > 1.0 - plan.long_share
        length = plan.long_length if late else plan.length
        batch = [next(long if late else short) for _ in range(plan.rows * plan.length // length)]
        loss = weigh_loss(compiled, batch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer, rate in zip(optimizers, (plan.rate, plan.embedding_rate), strict=True):
            optimizer.param_groups[0]["lr"] = rate * scale_rate(progress)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        used, step, mean = used + len(batch) * length, step + 1, 0.98 * mean + 0.02 * loss.item()
        if step % 50 == 0:
            seconds = time.monotonic() - started
            print(f"step {step}  tokens {used / 1e6:.2f}M  loss {mean:.3f}  {used / seconds:.0f} tok/s  {seconds / 60:.1f} min", flush=True)
        if time.monotonic() - saved > plan.save_minutes * 60:
            save_model(model, out)
            saved = time.monotonic()
    return {"tokens": used, "steps": step, "minutes": round((time.monotonic() - started) / 60, 1), "loss": round(mean, 3)}


def make_builtin(out: Path, plan: Plan, reuse: Path | None = None) -> None:
    """The whole story: texts, tokenizer, training, card."""
    torch.set_num_threads(plan.threads)
    out.mkdir(parents=True, exist_ok=True)
    pages = prose.read_prose(plan.seed)
    if reuse:
        shutil.copy(reuse / "tokenizer.model", out / "tokenizer.model")
    else:
        tokenizer.train_sentencepiece(stream.gather_lines(pages, 4000, plan.seed), out)
    tokenizer.write_tokenizer(out, CONTEXT)
    maker = stream.UnitMaker(Tokenizer.from_file(str(out / "tokenizer.json")), pages, stream.Mix(pool=plan.pool), plan.seed)
    model = build_model(plan.seed)
    used = train(model, maker, plan, out)
    save_model(model, out)
    write_card(out, asdict(plan), asdict(maker.mix), used, model.num_parameters(), (len(pages), maker.page), RESERVED)
    print(json.dumps(used))


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--tokenizer-from", type=Path, help="a folder whose tokenizer.model is taken instead of training one")
    for name, kind in (("tokens", int), ("minutes", float), ("pool", int), ("rate", float), ("seed", int), ("threads", int)):
        parser.add_argument(f"--{name}", type=kind, default=getattr(Plan, name))
    given = vars(parser.parse_args())
    out, reuse = given.pop("out"), given.pop("tokenizer_from")
    make_builtin(out, Plan(**given), reuse)


if __name__ == "__main__":
    main()
