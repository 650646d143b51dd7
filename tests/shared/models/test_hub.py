"""The hub through its own client: search, downloads that are refused before they cost anything, a real download."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from phases.shared.errors import ModelError
from phases.shared.models.hub import search_hub
from phases.shared.project import open_project, save_project
from tests.conftest import Commands
from tests.services.hub_server import Repository, hub_server, repository_of
from tests.tiny_models import make_tiny_model
from tests.tiny_project import make_project

ROOT = Path(__file__).parents[3]
KEY = "hf_OnlyForThisTest0123456789"
WEIGHTS = {"model.safetensors": b"x" * 100}
LLAMA = json.dumps({"architectures": ["LlamaForCausalLM"], "model_type": "llama"}).encode()
FETCH = """
import json, sys
from phases.shared.errors import ModelError
from phases.shared.models.base import fetch_base
said = {}
for name in sys.argv[1:]:
    try:
        said[name] = ["fetched", str(fetch_base(name, lambda: None))]
    except ModelError as problem:
        said[name] = [problem.code, str(problem)]
print(json.dumps(said))
"""


def config(**content: Any) -> bytes:
    return json.dumps(content).encode()


@pytest.fixture(scope="module")
def fetched(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, list[str]], list[str]]:
    """What fetching each of these from a hub says, and what the hub was asked."""
    folder = tmp_path_factory.mktemp("hub")
    tiny = repository_of(make_tiny_model(folder / "tiny"), parameters=30_000)
    repositories = {
        "some/tiny": Repository({**tiny.files, "consolidated.safetensors": b"twice", "pytorch_model.bin": b"pickle"}),
        "some/gated": Repository({"config.json": LLAMA, **WEIGHTS}, closed=True),
        "some/pickled": Repository({"config.json": LLAMA, "pytorch_model.bin": b"pickle"}),
        "some/own-code": Repository({"config.json": config(model_type="mine", auto_map={"AutoConfig": "code.C"}), **WEIGHTS}),
        "some/too-new": Repository({"config.json": config(model_type="llama99"), **WEIGHTS}),
        "some/picture": Repository({"config.json": config(architectures=["ViTForImageClassification"], model_type="vit"), **WEIGHTS}),
        "some/huge": Repository({"config.json": LLAMA, **WEIGHTS}, sizes={"model.safetensors": 10**16})}
    with hub_server(repositories) as (address, asked):
        done = subprocess.run([sys.executable, "-c", FETCH, *repositories, "some/missing"], cwd=ROOT, capture_output=True, text=True, timeout=120,
                              env={**os.environ, "HF_ENDPOINT": address, "HF_HOME": str(folder / "cache"), "HF_HUB_OFFLINE": "0",
                                   "HF_HUB_DISABLE_XET": "1", "NO_PROXY": "127.0.0.1"})
        assert done.returncode == 0, done.stderr[-3000:]
        return json.loads(done.stdout), asked


@pytest.mark.parametrize(("name", "code", "words"), [
    ("some/gated", "model_gated", "accept its terms"), ("some/pickled", "model_pickled", "only pytorch_model.bin"),
    ("some/own-code", "model_remote_code", "never run here"), ("some/too-new", "model_kind", "does not know"),
    ("some/picture", "model_kind", "does not write text"), ("some/huge", "disk_full", "a download of 9,313,225.7 GiB"),
    ("some/missing", "model_missing", "no model 'some/missing'")])
def test_what_cannot_be_used_is_refused_before_its_weights_come(fetched: tuple, name: str, code: str, words: str) -> None:
    said, asked = fetched
    assert said[name][0] == code and words in said[name][1], said[name]
    assert not any(f"/{name}/" in one and "safetensors" in one for one in asked)


def test_a_model_is_downloaded_once_without_pickles_and_doubles(fetched: tuple) -> None:
    said, asked = fetched
    assert said["some/tiny"][0] == "fetched"
    names = {file.name for file in Path(said["some/tiny"][1]).iterdir()}
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= names
    assert not any("pytorch_model.bin" in one or "consolidated" in one for one in asked)


@pytest.fixture
def gated(tmp_path: Path) -> Iterator[tuple[Commands, dict[str, str], list[str]]]:
    """Commands on a project with chunks, an environment with a hub whose repositories open with KEY alone, and what it is asked."""
    project = make_project(tmp_path)
    repositories = {"some/gated": repository_of(tmp_path / "tiny", closed=True, key=KEY),
                    "datasets/some/rows": Repository({"train.jsonl": b'{"question": "Why?", "answer": "Because."}\n'}, closed=True, key=KEY)}
    with hub_server(repositories) as (address, asked):
        yield Commands(project.root.parent), {"HF_ENDPOINT": address, "HF_HOME": str(tmp_path / "cache"), "HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_XET": "1",
                                              "NO_PROXY": "127.0.0.1"}, asked


def files_with(text: str, folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.is_file() and text.encode() in path.read_bytes()]


def test_a_gated_base_opens_with_the_persons_key_alone(gated: tuple, tmp_path: Path) -> None:
    run, here, asked = gated
    small = ("--base-model", "some/gated", "--epochs", "1", "--max-length", "48", "--lora-rank", "4", "--threads", "1", "--json")
    refused = run("cpt", "lamps", *small, **here)
    assert refused.code == 1 and refused.json["error"]["code"] == "model_gated" and "set-key HF_TOKEN" in refused.json["error"]["advice"]
    assert not any("with a key" in one for one in asked)
    run("set-key", "HUGGINGFACE_API_KEY", stdin=f"{KEY}\n")
    made = run("cpt", "lamps", *small, "--processes", "2", **here)
    assert made.code == 0, (made.out, made.err[-3000:])
    assert any("some/gated/resolve" in one and one.endswith("with a key") for one in asked)
    assert files_with(KEY, run.projects) == [] and files_with(KEY, tmp_path / "cache") == []
    assert run("chat", "lamps", "--model", "base", "--prompt", "Who?", "--max-new-tokens", "2", **here).code == 0


def test_the_model_host_and_a_data_set_open_with_the_key_too(gated: tuple) -> None:
    run, here, asked = gated
    project = open_project(run.projects, "lamps")
    save_project(replace(project, base_model="some/gated"))
    ask = ("chat", "lamps", "--model", "base", "--prompt", "Who?", "--max-new-tokens", "2")
    refused = run(*ask, **here)
    assert refused.code == 1 and "accept its terms" in refused.err
    assert run(*ask, **here, HF_TOKEN=KEY).code == 0
    rows = run("import-dataset", "lamps", "some/rows", "--json", **here)
    assert rows.code == 1 and "accepted its terms" in rows.json["error"]["sentence"], rows.out
    rows = run("import-dataset", "lamps", "some/rows", "--json", **here, HF_TOKEN=KEY)
    assert rows.code == 0 and rows.json["added"] == ["some/rows/train.jsonl"], rows.out
    assert run("base-models", "--search", "gated", **here, HF_TOKEN=KEY).code == 0
    assert any("/api/models?" in one and one.endswith("with a key") for one in asked)
    assert files_with(KEY, run.projects) == []


def test_search_finds_usable_models_by_words(lehrling: Commands) -> None:
    tags = ("safetensors", "text-generation", "license:mit")
    repositories = {"Some/Smol-Base": Repository({"config.json": LLAMA}, tags, 135_000_000, 900),
                    "Some/Smol-Chat": Repository({"config.json": LLAMA}, (*tags, "conversational"), 360_000_000, 2000, closed=True),
                    "Some/Smol-Own": Repository({}, (*tags, "custom_code"), 7, 1),
                    "Some/Smol-Pickled": Repository({}, ("text-generation",), 7, 9), "Some/Other": Repository({}, tags, 7, 9)}
    with hub_server(repositories) as (address, asked):
        here = {"HF_ENDPOINT": address, "HF_HUB_OFFLINE": "0", "NO_PROXY": "127.0.0.1"}
        answer = lehrling("base-models", "--search", " smol ", "--json", **here)
        spoken = lehrling("base-models", "--search", "smol", **here)
        none = lehrling("base-models", "--search", "zebra", **here)
    assert answer.json["models"] == [
        {"id": "Some/Smol-Chat", "parameters": 360_000_000, "licence": "mit", "gated": True, "chat": True, "own_code": False, "downloads": 2000},
        {"id": "Some/Smol-Base", "parameters": 135_000_000, "licence": "mit", "gated": False, "chat": False, "own_code": False, "downloads": 900},
        {"id": "Some/Smol-Own", "parameters": 7, "licence": "mit", "gated": False, "chat": False, "own_code": True, "downloads": 1}]
    assert "135,000,000" in spoken.out and "cannot be used" in spoken.out and "no text-generating model" in none.out
    assert sum("/api/models?" in one for one in asked) == 3


@pytest.mark.parametrize("environment", [{"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HUB_OFFLINE": "0"}, {"HF_HUB_OFFLINE": "1"}])
def test_without_a_network_the_search_says_so_and_the_list_stays(lehrling: Commands, environment: dict[str, str]) -> None:
    answer = lehrling("base-models", "--search", "smol", **environment)
    assert answer.code == 1 and "cannot be reached" in answer.err and "short list" in answer.err and "Traceback" not in answer.err
    listed = lehrling("base-models", "--json", **environment)
    assert listed.code == 0 and {"builtin", "HuggingFaceTB/SmolLM2-135M"} <= {one["id"] for one in listed.json["models"]}


def test_a_search_for_nothing_is_refused() -> None:
    with pytest.raises(ModelError, match="nothing to search for"):
        search_hub("  ")
