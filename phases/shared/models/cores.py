"""On how many cores torch computes: a setting of each thread (in child processes only: imports torch).

In: a number. Out: nothing; the thread that called computes on so many.
A thread draws its number at its first use of torch from the one that any thread set last, so that every thread of a process
that sets different ones must say its own.
"""

from __future__ import annotations


def torch_cores() -> int:
    """How many torch takes unless it is told: OMP_NUM_THREADS, else the machine's. To be asked before any thread sets a number."""
    import torch

    return torch.get_num_threads()


def compute_on(cores: int) -> None:
    """Let torch use that many cores in this thread."""
    import torch

    torch.get_num_threads()  # draws the thread's number; what is set before that would be overwritten by it
    torch.set_num_threads(cores)
