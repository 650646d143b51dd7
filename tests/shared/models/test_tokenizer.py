"""Counting tokens by the project's base model, without torch."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from phases.shared.errors import ModelError
from phases.shared.models.tokenizer import BUILTIN_FOLDER, load_counter, remembering, token_counter
from phases.shared.project import Project


def test_the_built_in_tokenizer_counts(tmp_path: Path) -> None:
    counter = token_counter(Project(tmp_path))
    assert counter.name == "builtin"
    assert counter.count("") == 0
    assert 4 <= counter.count("The keeper lights the lamp.") <= 20
    assert counter.count("lamp " * 5000) >= 5000  # nothing is cut off


def test_a_local_folder_counts_with_its_own_tokenizer(tmp_path: Path) -> None:
    folder = tmp_path / "my model"
    folder.mkdir()
    shutil.copy(BUILTIN_FOLDER / "tokenizer.json", folder)
    assert token_counter(Project(tmp_path, base_model=str(folder))).name == "my model"
    (folder / "tokenizer.json").write_text("{")
    with pytest.raises(ModelError, match="cannot be read"):
        token_counter(Project(tmp_path, base_model=str(folder)))
    (folder / "tokenizer.json").unlink()
    with pytest.raises(ModelError, match=r"no tokenizer\.json"):
        token_counter(Project(tmp_path, base_model=str(folder)))


def test_a_model_that_was_never_downloaded_is_counted_by_the_built_in_one(tmp_path: Path) -> None:
    counter = token_counter(Project(tmp_path, base_model="somebody/some-model"))
    assert counter.name == "builtin (somebody/some-model is not downloaded yet)"
    assert counter.count("lamp") >= 1
    assert "builtin (" in token_counter(Project(tmp_path, base_model="not a / name")).name


def test_counting_loads_no_torch(tmp_path: Path) -> None:
    code = ("import sys; from pathlib import Path; from phases.shared.project import Project; "
            "from phases.shared.models.tokenizer import token_counter; "
            f"token_counter(Project(Path({str(tmp_path)!r}))).count('a'); print('torch' in sys.modules)")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                          cwd=Path(__file__).parents[3])
    assert done.stdout.strip() == "False"


PIECES = [" ", "  ", "\n", "\t", "a", "The", "valve", "12.5", " .", "<s>", "<|end|>", "<", "\u00fc", "\u65e5\u672c", "\u2581", "\u00a0"]


@pytest.mark.parametrize("apart", [True, False], ids=["words apart", "texts whole"])
def test_remembering_changes_no_number(tmp_path: Path, apart: bool) -> None:
    file = BUILTIN_FOLDER / "tokenizer.json"
    if not apart:  # a token that reaches into the next word
        model = json.loads(file.read_text())
        vocabulary = model["model"]["vocab"]
        vocabulary["a\u2581"] = len(vocabulary)
        model["model"]["merges"].insert(0, ["a", "\u2581"])
        file = tmp_path / "tokenizer.json"
        file.write_text(json.dumps(model))
    counter = load_counter("builtin", file)
    remembers, chance = remembering(counter), random.Random(1)
    texts = ["".join(chance.choices(PIECES, k=chance.randint(0, 12))) for _ in range(2000)]
    assert [remembers(text) for text in texts] == [counter.count(text) for text in texts]
