"""A time to start at, as a person gives it and as the queue keeps it.

In: local time, as people type it ("22", "10 pm", "tomorrow 6:00", "in 2 h", "24.12.2026 18:30"). Out: ISO 8601 in UTC, which sorts as
text; and back, in few words.
"""

from __future__ import annotations

import os
import re
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from phases.shared.errors import SettingError

FORMS = "22, 22:00, 10 pm, tomorrow 6:00, in 2 h, 2026-12-24 18:30, or 24.12.2026 18:30"
CLOCK = re.compile(r"(?:at |um )?(\d{1,2})(?::(\d\d))? ?(am|pm|a\.m\.|p\.m\.|uhr|h|o'clock)?$")
DATES = (re.compile(r"(?:on |am )?(?P<year>\d{4})-(?P<month>\d\d?)-(?P<day>\d\d?)"),
         re.compile(r"(?:on |am )?(?P<day>\d\d?)\.(?P<month>\d\d?)\.(?P<year>\d{4})?"))
DAYS = {"today": 0, "tonight": 0, "tomorrow": 1, "heute": 0, "morgen": 1}
SPAN = re.compile(r"(\d+(?:\.\d+)?) ?(minutes|minute|min|m|hours|hour|hrs|hr|h|days|day|d)\b,?(?: and)? ?")
MINUTES = {"m": 1, "h": 60, "d": 1440}
LONGEST_SPAN = timedelta(days=3660)


def start_time(text: str, now: datetime | None = None) -> str:
    """The moment that is meant: a time of day is the next such one. Raises SettingError for anything else, and for a moment that is past."""
    now = (now or datetime.now()).astimezone()
    words = re.sub(r"\s+", " ", text.strip().lower())
    moment = _in_a_while(words, now) or _named(words, now)
    if moment is None:
        raise SettingError(f"'{text}' is no time.", f"Write it as {FORMS}.", subject="at", code="time")
    if moment <= now:
        raise SettingError(f"{text} is past.", "Name a time that is still to come.", subject="at", code="time_past")
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")


def _in_a_while(words: str, now: datetime) -> datetime | None:
    """ "in 2 h", "in 1 h 30 min": that long from now, whatever the clocks do meanwhile."""
    if not words.startswith("in "):
        return None
    rest = words.removeprefix("in ").replace(",", ".")
    parts = SPAN.findall(rest)
    span = sum(float(count) * MINUTES[unit[0]] for count, unit in parts)
    if not parts or SPAN.sub("", rest) or span > LONGEST_SPAN.total_seconds() / 60:
        return None
    return now.astimezone(UTC) + timedelta(minutes=span)


def _named(words: str, now: datetime) -> datetime | None:
    """A time of day, with a day before or behind it or without one."""
    for day, rest in [(None, words), *_with_day(words, now.date())]:
        at = _time_of_day(rest)
        if at is None:
            continue
        if day is not None:
            return datetime.combine(day, at).astimezone()
        today = datetime.combine(now.date(), at).astimezone()
        return today if today > now else datetime.combine(now.date() + timedelta(days=1), at).astimezone()
    return None


def _with_day(words: str, today: date) -> list[tuple[date, str]]:
    """The day that the words begin or end with, and the other words."""
    found = []
    for name, ahead in DAYS.items():
        found += [(today + timedelta(days=ahead), rest) for rest in _around(words, re.compile(name))]
    for pattern in DATES:
        for match in (pattern.match(words), re.search(rf"(?<= )(?:{pattern.pattern})$", words)):
            day = _date(match.groupdict(), today) if match else None
            if match and day is not None:
                found.append((day, _trimmed(words[:match.start()] + words[match.end():])))
    return found


def _around(words: str, name: re.Pattern[str]) -> list[str]:
    places = [one for one in (re.match(rf"{name.pattern}\b", words), re.search(rf"(?<= ){name.pattern}$", words)) if one]
    return [_trimmed(words[:one.start()] + words[one.end():]) for one in places]


def _trimmed(words: str) -> str:
    """What is left beside a day: "T18:30" of an ISO time and ", 18:30" are times too."""
    return re.sub(r"^t(?=\d)", "", words.strip(" ,"))


def _date(parts: dict[str, str], today: date) -> date | None:
    """Without a year the next such day is meant."""
    try:
        if parts["year"]:
            return date(int(parts["year"]), int(parts["month"]), int(parts["day"]))
        this = date(today.year, int(parts["month"]), int(parts["day"]))
        return this if this >= today else this.replace(year=today.year + 1)
    except ValueError:
        return None


def _time_of_day(words: str) -> time | None:
    match = CLOCK.match(words)
    if match is None:
        return None
    hour, minute, half = int(match[1]), int(match[2] or 0), (match[3] or "").replace(".", "")
    if half in ("am", "pm"):
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half == "pm" else 0)
    return time(hour, minute) if hour < 24 and minute < 60 else None


def clock(now: datetime) -> str:
    """What a clock of this machine says, with its zone: "14:40 CET (UTC+01:00)", or "13:40 UTC". Times of day are meant by it."""
    if now.tzname() == "UTC":
        return f"{now:%H:%M} UTC"
    offset = now.strftime("%z")
    return f"{now:%H:%M} {now.tzname()} (UTC{offset[:3]}:{offset[3:5]})"


def zone_name(moment: datetime) -> str:
    """This machine's time zone as people know it: "Europe/Berlin" where the system tells, else its short name at that moment."""
    told = os.environ.get("TZ", "").removeprefix(":")
    name = told or str(Path("/etc/localtime").resolve()).rpartition("/zoneinfo/")[2]
    known = "/" in name and not name.startswith("/") and not name.startswith("Etc/")
    return name if known else moment.astimezone().tzname() or "UTC"


def day_and_time(moment: str, now: datetime | None = None) -> tuple[str, str]:
    """A kept time for a sentence: ("today" | "tomorrow" | "Thursday 2026-12-24", "22:00 (Europe/Berlin)")."""
    local, today = datetime.fromisoformat(moment).astimezone(), (now or datetime.now()).astimezone().date()
    near = {today: "today", today + timedelta(days=1): "tomorrow"}
    return near.get(local.date(), f"{local:%A %Y-%m-%d}"), f"{local:%H:%M} ({zone_name(local)})"


def local_time(moment: str) -> str:
    """A kept time in local words: "22:00" today, else with its date."""
    local = datetime.fromisoformat(moment).astimezone()
    return local.strftime("%H:%M" if local.date() == datetime.now().date() else "%Y-%m-%d %H:%M")
