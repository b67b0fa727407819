"""Start a command in several processes from Python, as `torchrun` does from a terminal."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import course_utils


@dataclass(frozen=True)
class Launched:
    """What a launch left behind.

    Attributes:
        output: what the processes printed, in the order in which it came.
        log: what torchrun itself said, and the processes' warnings and errors.
    """

    output: str
    log: str

    def __repr__(self) -> str:
        """What was printed."""
        return self.output.rstrip()


def torchrun(
    command: Sequence[str | Path],
    processes: int = 2,
    restarts: int = 0,
    timeout_s: float = 240,
) -> Launched:
    """Run `torchrun --nproc-per-node N --max-restarts R COMMAND`, wait for its end.

    The processes meet on this machine only (127.0.0.1, a free port), with one thread each.

    Args:
        command: a script and its arguments, or "-m", a module and its arguments.
        processes: how many.
        restarts: how often all of them are started again when one dies.
        timeout_s: after so many seconds all are ended.

    Raises:
        ValueError: no whole number of processes or restarts.
        RuntimeError: a process failed more often than that; the message ends with what it said.
        TimeoutError: they did not end in time.
    """
    for name, value, least in (("processes", processes, 1), ("restarts", restarts, 0)):
        if not isinstance(value, int) or value < least:
            raise ValueError(f"{name} must be a whole number of at least {least}, got {value!r}")
    # The module rather than the script `torchrun`: that one may be another environment's.
    start = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", str(processes)]
    start += ["--rdzv-backend", "c10d", "--rdzv-endpoint", "127.0.0.1:0"]
    start += ["--local-addr", "127.0.0.1", "--max-restarts", str(restarts)]
    root = str(Path(course_utils.__file__).parents[1])
    paths = os.pathsep.join(p for p in (root, os.environ.get("PYTHONPATH", "")) if p)
    environment = {**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}
    running = subprocess.Popen(
        [*start, *map(str, command)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    try:
        output, log = running.communicate(timeout=timeout_s)
    except BaseException as error:
        running.terminate()  # torchrun ends its processes, then itself
        try:
            running.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            running.kill()
        if isinstance(error, subprocess.TimeoutExpired):
            raise TimeoutError(
                f"the {processes} processes had not ended after {timeout_s:g} s and were stopped. "
                "Is one of them waiting for another that does less steps?"
            ) from error
        raise
    if running.returncode:
        raise RuntimeError(
            f"torchrun gave up (exit status {running.returncode}). What the process said that "
            f"failed first:\n{_before_the_end(log)}"
        )
    return Launched(output, log)


def _before_the_end(log: str) -> str:
    """The last lines before torchrun itself begins to tell that a process failed."""
    lines = log.strip().splitlines()
    ends = [number for number, line in enumerate(lines) if "failed (exitcode" in line]
    return "\n".join((lines[: ends[0]] if ends else lines)[-15:])
