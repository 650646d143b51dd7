"""Freed memory that stays: counted in page faults, which no other process changes."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

PROGRAM = """
import resource, torch
from phases.shared.training.heap import keep_freed_memory
if {keep}:
    assert keep_freed_memory()
for _ in range(12):  # small pieces between them settle first
    torch.ones(12_000_000)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    torch.ones(12_000_000)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(keep: bool) -> int:
    done = subprocess.run([sys.executable, "-c", PROGRAM.format(keep=keep)], capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the allocator of another system is left as it is")
def test_a_large_tensor_takes_the_pages_of_the_one_before() -> None:
    assert faults(keep=True) * 10 < faults(keep=False)
