"""Reranking with a real, tiny cross-encoder: the order it gives, its scores as a threshold, and models that are none."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml

from phases.shared.database.connection import knowledge
from phases.shared.errors import LehrlingError, ModelError, NotReady
from phases.shared.models.host_client import ModelHost
from phases.shared.models.reranker import load_reranker, rerank_texts
from phases.shared.project import Project, create_project
from phases.shared.search import search_chunks, search_project
from tests.conftest import Commands
from tests.shared.test_search import add_texts
from tests.tiny_models import make_tiny_model
from tests.tiny_reranker import ANIMALS, make_tiny_reranker

QUERY = "Where does the otter live"
TEXTS = ["The heron lives by the river. Where does the heron live? Where does it live?", "The falcon lives in a tower.",
         "The otter lives by the river.", "The badger lives by the river."]


@pytest.fixture(scope="module")
def reranker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_reranker(tmp_path_factory.mktemp("reranker") / "tiny")


@pytest.fixture
def project(projects: Path, reranker: Path) -> Project:
    project = create_project(projects, "animals", settings={"search": {"reranker": str(reranker)}})
    with knowledge(project) as connection:
        add_texts(connection, "animals.txt", TEXTS)
    return project


def test_the_cross_encoder_orders_the_hits(project: Project, reranker: Path) -> None:
    with ModelHost() as host:
        plain = search_project(project, QUERY, host=host)
        hits = search_project(project, QUERY, host=host, reranked=True)
        assert {hit.chunk.id for hit in plain} == {hit.chunk.id for hit in hits}
        assert hits[0].chunk.id == 3 and 0.8 < hits[0].score <= 1
        assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True) and 0 <= hits[-1].score < 0.3
        assert [hit.chunk.id for hit in search_project(project, QUERY, host=host, reranked=True, threshold=0.5)] == [3]
        assert search_project(project, QUERY, host=host, reranked=True, threshold=1.1) == []
        assert len(search_project(project, QUERY, 2, host=host, reranked=True)) == 2


def test_every_candidate_is_read_and_no_more(project: Project) -> None:
    asked: list[str] = []

    def last_first(query: str, texts: list[str]) -> list[float]:
        asked.extend(texts)
        return list(np.linspace(0, 1, len(texts)))

    with knowledge(project) as connection:
        add_texts(connection, "many.txt", [f"The otter number {n}." for n in range(80)])
        hits = search_chunks(connection, "otter", limit=3, rerank=last_first)
        assert len(asked) == 50 and hits[0].chunk.content == asked[-1]
        assert search_chunks(connection, "unheard", rerank=last_first) == [] and len(asked) == 50


def test_a_long_text_counts_by_its_best_part(reranker: Path) -> None:
    model = load_reranker(str(reranker))
    unlike = "the falcon lives by the river " * 12
    scores = rerank_texts(model, QUERY, [unlike, unlike + "the otter lives by the river"])
    assert scores.shape == (2,) and scores[1] > scores[0]
    assert rerank_texts(model, "otter " * 500, [TEXTS[2]]).shape == (1,)


def test_scores_are_a_sigmoid_whatever_the_model_says(reranker: Path, tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    shutil.copytree(reranker, raw)
    config = json.loads((raw / "config.json").read_text())
    (raw / "config.json").write_text(json.dumps({**config, "sentence_transformers": {"activation_fn": "torch.nn.modules.linear.Identity"}}))
    pairs = [f"the {one} lives by the river" for one in ANIMALS]
    assert np.allclose(rerank_texts(load_reranker(str(raw)), QUERY, pairs), rerank_texts(load_reranker(str(reranker)), QUERY, pairs))


def test_models_that_are_no_rerankers_are_named(tmp_path: Path, reranker: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pickled, empty = tmp_path / "pickled", tmp_path / "empty"
    shutil.copytree(reranker, pickled, ignore=shutil.ignore_patterns("*.safetensors"))
    (pickled / "pytorch_model.bin").write_bytes(b"")
    empty.mkdir()
    for folder, said in ((make_tiny_model(tmp_path / "writer"), "no reranker but a LlamaForCausalLM"), (pickled, "no safetensors"),
                         (make_tiny_reranker(tmp_path / "classes", labels=3), "sorts into 3 classes"), (empty, "config.json is missing"),
                         (tmp_path / "nowhere", "There is no reranker")):
        with pytest.raises(ModelError, match=said) as caught:
            load_reranker(str(folder))
        assert caught.value.advice


def test_the_command_reranks_and_says_what_is_missing(lehrling: Commands, project: Project, reranker: Path) -> None:
    hits = lehrling("search", "animals", QUERY, "--rerank", "--json").json["hits"]
    assert hits[0]["chunk"]["id"] == 3
    assert lehrling("search", "animals", QUERY, "--rerank-model", str(reranker), "--json").json["hits"] == hits
    offline = lehrling("search", "animals", QUERY, "--rerank-model", "cross-encoder/ms-marco-MiniLM-L-6-v2")
    assert offline.code == 1 and "is not on this machine and the hub cannot be reached" in offline.err
    content = yaml.safe_load(project.settings_file.read_text())
    project.settings_file.write_text(yaml.safe_dump({**content, "settings": {}}))
    unset = lehrling("search", "animals", QUERY, "--rerank")
    assert unset.code == 1 and "No reranker is chosen" in unset.err and "--rerank-model" in unset.err


def test_without_a_host_there_is_no_reranking(project: Project) -> None:
    with pytest.raises(NotReady, match="No reranker"):
        search_project(project, QUERY, host=None, reranked=True)
    with pytest.raises(LehrlingError):
        search_project(project, QUERY, host=None, mode="semantic")
    assert search_project(project, QUERY, host=None)
