"""The model host: one process that streams answers, says failures in words and leaves with its owner."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from queue import Queue
from threading import Thread

import numpy as np
import psutil
import pytest
import torch

from phases.sft.evaluate import greedy_answers
from phases.shared.errors import ModelError
from phases.shared.models.host import Models, _answer
from phases.shared.models.host_client import ModelHost, Sampling
from phases.shared.models.search_models import folder_hash
from phases.shared.project import PROGRAM_ROOT
from phases.shared.training.loading import load_model
from tests.embedding_model import minilm_folder
from tests.tiny_models import make_tiny_model

GREEDY = Sampling(max_new_tokens=8, temperature=0)
HELLO = [{"role": "user", "content": "Which lamps?"}]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_model(tmp_path_factory.mktemp("host") / "tiny")


@pytest.fixture(scope="module")
def host() -> ModelHost:
    with ModelHost() as host:
        yield host


def test_the_answer_is_that_of_the_model(host: ModelHost, tiny: Path) -> None:
    model, tokenizer = load_model(tiny)
    assert "".join(host.generate(tiny, HELLO, GREEDY)).strip() == greedy_answers(model, tokenizer, ["Which lamps?"], 8)[0].text


def test_failures_come_in_words_and_the_host_goes_on(host: ModelHost, tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no model") as caught:
        list(host.generate(tmp_path / "nowhere", HELLO, GREEDY))
    assert caught.value.advice
    with pytest.raises(ModelError, match="reads at most 64"):
        list(host.generate(tiny, [{"role": "user", "content": "lamp " * 200}], GREEDY))
    pid = host.pid
    assert list(host.generate(tiny, HELLO, GREEDY)) is not None
    assert host.pid == pid


def test_leaving_early_stops_the_generation(host: ModelHost, tiny: Path) -> None:
    """Another question is answered at once, though the first one would have gone on for long."""
    pieces = host.generate(tiny, HELLO, Sampling(max_new_tokens=50, temperature=1.5, top_k=0, top_p=1.0))
    next(pieces, None)
    pieces.close()
    began = time.monotonic()
    list(host.generate(tiny, HELLO, GREEDY))
    assert time.monotonic() - began < 10


def test_a_search_does_not_wait_for_another_question(host: ModelHost, tiny: Path) -> None:
    """One asker holds an answer open, another has not even said what it wants: a third is answered all the same."""
    model = str(minilm_folder())
    asked: Queue[np.ndarray] = Queue()
    pieces = host.generate(tiny, HELLO, Sampling(max_new_tokens=50, temperature=1.5, top_k=0, top_p=1.0))
    with host._connected():
        next(pieces, None)
        Thread(target=lambda: asked.put(host.embed(model, folder_hash(model), "lamp")), daemon=True).start()
        assert asked.get(timeout=120).shape == (384,)
    pieces.close()


def test_a_question_is_embedded_on_one_core_and_the_rest_computes_on_all(tiny: Path) -> None:
    """Each in its own thread, as the host serves them; torch hands a number that one thread sets on to new threads."""
    counts: dict[str, int] = {}
    models = Models(cores=3)
    name = str(minilm_folder())
    with models.embedder.lent(name) as (embedder, _), models.writer.lent(str(tiny)) as (writer, _):
        embedder.register_forward_pre_hook(lambda *_: counts.update(embed=torch.get_num_threads()))
        writer.register_forward_pre_hook(lambda *_: counts.update(generate=torch.get_num_threads()))
    for request in ({"op": "embed", "model": name, "model_hash": folder_hash(name), "text": "lamp"},
                    {"op": "generate", "model": str(tiny), "messages": HELLO, "sampling": asdict(GREEDY)}):
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.sendall((json.dumps(request) + "\n").encode())
            thread = Thread(target=_answer, args=(theirs, models))
            thread.start()
            thread.join(60)
            assert b"error" not in ours.recv(100_000)
    assert counts == {"embed": 1, "generate": 3}


def test_a_host_that_is_killed_is_said_and_started_again(tiny: Path) -> None:
    with ModelHost() as host:
        list(host.generate(tiny, HELLO, GREEDY))
        first = host.pid
        psutil.Process(first).kill()
        psutil.Process(first).wait(5) if psutil.pid_exists(first) else None
        assert list(host.generate(tiny, HELLO, GREEDY)) is not None
        assert host.pid != first


def test_the_host_leaves_when_its_owner_is_killed(tiny: Path) -> None:
    script = ("import sys; from phases.shared.models.host_client import ModelHost, Sampling\n"
              "host = ModelHost(); list(host.generate(sys.argv[1], [{'role': 'user', 'content': 'Hi'}], Sampling(2, 0)))\n"
              "print(host.pid, flush=True); import time; time.sleep(60)")
    owner = subprocess.Popen([sys.executable, "-c", script, str(tiny)], cwd=PROGRAM_ROOT, stdout=subprocess.PIPE, text=True)
    pid = int(owner.stdout.readline())
    child = psutil.Process(pid)
    owner.kill()
    owner.wait()
    child.wait(timeout=10)


def test_keys_do_not_reach_the_host(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENROUTER_API_KEY", "sk-secret-of-the-test")
    with ModelHost() as host:
        list(host.generate(tiny, HELLO, GREEDY))
        assert "sk-secret-of-the-test" not in Path(f"/proc/{host.pid}/environ").read_text(encoding="utf-8", errors="replace")
