"""Where the time of a computation goes, operation by operation, and what memory it keeps."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn


class Line(NamedTuple):
    """One line of a profile.

    Attributes:
        operation: its name.
        self_ms: milliseconds in it, what it calls left out, of all calls together.
        calls: how often it was called.
    """

    operation: str
    self_ms: float
    calls: int


def profiled(call: Callable[[], Any]) -> list[Line]:
    """Call a function once under `torch.profiler`, on the processor; the costliest lines first.

    The first call of all is slow: call the function once before.
    """
    # On a machine without a GPU, torch for GPUs complains of that at each profile.
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")
    activities = [torch.profiler.ProfilerActivity.CPU]
    with torch.profiler.profile(activities=activities, acc_events=True) as noted:
        call()
    lines = [
        Line(event.key, event.self_cpu_time_total / 1000, event.count)
        for event in noted.key_averages()
    ]
    return sorted(lines, key=lambda line: line.self_ms, reverse=True)


class Bytes:
    """How many bytes torch keeps of a forward pass, each tensor's memory counted once."""

    def __init__(self, model: nn.Module) -> None:
        self.own = {p.untyped_storage().data_ptr() for p in model.parameters()}
        self.found: dict[int, int] = {}

    def keep(self, x: Tensor) -> Tensor:
        """Called by torch with what it keeps for the gradient."""
        memory = x.untyped_storage()
        if memory.data_ptr() not in self.own:
            self.found[memory.data_ptr()] = memory.nbytes()
        return x

    @property
    def total(self) -> int:
        """Bytes of all that was kept so far, the weights apart."""
        return sum(self.found.values())


@contextmanager
def kept_memory(model: nn.Module) -> Iterator[Bytes]:
    """Count what torch keeps of a forward pass for its gradient, the weights apart.

    `with kept_memory(model) as kept: loss = model(x)`, and `kept.total` is the number of bytes.
    """
    counted = Bytes(model)
    with torch.autograd.graph.saved_tensors_hooks(counted.keep, lambda x: x):
        yield counted
