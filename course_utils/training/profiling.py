"""Where the time of a computation goes, operation by operation."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, NamedTuple

import torch


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
