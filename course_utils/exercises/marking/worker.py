"""The process in which a submission's cells run. Nothing that it says is believed.

It takes requests from a pipe and answers on it; what the submission prints goes nowhere, and when
it reads there is nothing. A request is (number, what, ...), pickled by the judge; an answer is
[number, answer] as `wire.pack` writes it.
"""

import contextlib
import importlib
import inspect
import os
import signal
import sys
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from course_utils.exercises import framework, guard
from course_utils.exercises.marking import limits, wire

_LONGEST_ERROR = 300


class Recorder:
    """Stands where `check` stands in a notebook: keeps the last answer to each exercise."""

    def __init__(self) -> None:
        """Begin with no answers."""
        self._answers: dict[str, Any] = {}

    def __getattr__(self, name: str) -> Callable[..., None]:
        """Take the answer of `check.NAME(answer)`."""

        def keep(answer: Any = None) -> None:
            self._answers[name] = answer

        return keep


class Cells:
    """The submission's names, and the answers that its cells gave."""

    def __init__(self, number: int) -> None:
        """Make a shell in which the checks of this notebook record, instead of judging."""
        config = Config({"HistoryManager": {"enabled": False}})
        self.shell = InteractiveShell.instance(config=config)
        self.recorder = Recorder()
        module = importlib.import_module(f"course_utils.exercises.nb{number:02d}")
        module.check, module.hint = self.recorder, Recorder()
        module.quiz = lambda: None

    def run(self, source: str) -> str:
        """Run a cell; returns what it raised, or ""."""
        result = self.shell.run_cell(source, store_history=False)
        error = result.error_before_exec or result.error_in_exec
        return _told(error) if error else ""

    def ask(self, name: str, statement: str) -> dict[str, Any]:
        """Describe the answer to an exercise; `statement` asks for it where no cell has."""
        answers = self.recorder._answers
        if name not in answers:
            space = dict(self.shell.user_ns) | {"check": self.recorder}
            with contextlib.suppress(Exception):
                exec(statement, space)
        answer = answers.get(name)
        if callable(answer):
            return {"kind": "function", "parameters": _parameters(answer)}
        return {"kind": "value", "value": answer}

    def call(self, name: str, args: tuple[Any, ...]) -> dict[str, Any]:
        """Call the function that answers an exercise."""
        function = self.recorder._answers[name]
        try:
            value = function(*args)
        except BaseException as error:  # also SystemExit, from a learner's exit()
            if framework.is_stub(function, guard.Outcome(error=error)):
                return {"kind": "stub"}
            return {"kind": "error", "type": type(error).__name__, "text": _text(error)}
        if framework.is_stub(function, guard.Outcome(value)):
            return {"kind": "stub"}
        return {"kind": "value", "value": value}


def _parameters(function: Callable[..., Any]) -> list[Any] | None:
    """Name, kind and "has a default" of each parameter; None for functions that do not tell."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    return [[p.name, int(p.kind), p.default is not p.empty] for p in parameters]


def _text(error: BaseException) -> str:
    """An error's message, on one line, with the learner's own line."""
    text = " ".join(str(error).split())
    place = guard.where(error)
    return (text + (f" ({place})" if place else ""))[:_LONGEST_ERROR]


def _told(error: BaseException) -> str:
    return f"{type(error).__name__}: {_text(error)}"[:_LONGEST_ERROR]


def _leave_the_marker(folder: Path, environment: Mapping[str, str]) -> None:
    """Keep nothing of the marker's: terminal, standard streams, folder, environment."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in range(3):
        os.dup2(nowhere, descriptor)
    if sys.platform != "win32":
        os.setsid()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)


def main(
    pipe: Connection, number: int, wanted: limits.Limits, folder: Path, environment: dict[str, str]
) -> None:
    """Answer requests until there are no more.

    Args:
        pipe: to the judge.
        number: of the notebook.
        wanted: what the submission may use.
        folder: its own, empty.
        environment: its variables.
    """
    _leave_the_marker(folder, environment)
    limits.apply(wanted)
    cells = Cells(number)
    own = os.getpid()
    pipe.send_bytes(wire.pack([0, "ready"]))
    while True:
        request, what, *given = pipe.recv()
        try:
            data = wire.pack([request, getattr(cells, what)(*given)])
        except BaseException as error:  # a late interrupt, or a value that can't even be looked at
            told = {"kind": "error", "type": type(error).__name__, "text": ""}
            data = wire.pack([request, told])
        if os.getpid() != own:
            os._exit(0)  # a copy that the submission made of this process
        pipe.send_bytes(data)
