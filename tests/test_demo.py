"""The demo as a newcomer runs it, and what its project holds afterwards."""

from __future__ import annotations

import json
import sqlite3

from phases.demo import steps_to_run
from phases.shared.project import open_project, sample_documents
from tests.benchmarks.endings import answers_of_export, sample_prompts
from tests.conftest import Demo

KEYS = {"closed_book_accuracy", "unasked_accuracy", "perplexity"}


def test_result_has_the_promised_shape(demo: Demo) -> None:
    assert demo.result["project"] == "sample-demo"
    assert list(demo.result["evaluation"]) == ["base", "cpt", "final"]
    assert all(set(row) >= KEYS for row in demo.result["evaluation"].values())
    assert len(demo.result["answers"]) == 3


def test_the_final_model_knows_what_it_was_taught(demo: Demo) -> None:
    """Held-out wordings, free short answers, exact match: base near 0, final at least 80 %, on 100 questions or more."""
    base, final = demo.result["evaluation"]["base"], demo.result["evaluation"]["final"]
    assert final["closed_book_n"] >= 100
    assert base["closed_book_accuracy"] <= 0.03
    assert final["closed_book_accuracy"] >= 0.80
    low, high = final["closed_book_interval"]
    assert low < final["closed_book_accuracy"] <= high
    assert final["unasked_n"] > 0


def test_cpt_lowers_perplexity_on_sections_it_never_saw(demo: Demo) -> None:
    rows = demo.result["evaluation"]
    assert rows["cpt"]["perplexity"] < rows["base"]["perplexity"]
    assert rows["cpt"]["perplexity_tokens"] > 100


def test_held_out_wordings_and_sections_were_never_trained_on(demo: Demo) -> None:
    """Every trained text and pair, as frozen in the jobs' inputs, against every held-out question and section."""
    database = sqlite3.connect(demo.folder / "data" / "wissensbasis.sqlite")
    asked = {question for (question,) in database.execute("SELECT question FROM evaluation_questions")}
    kept = [text for (text,) in database.execute(
        "SELECT content FROM rag_chunks JOIN chunk_records USING (id) WHERE held_out = 1")]
    assert asked and kept
    trained = [path.read_text(encoding="utf-8") for kind in ("cpt", "sft") for path in demo.folder.glob(f"runs/{kind}-2*/inputs/*")
               if "held_out" not in path.name and "validation" not in path.name]
    assert trained
    everything = "\n".join(trained)
    as_stored = {json.dumps(question, ensure_ascii=False)[1:-1] for question in asked}
    assert not [question for question in as_stored if question in everything]
    assert not [text for text in kept if json.dumps(text, ensure_ascii=False)[1:-1] in everything]


def test_sft_data_holds_instruction_and_output_lines(demo: Demo) -> None:
    lines = [json.loads(line) for line in (demo.folder / "data" / "sft_data.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len(lines) >= 300
    assert all(set(line) == {"instruction", "output"} and all(line.values()) for line in lines)


def test_models_and_files_lie_where_the_readme_says(demo: Demo) -> None:
    for name in ("data/wissensbasis.sqlite", "data/cpt_data.txt", "data/sft_data.jsonl", "project.yaml",
                 "models/cpt_model/adapter_model.safetensors", "models/cpt_model/adapter_config.json",
                 "models/cpt_model/tokenizer.json", "models/cpt_model/README.md", "models/final/model.safetensors",
                 "models/final/config.json", "models/final/model.json"):
        assert (demo.folder / name).is_file(), name
    assert len(list((demo.folder / "data" / "documents").iterdir())) == 3


def test_no_absolute_path_in_any_text_file(demo: Demo) -> None:
    """The project can be renamed, zipped and opened elsewhere; logs may speak of the machine."""
    place = str(demo.run.projects)
    wrong = [path for pattern in ("*.json", "*.yaml", "*.jsonl", "*.md", "*.txt") for path in demo.folder.rglob(pattern)
             if path.name != "log.txt" and place in path.read_text(encoding="utf-8")]
    assert wrong == []


def test_answers_in_chat(demo: Demo) -> None:
    """A question that the final model got right in the evaluation gets the same answer in chat, drawn greedily."""
    evaluation = next(demo.folder.glob("runs/evaluate-2*/predictions.json"))
    right = next(one for one in json.loads(evaluation.read_text(encoding="utf-8"))
                 if one["model"] == "final" and one["kind"] == "held_out" and one["correct"])
    answer = demo.run("chat", demo.name, "--model", "final", "--prompt", right["question"], "--temperature", "0", "--json")
    assert answer.code == 0, answer.err
    assert answer.json["answer"].strip() == right["prediction"]


def test_search_finds_a_sentence_of_the_handbook(demo: Demo) -> None:
    hits = demo.run("search", demo.name, "lifting limit of the Ansel hoist", "--json").json["hits"]
    assert "85 kg" in hits[0]["chunk"]["content"]


def test_export_loads_in_plain_transformers_and_answers_alike(demo: Demo) -> None:
    """What lies in exports/ is used without a line of this program: the first 20 held-out questions, answered right or wrong."""
    prompts = sample_prompts(open_project(demo.run.projects, demo.name))
    answers = answers_of_export(next((demo.folder / "exports").glob("safetensors_*")), prompts)
    assert [one.ended for one in answers] == [True] * 20, "each generation ends at the end token"
    evaluated = json.loads(next(demo.folder.glob("runs/evaluate-2*/predictions.json")).read_text(encoding="utf-8"))
    said = {one["question"]: one["prediction"] for one in evaluated if one["model"] == "final"}
    assert [one.text.removesuffix("<|end|>").strip() for one in answers] == [said[prompt] for prompt in prompts]


def test_a_second_run_keeps_what_a_person_edited(demo: Demo) -> None:
    """What the demo does before it trains, done again: nothing twice, edits stay."""
    run, name = demo.run, demo.name
    pair = next(one for one in run("pairs", name, "--json").json["pairs"] if one["split"] == "train")
    chunk = run("chunks", name, "--json").json["chunks"][-1]
    assert run("edit-pair", name, str(pair["id"]), "--output", "an answer by hand").code == 0
    assert run("edit-chunk", name, str(chunk["id"]), "--content", chunk["content"] + " A remark by hand.").code == 0
    before = run("pairs", name, "--json").json["total"], run("chunks", name, "--json").json["total"]
    again = run("ingest", name, *map(str, sample_documents()), "--json").json
    assert len(again["unchanged"]) == 3 and not again["added"]
    assert steps_to_run(open_project(run.projects, name)) == ("cpt", "sft", "evaluate", "export")
    assert (run("pairs", name, "--json").json["total"], run("chunks", name, "--json").json["total"]) == before
    assert any(one["output"] == "an answer by hand" for one in run("pairs", name, "--json").json["pairs"])
    assert run("chunks", name, "--json").json["chunks"][-1]["content"].endswith("A remark by hand.")
