"""How long a job still takes, from the steps it made so far.

In: progress as it is reported ({"phase", "done", "total", "time"}). Out: seconds, or None while nothing is known.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SMOOTHING = 0.7  # weight of the rate known so far against the newest; a new phase begins anew


class RemainingTime:
    """Smoothed rate of one phase."""

    def __init__(self) -> None:
        self._phase: Any = None
        self._done = 0.0
        self._at = 0.0
        self._rate: float | None = None

    def update(self, progress: Mapping[str, Any]) -> float | None:
        """Take a new report in; seconds until `total` is reached."""
        done, total, at = progress.get("done") or 0, progress.get("total") or 0, progress["time"]
        if (progress.get("phase"), total) != self._phase or done < self._done:
            self._phase, self._done, self._at, self._rate = (progress.get("phase"), total), done, at, None
        elif done > self._done and at > self._at:
            rate = (done - self._done) / (at - self._at)
            self._rate = rate if self._rate is None else SMOOTHING * self._rate + (1 - SMOOTHING) * rate
            self._done, self._at = done, at
        return round(max(0.0, (total - done) / self._rate), 1) if self._rate and total else None
