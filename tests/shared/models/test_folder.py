"""Base models and model folders: found, checked, published whole, refused in words."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from phases.shared.errors import ModelError
from phases.shared.models import base
from phases.shared.models.folder import ModelInfo, list_models, model_path, read_model_info, write_model_info
from phases.shared.models.publish import publish, staging_folder
from phases.shared.project import create_project
from tests.tiny_models import make_tiny_model

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_model(tmp_path_factory.mktemp("models") / "tiny")


def folder_of(tmp_path: Path, size: int, number: int) -> Path:
    folder = tmp_path / f"run{number}"
    folder.mkdir(exist_ok=True)
    for name in ("adapter_model.safetensors", "tokenizer.json", "model.json"):
        (folder / name).write_bytes(str(number).encode() * size)
    return folder


def test_publishing_replaces_the_whole_folder(tmp_path: Path) -> None:
    target = tmp_path / "models" / "cpt_model"
    publish(folder_of(tmp_path, 10, 1), target)
    extra = folder_of(tmp_path, 10, 2)
    (extra / "tokenizer.json").unlink()
    publish(extra, target)
    assert sorted(file.name for file in target.iterdir()) == ["adapter_model.safetensors", "model.json"]
    assert (target / "model.json").read_bytes() == b"2" * 10 and extra.is_dir()
    assert [one.name for one in target.parent.iterdir()] == ["cpt_model"]


def test_a_reader_never_sees_half_a_model(tmp_path: Path) -> None:
    """While one model after the other is published, the name always leads to a whole one, also after a kill."""
    target = tmp_path / "models" / "cpt_model"
    for number in (1, 2):
        folder_of(tmp_path, 300_000, number)
    publish(tmp_path / "run1", target)
    code = ("import sys; from pathlib import Path; from phases.shared.models.publish import publish\n"
            "root = Path(sys.argv[1])\nprint('on', flush=True)\n"
            "while True:\n    [publish(root / f'run{n}', root / 'models' / 'cpt_model') for n in (2, 1)]")
    child = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE)
    child.stdout.readline()
    seen = set()
    end = time.monotonic() + 1.5
    while time.monotonic() < end:
        handle = os.open(target, os.O_RDONLY)  # a missing name would raise here
        os.close(handle)
        seen.add((target / "model.json").read_bytes()[:1])
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    whole = {file.read_bytes() for file in target.iterdir()}
    assert len(whole) == 1 and len(list(target.iterdir())) == 3 and seen == {b"1", b"2"}
    publish(tmp_path / "run1", target)
    assert [one.name for one in target.parent.iterdir()] == ["cpt_model"], "what the kill left is cleared"


def test_model_info_comes_back(tmp_path: Path) -> None:
    info = ModelInfo("full", "builtin", "hash", {"name": "cpt", "job": "cpt-1"}, "sft-1", "2026-01-01", figures={"steps": 3})
    write_model_info(tmp_path, info)
    assert str(tmp_path) not in (tmp_path / "model.json").read_text(), "a project can be moved"
    back = read_model_info(tmp_path, "final")
    assert (back.parent, back.figures, back.name, back.path) == ({"name": "cpt", "job": "cpt-1"}, {"steps": 3}, "final", str(tmp_path))
    (tmp_path / "model.json").write_text("[1")
    with pytest.raises(ModelError, match="no readable model.json"):
        read_model_info(tmp_path, "final")


def test_models_of_a_project(projects: Path, tiny: Path) -> None:
    project = create_project(projects, "lamps", base_model=str(tiny))
    for folder, kind in (("final", "full"), ("cpt_model", "adapter"), ("final-other", "full"), ("runs", "full"), (".final.abc", "full")):
        (project.models / folder).mkdir()
        write_model_info(project.models / folder, ModelInfo(kind, str(tiny)))
    assert [one.name for one in list_models(project)] == ["base", "cpt", "final", "final-other"]
    assert model_path(project, "cpt") == str(project.cpt_model) and model_path(project, "base") == str(tiny)
    with pytest.raises(ModelError, match="no model 'x'"):
        model_path(project, "x")


def test_staging_names_are_not_models(tmp_path: Path) -> None:
    assert staging_folder(tmp_path / "final").name.startswith(".final.")


@pytest.mark.parametrize(("damage", "said"), [
    ("config.json", "config.json is missing"), ("model.safetensors", "no safetensors weights"), ("tokenizer.json", "no tokenizer")])
def test_an_incomplete_folder_is_refused(tmp_path: Path, tiny: Path, damage: str, said: str) -> None:
    folder = tmp_path / "broken"
    shutil.copytree(tiny, folder)
    (folder / damage).unlink()
    with pytest.raises(ModelError, match=said):
        base.locate_base(str(folder))


def test_pickled_weights_are_refused(tmp_path: Path, tiny: Path) -> None:
    folder = tmp_path / "pickled"
    shutil.copytree(tiny, folder)
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(ModelError, match="only pytorch_model.bin") as refused:
        base.locate_base(str(folder))
    assert "can run code" in refused.value.advice


def test_missing_shards_and_other_kinds_of_models_are_refused(tmp_path: Path, tiny: Path) -> None:
    folder = tmp_path / "shards"
    shutil.copytree(tiny, folder)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": "model-00001-of-00002.safetensors"}}))
    with pytest.raises(ModelError, match="model-00001-of-00002.safetensors is missing"):
        base.locate_base(str(folder))
    (folder / "config.json").write_text('{"architectures": ["BertForMaskedLM"]}')
    with pytest.raises(ModelError, match="BertForMaskedLM"):
        base.locate_base(str(folder))


@pytest.mark.parametrize("name", ["/no/such/folder", "../nothing", "gpt2 please", ""])
def test_a_missing_model_is_said(name: str) -> None:
    with pytest.raises(ModelError):
        base.locate_base(name)


def test_code_of_a_model_is_never_run(tmp_path: Path, tiny: Path) -> None:
    from phases.shared.training.loading import load_model
    folder = tmp_path / "remote"
    shutil.copytree(tiny, folder)
    config = json.loads((folder / "config.json").read_text())
    config |= {"model_type": "mystery", "auto_map": {"AutoConfig": "code.C", "AutoModelForCausalLM": "code.M"}}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "code.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w').write('x')\nclass C: pass\nclass M: pass\n")
    with pytest.raises(ModelError, match="never run"):
        load_model(folder)
    assert not (tmp_path / "ran").exists()


def test_damaged_weights_are_said(tmp_path: Path, tiny: Path) -> None:
    from phases.shared.training.loading import load_model
    folder = tmp_path / "damaged"
    shutil.copytree(tiny, folder)
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:500])
    with pytest.raises(ModelError, match="cannot be loaded"):
        load_model(folder)


def test_a_hub_that_cannot_be_reached_is_said(tmp_path: Path) -> None:
    code = ("from phases.shared.models.base import fetch_base\nfrom phases.shared.errors import ModelError\nsaid = []\n"
            "try:\n    fetch_base('owner/model-of-nobody', lambda: said.append('downloading'))\n"
            "except ModelError as problem:\n    print(problem.code, said)")
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60,
                          env={**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)})
    assert done.stdout.split() == ["model_offline", "['downloading']"], done.stderr[-500:]


def test_hub_errors_in_words() -> None:
    import httpx
    from huggingface_hub.errors import GatedRepoError, LocalEntryNotFoundError, RepositoryNotFoundError
    response = httpx.Response(403, request=httpx.Request("GET", "https://huggingface.co/a/b"))
    cases = ((GatedRepoError("no", response=response), "model_gated"), (LocalEntryNotFoundError("no"), "model_offline"),
             (RepositoryNotFoundError("no", response=response), "model_missing"), (OSError("disk full"), "model_download"))
    for problem, code in cases:
        assert base.download_error("a/b", problem).code == code


def test_the_hash_follows_weights_and_tokenizer_only(tmp_path: Path, tiny: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(tiny, folder)
    (folder / "README.md").write_text("words")
    assert base.model_hash(folder) == base.model_hash(tiny)
    (folder / "tokenizer.json").write_text((folder / "tokenizer.json").read_text() + " ")
    assert base.model_hash(folder) != base.model_hash(tiny)


def test_choices_begin_with_the_built_in_model() -> None:
    choices = base.base_model_choices()
    assert choices[0].id == "builtin" and len({one.id for one in choices}) == len(choices)
    assert all(one.id == "builtin" or base.HUB_ID.fullmatch(one.id) for one in choices)
