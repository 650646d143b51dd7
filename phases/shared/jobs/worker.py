"""The worker: one background thread that starts queued jobs in child processes and watches them. It does no job's work itself.

In: a projects folder. Out: its queue worked off, a job at a time on each lane. Whoever holds projects/.worker.lock is the worker:
the window, or a command that waits for its job. When a worker is gone, by whatever way, its children live on; the next
worker adopts them and goes on turning their records into rows, or says why they ended.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from phases.shared.database import jobs as table
from phases.shared.errors import LehrlingError, ProjectError
from phases.shared.jobs.cluster import Cluster, ClusterJob
from phases.shared.jobs.context import LOG_FILE, OUTCOME_FILE, PROGRESS_FILE, STOP_FILE
from phases.shared.jobs.kinds import KINDS, LANES, JobKind, keys_for, kind_named
from phases.shared.jobs.locks import Lock, compute_holder, lock_compute, lock_worker
from phases.shared.jobs.process import Child, send_order, spawn
from phases.shared.jobs.queue import INPUTS_FOLDER, Job, job_of
from phases.shared.jobs.reasons import predecessor_failed, project_gone, record_of, unknown_kind
from phases.shared.jobs.running import Runner, RunningJob, read_outcome
from phases.shared.jobs.slurm import SLURM
from phases.shared.jobs.times import local_time
from phases.shared.project import Project, open_project

TICK_SECONDS, TROUBLE_SECONDS = 0.3, 3.0
SETTLE_SECONDS = 10.0


class Worker:
    """Made by `try_start`; ended by `stop`, which leaves the children alone."""

    def __init__(self, projects: Path, lock: Lock, kinds: Mapping[str, JobKind], until: str | None, starts: bool,
                 cluster: Cluster) -> None:
        self.projects = projects
        self._lock = lock
        self._kinds = kinds
        self._until = until
        self._starts = starts
        self._cluster = cluster
        self._connection = table.open_jobs(projects)
        self._watched: dict[str, RunningJob] = {}
        self._ended = threading.Event()
        self._called = threading.Event()  # look now, not at the next tick
        self._news = threading.Event()
        self._thread = threading.Thread(target=self._work, name="jobs", daemon=True)

    @classmethod
    def try_start(cls, projects: Path, *, kinds: Mapping[str, JobKind] = KINDS, until: str | None = None,
                  starts: bool = True, cluster: Cluster = SLURM) -> Worker | None:
        """A working worker, or None when another one works off this folder: try again later to take over.

        Args:
            until: id of a job; once it has ended, no further job is started.
            starts: False only watches what runs.
            cluster: where jobs of the lane "cluster" work.
        """
        worker = cls._with_lock(projects, kinds, until, starts, cluster)
        if worker is not None:
            worker._thread.start()
        return worker

    @classmethod
    def settle(cls, projects: Path, *, kinds: Mapping[str, JobKind] = KINDS, cluster: Cluster = SLURM) -> None:
        """Without starting anything, and unless another one works: jobs whose child is gone get their end, their records become
        rows, and what was asked of live ones (stop, cancel) reaches them."""
        worker = cls._with_lock(projects, kinds, None, False, cluster)
        if worker is None:
            return
        until = time.monotonic() + SETTLE_SECONDS
        worker._tick()
        while worker._is_unsettled() and time.monotonic() < until:
            time.sleep(TICK_SECONDS)
            worker._tick()
        worker._leave()

    @classmethod
    def _with_lock(cls, projects: Path, kinds: Mapping[str, JobKind], until: str | None, starts: bool, cluster: Cluster) -> Worker | None:
        lock = lock_worker(projects)
        if lock is None:
            return None
        try:
            return cls(projects, lock, kinds, until, starts, cluster)
        except BaseException:
            lock.release()
            raise

    def wait_for_news(self, seconds: float) -> None:
        """Return as soon as a job has ended, at the latest after so many seconds."""
        self._news.wait(seconds)
        self._news.clear()

    def stop(self) -> None:
        """Stop watching, when the look under way is over, and let another worker take over."""
        self._ended.set()
        self._called.set()
        self._thread.join()
        self._leave()

    def _leave(self) -> None:
        self._connection.close()
        self._lock.release()

    def _is_unsettled(self) -> bool:
        """Whether a job should have ended, or is about to."""
        jobs = [job_of(row) for row in table.running_rows(self._connection)]
        return any(job.request == "cancel" or not self._watched[job.id].runner.is_alive() for job in jobs)

    def _work(self) -> None:
        while not self._ended.is_set():
            try:
                self._called.clear()
                self._tick()
                self._called.wait(0 if self._ended.is_set() else TICK_SECONDS)
            except Exception:  # a full disk must not end the watch: it may have space again
                logging.getLogger(__name__).exception("The queue of %s could not be looked after; trying again.", self.projects)
                self._ended.wait(TROUBLE_SECONDS)

    def _tick(self) -> None:
        for row in table.running_rows(self._connection):
            self._look_after(job_of(row))
        if not self._starts or self._reached_last():
            return
        self._answer_waiting()
        for lane in LANES:
            self._start_next(lane)

    def _look_after(self, job: Job) -> None:
        watched = self._watched.get(job.id) or self._adopt(job)
        if watched is None:
            return
        self._watched[job.id] = watched
        if watched.look(self._connection, job):
            del self._watched[job.id]
            self._news.set()

    def _reached_last(self) -> bool:
        row = self._until and table.select_job(self._connection, self._until)
        return bool(row) and row["ended"] is not None

    # ---- what an earlier worker left ----

    def _adopt(self, job: Job) -> RunningJob | None:
        """Watch a job that an earlier worker started. None: its work never began, and it waits again (or ended as asked)."""
        project = self._project(job)
        if job.kind not in self._kinds:
            table.end_job(self._connection, job.id, "failed", resumable=False, error=unknown_kind(job.kind))
            return None
        if job.cluster_job is not None:
            return RunningJob(project, job, self._kinds[job.kind], ClusterJob(self._cluster, project.job_dir(job.id), job.cluster_job))
        child = Child(job.id, job.child_pid or 0, job.child_started or 0.0)
        if job.child_pid is not None and (child.is_alive() or _has_begun(project.job_dir(job.id))):
            return RunningJob(project, job, self._kinds[job.kind], child)
        if job.request:
            ended = {"stop": "stopped", "cancel": "cancelled"}[job.request]
            table.end_job(self._connection, job.id, ended, resumable=job.request == "stop")
        else:
            table.unclaim_job(self._connection, job.id)
        return None

    def _project(self, job: Job) -> Project:
        """The job's project, or, when it cannot be opened, the bare folder where it was."""
        try:
            return open_project(self.projects, job.project)
        except ProjectError:
            return Project(self.projects / job.project)

    # ---- starting ----

    def _answer_waiting(self) -> None:
        """Say what a job waits for; fail it when that will not be done."""
        for row, first in table.waiting_for_others(self._connection):
            if first is None or first["state"] in table.ENDED_STATES:
                state, resumable = (first["state"], bool(first["resumable"])) if first else ("not known", False)
                table.end_queued(self._connection, row["id"], "failed", resumable=resumable,
                                 error=predecessor_failed(row["after"], state, resumable=resumable))
            else:
                self._say_why(job_of(row), f"waits for {row['after']}")
        for row in table.waiting_for_time(self._connection):
            self._say_why(job_of(row), f"starts at {local_time(row['not_before'])}")

    def _start_next(self, lane: str) -> None:
        first = table.next_in_lane(self._connection, lane)
        if first is None or not table.lane_is_free(self._connection, lane):
            return None
        lock = None
        if lane == "compute":
            try:
                lock = lock_compute()
            except LehrlingError as problem:
                return self._say_why(job_of(first), str(problem))
            if lock is None:
                return self._say_why(job_of(first), f"waits for this computer: {compute_holder() or 'another job'} is using it")
        try:
            row = table.claim_job(self._connection, lane, os.getpid())
            if row is not None:
                self._start(job_of(row), lock)
        finally:
            if lock:
                lock.release()  # the child has inherited it
        return None

    def _say_why(self, job: Job, text: str) -> None:
        if (job.progress or {}).get("text") != text:
            table.set_progress(self._connection, job.id, {"phase": "waiting", "text": text})

    def _start(self, job: Job, lock: Lock | None) -> None:
        """Start the child of a claimed job; what keeps it from starting fails the job."""
        try:
            kind = kind_named(self._kinds, job.kind)
            project = self._project(job)
            job_dir = project.job_dir(job.id)
            if not project.settings_file.is_file() or not (job_dir / INPUTS_FOLDER).is_dir():
                table.end_job(self._connection, job.id, "failed", resumable=False, error=project_gone(job.project, job.id))
                return
            _forget_last_attempt(job_dir)
            order = {"job": job.id, "run": kind.run, "fetch": kind.fetch, "config": kind.config, "attempt": job.attempt,
                     "keys": keys_for(kind, job.lane)}
            if lock:
                lock.write_note(f"{job.id} of '{job.project}'")
            runner = self._submit(job, job_dir, order) if job.lane == "cluster" else self._begin(job, job_dir, lock, order)
            self._watched[job.id] = RunningJob(project, job, kind, runner)
        except (LehrlingError, OSError) as problem:
            table.end_job(self._connection, job.id, "failed", resumable=True, error=record_of(problem))

    def _begin(self, job: Job, job_dir: Path, lock: Lock | None, order: Mapping[str, Any]) -> Runner:
        """The child, given its order after its number is stored. If we end before that, the child reads no order and leaves."""
        child = spawn(job_dir, _log_attempt(job, job_dir), inherited=(lock.descriptor,) if lock else ())
        table.set_child(self._connection, job.id, child.pid, child.started)
        send_order(child, order)
        threading.Thread(target=self._call_at_end, args=(child,), daemon=True).start()
        return child

    def _call_at_end(self, child: Child) -> None:
        child.await_end()
        self._called.set()

    def _submit(self, job: Job, job_dir: Path, order: Mapping[str, Any]) -> Runner:
        """The cluster's job, given its order after its number is stored, for the same reason."""
        _log_attempt(job, job_dir)
        cluster_job = ClusterJob(self._cluster, job_dir, self._cluster.submit(job_dir, job.config))
        table.set_cluster_job(self._connection, job.id, cluster_job.number)
        cluster_job.send_order(order)
        return cluster_job


def _log_attempt(job: Job, job_dir: Path) -> Path:
    log = job_dir / LOG_FILE
    with log.open("a", encoding="utf-8") as file:
        file.write(f"---- {time.strftime('%Y-%m-%d %H:%M:%S')} attempt {job.attempt} ----\n")
    return log


def _has_begun(job_dir: Path) -> bool:
    return (job_dir / PROGRESS_FILE).exists() or read_outcome(job_dir) is not None


def _forget_last_attempt(job_dir: Path) -> None:
    for name in (STOP_FILE, OUTCOME_FILE, PROGRESS_FILE):
        (job_dir / name).unlink(missing_ok=True)
