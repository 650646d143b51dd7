"""Invented records to try the program with, when no file is at hand: sprint athletes, patients, tickets.

In: a kind, a number and a seed. Out: records, the same for the same seed, and a template that reads them as sentences; added like
a file of records. Their document is called "invented-KIND.jsonl", so that nobody takes them for facts.
Command: `python app.py sample-data NAME --kind athletes --count 200`
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from phases.rag_data.config import IngestConfig
from phases.rag_data.ingest import ingest_files
from phases.shared.errors import SettingError
from phases.shared.jobs.queue import Job
from phases.shared.options import resolve
from phases.shared.project import Project

MOST = 50_000
FIRST = ("Ada", "Ben", "Carla", "Dorin", "Emre", "Freya", "Goran", "Hanna", "Ilse", "Jonas", "Kaya", "Lena", "Milo", "Nora", "Otto", "Petra",
         "Quirin", "Rosa", "Sven", "Tilda", "Umut", "Vera", "Willem", "Yara", "Zoe")
LAST = ("Abel", "Brandow", "Castell", "Dahl", "Eckert", "Falk", "Grauer", "Holm", "Imhof", "Jansen", "Kessler", "Lorenz", "Marten", "Nolte",
        "Oster", "Prill", "Rask", "Seidel", "Thorn", "Ulrich", "Voss", "Weller", "Zander")
BEGIN = date(2020, 1, 1)


@dataclass(frozen=True)
class SampleKind:
    """One kind of records: how one is drawn, and how it reads."""

    draw: Callable[[random.Random], dict[str, Any]]
    template: str


def _name(chance: random.Random) -> str:
    return f"{chance.choice(FIRST)} {chance.choice(LAST)}"


def _day(chance: random.Random) -> str:
    return (BEGIN + timedelta(days=chance.randrange(2000))).isoformat()


def _athlete(chance: random.Random) -> dict[str, Any]:
    distance = chance.choice((60, 100, 200, 400))
    return {"name": _name(chance), "distance": distance, "time": round(distance / chance.uniform(7.5, 9.9), 2), "day": _day(chance),
            "coach": _name(chance), "stride": round(chance.uniform(1.9, 2.6), 2)}


def _patient(chance: random.Random) -> dict[str, Any]:
    return {"id": f"P-{chance.randrange(10_000, 99_999)}", "age": chance.randrange(18, 95), "visit": _day(chance),
            "complaint": chance.choice(("headache", "back pain", "cough", "fever", "dizziness", "a sprained ankle")),
            "systolic": chance.randrange(105, 175), "advice": chance.choice(("rest for three days", "come back in a week", "drink more water",
                                                                             "see a physiotherapist", "no treatment needed"))}


def _ticket(chance: random.Random) -> dict[str, Any]:
    return {"number": chance.randrange(1000, 99_999), "opened": _day(chance), "customer": _name(chance),
            "device": chance.choice(("printer", "router", "laptop", "scanner", "badge reader")),
            "fault": chance.choice(("does not start", "loses the network", "prints blank pages", "is very slow", "beeps twice")),
            "cause": chance.choice(("a loose cable", "old firmware", "a full disk", "a worn roller", "a wrong driver")),
            "hours": chance.randrange(1, 72)}


KINDS: dict[str, SampleKind] = {
    "athletes": SampleKind(_athlete, "{name} ran {distance} m in {time} s on {day}. The coach is {coach}. The longest stride was {stride} m."),
    "patients": SampleKind(_patient, "Patient {id}, {age} years old, came on {visit} with {complaint}. The systolic pressure was {systolic} mmHg. "
                                     "The advice was: {advice}."),
    "tickets": SampleKind(_ticket, "Ticket {number}: on {opened} {customer} reported that the {device} {fault}. The cause was {cause}. "
                                   "It was solved after {hours} hours."),
}


def sample_records(kind: str, count: int, seed: int = 42) -> list[dict[str, Any]]:
    """So many records. Raises SettingError for an unknown kind or an impossible number."""
    if kind not in KINDS:
        raise SettingError(f"There are no sample records called '{kind}'.", f"Choose one of: {', '.join(KINDS)}.", subject="kind",
                           code="setting_choice")
    if not 1 <= count <= MOST:
        raise SettingError(f"{count} records cannot be made.", f"Choose from 1 to {MOST:,}.", subject="count", code="setting_range")
    chance = random.Random(f"{kind} {seed}")
    return [KINDS[kind].draw(chance) for _ in range(count)]


def add_sample_records(projects: Path, project: Project, kind: str, count: int, seed: int = 42) -> Job:
    """Submit a job that adds so many invented records, read as sentences. Raises SettingError."""
    records = sample_records(kind, count, seed)
    config = resolve(IngestConfig, project.settings.get("ingest"), {"template": KINDS[kind].template})
    with TemporaryDirectory() as folder:  # the job's originals are copied when it is submitted
        path = Path(folder, f"invented-{kind}.jsonl")
        path.write_text("".join(json.dumps(one) + "\n" for one in records), encoding="utf-8")
        return ingest_files(projects, project, config, [path])
