"""The unpacked language model: it answers as py3langid's own identifier does, wherever its tables come from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from py3langid.langid import MODEL_FILE, LanguageIdentifier, visit_counts

from phases.rag_data.language_model import FastIdentifier, load_identifier
from tests.rag_data.languages import PARAGRAPHS, UNTOLD

TEXTS = [*(text for texts in PARAGRAPHS.values() for text in texts), *UNTOLD, "", "a", "äö", "\U0001f984 水", "ALL IN CAPITALS, OF COURSE",
         " ".join(text for texts in PARAGRAPHS.values() for text in texts)]


@pytest.fixture(scope="module")
def library() -> LanguageIdentifier:
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    unpacked = tmp_path_factory.mktemp("cache") / "deep" / "languages"
    load_identifier(unpacked)
    return unpacked


def test_the_same_languages_with_the_same_confidence(library: LanguageIdentifier, folder: Path) -> None:
    ours = load_identifier(folder)
    for text in TEXTS:
        (language, confidence), (expected, expected_confidence) = ours.classify(text), library.classify(text)
        assert (language, confidence) == (expected, pytest.approx(expected_confidence, abs=1e-4)), text


def test_the_same_features(library: LanguageIdentifier, folder: Path) -> None:
    ours = load_identifier(folder)
    for text in TEXTS:
        features, counts = ours.features_of(text.encode())
        expected = visit_counts(library.tk_nextmove, library._rowbase, library.tk_output, text.encode()) or {}
        assert dict(zip(features.tolist(), counts.tolist(), strict=True)) == dict(expected), text


def test_the_tables_are_unpacked_once_and_mapped_from_then_on(folder: Path) -> None:
    assert _is_mapped(load_identifier(folder))
    assert [one.name for one in folder.parent.iterdir()] == [folder.name]


@pytest.mark.parametrize("content", [b"", b"no table"])
def test_damaged_tables_are_made_anew(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "languages").mkdir()
    (tmp_path / "languages" / "weights.npy").write_bytes(content)
    assert _tells_german(load_identifier(tmp_path / "languages"))
    assert _is_mapped(load_identifier(tmp_path / "languages"))


def test_without_a_folder_that_can_be_written_the_model_is_unpacked_in_memory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert _tells_german(load_identifier(tmp_path / "file" / "languages"))


def _is_mapped(identifier: FastIdentifier) -> bool:
    return isinstance(identifier.nb_ptc.base, np.memmap)


def _tells_german(identifier: FastIdentifier) -> bool:
    return identifier.classify(PARAGRAPHS["de"][0])[0] == "de"
