"""Numbers as a person reads them: durations, sizes, shares, times.

In: seconds, bytes, fractions, ISO times. Out: short text ("4 min", "3.1 GiB", "98 %").
"""

from __future__ import annotations

from datetime import datetime

from phases.shared.sizes import size as size


def duration(seconds: float | None) -> str:
    """A duration to about two figures: "8 s", "4 min", "2 h 10 min"."""
    if seconds is None:
        return ""
    seconds = max(0, round(seconds))
    if seconds < 100:
        return f"{seconds} s"
    minutes = round(seconds / 60)
    if minutes < 100:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min" if minutes < 1440 else f"{minutes // 1440} d {minutes % 1440 // 60} h"


def number(value: float | None, digits: int = 2) -> str:
    """A figure for a table: whole numbers with thousands, others with `digits` decimals, small ones to two figures."""
    if value is None:
        return "–"
    if isinstance(value, int) or float(value).is_integer() and abs(value) >= 100:
        return f"{int(value):,}"
    if value and abs(value) < 10 ** -digits:
        return f"{value:.2g}"
    return f"{value:,.{digits}f}"


def percent(share: float | None, digits: int = 0) -> str:
    return "–" if share is None else f"{100 * share:.{digits}f} %"


def moment(iso: str | None) -> str:
    """A stored time in local time: "14:05" today, else "20 Nov 14:05"."""
    if not iso:
        return ""
    try:
        when = datetime.fromisoformat(iso).astimezone()
    except ValueError:
        return iso
    return when.strftime("%H:%M") if when.date() == datetime.now().date() else when.strftime("%d %b %H:%M")


def memory_in_use() -> tuple[int, int] | None:
    """Bytes of main memory in use and in all; None where the system does not tell (only Linux does, without a library)."""
    try:
        with open("/proc/meminfo", encoding="ascii") as file:  # noqa: PTH123 - read twice a second, kept plain
            lines = dict(line.split(":", 1) for line in file)
    except OSError:
        return None
    total, free = (int(lines[key].split()[0]) * 1024 for key in ("MemTotal", "MemAvailable"))
    return total - free, total
