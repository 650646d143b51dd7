"""Freed memory stays with the process, so that each step of a training takes the pages of the one before.

In: nothing. Out: glibc's allocator told so; other systems are left as they are. Otherwise every large tensor of a step is mapped
anew and its pages are cleared by the kernel: on two CPU cores that was 10 to 15 % of a step of the built-in model. The peak of
memory stays the same; what a step has freed is not given back before the process ends (mallopt(3)).
"""

from __future__ import annotations

import ctypes
from contextlib import suppress

TRIM_THRESHOLD, MOST_MAPPINGS = -1, -4  # M_TRIM_THRESHOLD and M_MMAP_MAX in malloc.h
NEVER, NONE = -1, 0


def keep_freed_memory() -> bool:
    """Whether the allocator took it."""
    with suppress(OSError, AttributeError):
        own = ctypes.CDLL(None)
        if hasattr(own, "gnu_get_libc_version"):
            return bool(own.mallopt(TRIM_THRESHOLD, NEVER) and own.mallopt(MOST_MAPPINGS, NONE))
    return False
