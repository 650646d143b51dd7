"""Work done at the same time, results taken in order.

In: an iterator of items and a function that may take long. Out: (item, result) in the items' order, however the work ended; so
what depends on order, duplicates above all, is decided alike in every run. New items are taken only while `more()` says so.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_order(items: Iterator[Item], work: Callable[[Item], Result], workers: int,
             more: Callable[[int], bool]) -> Iterator[tuple[Item, Result]]:
    """Yield (item, work(item)) in order.

    Args:
        workers: threads; at most twice as many items are taken ahead of the one that is waited for.
        more: called with the number of items under way or waiting; False takes no further one now.
    """
    waiting: deque[tuple[Item, Future[Result]]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="writer") as pool:
        try:
            while True:
                while len(waiting) < 2 * workers and more(len(waiting)):
                    item = next(items, None)
                    if item is None:
                        break
                    waiting.append((item, pool.submit(work, item)))
                if not waiting:
                    return
                item, future = waiting.popleft()
                yield item, future.result()
        finally:
            for _, future in waiting:
                future.cancel()
