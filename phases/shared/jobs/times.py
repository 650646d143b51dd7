"""A time of day as a person gives it ("22:00", "2026-12-24 18:30") and as the queue keeps it.

In: local time. Out: ISO 8601 in UTC, which sorts as text; and back, in few words.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from phases.shared.errors import SettingError


def start_time(text: str, now: datetime | None = None) -> str:
    """The next such time of day, or that moment. Raises SettingError for anything else, and for a moment that is past."""
    now = (now or datetime.now()).astimezone()
    for form in ("%H:%M", "%Y-%m-%d %H:%M"):
        try:
            given = datetime.strptime(text.strip(), form)
        except ValueError:
            continue
        if form == "%H:%M":
            today = now.replace(hour=given.hour, minute=given.minute, second=0, microsecond=0)
            given = today if today > now else today + timedelta(days=1)
        moment = given.astimezone()
        if moment > now:
            return moment.astimezone(UTC).isoformat(timespec="milliseconds")
        raise SettingError(f"{text} is past.", "Name a time that is still to come.", subject="at", code="time_past")
    raise SettingError(f"'{text}' is no time.", "Write it as 22:00, or as 2026-12-24 18:30.", subject="at", code="time")


def clock(now: datetime) -> str:
    """What a clock of this machine says, with its zone: "14:40 CET (UTC+01:00)". Times of day are meant by it."""
    offset = now.strftime("%z")
    return f"{now:%H:%M} {now.tzname()} (UTC{offset[:3]}:{offset[3:5]})"


def moment_and_zone(moment: str) -> str:
    """A kept time in full: "2026-11-21 22:00 CET (UTC+01:00)"."""
    local = datetime.fromisoformat(moment).astimezone()
    return f"{local:%Y-%m-%d} {clock(local)}"


def local_time(moment: str) -> str:
    """A kept time in local words: "22:00" today, else with its date."""
    local = datetime.fromisoformat(moment).astimezone()
    return local.strftime("%H:%M" if local.date() == datetime.now().date() else "%Y-%m-%d %H:%M")
