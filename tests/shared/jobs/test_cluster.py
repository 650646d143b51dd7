"""Jobs on a cluster: handed over, followed, stopped, resumed, cancelled, and followed on by the next worker. One real training goes all the
way; where only the handing over counts, small jobs take its place, which need no torch."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from phases.cpt.config import CptConfig
from phases.cpt.corpus import missing_for_cpt, plan_cpt
from phases.shared.database.connection import open_database
from phases.shared.database.jobs import job_table, set_cluster_job
from phases.shared.database.schema import JOB_MIGRATIONS
from phases.shared.errors import SettingError
from phases.shared.jobs.cluster import ClusterJob, ClusterState, order_file, why_it_ended
from phases.shared.jobs.queue import (
    get_job,
    list_jobs,
    request_cancel,
    request_stop,
    resume_job,
    running_job,
    submit_job,
)
from phases.shared.jobs.slurm import minutes_of, parameters, read_state
from phases.shared.jobs.worker import Worker
from phases.shared.options import as_mapping, option, resolve
from tests.shared.jobs.local_cluster import LocalCluster, kill_tree
from tests.shared.jobs.sample_kinds import SampleConfig
from tests.shared.jobs.training import ALL_KINDS, Trainings, trainings
from tests.tiny_project import FAST, make_project


@dataclass(frozen=True)
class ErrandConfig(SampleConfig):
    runner: str = option("slurm", label="Run on", help="Where a small job works.")


ERRAND = replace(ALL_KINDS["train"], name="errand", config=f"{__name__}:ErrandConfig")
KINDS = {**ALL_KINDS, "errand": ERRAND}
LONG = {"count": 1000, "pause": 0.05}
RUNNING_LINE = "JobId=7 JobName=cpt JobState={} Reason={} Dependency=(null) Requeue=0 ExitCode={} RunTime=00:00:02\n"


class ClusterTrainings(Trainings):
    """The queue of a machine that submits to a cluster."""

    cluster: LocalCluster

    def work(self, **more: Any) -> Worker:
        self.worker = Worker.try_start(self.projects, kinds=KINDS, cluster=self.cluster, **more)
        assert self.worker is not None
        return self.worker

    def errand(self, **settings: Any) -> Any:
        return submit_job(self.projects, self.project, "errand", ErrandConfig(**settings), kinds=KINDS)

    def works(self, job: Any) -> Any:
        return self.until(lambda: (self.get(job).progress or {}).get("done"))


@pytest.fixture
def queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ClusterTrainings]:
    monkeypatch.setenv("LEHRLING_LOCKS", str(tmp_path / "locks"))
    monkeypatch.setenv("LEHRLING_KEYS", str(tmp_path / "keys" / "keys.yaml"))
    monkeypatch.setattr("tests.shared.jobs.conftest.PATIENCE_SECONDS", 120.0)
    monkeypatch.setattr("phases.shared.jobs.cluster.LOOK_SECONDS", 0.1)
    monkeypatch.setattr("phases.shared.jobs.worker.TICK_SECONDS", 0.05)
    monkeypatch.setattr("phases.shared.training.methods.missing_for_slurm", lambda config: ())  # no sbatch where tests run
    with trainings(make_project(tmp_path)) as plain:
        queue = ClusterTrainings(plain.projects, plain.project)
        queue.cluster = LocalCluster()
        try:
            yield queue
        finally:
            queue.rest()
            for job in list_jobs(queue.projects):
                if job.cluster_job:
                    kill_tree(int(job.cluster_job))


def test_a_training_is_stopped_followed_by_the_next_worker_resumed_and_done(queue: ClusterTrainings) -> None:
    job = queue.train(runner="slurm", epochs=6, save_steps=2)
    queue.work()
    queue.until(lambda: queue.whole_checkpoints(job))
    number = queue.get(job).cluster_job
    assert number and queue.get(job).lane == "cluster" and queue.get(job).child_pid is None
    assert not order_file(queue.project.job_dir(job.id), number).exists()
    queue.rest()
    queue.work()  # the window was closed and opened
    request_stop(queue.projects, job.id)
    stopped = queue.ended(job)
    assert (stopped.state, stopped.resumable, stopped.cluster_job) == ("stopped", True, number)
    assert len(queue.cluster.submitted) == 1
    reached = len(queue.losses(job))
    resume_job(queue.projects, job.id)
    done = queue.ended(job)
    assert (done.state, done.attempt) == ("done", 2), done.error
    assert done.cluster_job != number and len(queue.losses(job)) > reached
    assert (queue.project.model_runs / job.id / "adapter_model.safetensors").exists()


@pytest.mark.long
def test_two_nodes_train_together(queue: ClusterTrainings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """srun is a stand-in that starts its command so often on this machine; torchrun, its meeting point and the training are real."""
    monkeypatch.setenv("PATH", f"{stand_in(tmp_path / 'bin')}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "3")
    settings = {"runner": "slurm", "nodes": 2, "epochs": 2, "batch_size": 1}
    job = queue.train(**settings)
    plan = plan_cpt(queue.project, resolve(CptConfig, {**FAST, **settings}))
    queue.work()
    done = queue.ended(job)
    assert done.state == "done", (done.error, (queue.project.job_dir(job.id) / "log.txt").read_text()[-2000:])
    assert done.result["steps"] == plan.steps == 14, "14 rows twice, one in each process a step"
    ranks = [json.loads((queue.project.job_dir(job.id) / "ranks" / f"{rank}.json").read_text()) for rank in range(2)]
    assert [one["state"] for one in ranks] == ["done", "done"]
    told = (tmp_path / "bin" / "told").read_text().split()
    assert told == ["--nodes=2", "--ntasks=2", "--ntasks-per-node=1", "--cpus-per-task=3", "--kill-on-bad-exit=1"]


def stand_in(folder: Path) -> Path:
    folder.mkdir()
    (folder / "srun").write_text(f"""#!/bin/bash
while [[ "$1" == --* ]]; do echo "$1" >> {folder}/told; [[ "$1" == --nodes=* ]] && count="${{1#*=}}"; shift; done
for _ in $(seq "$count"); do "$@" & all+=($!); done
for one in "${{all[@]}}"; do wait "$one" || bad=1; done
exit "${{bad:-0}}"
""")
    (folder / "srun").chmod(0o755)
    return folder


def test_a_cancelled_one_leaves_the_cluster_and_others_of_this_machine_pass(queue: ClusterTrainings) -> None:
    first, second = queue.errand(**LONG), queue.errand(**LONG)
    queue.work()
    queue.until(lambda: queue.get(first).active and queue.get(second).active)
    assert queue.next_job_runs()  # a job of the lane "compute"
    for job in (first, second):
        request_cancel(queue.projects, job.id)
        assert (queue.ended(job).state, queue.get(job).resumable) == ("cancelled", False)
        assert queue.cluster.state(queue.get(job).cluster_job).name == "cancelled"


def test_one_that_the_cluster_ends_can_be_resumed(queue: ClusterTrainings) -> None:
    job = queue.errand(count=60, pause=0.05)
    queue.cluster.ended = "timeout"
    queue.work()
    reached = queue.works(job)
    kill_tree(int(queue.get(job).cluster_job))
    ended = queue.ended(job)
    assert (ended.state, ended.resumable, ended.error["code"]) == ("interrupted", True, "time_limit")
    assert "at the time limit" in ended.error["sentence"] and "raise it" in ended.error["advice"]
    queue.cluster.ended = "completed"
    resume_job(queue.projects, job.id)
    assert queue.works(job) > reached
    assert (queue.ended(job).state, queue.get(job).result["written"]) == ("done", 60)


def test_one_that_waits_says_so_and_a_stop_takes_it_out_of_the_queue(queue: ClusterTrainings) -> None:
    queue.cluster.pending = True
    job = queue.errand()
    queue.work()
    text = f"waiting in the cluster's queue (job {queue.until(lambda: queue.get(job).cluster_job)}: Resources)"
    queue.until(lambda: (queue.get(job).progress or {}).get("text") == text)
    local = queue.submit("train", count=1000, pause=0.05)
    queue.until(lambda: queue.get(local).active)
    assert running_job(queue.projects).id == local.id
    request_cancel(queue.projects, local.id)
    request_stop(queue.projects, job.id)
    assert (queue.ended(job).state, queue.get(job).resumable) == ("stopped", True)


def test_one_whose_number_was_never_stored_waits_again(queue: ClusterTrainings) -> None:
    """The worker ended between handing it over and noting its number."""
    job = queue.errand()
    queue.work()
    number = queue.until(lambda: queue.get(job).cluster_job)
    queue.rest()
    kill_tree(int(number))
    with job_table(queue.projects) as connection:
        set_cluster_job(connection, job.id, None)
    for left in ("progress.json", "outcome.json"):
        (queue.project.job_dir(job.id) / left).unlink(missing_ok=True)
    queue.work()
    assert queue.ended(job).state == "done" and len(queue.cluster.submitted) == 2


def test_the_order_is_for_its_reader_only_and_holds_no_keys(tmp_path: Path) -> None:
    (tmp_path / "cluster").mkdir()
    job = ClusterJob(LocalCluster(), tmp_path, "7")
    job.send_order({"job": "cpt-1", "keys": {}})
    file = order_file(tmp_path, "7")
    assert file.stat().st_mode & 0o777 == 0o600 and json.loads(file.read_text()) == {"job": "cpt-1", "keys": {}}
    with pytest.raises(AssertionError, match="keys"):
        job.send_order({"job": "cpt-1", "keys": {"openai": "sk-1"}})


def test_a_queue_of_the_first_version_gets_the_lane(tmp_path: Path) -> None:
    with closing(open_database(tmp_path / "jobs.sqlite", JOB_MIGRATIONS[:1])) as old:
        for number, state in enumerate(("done", "running", "queued")):
            old.execute("INSERT INTO jobs (id, project, kind, lane, state, position, config, created, seen) "
                        "VALUES (?, 'Fells', 'cpt', 'compute', ?, ?, '{\"a\": 1}', 'then', 1)", (f"cpt-{number}", state, number))
    assert [(job.id, job.state) for job in list_jobs(tmp_path)] == [("cpt-2", "queued"), ("cpt-1", "running"), ("cpt-0", "done")]
    job = get_job(tmp_path, "cpt-0")
    assert (job.config, job.created, job.seen, job.cluster_job, job.not_before) == ({"a": 1}, "then", True, None, None)
    with job_table(tmp_path) as connection:
        connection.execute("UPDATE jobs SET lane = 'cluster'")
        connection.execute("UPDATE jobs SET state = 'running'")  # any number at once
        with pytest.raises(Exception, match="UNIQUE"):
            connection.execute("UPDATE jobs SET lane = 'compute'")


@pytest.mark.parametrize(("state", "why", "status", "expected"), [
    ("PENDING", "Resources", "0:0", ClusterState("pending", "Resources")),
    ("PENDING", "None", "0:0", ClusterState("pending")),
    ("RUNNING", "None", "0:0", ClusterState("running")),
    ("COMPLETING", "None", "0:0", ClusterState("running")),
    ("COMPLETED", "None", "0:0", ClusterState("completed")),
    ("TIMEOUT", "TimeLimit", "0:15", ClusterState("timeout")),
    ("CANCELLED", "None", "0:15", ClusterState("cancelled")),
    ("OUT_OF_MEMORY", "OutOfMemory", "0:125", ClusterState("out_of_memory")),
    ("NODE_FAIL", "NodeDown", "1:0", ClusterState("node_fail")),
    ("FAILED", "NonZeroExitCode", "1:0", ClusterState("failed", "exit status 1:0")),
])
def test_states_as_slurm_writes_them(state: str, why: str, status: str, expected: ClusterState) -> None:
    assert read_state(RUNNING_LINE.format(state, why, status), "") == expected


def test_a_job_that_slurm_forgot_is_gone_and_a_silent_slurm_says_nothing() -> None:
    assert read_state("", "slurm_load_jobs error: Invalid job id specified\n").name == "gone"
    assert read_state("", "slurm_load_jobs error: Unable to contact slurm controller (connect failure)\n").name == "unknown"


def test_every_end_has_its_sentence(tmp_path: Path) -> None:
    ends = ("timeout", "out_of_memory", "node_fail", "preempted", "cancelled", "failed", "gone")
    said = {name: why_it_ended(ClusterState(name), "7", tmp_path) for name in ends}
    assert len({one["sentence"] for one in said.values()}) == len(ends)
    assert all("7" in one["sentence"] and one["advice"] for one in said.values())


def test_what_slurm_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-1")
    settings = as_mapping(resolve(CptConfig, {"runner": "slurm", "partition": "gpu", "time_limit": "1:30", "gpus": 2, "processes": 2,
                                              "threads": 3, "memory": 24, "nodes": 4}))
    told = parameters("cpt-1", settings)
    assert (told["job_name"], told["partition"], told["time"], told["gpus_per_node"], told["cpus_per_task"], told["mem"], told["nodes"]) == (
        "cpt-1", "gpu", 90, 2, 6, "24G", 4)
    exported = told["additional_parameters"]["export"].split(",")
    assert "PATH" in exported and "OPENAI_API_KEY" not in exported
    assert not {"partition", "gpus_per_node", "mem"} & set(parameters("cpt-1", as_mapping(resolve(CptConfig, FAST))))


def test_time_limits_as_a_person_writes_them() -> None:
    assert [minutes_of(text) for text in ("90", "1:30", "0:05", "100:00")] == [90, 90, 5, 6000]
    for wrong in ("", "0", "1:75", "an hour", "0:00"):
        with pytest.raises(SettingError, match="is no time"):
            minutes_of(wrong)


def test_without_slurm_it_says_so_before_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = make_project(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    missing = missing_for_cpt(project, resolve(CptConfig, {"runner": "slurm", "time_limit": "soon", "device": "cuda"}))
    assert len(missing) == 2 and "no sbatch" in missing[0] and "'soon' is no time" in missing[1]
