"""Asking again: exponential back-off with some chance in it, and `Retry-After` honoured.

In: a call that may raise ServiceError. Out: its result, or the last error. Errors that will not pass are not tried again.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from phases.shared.llm.provider import ServiceError

Result = TypeVar("Result")
LONGEST_PAUSE = 60.0
LONGEST_OBEYED = 600.0  # a service that asks for more is out of service for this job


@dataclass(frozen=True)
class Retry:
    """How often to ask again after a failure that may pass, and how long to wait: `pause`, twice `pause`, four times ...

    `wait` sleeps; a job gives one that returns early, by an exception, when it is asked to stop.
    """

    times: int = 3
    pause: float = 1.0
    wait: Callable[[float], None] = time.sleep

    def call(self, ask: Callable[[], Result]) -> Result:
        number = 0
        while True:
            try:
                return ask()
            except ServiceError as error:
                pause = self.seconds_before(number, error.retry_after)
                if not error.passing or number == self.times or pause > LONGEST_OBEYED:
                    raise
            self.wait(pause)
            number += 1

    def seconds_before(self, number: int, retry_after: float | None) -> float:
        """The pause after try `number`, counted from 0: what the service asks for, else twice as long each time."""
        if retry_after is not None:
            return retry_after
        return min(LONGEST_PAUSE, self.pause * 2**number) * random.uniform(0.8, 1.2)
