"""Marks one submission: runs its cells in a sandbox, and puts what comes out before the checks.

The checks run here, where nothing of the submission runs. A function that answers an exercise is
called where it is, in the sandbox, with the check's arguments; its results come back as plain
values. What a submission prints, stores or says of itself is not looked at.
"""

import builtins
import importlib
import inspect
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from course_utils.exercises import framework
from course_utils.exercises.marking import submission, wire
from course_utils.exercises.marking.limits import Limits
from course_utils.exercises.marking.sandbox import Sandbox, Stopped

DONE, TRIED, MISSING, UNJUDGED = "done", "tried", "missing", "not judged"
_IMPORT_S = 60.0
_CALL_S = 600.0  # the framework's own limit comes first
_SETTLE_S = 1.0  # a process whose end a cell has asked for is gone by then


@dataclass(frozen=True)
class Mark:
    """One exercise of a submission: its number in the notebook, its state, and why."""

    exercise: int
    name: str
    title: str
    state: str
    reason: str


@dataclass(frozen=True)
class Result:
    """What became of one submission.

    Attributes:
        notebook: its number; None when it can't be marked.
        marks: one an exercise.
        problem: why it can't be marked, or "".
        remark: what a lecturer may want to look at, or "".
    """

    notebook: int | None
    marks: tuple[Mark, ...]
    problem: str = ""
    remark: str = ""


def mark(path: Path, limits: Limits, whole: bool = False) -> Result:
    """Mark a submission.

    Args:
        path: of the notebook.
        limits: what it may use.
        whole: run all its cells, and not only the exercises' and its own.

    Returns:
        The result; no fault of the submission raises anything.
    """
    try:
        given = submission.read(path)
    except submission.UnusableError as error:
        return Result(None, (), str(error))
    module = importlib.import_module(f"course_utils.exercises.nb{given.number:02d}")
    trial = _Trial(given, limits, whole)
    marks = []
    try:
        for place, exercise in enumerate(module.notebook.exercises.values(), 1):
            state, reason = trial.judge(place, exercise)
            marks.append(Mark(place, exercise.name, exercise.title, state, reason))
    finally:
        trial.close()
    return Result(given.number, tuple(marks), "", given.remarks())


class _OutOfTimeError(Exception):
    """The submission's time is used up."""


class _Trial:
    """A submission's cells in a sandbox; a new sandbox whenever one has been lost."""

    def __init__(self, given: submission.Submission, limits: Limits, whole: bool) -> None:
        self._given, self._limits = given, limits
        self._cells = given.cells if whole else given.own()
        self._end = time.monotonic() + limits.seconds
        self._box: Sandbox | None = None
        self._wary = False  # a sandbox has been lost: look after each cell which of them ends it
        self._lost: dict[int, str] = {}  # cells that are not run again, and why
        self._errors: dict[int, str] = {}

    def judge(self, place: int, exercise: framework.Exercise) -> tuple[str, str]:
        """State and reason of one exercise."""
        try:
            verdict = self._verdict(place, exercise)
        except _OutOfTimeError:
            return UNJUDGED, f"the {self._limits.seconds:g} s of the submission were used up"
        except Stopped as error:
            return TRIED, f"{exercise.name}: {error}."
        except TimeoutError:
            return TRIED, f"{exercise.name}: the answer could not be had in time."
        finally:
            if self._box and self._box.waiting:
                self.close()
        if verdict.state == framework.CORRECT:
            return DONE, verdict.message
        problem = self._problem(place, exercise.name)
        if verdict.state == framework.WRONG:
            return TRIED, verdict.message
        return (TRIED, f"{exercise.name}: {problem}") if problem else (MISSING, "")

    def close(self) -> None:
        """End what runs."""
        if self._box:
            self._box.close()
            self._box = None

    def _verdict(self, place: int, exercise: framework.Exercise) -> framework.Verdict:
        """What the check says; asked again where a cell may have ended the process too late."""
        try:
            verdict = _patient(exercise).judge(self._answer(place, exercise.name))
            if self._wary or (self._box and not self._box.gone):
                return verdict
        except Stopped:
            if self._wary:
                raise
        self._wary = True
        self.close()
        return _patient(exercise).judge(self._answer(place, exercise.name))

    def _answer(self, place: int, name: str) -> Any:
        box = self._ready()
        statement = submission.stub(self._given.number, place)
        told = box.request(self._left(self._limits.cell_seconds), "ask", name, statement)
        if _kind(told) == "function":
            return _Function(box, name, _get(told, "parameters"))
        return _get(told, "value")

    def _ready(self) -> Sandbox:
        """A sandbox in which all cells have run that can."""
        while not self._box:
            self._left(1)
            begin = time.monotonic()
            self._box = Sandbox(self._given.number, self._limits)
            self._end += time.monotonic() - begin  # not the submission's time
            for index, cell in enumerate(self._cells):
                if index not in self._lost and not self._run(self._box, index, cell.source):
                    self.close()
                    break
        return self._box

    def _run(self, box: Sandbox, index: int, source: str) -> bool:
        """Run a cell; False when the sandbox is lost."""
        seconds = self._left(_IMPORT_S if index == 0 else self._limits.cell_seconds)
        try:
            told = box.request(seconds, "run", source)
            self._errors[index] = told[:400] if isinstance(told, str) else ""
            if self._wary:
                time.sleep(_SETTLE_S)
                self._end += _SETTLE_S
                box.request(self._limits.cell_seconds, "run", "")
        except TimeoutError:
            self._lost[index] = f"the cell had not ended after {seconds:.0f} s"
            return box.interrupt()
        except Stopped as error:
            if self._wary:
                self._lost[index] = str(error)
            self._wary = True  # the end may have come late: it is not sure whose it was
            return False
        return True

    def _left(self, at_most: float) -> float:
        """Seconds that are left; raises _OutOfTimeError when none are."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise _OutOfTimeError
        return min(left, at_most)

    def _problem(self, place: int, name: str) -> str:
        """What went wrong in the cells of an exercise."""
        for index, cell in enumerate(self._cells):
            if cell.exercise == place or name in submission.named(cell.source):
                problem = self._lost.get(index) or self._errors.get(index)
                if problem:
                    return problem + _advice(problem)
        return ""


def _patient(exercise: framework.Exercise) -> framework.Exercise:
    """The same exercise with twice the time: several are marked side by side."""
    if isinstance(exercise, framework.FunctionExercise | framework.OpenExercise):
        return replace(exercise, seconds=2 * exercise.seconds)
    return exercise


def _advice(problem: str) -> str:
    if problem.startswith("NameError"):
        return " Does it need cells above the exercises? --whole runs them all."
    return ""


def _kind(answer: Any) -> str:
    kind = _get(answer, "kind")
    return kind if isinstance(kind, str) else ""


def _get(answer: Any, key: str) -> Any:
    return answer.get(key) if isinstance(answer, dict) else None


class _Function:
    """Stands for a submission's function: calls it where it is, and gives its result or error."""

    def __init__(self, box: Sandbox, name: str, parameters: Any) -> None:
        self._box, self._name = box, name
        self.is_stub = False
        if (signature := _signature(parameters)) is not None:
            self.__signature__ = signature

    def __call__(self, *args: Any) -> Any:
        told = self._box.request(_CALL_S, "call", self._name, args)
        kind = _kind(told)
        self.is_stub = kind == "stub"
        if kind == "error":
            raise _error(str(_get(told, "type")), str(_get(told, "text")))
        return _get(told, "value")


def _signature(parameters: Any) -> inspect.Signature | None:
    """The signature that a function told; None when it makes no sense."""
    try:
        return inspect.Signature(
            [
                inspect.Parameter(
                    str(name),
                    list(inspect._ParameterKind)[kind],
                    default=None if default else inspect.Parameter.empty,
                )
                for name, kind, default in parameters
            ]
        )
    except (TypeError, ValueError, IndexError):
        return None


def _error(name: str, text: str) -> BaseException:
    """The error that the submission's function raised, or one that is called the same."""
    kind = getattr(builtins, name, None)
    if not (isinstance(kind, type) and issubclass(kind, Exception)):
        kind = type(type(wire.stranger(name)).__name__, (Exception,), {})
    try:
        return kind(text)
    except TypeError:  # such as UnicodeDecodeError, which wants more than a text
        return Exception(f"{name}: {text}")
