"""Evaluation asks every model every question, counts them apart by kind, and goes on where it was stopped."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from phases.sft.config import EvaluateConfig
from phases.sft.evaluate import Reply, graded, greedy_answers, missing_for_evaluation, prepare, run
from phases.shared.database.connection import knowledge
from phases.shared.database.written import store_written
from phases.shared.errors import NotReady
from phases.shared.jobs.context import JobContext, JobStopped
from phases.shared.project import Project
from phases.shared.training.loading import load_model
from tests.tiny_project import add_pairs, make_project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_project(tmp_path)


def add_questions(project: Project, held_out: int = 5) -> None:
    """Facts with a trained and a held-out wording each, beside the validation facts of `add_pairs`."""
    add_pairs(project)
    with knowledge(project) as connection:
        row = connection.execute("SELECT chunk, chunk_hash FROM pairs LIMIT 1").fetchone()
        for number in range(held_out):
            fact = {"document": 1, "start": 100 + number, "end": 109 + number, "subject": f"Bell {number}", "attribute": "weight",
                    "answer": f"{number} kg", "split": "train"}
            pairs = [{"instruction": words.format(number), "output": fact["answer"], "split": split, "state": "open", "reason": ""}
                     for words, split in (("What does bell {} weigh?", "train"), ("Do you know the weight of bell {}?", "held_out"))]
            store_written(connection, "more", {"slot": f"{row['chunk']}/factual/{100 + number}", "chunk": row["chunk"],
                          "chunk_hash": row["chunk_hash"], "style": "factual", "provider": "builtin", "model": "",
                          "dataset": "sft_data", "fact": fact, "pairs": pairs})


def prepared(project: Project, job_id: str = "evaluate-1") -> JobContext:
    context = JobContext(project, job_id)
    context.inputs.mkdir(parents=True)
    prepare(project, EvaluateConfig(), context.inputs, {})
    return context


def test_without_questions_it_says_what_to_do(project: Project, tmp_path: Path) -> None:
    assert missing_for_evaluation(project)
    with pytest.raises(NotReady, match="tab 3"):
        prepare(project, EvaluateConfig(), tmp_path, {})


def test_every_question_is_asked_and_the_absent_models_are_named(project: Project) -> None:
    add_questions(project)
    context = prepared(project)
    result = run(context, EvaluateConfig(max_new_tokens=4))
    assert result["absent"] == ["cpt", "final"]
    (row,) = result["table"]
    assert (row["model"], row["closed_book_n"]) == ("base", 5) and row["unasked_n"] > 0
    assert row["closed_book_accuracy"] == 0.0 and row["closed_book_interval"][0] == 0.0
    assert row["perplexity"] > 1 and row["perplexity_tokens"] > 0
    assert row["general_perplexity"] > 1 and row["general_tokens"] > 1000 and row["general_language"] == "en"
    predictions = json.loads((context.job_dir / "predictions.json").read_text(encoding="utf-8"))
    assert len(predictions) == row["closed_book_n"] + row["unasked_n"]
    assert json.loads((context.job_dir / "metrics.json").read_text(encoding="utf-8"))["questions_hash"] == result["questions_hash"]


def test_a_stopped_evaluation_goes_on_and_ends_the_same(project: Project) -> None:
    add_questions(project)
    whole = run(prepared(project, "evaluate-1"), EvaluateConfig(max_new_tokens=4, batch_size=2))
    context = prepared(project, "evaluate-2")
    asked_to_stop = iter([False, True])
    context.stop_requested = lambda: next(asked_to_stop)
    with pytest.raises(JobStopped):
        run(context, EvaluateConfig(max_new_tokens=4, batch_size=2))
    lines = (context.job_dir / "answers.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 2
    again = JobContext(project, "evaluate-2")
    assert run(again, EvaluateConfig(max_new_tokens=4, batch_size=2))["table"] == whole["table"]


def test_a_batch_answers_as_single_questions_do(project: Project) -> None:
    """Padding on the left must not change an answer."""
    model, tokenizer = load_model(project.base_model)
    questions = ["Which?", "How long does lamp 3 of the Norvik station burn in the evening?", "Lamp A?"]
    together = greedy_answers(model, tokenizer, questions, 6)
    assert together == [greedy_answers(model, tokenizer, [one], 6)[0] for one in questions]


def test_grading_is_by_normalised_exact_match() -> None:
    question = {"id": 1, "kind": "held_out", "question": "?", "answer": "23 bar"}
    assert graded("final", question, Reply("23 bar.", ended=True))["correct"] is True
    wrong = graded("final", question, Reply("about 23 bar", ended=True))
    assert wrong["correct"] is False and wrong["f1"] == pytest.approx(0.8)


def test_the_stop_rate_counts_answers_that_ended_by_themselves(project: Project) -> None:
    """A model that never wrote its end token is cut off at every length; one for which every token is an end stops at once."""
    model, tokenizer = load_model(project.base_model)
    model.generation_config.eos_token_id = [tokenizer.eos_token_id]
    cut = greedy_answers(model, tokenizer, ["Which?"], 3)[0]
    assert not cut.ended
    model.generation_config.eos_token_id = list(range(model.config.vocab_size))
    assert greedy_answers(model, tokenizer, ["Which?"], 3)[0].ended
