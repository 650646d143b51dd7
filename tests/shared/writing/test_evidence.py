"""Evidence is found where it stands, and only there."""

from __future__ import annotations

import pytest

from phases.shared.writing.evidence import find_evidence

TEXT = "The  fog horn\nsounds every 95 seconds – “at night”.\n\nIts keeper is Ada Quill."


@pytest.mark.parametrize(("evidence", "found"), [
    ("The fog horn sounds every 95 seconds", "The  fog horn\nsounds every 95 seconds"),
    ("every 95 seconds - \"at night\".", "every 95 seconds – “at night”."),
    ("  Ada\tQuill. ", "Ada Quill."), ("“at night”. Its keeper", "“at night”.\n\nIts keeper")])
def test_found(evidence: str, found: str) -> None:
    start, end = find_evidence(evidence, TEXT)
    assert TEXT[start:end] == found


@pytest.mark.parametrize("evidence", ["", " \n", "The fog horn sounds every 96 seconds", "the fog horn", "fog-horn", TEXT + " more"])
def test_not_found(evidence: str) -> None:
    assert find_evidence(evidence, TEXT) is None
