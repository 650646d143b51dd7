"""An exported model -> a repository of the Hugging Face hub, private unless a person wants it public.

In: an export (the newest of a model, or a folder's name) and OWNER/NAME. Out: one commit with its files and nothing else.
Command: `python app.py push NAME OWNER/NAME [--model final] [--public] [--plan]`

    push_plan    what would be sent, who can see it, what is missing    (window or command; no network)
    push_model   checks, then submits a job
    run          hashes the files, creates the repository, uploads, commits; resumed it goes on with what the hub lacks   (the job's child)
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from phases.sft.config import PushConfig
from phases.sft.exported import Exported, changed_names, damaged, find_export, is_outdated, read_export, verify_export
from phases.shared.errors import LehrlingError, NotReady
from phases.shared.files import write_json
from phases.shared.jobs.context import JobContext, JobStopped
from phases.shared.jobs.queue import Job, submit_job
from phases.shared.models.licence import UNKNOWN, front_matter
from phases.shared.project import Project
from phases.shared.settings import hub_key, load_keys

ASKED = "push.json"


@dataclass(frozen=True)
class PushPlan:
    """What a push would send. `files` are (name, bytes); `missing` says why it cannot start, a sentence each; `keyless` when a key is wanting."""

    folder: str
    model: str
    repo: str
    public: bool
    files: tuple[tuple[str, int], ...] = ()
    bytes: int = 0
    notes: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    keyless: bool = False


def push_model(projects: Path, project: Project, config: PushConfig, repo: str) -> Job:
    """Submit the push; what the Push button and `push` call. Raises NotReady with everything that is missing."""
    return submit_job(projects, project, "push", config, arguments={"repo": repo.strip()})


def push_plan(project: Project, config: PushConfig, repo: str) -> PushPlan:
    """Look ahead, without the network and without reading the weights."""
    repo = repo.strip()
    no_key = _no_key()
    missing = [*_wrong_name(repo), *no_key]
    try:
        exported = find_export(project, config.model)
        if changed := changed_names(exported):
            raise damaged(exported, changed)
    except LehrlingError as problem:
        return PushPlan("", config.model, repo, config.public, missing=(str(problem), *missing), keyless=bool(no_key))
    files = tuple((name, about["bytes"]) for name, about in (exported.files or {}).items())
    return PushPlan(exported.name, exported.model, repo, config.public, files, exported.bytes, _notes(project, exported, config.public), tuple(missing),
                    bool(no_key))


def prepare(project: Project, config: PushConfig, inputs: Path, arguments: Mapping[str, Any]) -> None:
    """Freeze which folder goes where, with the hashes of its files."""
    plan = push_plan(project, config, str(arguments.get("repo") or ""))
    if plan.missing:
        raise NotReady(plan.missing[0], subject=plan.repo, missing=plan.missing)
    write_json(inputs / ASKED, {"repo": plan.repo, "folder": plan.folder, "files": read_export(project.exports / plan.folder).files})


def run(context: JobContext, config: PushConfig) -> dict[str, Any]:
    """Verify, then send. Raises JobStopped at a stop, ModelError for what the hub or the files forbid."""
    from phases.sft import hub_upload
    from phases.sft.hub_failures import push_failure
    asked = json.loads((context.inputs / ASKED).read_text(encoding="utf-8"))
    exported = read_export(context.project.exports / asked["folder"])
    context.phase("checking")
    if exported.files != asked["files"]:
        raise damaged(exported, ["export.json"])
    verify_export(exported, lambda read: _heed(context, read, exported.bytes, ""))
    try:
        api = hub_upload.open_hub(hub_key(context.keys))
        repo = asked["repo"]
        hub_upload.check_owner(api, repo)
        address = hub_upload.make_repository(api, repo, public=config.public)
        context.phase("uploading")
        commit = hub_upload.upload(api, repo, exported.folder, asked["files"], _card(context, api, exported), f"Push {exported.name} ({exported.model})",
                                   lambda name, sent: _heed(context, sent, exported.bytes, name))
    except Exception as problem:  # the border to a network library
        raise push_failure(asked["repo"], problem) from None  # it may itself be what the client's exception came from
    return {"repo": asked["repo"], "address": address, "commit": commit, "public": config.public, "folder": f"exports/{exported.name}",
            "files": sorted(asked["files"]), "bytes": exported.bytes}


def _heed(context: JobContext, done: int, total: int, name: str) -> None:
    context.progress(done, total, unit="bytes", **({"text": name} if name else {}))
    if context.stop_requested():
        raise JobStopped({})


def _card(context: JobContext, api: Any, exported: Exported) -> bytes:
    """The export's card; a licence that was not known when it was written is asked of the hub."""
    card = exported.folder / "README.md"
    about, text = front_matter(card), card.read_text(encoding="utf-8")
    if about.get("license") != UNKNOWN or not about.get("base_model"):
        return text.encode()
    try:
        tags = api.model_info(about["base_model"]).tags or []
    except Exception as problem:  # the border to a network library; the push does not depend on it
        context.log(f"The licence of {about['base_model']} could not be asked for: {type(problem).__name__}.")
        return text.encode()
    licence = next((tag.partition(":")[2] for tag in tags if tag.startswith("license:")), UNKNOWN)
    return text.replace(f"\nlicense: {UNKNOWN}\n", f"\nlicense: {licence}\n", 1).encode()


def _wrong_name(repo: str) -> list[str]:
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id
    try:
        validate_repo_id(repo)
        if "/" not in repo:  # the hub's own check takes a bare name, of models older than owners
            raise HFValidationError(repo)
    except HFValidationError:
        return [f"'{repo}' cannot be the name of a repository: it reads OWNER/NAME, with letters, digits and single - _ . in between." if repo
                else "No repository was named: OWNER/NAME, such as ada/lighthouse."]
    return []


def _no_key() -> list[str]:
    try:
        found = hub_key(load_keys())
    except LehrlingError as problem:
        return [str(problem)]
    return [] if found else ["There is no key for the hub: set HF_TOKEN, or store it with: python app.py set-key HF_TOKEN."]


def _notes(project: Project, exported: Exported, public: bool) -> tuple[str, ...]:
    """What a person should know before it is sent."""
    about = front_matter(exported.folder / "README.md")
    seen = "Public: everybody can read and download it." if public else "Private: only you can see it, or the members of the organisation that owns it."
    notes = [seen, "Sent are these files alone. Documents, chunks, pairs and runs of the project are not part of it, and the card does not name the documents."]
    if public:
        notes.append("A model can repeat passages of its documents word for word: publish only what you may publish.")
    if about.get("license") == UNKNOWN:
        notes.append("The licence of the base model is not known here" + ("; the hub is asked for it." if about.get("base_model") else ": the card says so."))
    if is_outdated(project, exported):
        notes.append(f"The model '{exported.model}' was trained again or deleted since this export.")
    return tuple(notes)
