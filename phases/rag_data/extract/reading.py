"""How far the file that is being read has come.

In: what a format's function tells while it works (page 3 of 12). Out: a call of whoever listens; nobody does in most places.

    with listening(print):
        extract_document(path, "handbook.pdf")      # prints 0 12, 1 12, ...
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Listener = Callable[[int, int], None]

_LISTENER: ContextVar[Listener | None] = ContextVar("reading", default=None)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Within the block, `tell_read` calls `listener(done, total)`."""
    before = _LISTENER.set(listener)
    try:
        yield
    finally:
        _LISTENER.reset(before)


def tell_read(done: int, total: int) -> None:
    """For a format that knows how many pages it has. Cheap; call it for each."""
    listener = _LISTENER.get()
    if listener is not None:
        listener(done, total)
