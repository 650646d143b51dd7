"""Several processes that train together: which one this is, and what they must agree on. For child processes only (torch).

In: the variables RANK, WORLD_SIZE and LOCAL_RANK that torchrun sets (without them there is one process). Out: the same answer in
every process, where a difference would let one wait for the others for ever. The first process (rank 0) writes all files. The group of processes is never taken down: gloo can hang in that
(a thread of its own waits for Python's lock while Python waits for the thread); each process leaves by os._exit instead.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TypeVar

import torch
from torch import distributed

Decision = TypeVar("Decision")


def rank() -> int:
    return int(os.environ.get("RANK", "0"))


def processes() -> int:
    return int(os.environ.get("WORLD_SIZE", "1"))


def take_own_gpu() -> None:
    """Each process of a machine computes on the GPU of its number; where there is none, all compute on the CPU."""
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")) % torch.cuda.device_count())


def decided_by_first(decide: Callable[[], Decision]) -> Decision:
    """What `decide` says in the first process; what it raises there is raised in all. Needs the trainer to have been built."""
    if not distributed.is_initialized():
        return decide()
    said: list[tuple[Decision | None, Exception | None]] = [(None, None)]
    if rank() == 0:
        try:
            said = [(decide(), None)]
        except Exception as problem:  # told to all, or they would wait for a decision
            said = [(None, problem)]
    distributed.broadcast_object_list(said, src=0)
    decision, problem = said[0]
    if problem is not None:
        raise problem
    return decision  # type: ignore[return-value]


def any_of(answer: bool) -> bool:
    """Whether one of the processes says yes."""
    if not distributed.is_initialized():
        return answer
    device = "cuda" if distributed.get_backend() == "nccl" else "cpu"
    answers = torch.tensor(int(answer), device=device)
    distributed.all_reduce(answers, op=distributed.ReduceOp.MAX)
    return bool(answers.item())


def wait_for_all() -> None:
    """Go on when every process has come so far."""
    if distributed.is_initialized():
        distributed.barrier()
