"""Whether the final model of a project ends its answers by itself, and whether its export says the same in plain transformers.

    python app.py demo        python -m tests.benchmarks.endings [projects/sample-demo]

In: a project folder with a final model and an export of it. The prompts are its first 20 held-out questions by id; each is answered
greedily with room for 256 new tokens. Out: for each what was said, how many tokens it took and what came last; then two counts: answers
that end with an end token, and texts in which the export, loaded without a line of this program, is equal. Exit code 1 unless all.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from phases.sft.exported import find_export
from phases.shared.database.connection import knowledge
from phases.shared.database.questions import active_questions
from phases.shared.models.folder import model_path
from phases.shared.project import Project, open_project

PROMPTS, NEW_TOKENS = 20, 256


@dataclass(frozen=True)
class Answer:
    """`ended`: whether its last token is one that ends a generation of the model."""

    text: str
    tokens: int
    ended: bool


def sample_prompts(project: Project) -> list[str]:
    """The first held-out questions in the order of their ids."""
    with knowledge(project) as connection:
        return [one.question for one in active_questions(connection) if one.kind == "held_out"][:PROMPTS]


def greedy(model: Any, tokenizer: Any, prompt: str) -> Answer:
    """As a stranger would ask: the chat template of the folder, its own end tokens, nothing else."""
    import torch
    asked = tokenizer.apply_chat_template([{"role": "user", "content": prompt}], add_generation_prompt=True, return_tensors="pt",
                                          return_dict=True)
    with torch.inference_mode():
        ids = model.generate(asked["input_ids"], attention_mask=asked["attention_mask"], do_sample=False, max_new_tokens=NEW_TOKENS)
    written = ids[0, asked["input_ids"].shape[1]:].tolist()
    ends = model.generation_config.eos_token_id
    return Answer(tokenizer.decode(written), len(written), written[-1] in (ends if isinstance(ends, list) else [ends]))


def answers_of_project(project: Project, prompts: Sequence[str]) -> list[Answer]:
    """As Lehrling loads its final model."""
    from phases.shared.training.loading import load_model
    model, tokenizer = load_model(model_path(project, "final"), device="cpu")
    return [greedy(model, tokenizer, one) for one in prompts]


def answers_of_export(folder: Path, prompts: Sequence[str]) -> list[Answer]:
    """In plain transformers, in the precision that the files are in."""
    from transformers import AutoModelForCausalLM, AutoTokenizer
    model, tokenizer = AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    return [greedy(model, tokenizer, one) for one in prompts]


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("project", nargs="?", type=Path, default=Path("projects/sample-demo"), help="the project's folder")
    place = parser.parse_args(words).project.resolve()
    project = open_project(place.parent, place.name)
    prompts, export = sample_prompts(project), find_export(project, "final")
    ours, theirs = answers_of_project(project, prompts), answers_of_export(export.folder, prompts)
    for prompt, one, other in zip(prompts, ours, theirs, strict=True):
        print(f"{one.tokens:4} tokens, {'ended' if one.ended else 'CUT OFF'}, {'same' if one.text == other.text else 'OTHER'}  {prompt}  {one.text!r}")
    ended, stranger_ended = (sum(one.ended for one in answers) for answers in (ours, theirs))
    same = sum(one.text == other.text for one, other in zip(ours, theirs, strict=True))
    print(f"\nEnded at the end token: {ended} of {len(prompts)} ({stranger_ended} in the export). "
          f"Same greedy text from exports/{export.name} in plain transformers: {same} of {len(prompts)}.")
    return 0 if ended == stranger_ended == same == PROMPTS else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
