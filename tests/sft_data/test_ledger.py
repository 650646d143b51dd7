"""Sets, duplicates and counts, decided slot by slot."""

from __future__ import annotations

from phases.sft_data.ledger import DUPLICATE, UNTAUGHT, AskedFact, Draft, Ledger, Phrasing
from phases.shared.writing.ask import Spent
from phases.shared.writing.slots import Slot


def ledger(wanted: int = 0, percent: float = 10, **known) -> Ledger:
    return Ledger(wanted, percent, lambda question: question.casefold().rstrip("?"), **known)


def named(number: int, document: int = 1) -> AskedFact:
    return AskedFact(document, number * 100, number * 100 + 50, f"device {number}", "weight", f"{number} kg")


def draft(fact: AskedFact, *questions: str, held_out: str = "", **more) -> Draft:
    train = tuple(Phrasing(question, fact.answer) for question in questions)
    return Draft(fact, train, Phrasing(held_out or f"held out {questions[0]}", fact.answer), **more)


def slot(number: int) -> Slot:
    return Slot(number, "factual", 0)


def fill(book: Ledger, count: int, start: int = 0) -> list[dict]:
    return [book.decide(slot(number), draft(named(number), f"q{number}a", f"q{number}b")) for number in range(start, start + count)]


def test_every_tenth_fact_is_never_asked() -> None:
    records = fill(ledger(), 40)
    assert [number for number, record in enumerate(records) if record["fact"]["split"] == "validation"] == [9, 19, 29, 39]
    assert {pair["split"] for pair in records[9]["pairs"]} == {"validation"}
    assert [pair["split"] for pair in records[8]["pairs"]] == ["train", "train", "held_out"]


def test_the_same_fact_in_another_document_keeps_its_set() -> None:
    book = ledger()
    fill(book, 10)
    again = AskedFact(2, 0, 10, "The DEVICE 9", "weight", "9 kg")
    assert book.decide(slot(99), draft(again, "another wording"))["fact"]["split"] == "validation"


def test_a_span_inside_of_a_never_asked_one_is_never_asked() -> None:
    book = ledger()
    fill(book, 10)
    inside = AskedFact(1, 910, 920, "", "what?", "9 kg")
    beside = AskedFact(1, 810, 820, "", "what else?", "8 kg")
    assert book.decide(slot(98), draft(inside, "what?"))["fact"]["split"] == "validation"
    assert book.decide(slot(99), draft(beside, "what else?"))["fact"]["split"] == "train"


def test_the_count_is_exact_and_the_surplus_is_not_written() -> None:
    book = ledger(wanted=5, percent=0)
    records = fill(book, 3)
    assert book.complete and book.sets["train"] == 5
    assert [len(record["pairs"]) for record in records] == [3, 3, 2]
    assert records[2]["pairs"][-1]["split"] == "held_out"


def test_questions_that_exist_are_duplicates_and_do_not_count() -> None:
    book = ledger(wanted=4, percent=0, questions=["Q0A"])
    record = book.decide(slot(0), draft(named(0), "q0a?", "q0b", "Q0b?"))
    assert [(pair["state"], pair["reason"]) for pair in record["pairs"][:3]] == [("rejected", DUPLICATE), ("open", ""), ("rejected", DUPLICATE)]
    assert book.sets["train"] == 1 and book.rejected == {DUPLICATE: 2}


def test_a_held_out_phrasing_is_never_trained() -> None:
    book = ledger(percent=0)
    book.decide(slot(0), draft(named(0), "a", held_out="kept for later"))
    record = book.decide(slot(1), draft(named(1), "Kept for later?", "b"))
    assert record["pairs"][0]["reason"] == DUPLICATE


def test_a_question_is_not_evaluated_when_its_fact_was_not_taught() -> None:
    book = ledger(percent=0, questions=["a", "b"])
    assert book.decide(slot(0), draft(named(0), "a", held_out="c"))["pairs"][-1]["reason"] == UNTAUGHT
    assert book.decide(slot(1), draft(named(1), "d", held_out="e"))["pairs"][-1]["reason"] == ""
    assert book.decide(Slot(1, "socratic", 0), draft(named(1), "d", held_out="f"))["pairs"][-1]["reason"] == ""


def test_replayed_records_give_the_same_state() -> None:
    book, whole = ledger(), ledger()
    for record in fill(whole, 12):
        book.replay(record)
    assert fill(book, 20, start=12) == fill(whole, 20, start=12)
    assert (book.sets, book.rejected, book.slots) == (whole.sets, whole.rejected, whole.slots)


def test_failed_slots_have_a_record_with_the_reason() -> None:
    book = ledger()
    record = book.decide(slot(1), Draft(failure="The answer holds no whole JSON object.", spent=Spent(10, 5)))
    assert record["failed"] == "The answer holds no whole JSON object." and record["pairs"] == []
    assert book.failed.total() == 1 and book.spent == Spent(10, 5)


def test_a_fact_whose_pairs_were_all_rejected_keeps_its_set() -> None:
    book = ledger(percent=50, questions=["q1a", "q1b", "held out q1a"])
    fill(book, 1)
    first = fill(book, 1, start=1)[0]
    fill(book, 5, start=2)
    again = book.decide(Slot(1, "socratic", 0), draft(named(1), "new wording"))
    assert again["fact"]["split"] == first["fact"]["split"] == "validation"
