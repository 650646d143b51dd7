"""Times as people type them, in a zone with summer time."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from phases.shared.errors import SettingError
from phases.shared.jobs.times import day_and_time, start_time, zone_name


@pytest.fixture(autouse=True)
def berlin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def meant(text: str, now: datetime = datetime(2026, 11, 21, 21, 30)) -> str:
    moment = start_time(text, now.astimezone())
    assert moment.endswith("+00:00")
    return f"{datetime.fromisoformat(moment).astimezone():%Y-%m-%d %H:%M}"


@pytest.mark.parametrize(("words", "moment"), [
    *((word, "2026-11-21 22:00") for word in ("22", "22:00", " 22:00 ", "10 pm", "10PM", "10:00 p.m.", "at 22", "tonight at 10 pm", "22 Uhr", "today 22:00", "in 30 min")),
    *((word, "2026-11-22 06:00") for word in ("6", "6 am", "tomorrow 6:00", "Tomorrow, 6", "6:00 tomorrow", "morgen um 6", "22.11. 6:00", "in 8.5 h", "in 8 h 30 min")),
    *((word, "2026-12-24 18:30") for word in ("2026-12-24 18:30", "2026-12-24T18:30", "24.12.2026 18:30", "24.12.2026, 6:30 pm", "18:30 on 24.12.2026")),
    ("12 am", "2026-11-22 00:00"), ("21:30", "2026-11-22 21:30"), ("in 2 days", "2026-11-23 21:30"), ("1.2. 6:00", "2027-02-01 06:00")])
def test_what_people_type_is_understood(words: str, moment: str) -> None:
    assert meant(words) == moment


@pytest.mark.parametrize("words", ["tonight", "tomorrow", "25:00", "24", "13 pm", "0 am", "12:5", "22.30", "in 2", "in x h", "2026-12-24",
                                   "31.2.2026 10:00", "in 99999999999 days", "22:00 22:00", "tomorrow 2026-12-24 6:00"])
def test_what_is_no_time_is_refused_with_examples(words: str) -> None:
    with pytest.raises(SettingError, match="is no time") as refused:
        start_time(words)
    assert "tomorrow 6:00, in 2 h" in refused.value.advice


@pytest.mark.parametrize("words", ["2026-11-20 10:00", "today 20:00", "20.11.2026 22:00", "in 0 min"])
def test_what_is_past_is_refused(words: str) -> None:
    with pytest.raises(SettingError, match="is past"):
        meant(words)


def test_a_time_of_day_stays_one_when_the_clocks_change_and_a_span_stays_as_long() -> None:
    before = datetime(2026, 10, 24, 23, 0)  # an hour longer, that night
    assert meant("6:00", before) == "2026-10-25 06:00" and meant("in 7 h", before) == "2026-10-25 05:00"


def test_it_is_said_back_with_day_and_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime(2026, 11, 21, 21, 30).astimezone()
    for ahead, said in ((timedelta(minutes=30), ("today", "22:00 (Europe/Berlin)")), (timedelta(hours=8), ("tomorrow", "05:30 (Europe/Berlin)")),
                        (timedelta(days=33), ("Thursday 2026-12-24", "21:30 (Europe/Berlin)"))):
        assert day_and_time((now + ahead).astimezone(UTC).isoformat(), now) == said
    monkeypatch.delenv("TZ")
    time.tzset()
    place = str(Path("/etc/localtime").resolve())
    assert zone_name(now) in place or "/" not in zone_name(now)
