"""A push through the real client to a hub on this machine: what arrives is the model, nothing else does, and what fails is said."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from phases.shared.errors import NotReady
from phases.shared.project import Project, save_project
from phases.shared.training.loading import load_model
from tests.conftest import Answer, Commands
from tests.services.push_server import KEY, NARROW_KEY, READ_KEY, PushServer, push_server
from tests.tiny_project import make_project, run_job

ROOT = Path(__file__).parents[2]
DOWNLOAD = """
import json, sys
import torch
from huggingface_hub import snapshot_download
from transformers import AutoModelForCausalLM, AutoTokenizer
here = snapshot_download(sys.argv[1], token=sys.argv[3] or False)
said = []
for folder in (here, sys.argv[2]):
    model, tokenizer = AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    ids = tokenizer("The Norvik station keeps", return_tensors="pt")["input_ids"]
    said.append(tokenizer.decode(model.generate(ids, do_sample=False, max_new_tokens=24)[0]))
print(json.dumps({"folder": here, "said": said}))
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Commands, Project, Path]:
    """A project with a CPT model and its export."""
    project = make_project(tmp_path_factory.mktemp("push"))
    run_job(project, "cpt", "cpt-1", epochs=1)
    folder = project.root / run_job(project, "export", "export-1", model="cpt")["folder"]
    return Commands(project.root.parent), project, folder


@pytest.fixture
def hub() -> Iterator[PushServer]:
    with push_server() as server:
        yield server


def environment(hub: PushServer, key: str = KEY, **more: str) -> dict[str, str]:
    return {"HF_ENDPOINT": hub.address, "HF_HUB_OFFLINE": "0", "NO_PROXY": "127.0.0.1", **({"HF_TOKEN": key} if key else {}), **more}


def push(made: tuple[Commands, Project, Path], hub: PushServer, *words: str, key: str = KEY, **more: str) -> Answer:
    repo, *flags = words
    return made[0]("push", "lamps", repo, "--model", "cpt", *flags, timeout=120, **environment(hub, key, **more))


def test_what_is_pushed_is_the_model_and_nothing_else(made: tuple, hub: PushServer, tmp_path: Path) -> None:
    _, project, folder = made
    answer = push(made, hub, "ada/lamps", "--json")
    assert answer.code == 0, answer.err[-3000:]
    pushed = hub.repositories["ada/lamps"]
    assert pushed.private and len(pushed.commits) == 2
    assert answer.json["repo"] == "ada/lamps" and answer.json["address"] == f"{hub.address}/ada/lamps" and not answer.json["public"]
    sent = {name: content for name, content in pushed.files.items() if name != ".gitattributes"}
    here = {one.name: one.read_bytes() for one in folder.iterdir() if one.name != "export.json"}
    assert sent == here and {"README.md", "model.safetensors", "config.json", "tokenizer.json"} <= set(sent)
    everything = b"".join(sent.values())
    assert b"lamps0.txt" not in everything and str(project.root.parent.parent).encode() not in everything
    done = subprocess.run([sys.executable, "-c", DOWNLOAD, "ada/lamps", str(folder), KEY], cwd=ROOT, capture_output=True, text=True, timeout=200,
                          env={**os.environ, **environment(hub, ""), "HF_HOME": str(tmp_path / "cache"), "HF_HUB_DISABLE_XET": "1"})
    assert done.returncode == 0, done.stderr[-3000:]
    arrived = json.loads(done.stdout)
    assert arrived["said"][0] == arrived["said"][1] and len(arrived["said"][0]) > 30
    assert KEY not in "".join(file.read_text(encoding="utf-8", errors="replace") for file in project.root.rglob("*") if file.is_file())


def test_the_card_says_what_the_hub_reads(made: tuple) -> None:
    head = yaml.safe_load((made[2] / "README.md").read_text(encoding="utf-8").split("---\n")[1])
    assert head == {"language": "en", "license": "unknown", "library_name": "transformers", "pipeline_tag": "text-generation", "tags": ["lehrling", "cpt"]}


def test_an_adapter_goes_alone_with_the_licence_that_the_hub_knows(made: tuple, hub: PushServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its base is on the hub (here: in the cache of what was downloaded from there)."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer
    project = make_project(tmp_path)
    snapshot = tmp_path / "cache" / "models--ada--tiny" / "snapshots" / ("0" * 40)
    shutil.copytree(tmp_path / "tiny", snapshot)
    (snapshot.parents[1] / "refs").mkdir()
    (snapshot.parents[1] / "refs" / "main").write_text("0" * 40)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    with pytest.raises(NotReady, match="is not on the hub"):
        run_job(project, "cpt", "cpt-0", epochs=1)
        run_job(project, "export", "export-0", model="cpt", format="adapter")
    project = replace(project, base_model="ada/tiny")
    save_project(project)
    run_job(project, "cpt", "cpt-1", epochs=4)
    result = run_job(project, "export", "export-1", model="cpt", format="adapter")
    assert result["parity"]["same_text"] == "3 of 3" and "model.safetensors" not in result["files"]
    hub.licences["ada/tiny"] = "apache-2.0"
    answer = Commands(project.root.parent)("push", "lamps", "ada/lamps", "--model", "cpt", timeout=120, **environment(hub))
    assert answer.code == 0, answer.err
    arrived = tmp_path / "arrived"
    arrived.mkdir()
    for name, content in hub.repositories["ada/lamps"].files.items():
        (arrived / name).write_bytes(content)
    head = yaml.safe_load((arrived / "README.md").read_text(encoding="utf-8").split("---\n")[1])
    assert (head["license"], head["base_model"], head["library_name"]) == ("apache-2.0", "ada/tiny", "peft")
    tokenizer = AutoTokenizer.from_pretrained(arrived)
    ids = tokenizer("The Norvik station keeps", return_tensors="pt")["input_ids"]
    base = AutoModelForCausalLM.from_pretrained(snapshot)
    before = base(ids).logits.detach()
    ours, _ = load_model(project.cpt_model)
    after = PeftModel.from_pretrained(base, arrived).eval()(ids).logits
    assert torch.allclose(after, ours(ids).logits, atol=1e-4) and not torch.allclose(after, before, atol=1e-2)


def test_public_is_said_and_asked_for(made: tuple, hub: PushServer) -> None:
    plan = push(made, hub, "lighthouse-club/lamps", "--public", "--plan")
    assert plan.code == 0 and "everybody can read" in plan.out and "model.safetensors" in plan.out and "word for word" in plan.out
    assert "Documents, chunks, pairs and runs" in plan.out and hub.asked == []
    assert push(made, hub, "lighthouse-club/lamps", "--public").code == 0
    assert not hub.repositories["lighthouse-club/lamps"].private
    again = push(made, hub, "lighthouse-club/lamps", "--json")
    assert again.code == 1 and again.json["error"]["code"] == "push_visibility" and "everybody can read" in again.json["error"]["sentence"]


def test_a_second_push_sends_nothing_again_and_takes_old_weights_away(made: tuple, hub: PushServer) -> None:
    assert push(made, hub, "ada/lamps").code == 0
    sent = dict(hub.sent)
    hub.repositories["ada/lamps"].files |= {"model-00001-of-00002.safetensors": b"old", "adapter_config.json": b"{}", "notes.md": b"kept"}
    assert push(made, hub, "ada/lamps").code == 0
    assert hub.sent == sent
    assert set(hub.repositories["ada/lamps"].files) == {"notes.md", ".gitattributes", *json.loads((made[2] / "export.json").read_text())["files"]}


def test_large_files_go_in_parts(made: tuple, hub: PushServer) -> None:
    hub.part_bytes = 30_000
    assert push(made, hub, "ada/lamps").code == 0
    assert len(hub.parts) > 3 and hub.repositories["ada/lamps"].files["model.safetensors"] == (made[2] / "model.safetensors").read_bytes()


def test_a_cut_connection_is_tried_again(made: tuple, hub: PushServer) -> None:
    hub.cut_after = 30_000
    answer = push(made, hub, "ada/lamps")
    assert answer.code == 0, answer.err
    assert hub.cut_after is None and hub.repositories["ada/lamps"].files["model.safetensors"] == (made[2] / "model.safetensors").read_bytes()


def test_a_stop_in_the_middle_is_resumed_without_sending_twice(made: tuple, hub: PushServer, tmp_path: Path) -> None:
    """Two files of weights: the first has arrived, the second is cut short by the stop."""
    run, project, folder = made
    second = folder.with_name("safetensors_20260101")
    shutil.copytree(folder, second)
    (second / "more.safetensors").write_bytes(os.urandom(16_000_000))
    about = json.loads((second / "export.json").read_text())
    about["files"]["more.safetensors"] = {"bytes": 16_000_000, "sha256": hashlib.sha256((second / "more.safetensors").read_bytes()).hexdigest()}
    (second / "export.json").write_text(json.dumps(about))
    oids = {name: one["sha256"] for name, one in about["files"].items() if name.endswith(".safetensors")}
    hub.seconds = 0.2
    try:
        worker = threading.Thread(target=lambda: run("push", "lamps", "ada/lamps", "--model", second.name, timeout=100, **environment(hub)))
        worker.start()
        _until(lambda: hub.sent.get(oids["more.safetensors"], 0) > 0)
        assert run("stop", "lamps", **environment(hub)).code == 0
        worker.join()
        stopped = run("jobs", "lamps", "--json").json["jobs"][0]
        assert stopped["state"] == "stopped" and stopped["resumable"], stopped
        assert hub.repositories["ada/lamps"].files.keys() == {".gitattributes"} and oids["more.safetensors"] not in hub.objects
        first, hub.seconds = hub.sent[oids["model.safetensors"]], 0.0
        assert run("resume", "lamps", timeout=100, **environment(hub)).code == 0
        assert hub.sent[oids["model.safetensors"]] == first == about["files"]["model.safetensors"]["bytes"]
        assert hub.repositories["ada/lamps"].files["more.safetensors"] == (second / "more.safetensors").read_bytes()
    finally:
        shutil.rmtree(second)


def _until(reached) -> None:
    deadline = time.monotonic() + 90
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize(("repo", "key", "code", "words"), [
    ("ada/lamps", "hf_of-nobody-0123456789", "push_key", "does not know the key"), ("ada/lamps", READ_KEY, "push_read_only", "may only read"),
    ("ada/lamps", NARROW_KEY, "push_forbidden", "don't have the rights"), ("bob/lamps", KEY, "push_owner", "lighthouse-club/lamps")])
def test_what_the_hub_forbids_is_said(made: tuple, hub: PushServer, repo: str, key: str, code: str, words: str) -> None:
    answer = push(made, hub, repo, "--json", key=key)
    error = answer.json["error"]
    assert answer.code == 1 and error["code"] == code and words in f"{error['sentence']} {error['advice']}", error
    assert key not in answer.out + answer.err and not any(one.files.get("config.json") for one in hub.repositories.values())


def test_a_hub_without_room_is_said(made: tuple, hub: PushServer) -> None:
    hub.full = True
    answer = push(made, hub, "ada/lamps", "--json")
    assert answer.json["error"]["code"] == "push_refused" and "storage is full" in answer.json["error"]["sentence"]


def test_without_a_network_it_is_said_and_resumable(made: tuple, hub: PushServer) -> None:
    answer = push(made, hub, "ada/lamps", "--json", HF_ENDPOINT="http://127.0.0.1:9")
    assert answer.json["error"]["code"] == "push_offline" and answer.json["resumable"]
    answer = push(made, hub, "ada/lamps", "--json", HF_HUB_OFFLINE="1")
    assert answer.json["error"]["code"] == "push_offline" and "HF_HUB_OFFLINE" in answer.json["error"]["sentence"]


def test_what_is_missing_is_said_before_anything_starts(made: tuple, hub: PushServer, lehrling: Commands) -> None:
    lehrling("new", "empty")
    answer = lehrling("push", "empty", "not/a/name", "--model", "cpt", **environment(hub, ""))
    assert answer.code == 1 and all(words in answer.err for words in ("Nothing has been exported", "OWNER/NAME", "set-key HF_TOKEN", "--model cpt")), answer.err
    other = made[0]("push", "lamps", "ada/lamps", "--model", "final", **environment(hub))
    assert other.code == 1 and "no export of 'final'" in other.err and made[2].name in other.err
    torn = made[2].with_name("torn")
    torn.mkdir()
    (torn / "export.json").write_text("{")
    assert "no readable export.json" in made[0]("push", "lamps", "ada/lamps", "--model", "torn", **environment(hub)).err
    assert push(made, hub, "ada/lamps", "--plan").code == 0
    shutil.rmtree(torn)
    assert hub.asked == []


def test_files_that_changed_since_the_export_are_not_pushed(made: tuple, hub: PushServer) -> None:
    weights = made[2] / "model.safetensors"
    before = weights.read_bytes()
    try:
        weights.write_bytes(before[:-1] + bytes([before[-1] ^ 1]))
        answer = push(made, hub, "ada/lamps", "--json")
        assert answer.json["error"]["code"] == "export_damaged" and "model.safetensors" in answer.json["error"]["sentence"]
    finally:
        weights.write_bytes(before)
    (made[2] / "diary.txt").write_text("mine")
    try:
        added = push(made, hub, "ada/lamps")
        assert added.code == 1 and "diary.txt" in added.err
    finally:
        (made[2] / "diary.txt").unlink()
    assert hub.repositories == {}


def test_a_name_without_an_owner_is_refused_before_anything_is_asked(made: tuple, hub: PushServer) -> None:
    plan = push(made, hub, "lighthouse", "--plan")
    assert plan.code == 1 and "'lighthouse' cannot be the name of a repository: it reads OWNER/NAME" in plan.out
    assert hub.asked == []
