"""Invented records: as many as were asked for, the same for the same seed, and added as sentences under a name that says so."""

from __future__ import annotations

import pytest

from phases.rag_data.sample_records import KINDS, sample_records
from phases.shared.errors import SettingError
from tests.conftest import Commands


@pytest.mark.parametrize("kind", KINDS)
def test_records_are_as_many_as_asked_and_repeatable(kind: str) -> None:
    records = sample_records(kind, 300)
    assert len(records) == 300 and records == sample_records(kind, 300)
    assert records != sample_records(kind, 300, seed=7)
    assert len({str(one) for one in records}) > 290
    assert set(records[0]) == {part.partition("}")[0] for part in KINDS[kind].template.split("{")[1:]}


@pytest.mark.parametrize(("kind", "count"), [("dragons", 5), ("tickets", 0), ("tickets", 10**9)])
def test_what_cannot_be_made_is_said(kind: str, count: int) -> None:
    with pytest.raises(SettingError):
        sample_records(kind, count)


def test_the_command_adds_them_as_sentences(lehrling: Commands) -> None:
    lehrling("new", "track")
    added = lehrling("sample-data", "track", "--kind", "athletes", "--count", "40", "--json")
    assert added.code == 0 and added.json["added"] == ["invented-athletes.jsonl"], added.err
    found = lehrling("chunks", "track", "--json").json["chunks"]
    assert "".join(one["content"] for one in found).count(" ran ") >= 40
    assert lehrling("sample-data", "track", "--kind", "dragons").code == 2
