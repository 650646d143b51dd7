"""When curves are worth drawing again: a browser without a GPU takes a good part of a second for each, and a long run adds points that nobody
could see on a curve of hundreds.

In: what was drawn, what there is now. Out: whether to draw, and what to remember of it.
"""

from __future__ import annotations

import json
import time
from typing import Any

GROWTH, PATIENCE_SECONDS = 0.05, 15.0


def redrawn(drawn: str, subject: Any, size: int, now: float | None = None) -> str | None:
    """What to remember of the curves if they are to be drawn now; None while what is shown will do.

    Args:
        drawn: what this returned the last time, "" the first time.
        subject: whatever makes another picture when it changes: the run, its state, the scale.
        size: bytes (or any measure that grows) of what is drawn: one twentieth more is drawn at once, less after 15 seconds.
    """
    moment, before = time.time() if now is None else now, json.loads(drawn) if drawn else {}
    told = json.loads(json.dumps(subject))
    grown = size - before.get("size", 0)
    if before.get("subject") == told and (not grown or (grown < GROWTH * before["size"] and moment - before["at"] < PATIENCE_SECONDS)):
        return None
    return json.dumps({"subject": told, "size": size, "at": moment})
