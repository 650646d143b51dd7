"""The job that writes question-answer pairs: chunks in, reviewed-to-be pairs and `data/NAME.jsonl` out.

    python app.py sft-data NAME --provider builtin --style factual --count 100
    python app.py sft-data NAME --provider ollama --model llama3.2 --style factual,socratic --count 30

`prepare` freezes what the job reads, `run` fills one slot after the other in a child process and records each, `apply` turns the
records into rows. Slots, sets and duplicates are decided in slot order alone, so a job that was killed and resumed ends in the same
pairs as one that was not.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from phases.sft_data.asking import ModelWriter, wait_unless
from phases.sft_data.check import normalise_question
from phases.sft_data.config import BUILTIN, WriteConfig
from phases.sft_data.convert import export_dataset
from phases.sft_data.frozen import Inputs, freeze_inputs, read_inputs, styles_of
from phases.sft_data.ledger import TRAIN, AskedFact, Draft, Ledger
from phases.sft_data.outcome import outcome_of
from phases.sft_data.rules import RuleWriter
from phases.sft_data.styles import STYLES
from phases.shared.database.chunks import knowledge_summary
from phases.shared.database.connection import knowledge
from phases.shared.database.written import store_written
from phases.shared.errors import NotReady, ProviderError, SettingError
from phases.shared.jobs.context import JobContext, JobStopped
from phases.shared.jobs.queue import Job, submit_job
from phases.shared.llm.provider import Provider, try_service
from phases.shared.llm.retry import Retry
from phases.shared.llm.services import missing_key, open_service
from phases.shared.project import Project
from phases.shared.settings import load_keys
from phases.shared.writing.ordered import in_order
from phases.shared.writing.slots import Slot

SERVICE_FAILURES_IN_A_ROW = 5
FAILURES_IN_A_ROW = 12


def write_pairs_job(projects: Path, project: Project, config: WriteConfig, *, after: str | None = None, not_before: str | None = None) -> Job:
    """Queue the job; `after` and `not_before` as in `submit_job`. Raises SettingError for a style that there is not, NotReady with
    everything that is missing."""
    check_styles(config)
    return submit_job(projects, project, "sft-data", config, after=after, not_before=not_before)


def check_styles(config: WriteConfig) -> None:
    """Raises SettingError for a style that there is not."""
    for name in styles_of(config):
        if name not in STYLES:
            raise SettingError(f"Style cannot be '{name}'.", f"Choose one or more of: {', '.join(STYLES)}.", subject="style",
                               code="setting_choice")


def missing_for_writing(project: Project, config: WriteConfig) -> tuple[str, ...]:
    """What has to be there before the job can start, each as a sentence."""
    missing = []
    with knowledge(project) as connection:
        if not knowledge_summary(connection).tokens:
            missing.append("There are no chunks to write from: add documents in tab 1.")
    unknown = [name for name in styles_of(config) if name not in STYLES]
    if unknown or not styles_of(config):
        missing.append(f"Choose a style out of {', '.join(STYLES)}" + (f"; '{unknown[0]}' is none of them." if unknown else "."))
    if config.provider == BUILTIN and (config.language or project.language) not in ("en", ""):
        missing.append("The built-in question writer asks in English only: choose another provider for this language.")
    if config.provider != BUILTIN:
        if not config.model.strip():
            missing.append("Choose a model: the provider's list shows which it has.")
        key = missing_key(config.provider, config.base_url, load_keys())
        if key:
            missing.append(f"{key} is not set: put it into the environment, or store it with 'python app.py set-key {key}'.")
    return tuple(missing)


def test_provider(config: WriteConfig, keys: Mapping[str, str]) -> str:
    """A sentence that says that the provider works. Raises ProviderError with what to do when it does not."""
    if config.provider == BUILTIN:
        return "The built-in question writer is always there."
    with closing(_open_provider(config, keys, Retry(0))) as provider:
        return try_service(provider, config.model.strip())


def list_provider_models(config: WriteConfig, keys: Mapping[str, str]) -> list[str]:
    """The names of the provider's models; none for the built-in writer."""
    if config.provider == BUILTIN:
        return []
    with closing(_open_provider(config, keys, Retry(0))) as provider:
        return provider.list_models()


def prepare(project: Project, config: WriteConfig, inputs: Path, arguments: Mapping[str, Any]) -> None:
    """Freeze what the job reads."""
    missing = missing_for_writing(project, config)
    if missing:
        raise NotReady("No questions can be written yet.", subject="sft-data", missing=missing)
    with knowledge(project) as connection:
        freeze_inputs(connection, project, config, inputs)


def run(context: JobContext, config: WriteConfig) -> dict[str, Any]:
    """Fill the slots that have no record yet; returns the figures and, where the count is short, the reason."""
    context.phase("writing")
    inputs = read_inputs(context.inputs)
    ledger = ledger_for(config, inputs)
    done = set()
    for record in context.records():
        if "slot" in record:
            ledger.replay(record)
            done.add(record["slot"])
    with closing(_writer(context, config, inputs)) as writer:
        slots = list(writer.slots())
        waiting = [slot for slot in slots if slot.name not in done]
        _fill(context, config, ledger, writer, waiting)
    result = outcome_of(ledger, config, planned=len(slots), stopped=context.stop_requested() and not ledger.complete)
    if result["stopped"]:
        raise JobStopped(result)
    return result


def apply(connection: sqlite3.Connection, project: Project, job_id: str, record: dict[str, Any]) -> None:
    """A slot's record becomes rows; the last record writes the data set's file from them."""
    if record.get("finished"):
        export_dataset(project, connection, record["dataset"])
    elif record["pairs"]:
        store_written(connection, job_id, record)


def ledger_for(config: WriteConfig, inputs: Inputs) -> Ledger:
    """The state before the first slot: what the knowledge base held when the job was submitted."""
    facts = [(AskedFact(pair.document, pair.start, pair.end, pair.subject, pair.attribute, ""), pair.split, pair.state != "rejected")
             for pair in inputs.asked]
    questions = [pair.instruction for pair in inputs.asked if not pair.gone]
    return Ledger(config.count, config.validation_percent, normalise_question, questions, facts)


def _writer(context: JobContext, config: WriteConfig, inputs: Inputs) -> RuleWriter | ModelWriter:
    if config.provider == BUILTIN:
        return RuleWriter(config, inputs, context.stop_requested)
    retry = Retry(config.retries, config.retry_pause, wait_unless(context.stop_requested, time.sleep))
    return ModelWriter(_open_provider(config, context.keys, retry), config, inputs, normalise_question, context.stop_requested,
                       config.language or context.project.language)


def _open_provider(config: WriteConfig, keys: Mapping[str, str], retry: Retry) -> Provider:
    return open_service(config.provider, config.base_url, keys, timeout=config.timeout_seconds, retry=retry)


def _fill(context: JobContext, config: WriteConfig, ledger: Ledger, writer: RuleWriter | ModelWriter, slots: list[Slot]) -> None:
    """Fill and, however that ends, have the data set's file written anew when there is something new to write."""
    before = ledger.slots
    try:
        _fill_slots(context, config, ledger, writer, slots)
    except BaseException:
        if ledger.slots == before:
            raise  # nothing was written: everything stays as it was
        context.record({"finished": True, "dataset": config.dataset})
        raise
    context.record({"finished": True, "dataset": config.dataset})


def _fill_slots(context: JobContext, config: WriteConfig, ledger: Ledger, writer: RuleWriter | ModelWriter, slots: list[Slot]) -> None:
    """Draft at the same time, decide and record in order."""
    failed: list[tuple[Slot, Draft]] = []  # recorded once a later slot succeeds: a resumed job asks again for those that ended it
    total = config.count or ledger.slots + len(slots)

    def more(under_way: int) -> bool:
        return not context.stop_requested() and (not config.count or ledger.missing > under_way * config.phrasings)

    for slot, draft in in_order(iter(slots), writer.draft, writer.workers, more):
        if draft.skipped or ledger.complete:
            break
        failed.append((slot, draft))
        if draft.failure:
            if config.provider != BUILTIN:
                _end_after_failures(failed, ledger)
            continue
        _record(context, config, writer.inputs, ledger, failed)
        context.progress(ledger.sets[TRAIN] if config.count else ledger.slots, total, written=ledger.sets[TRAIN],
                         rejected=ledger.rejected.total(), failed=ledger.failed.total(), text=draft.train[0].instruction,
                         prompt_tokens=ledger.spent.prompt_tokens, completion_tokens=ledger.spent.completion_tokens)
    if failed and not context.stop_requested():
        if not ledger.slots:
            raise ProviderError(f"Nothing could be written: {failed[-1][1].failure}", "Choose another model or another style.",
                                subject=config.provider)
        _record(context, config, writer.inputs, ledger, failed)


def _record(context: JobContext, config: WriteConfig, inputs: Inputs, ledger: Ledger, drafts: list[tuple[Slot, Draft]]) -> None:
    for slot, draft in drafts:
        context.record({**ledger.decide(slot, draft), "chunk_hash": inputs.chunks[slot.chunk].content_hash,
                        "provider": config.provider, "model": config.model, "dataset": config.dataset})
    drafts.clear()


def _end_after_failures(failed: list[tuple[Slot, Draft]], ledger: Ledger) -> None:
    """Raise ProviderError when the service does not come back, or the model never gives a usable answer."""
    last = failed[-1][1]
    if last.error is not None and last.error.code == "provider_down" and not ledger.slots:
        raise last.error
    service = [draft.error for _, draft in failed[-SERVICE_FAILURES_IN_A_ROW:] if draft.error is not None]
    if len(service) == SERVICE_FAILURES_IN_A_ROW:
        raise ProviderError(f"{len(service)} questions in a row failed. {service[-1].sentence}", service[-1].advice,
                            subject=service[-1].subject, code=service[-1].code)
    if len(failed) >= FAILURES_IN_A_ROW:
        raise ProviderError(f"{len(failed)} questions in a row got no usable answer. {last.failure}",
                            "What was written stays. Choose another model or a simpler style, or resume to try again.",
                            code="provider_unusable")
