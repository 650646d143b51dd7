"""The commands about jobs, and how every command that starts one waits for it.

In: parsed arguments. Out: the job's record, at once with `--detach`, else when it has ended.

    python app.py jobs [NAME] [--move JOB up|down|first] | stop | cancel | resume NAME [JOB] | compare NAME JOB JOB...
"""

from __future__ import annotations

import dataclasses
import time
from argparse import Namespace
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from phases.shared.errors import NotReady
from phases.shared.options import resolve
from phases.shared.project import Project, open_project

BAD_ENDS = ("failed", "interrupted", "cancelled")
SETTLE_SECONDS = 20.0
LOOK_SECONDS = 0.3


def jobs(arguments: Namespace) -> dict[str, Any]:
    from phases.shared.jobs.metrics import log_tail
    from phases.shared.jobs.queue import get_job, list_jobs, move_job
    from phases.shared.jobs.wait import bring_up_to_date
    bring_up_to_date(arguments.projects)
    if arguments.move:
        move_job(arguments.projects, *arguments.move)
    if arguments.log:
        job = get_job(arguments.projects, arguments.log)
        return {"log": log_tail(open_project(arguments.projects, job.project).job_dir(job.id))}
    if arguments.project:
        open_project(arguments.projects, arguments.project)
    return {"jobs": [dataclasses.asdict(job) for job in list_jobs(arguments.projects, arguments.project or None)]}


def stop(arguments: Namespace) -> dict[str, Any]:
    from phases.shared.jobs.queue import list_jobs, request_stop
    runs = arguments.job is None and list_jobs(arguments.projects, arguments.project, ("running",), limit=1)
    job = _job(arguments, ("running",) if runs else ("running", "queued"))  # not what waits behind it: there is nothing to save yet
    request_stop(arguments.projects, job.id)
    return _settled(arguments, job.id)


def cancel(arguments: Namespace) -> dict[str, Any]:
    from phases.shared.jobs.queue import request_cancel
    job = _job(arguments, ("running", "queued"))
    request_cancel(arguments.projects, job.id)
    return _settled(arguments, job.id)


def resume(arguments: Namespace) -> dict[str, Any]:
    from phases.shared.jobs.background import start_background_worker
    from phases.shared.jobs.queue import list_jobs, resume_job
    job = _job(arguments, ("stopped", "interrupted", "failed"))
    ended = finished(arguments, resume_job(arguments.projects, job.id))
    if not arguments.detach and any(one.after == job.id for one in list_jobs(arguments.projects, states=("queued",))):
        start_background_worker(arguments.projects)  # what waited for it came back into the queue with it
    return ended


def _job(arguments: Namespace, states: tuple[str, ...]) -> Any:
    from phases.shared.jobs.queue import find_job
    from phases.shared.jobs.wait import bring_up_to_date
    bring_up_to_date(arguments.projects)
    project = open_project(arguments.projects, arguments.project)
    return find_job(arguments.projects, project.name, arguments.job, states)


def _settled(arguments: Namespace, job_id: str) -> dict[str, Any]:
    """What became of a request; a job that needs longer to save is left to it."""
    from phases.shared.jobs.queue import get_job
    from phases.shared.jobs.wait import bring_up_to_date
    deadline = time.monotonic() + SETTLE_SECONDS
    while (job := get_job(arguments.projects, job_id)).active and time.monotonic() < deadline:
        bring_up_to_date(arguments.projects)
        time.sleep(LOOK_SECONDS)
    words = "saves at its next step and stops" if job.active else f"is {job.state}"
    more = f" Go on with: python app.py resume \"{job.project}\" {job.id}" if job.state == "stopped" else ""
    return {"job": job.id, "sentence": f"{job.id} {words}.{more}"}


def start(arguments: Namespace, kind: str, config: Any) -> dict[str, Any]:
    """Submit a job of the project and see it through."""
    from phases.shared.jobs.queue import submit_job
    from phases.shared.jobs.times import start_time
    not_before = start_time(arguments.at) if arguments.at else None
    try:
        job = submit_job(arguments.projects, open_project(arguments.projects, arguments.project), kind, config, after=arguments.after,
                         not_before=not_before)
    except NotReady as error:
        raise NotReady(" ".join(error.missing), error.advice, subject=kind, missing=error.missing) from None
    return finished(arguments, job)


def train(arguments: Namespace, kind: str, config_class: type, plan: Callable[[Project, Any, Any], Any]) -> dict[str, Any]:
    """The commands `cpt` and `sft`: train, or with a flag look ahead, measure, print or keep the settings. `plan` takes project, settings
    and the models that the jobs it waits for will make."""
    from phases.shared.config_file import keep_as_default, read_settings_file, settings_text
    from phases.shared.jobs.queue import get_job
    from phases.shared.jobs.times import start_time
    from phases.shared.training.measured import probe_config
    project = open_project(arguments.projects, arguments.project)
    own = (read_settings_file(Path(arguments.settings_file), kind, config_class) if arguments.settings_file
           else project.settings.get(kind))
    config = resolve(config_class, own, arguments.settings)
    if arguments.print_config:
        return {"config": settings_text(kind, config)}
    if arguments.at:  # a plan that says "ready" for a time, or a job, that is refused at the start would be wrong
        start_time(arguments.at)
    if arguments.after:
        get_job(arguments.projects, arguments.after)
    if arguments.keep:
        kept = keep_as_default(project, kind, config).settings[kind]
        return {"sentence": f"Runs of {kind} in '{project.name}' begin with these settings now.", "settings": kept}
    if arguments.probe:
        done = start(arguments, f"{kind}-probe", probe_config(config))
        return {"probe": done, "state": done["state"], **({"plan": _planned(arguments, plan, project, config)} if done["state"] == "done" else {})}
    return {"plan": _planned(arguments, plan, project, config)} if arguments.plan else start(arguments, kind, config)


def _planned(arguments: Namespace, plan: Callable[[Project, Any, Any], Any], project: Project, config: Any) -> dict[str, Any]:
    from phases.shared.jobs.promises import promised_models
    return asdict(plan(project, config, promised_models(arguments.projects, project, arguments.after)))


def compare(arguments: Namespace) -> dict[str, Any]:
    from phases.shared.jobs.compare import compare_runs
    from phases.shared.jobs.queue import find_job
    project = open_project(arguments.projects, arguments.project)
    return compare_runs([find_job(arguments.projects, project.name, one, None) for one in arguments.jobs])


def finished(arguments: Namespace, job: Any) -> dict[str, Any]:
    """The job's record: at once with --detach, else when it has ended, with a progress bar on stderr. A job that nobody waits
    for is seen through in the background."""
    if arguments.detach:
        from phases.shared.jobs.background import start_background_worker
        start_background_worker(arguments.projects)
        return job_record(job)
    return job_record(follow(arguments.projects, job.id))


def follow(projects: Path, job_id: str) -> Any:
    """Wait for a job with a progress bar; works the queue itself where no window does."""
    from phases.progress import ProgressBars
    from phases.shared.jobs.background import start_background_worker
    from phases.shared.jobs.wait import wait_for_job
    with ProgressBars() as bars:
        job = wait_for_job(projects, job_id, bars)
    if job.ended is None:  # a person let go of it
        start_background_worker(projects)
        raise KeyboardInterrupt
    return job


def job_record(job: Any) -> dict[str, Any]:
    """What a command prints of a job."""
    result: Mapping[str, Any] = job.result or {}
    starts = {"not_before": job.not_before} if job.not_before and job.state == "queued" else {}
    return {"job": job.id, "state": job.state, "resumable": job.resumable, "error": job.error, **starts, **result}


def project_of(arguments: Namespace) -> Project:
    return open_project(arguments.projects, arguments.project)


def knowledge_of(arguments: Namespace) -> Any:
    from phases.shared.database.connection import knowledge
    return knowledge(project_of(arguments))
