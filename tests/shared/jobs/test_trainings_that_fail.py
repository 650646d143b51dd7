"""Real trainings that meet a full disk, full memory, SIGKILL, a diverging loss or a missing GPU: the reason in words, what to do,
the program alive, the next job running, and the same bytes once the run goes on."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
import torch
from safetensors.torch import load_file

from phases.shared.errors import NotReady
from phases.shared.jobs.queue import list_jobs, resume_job
from phases.shared.project import Project
from tests.shared.jobs.training import Trainings, trainings
from tests.shared.training.kills import outcome
from tests.tiny_project import continue_job, make_project, prepare_job

DISK_BYTES = 6_000_000


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEHRLING_LOCKS", str(tmp_path / "locks"))
    monkeypatch.setenv("LEHRLING_KEYS", str(tmp_path / "keys" / "keys.yaml"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setattr("phases.shared.jobs.worker.TICK_SECONDS", 0.05)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_project(tmp_path)


@pytest.fixture
def queue(project: Project) -> Iterator[Trainings]:
    with trainings(project) as queue:
        yield queue


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of a few megabytes at the place of the projects folder."""
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(place)], capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"SKIPPED, NOT PROVEN HERE: a disk that fills needs root, to mount a small one ({mounted.stderr.strip()})")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


@pytest.fixture
def memory_group() -> Iterator[Path]:
    """A control group of the kernel with room for 64 MB (version 1 or 2)."""
    roots = [("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max")]
    for root, limit in roots:
        group = Path(root) / f"lehrling-test-{os.getpid()}"
        try:
            group.mkdir()
        except OSError:
            continue
        try:
            (group / limit).write_text("64000000")
            (group / "cgroup.procs").touch()
        except OSError:
            group.rmdir()
            continue
        yield group
        for _ in range(50):  # the kernel takes a moment to see it empty
            with suppress(OSError):
                group.rmdir()
                return
            time.sleep(0.1)
    pytest.skip("SKIPPED, NOT PROVEN HERE: the kernel's own kill needs root, to limit the memory of a control group")


def fill(place: Path, leave: int) -> Path:
    """Take all space but a little."""
    ballast = place / "ballast"
    with ballast.open("wb") as file:
        free = os.statvfs(place)
        file.write(b"\0" * max(0, free.f_bavail * free.f_frsize - leave))
    return ballast


def test_a_disk_that_fills_during_a_save(tmp_path: Path, small_disk: Path) -> None:
    project = make_project(small_disk)
    settings = {"epochs": 15, "save_steps": 2, "lora_rank": 16}
    whole = prepare_job(project, "cpt", "whole", **settings)
    with trainings(project) as queue:
        queue.work()
        job = queue.train(**settings)
        queue.until(lambda: queue.whole_checkpoints(job))
        ballast = fill(small_disk, leave=60_000)  # less than a checkpoint, more than a line of losses
        failed = queue.ended(job)
        assert (failed.state, failed.resumable, failed.error["code"]) == ("failed", True, "disk_full"), failed.error
        assert "The disk is full." in failed.error["sentence"]
        assert "MB are free" in failed.error["advice"] and f"models/checkpoints/{job.id}" in failed.error["advice"]
        assert "_save" in (project.job_dir(job.id) / "log.txt").read_text() and 2 <= len(queue.losses(job)) < 60
        assert len(queue.whole_checkpoints(job)) == len(list((project.checkpoints / job.id).iterdir())), "a half-written one must not stay"
        ballast.unlink()
        assert queue.next_job_runs()
        resume_job(queue.projects, job.id)
        done = queue.ended(job)
        assert (done.state, done.attempt) == ("done", 2), done.error
        written = queue.written(job)
    shutil.rmtree(project.checkpoints / job.id)
    continue_job(whole, "cpt")
    assert written == outcome(project, "whole")


def test_memory_that_runs_out_in_the_middle(queue: Trainings) -> None:
    """After some steps the system refuses the process further memory: the first measurement and save need some."""
    queue.work()
    job = queue.train(epochs=500, batch_size=14, save_steps=40)
    queue.until(lambda: queue.losses(job))
    pid = queue.child_of(job)
    resource.prlimit(pid, resource.RLIMIT_DATA, (psutil.Process(pid).memory_info().data - 2**20, resource.RLIM_INFINITY))
    failed = queue.ended(job)
    assert (failed.state, failed.resumable, failed.error["code"]) == ("failed", True, "out_of_memory"), failed.error
    advice = failed.error["advice"]
    for lever in ("batch smaller (14 now", "gradient checkpointing on (off now)", "(48 tokens now)", "smaller base model", "QLoRA"):
        assert lever in advice
    assert queue.next_job_runs()


def test_a_kill_from_outside_is_called_that(queue: Trainings) -> None:
    queue.work()
    job = queue.train(epochs=500, save_steps=3)
    queue.until(lambda: queue.whole_checkpoints(job))
    os.kill(queue.child_of(job), signal.SIGKILL)
    ended = queue.ended(job)
    assert (ended.state, ended.resumable, ended.error["code"]) == ("interrupted", True, "signal")
    assert "ended from outside by SIGKILL" in ended.error["sentence"] and "full memory" in ended.error["advice"]
    assert queue.next_job_runs()


def test_the_kernel_ends_a_training_for_want_of_memory(queue: Trainings, memory_group: Path) -> None:
    """A real control group with a real limit, which the training outgrows while it loads."""
    queue.work()
    job = queue.train(epochs=500, save_steps=3)
    (memory_group / "cgroup.procs").write_text(str(queue.until(lambda: queue.get(job).child_pid)))
    ended = queue.ended(job)
    assert (ended.state, ended.resumable, ended.error["code"]) == ("interrupted", True, "out_of_memory"), ended.error
    assert "probably because memory ran out" in ended.error["sentence"]
    assert "batch smaller (4 now" in ended.error["advice"] and "(48 tokens now)" in ended.error["advice"]
    assert queue.next_job_runs()


def test_a_loss_that_is_no_number_any_more(queue: Trainings) -> None:
    queue.work()
    job = queue.train("wild", epochs=500, save_steps=1, learning_rate=1e6, max_grad_norm=1000.0, lora_alpha=4096)
    failed = queue.ended(job)
    assert (failed.state, failed.error["code"], failed.error["subject"]) == ("failed", "loss_not_finite", "learning_rate"), failed.error
    assert "Lower the learning rate (1e+06 now; try 100000)" in failed.error["advice"] and "1000 now" in failed.error["advice"]
    assert queue.whole_checkpoints(job), "what was learned before must stay"
    assert all(torch.isfinite(one).all() for folder in queue.whole_checkpoints(job)
               for one in load_file(folder / "adapter_model.safetensors").values())
    assert queue.next_job_runs()


def test_a_gpu_that_is_not_there_is_said_at_submission(queue: Trainings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with pytest.raises(NotReady, match="The device is set to cuda, but .* Set the device to auto or cpu"):
        queue.train(device="cuda")
    assert list_jobs(queue.projects) == []
    queue.work()
    assert queue.next_job_runs()
