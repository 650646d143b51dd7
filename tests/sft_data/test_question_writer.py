"""The built-in question writer: many wordings, and some that only evaluation uses."""

from __future__ import annotations

from collections import Counter

import pytest

from phases.sft_data.check import check_pair, normalise_question
from phases.sft_data.facts import FoundFact, find_facts
from phases.sft_data.question_writer import write_pairs
from phases.sft_data.styles import STYLES
from phases.sft_data.wordings import RESERVED_WORDS, is_reserved, reserved_question, train_questions
from phases.shared.database.chunks import ChunkRow
from tests.sft_data.texts import facts_in, sample

MAKERS = "| Pump | Maker |\n| --- | --- |\n" + "".join(f"| Pump {letter} | {maker} |\n" for letter, maker in zip(
    "ABCDE", ("Wells", "Ruddock", "Idris", "Tansy", "Marl"), strict=True))


@pytest.fixture(scope="module")
def found() -> tuple[list[FoundFact], dict[int, ChunkRow]]:
    documents, chunks = sample()
    return find_facts(documents, chunks), {chunk.id: chunk for chunk in chunks}


def test_the_wordings_of_one_fact() -> None:
    fact = facts_in("The Halvard winch was installed in 1987.")[0]
    written = write_pairs(fact, "factual", [fact])
    questions = [pair.instruction for pair in written.train]
    assert questions[0] == "When was the Halvard winch installed?"
    assert "In which year was the Halvard winch installed?" in questions
    assert {pair.output for pair in written.train} == {"1987"}
    assert written.held_out is not None and is_reserved(written.held_out.instruction) and written.held_out.output == "1987"


def test_the_same_fact_is_always_written_the_same_way() -> None:
    first, again = (write_pairs(facts_in("The Halvard winch was installed in 1987.")[0], "factual", []) for _ in range(2))
    assert first == again


@pytest.mark.parametrize("style", list(STYLES))
def test_no_training_pair_uses_a_reserved_wording_and_every_held_out_one_does(style: str, found: tuple[list[FoundFact], dict]) -> None:
    facts, _ = found
    siblings: dict[str, list[FoundFact]] = {}
    for fact in facts:
        siblings.setdefault(fact.attribute, []).append(fact)
    for fact in facts:
        written = write_pairs(fact, style, siblings[fact.attribute])
        for pair in written.train:
            assert not any(words in f"{pair.instruction}\n{pair.output}".lower() for words in RESERVED_WORDS)
        assert written.held_out is None or is_reserved(written.held_out.instruction)


def test_at_least_six_training_wordings_and_no_question_for_two_facts(found: tuple[list[FoundFact], dict]) -> None:
    facts, _ = found
    questions: Counter[str] = Counter()
    for fact in facts:
        asked = train_questions(fact)
        assert len(asked) >= 6
        assert len({normalise_question(one) for one in asked}) >= 6
        questions.update({normalise_question(one) for one in (*asked, reserved_question(fact))})
    assert [question for question, times in questions.items() if times > 1] == []


def test_reserved_wordings_are_mixed(found: tuple[list[FoundFact], dict]) -> None:
    facts, _ = found
    used = Counter(next(words for words in RESERVED_WORDS if words in reserved_question(fact).lower()) for fact in facts)
    assert set(used) == set(RESERVED_WORDS)
    assert max(used.values()) < len(facts) / 2


def test_every_factual_pair_of_the_sample_passes_the_check(found: tuple[list[FoundFact], dict]) -> None:
    facts, chunks = found
    for fact in facts:
        written = write_pairs(fact, "factual", [fact])
        assert written.held_out is not None
        for pair in (*written.train, written.held_out):
            assert check_pair(pair.instruction, pair.output, fact.sentence, chunks[fact.chunk].content) == ""
            assert "{" not in pair.instruction and "  " not in pair.instruction


@pytest.mark.parametrize("style", ["conversational", "socratic", "problem_solving"])
def test_longer_styles_hold_the_answer_and_pass_the_check(style: str) -> None:
    text = "The brake of the Hadrun winch closes at 23 bar."
    written = write_pairs(facts_in(text)[0], style, [])
    assert written.held_out is not None
    for pair in (*written.train, written.held_out):
        assert "23 bar" in pair.output and len(pair.output.split()) > 5
        assert check_pair(pair.instruction, pair.output, text, text) == ""


def test_multiple_choice_takes_wrong_options_from_the_same_attribute() -> None:
    facts = facts_in(MAKERS)
    letters = set()
    for fact in facts:
        written = write_pairs(fact, "multiple_choice", facts)
        for pair in written.train:
            question, *options = pair.instruction.splitlines()
            assert [option[:3] for option in options] == ["A) ", "B) ", "C) ", "D) "]
            assert len({option[3:] for option in options}) == 4
            assert pair.output in options and pair.output.endswith(fact.answer)
            letters.add(pair.output[0])
    assert letters == set("ABCD")


def test_multiple_choice_says_when_there_are_too_few_options() -> None:
    facts = facts_in(MAKERS)[:2]
    written = write_pairs(facts[0], "multiple_choice", facts)
    assert (written.train, written.held_out) == ((), None)
    assert "wrong options" in written.reason
