"""Facts found by rules: what each kind of rule finds, and what it leaves alone."""

from __future__ import annotations

import pytest

from phases.sft_data.facts import DocumentText, find_all, find_facts
from tests.sft_data.texts import asked_in, chunk_of, facts_in, sample, whole

TABLE = """The old cistern is in the yard. The new cistern is beside it.

| Cistern | Capacity | Depth (m) | Notes |
| --- | --- | --- | --- |
| Old cistern | 14,200 litres | 3.9 | leaks |
| New cistern | 9,600 litres | - | |
"""


def test_table_cells_become_facts_with_their_row_and_column() -> None:
    assert asked_in(TABLE) == [("where is the old cistern?", "in the yard"),
                               ("what is the capacity of the old cistern?", "14,200 litres"), ("what is the depth of the old cistern?", "3.9 m"),
                               ("what is the capacity of the new cistern?", "9,600 litres")]


def test_a_table_whose_names_repeat_gives_no_facts_of_those_rows() -> None:
    text = "| Pump | Maker |\n| --- | --- |\n| Pump A | Wells |\n| Pump A | Ruddock |\n| Pump B | Idris |\n"
    assert [fact.answer for fact in facts_in(text)] == ["Idris"]


@pytest.mark.parametrize("text", [
    "| No. | Speed |\n| --- | --- |\n| 1 | 5 knots |\n| 2 | 6 knots |\n",
    "| | Video | Trace |\n| --- | --- | --- |\n| Size | large | small |\n",
    "| Feature | none | full |\n| --- | --- | --- |\n| Parser | partial | partial |\n| Reader | works | works |\n",
    "| Mode | Description |\n| --- | --- |\n| Fast | quick and dirty |\n",
    "```\n| Pump | Maker |\n| --- | --- |\n| Wellin pump | Wells |\n```\n",
])
def test_tables_that_give_no_clear_question(text: str) -> None:
    assert facts_in(text) == []


def test_key_value_lines_belong_to_the_thing_in_the_heading() -> None:
    text = "## 5.1 The Gastrel compressor\n\n- Model code: GC-2\n- Motor power: 7.5 kW\n- see the plate\n"
    assert asked_in(text) == [("what is the model code of the Gastrel compressor?", "GC-2"), ("what is the motor power of the Gastrel compressor?", "7.5 kW")]


@pytest.mark.parametrize("heading", ["Introduction", "Washing the lens", "How the work is planned in every single week", "`Buffer.concat()`"])
def test_key_value_lines_under_a_heading_that_names_no_thing(heading: str) -> None:
    assert facts_in(f"## {heading}\n\n- Model code: GC-2\n- Motor power: 7.5 kW\n") == []


def test_german_tables_and_lists() -> None:
    text = "| Gerät | Leistung |\n| --- | --- |\n| Lampe | 400 Watt |\n| Hupe | 7 kW |\n\n## Kompressor\n\n- Baujahr: 1979\n- Ort: Keller\n"
    assert [(fact.subject, fact.attribute, fact.answer) for fact in facts_in(text)] == [
        ("Lampe", "leistung", "400 Watt"), ("Hupe", "leistung", "7 kW"), ("Kompressor", "baujahr", "1979"), ("Kompressor", "ort", "Keller")]


@pytest.mark.parametrize(("sentence", "question", "answer"), [
    ("The height of the tower is 43.7 metres.", "what is the height of the tower?", "43.7 metres"),
    ("The architect of the tower was Bartel Quoy.", "who was the architect of the tower?", "Bartel Quoy"),
    ("The daily consumption of the station is 94 litres in winter.", "what is the daily consumption of the station in winter?", "94 litres"),
    ("The station doctor is Oswen Tarle.", "who is the station doctor?", "Oswen Tarle"),
    ("Mirel Aske is the head keeper.", "who is the head keeper?", "Mirel Aske"),
    ("The cat of the station is called Marrow.", "what is the cat of the station called?", "Marrow"),
    ("The crane is painted signal orange.", "what colour is the crane painted?", "signal orange"),
    ("The walls of the tower are 2.6 metres thick at the base.", "how thick are the walls of the tower at the base?", "2.6 metres"),
    ("The library is on the workshop floor.", "where is the library?", "on the workshop floor"),
    ("The handrail of the path is made of bronze, because iron rusts.", "what is the handrail of the path made of?", "bronze"),
    ("The filter is filled with charcoal and sand.", "what is the filter filled with?", "charcoal and sand"),
    ("The rope of the crane is replaced every 3 years.", "how often is the rope of the crane replaced?", "every 3 years"),
    ("The main lamp is changed after 2,300 hours.", "after how many hours is the main lamp changed?", "2,300 hours"),
    ("The alarms are tested at 11:45 on Thursdays.", "at what time are the alarms tested on Thursdays?", "11:45"),
    ("The stock book is kept by Cobren Wath.", "by whom is the stock book kept?", "Cobren Wath"),
    ("The dwelling house has 9 rooms.", "how many rooms does the dwelling house have?", "9 rooms"),
    ("The horn has a range of 6.5 nautical miles.", "what is the range of the horn?", "6.5 nautical miles"),
    ("The hook of the crane weighs 21 kg.", "how much does the hook of the crane weigh?", "21 kg"),
    ("The float ring holds 27 litres of oil.", "how much oil does the float ring hold?", "27 litres"),
    ("The oven holds 14 loaves.", "how many loaves does the oven hold?", "14 loaves"),
    ("A round takes 22 minutes.", "how long does a round take?", "22 minutes"),
    ("The brake of the winch closes at 23 bar.", "at what pressure does the brake of the winch close?", "23 bar"),
    ("The mail boat leaves Port Emmer at 07:40.", "at what time does the mail boat leave Port Emmer?", "07:40"),
    ("Mirel Aske repairs clocks.", "what does Mirel Aske repair?", "clocks"),
    ("The barque Ottilie Grange sank on 2 November 1871.", "when did the barque Ottilie Grange sink?", "2 November 1871"),
    ("Edric Vaun lives in Ostermouth.", "where does Edric Vaun live?", "in Ostermouth"),
    ("The `timeout` setting (new) is limited to **30 seconds**.", "to how many seconds is the timeout setting limited?", "30 seconds"),
])
def test_a_sentence_and_its_fact(sentence: str, question: str, answer: str) -> None:
    assert asked_in(sentence) == [(question, answer)]


def test_who_and_when_of_one_sentence() -> None:
    assert asked_in("The Gannow crane was built in 1951 by Tobin Strake.") == [
        ("when was the Gannow crane built?", "1951"), ("who built the Gannow crane?", "Tobin Strake")]


@pytest.mark.parametrize("sentence", [
    "It was built in 1951.", "They hold 27 litres of oil.", "This pump weighs 21 kg.",                  # what it is about is not said
    "The function returns a list.", "The value is 64.", "The file has 3 lines.",                         # anything may be meant
    "The crane was not built in 1951.", "The landing is never closed in May.",                           # negated
    "The winch may hold 640 kg.", "The horn must be tested every 16 days.",                              # modal
    "The landing is closed when the swell passes 1.8 metres.", "If the horn fails, the bell is rung by Perrin Hask.",  # conditions
    "The crew was given bread, cheese and beer.",                                                        # a list
    "The pump that was bought in 1999 is kept in the shed.",                                             # a relative clause
    "The crane was moved by turning a key.", "The look of the tower is simple.", "Is the tower 43 metres high?",
    "The crane is painted by hand.", "The horn is a fine device.",
])
def test_sentences_that_are_left_alone(sentence: str) -> None:
    assert asked_in(sentence) == []


def test_other_answers_to_the_same_question_cancel_each_other_and_are_counted() -> None:
    texts = ("The height of the mast is 12 metres. The colour of the mast is grey.", "The height of the mast is 13 metres.")
    documents = [DocumentText(number, "", text) for number, text in enumerate(texts, 1)]
    found = find_all(documents, [whole(one.text, one.id) for one in documents])
    assert [fact.answer for fact in found.facts] == ["grey"]
    assert (found.contradictory, found.repeated) == (2, 0)


def test_a_contradiction_counts_where_no_question_may_be_asked_too() -> None:
    texts = ("The height of the mast is 12 metres.", "The height of the mast is 13 metres.")
    documents = [DocumentText(number, "", text) for number, text in enumerate(texts, 1)]
    assert find_facts(documents, [whole(texts[0], 1), whole(texts[1], 2, held_out=True)]) == []


def test_the_same_fact_again_counts_once() -> None:
    text = "The height of the mast is 12 metres. Rain fell. The height of the mast is 12 metres."
    documents = [DocumentText(1, "", text)]
    found = find_all(documents, [whole(text)])
    assert [fact.start for fact in found.facts] == [0]
    assert found.repeated == 1


def test_only_chunks_that_may_be_asked_about_give_facts() -> None:
    text = "The height of the mast is 12 metres. The weight of the mast is 90 kg. The age of the mast is 7 years."
    first, second = text.index("The weight"), text.index("The age")
    chunks = [chunk_of(text, 1, 5, 0, second), chunk_of(text, 1, 6, first, len(text), state="excluded")]
    assert [(fact.answer, fact.chunk) for fact in find_facts([DocumentText(1, "", text)], chunks)] == [("12 metres", 5), ("90 kg", 5)]
    held_out = [chunk_of(text, 1, 5, 0, second, held_out=True), chunk_of(text, 1, 6, first, len(text))]
    assert [(fact.answer, fact.chunk) for fact in find_facts([DocumentText(1, "", text)], held_out)] == [("90 kg", 6), ("7 years", 6)]


def test_the_sample_documents_give_enough_facts_and_each_is_proven_by_its_span() -> None:
    documents, chunks = sample()
    texts = {document.id: document.text for document in documents}
    facts = find_facts(documents, chunks)
    assert len(facts) > 400
    assert {fact.document for fact in facts} == set(texts)
    for fact in facts:
        assert texts[fact.document][fact.start:fact.end] == fact.sentence
        assert " ".join(fact.answer.split()) in " ".join(fact.sentence.split())
        chunk = next(one for one in chunks if one.id == fact.chunk)
        assert chunk.span_start <= fact.start and fact.end <= chunk.span_end and not chunk.held_out
    assert len({fact.key for fact in facts}) == len(facts)
