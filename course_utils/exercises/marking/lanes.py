"""Several judges at work, each a process of its own; one that is lost is replaced."""

import multiprocessing
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from course_utils.exercises.marking import limits as limits_
from course_utils.exercises.marking.judge import Result, mark
from course_utils.exercises.marking.limits import Limits
from course_utils.exercises.marking.sandbox import forget_environment

_MARGIN_S = 600.0  # a judge that takes so much longer than a submission may is lost


@dataclass(frozen=True)
class Task:
    """A submission to be marked: the name that the table gives it, and its file."""

    name: str
    path: Path


def run(
    tasks: Sequence[Task], jobs: int, limits: Limits, whole: bool = False
) -> Iterator[tuple[Task, Result]]:
    """Mark all submissions, several at a time.

    Args:
        tasks: the submissions.
        jobs: how many at a time.
        limits: of each; with a user's number, each lane has a number of its own from there on.
        whole: run all cells.

    Yields:
        Each submission with its result, as they are ready.
    """
    left = list(reversed(tasks))
    lanes = [_Lane(replace(limits, user=_user(limits, i)), whole) for i in range(jobs)]
    try:
        while left or any(lane.task for lane in lanes):
            for lane in lanes:
                if left and not lane.task:
                    lane.begin(left.pop())
            wait([lane.connection for lane in lanes if lane.task], timeout=1.0)
            for lane in lanes:
                if lane.task and (result := lane.result()):
                    task, lane.task = lane.task, None
                    yield task, result
    finally:
        for lane in lanes:
            lane.close()


class _Lane:
    """One judge's process, started when it is needed."""

    def __init__(self, limits: Limits, whole: bool) -> None:
        self.task: Task | None = None
        self._limits, self._whole = limits, whole
        self._process: Any = None
        self._since = 0.0
        self.connection: Connection

    def begin(self, task: Task) -> None:
        """Hand a submission to the judge."""
        if self._process is None:
            context = multiprocessing.get_context("spawn")
            self.connection, other = context.Pipe()
            self._process = context.Process(target=_serve, args=(other, self._limits, self._whole))
            self._process.start()
            other.close()
        self.task, self._since = task, time.monotonic()
        self.connection.send(task.path)

    def result(self) -> Result | None:
        """The result, None while there is none."""
        try:
            if self.connection.poll():
                result = self.connection.recv()
                return result if isinstance(result, Result) else Result(None, (), str(result))
        except (EOFError, OSError):
            self.close()
            return Result(None, (), "the judge's process ended; mark it once more, alone")
        if time.monotonic() - self._since > self._limits.seconds + _MARGIN_S:
            self.close()
            return Result(None, (), "the judge did not come to an end; mark it once more, alone")
        return None

    def close(self) -> None:
        """End the judge; what it started ends with it."""
        if self._process is not None:
            self.connection.close()
            self._process.join(0 if self.task else 5)
            self._process.terminate()
            self._process.join(5)
            self._process.kill()
            self._process = None


def _user(limits: Limits, lane: int) -> int:
    return limits.user + lane if limits.user else 0


def _serve(connection: Connection, limits: Limits, whole: bool) -> None:
    """A judge's work: paths in, results out, until nobody asks any more."""
    forget_environment()
    limits_.adopt_orphans()
    limits_.die_with_parent()
    # So that `finally` ends the submission's processes when the judge is told to stop.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    signal.signal(signal.SIGINT, lambda *_: sys.exit(1))
    while True:
        try:
            path = connection.recv()
        except (EOFError, OSError):
            return
        try:
            connection.send(mark(path, limits, whole))
        except Exception as error:
            connection.send(f"could not be marked: {type(error).__name__}: {error}")
