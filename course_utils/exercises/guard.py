"""Runs a learner's code so that nothing in it can harm the notebook.

The code runs in a thread of its own while the notebook's thread waits. A loop without an end is
stopped by an exception raised inside that thread (CPython can do that on every system). Compiled
code that never returns cannot be stopped, but where it releases the interpreter's lock the wait
ends all the same, and the notebook goes on.
"""

import contextlib
import contextvars
import ctypes
import io
import linecache
import sys
import sysconfig
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import course_utils

_PACKAGE = str(Path(course_utils.__file__).parent)
_NOT_THE_LEARNERS = (
    "<frozen",
    *{_PACKAGE, *(sysconfig.get_paths()[key] for key in ("stdlib", "purelib", "platlib"))},
)
_GRACE_S = 2.0
_KEPT_CHARACTERS = 2_000


class _Stop(BaseException):
    """Raised inside the learner's thread; no Exception, so that `except Exception` lets it by."""


class _Sink(io.TextIOBase):
    """Takes any amount of text and keeps the first characters of it."""

    def __init__(self) -> None:
        """Begin with no text."""
        self.text = ""

    def writable(self) -> bool:
        """Say that it can be written to."""
        return True

    def write(self, text: str) -> int:
        """Take the text; what is too much is dropped."""
        self.text += text[: _KEPT_CHARACTERS - len(self.text)]
        return len(text)


@dataclass(frozen=True)
class Outcome:
    """What came of a call: a value, an error, or neither because the time was up.

    Attributes:
        value: what the call returned.
        error: what it raised, or None.
        printed: the first characters that it printed.
        timed_out: it had not returned in time.
        stopped: False when it could not be stopped either, and still runs.
    """

    value: Any = None
    error: BaseException | None = None
    printed: str = ""
    timed_out: bool = False
    stopped: bool = True


def call(function: Callable[..., Any], args: tuple[Any, ...], seconds: float) -> Outcome:
    """Call `function(*args)` for at most `seconds`, with its printing kept away from the notebook.

    Args:
        function: anything that can be called.
        args: its positional arguments.
        seconds: how long it may take.

    Returns:
        The outcome; no exception of the function's leaves this call.
    """
    sink = _Sink()
    result: dict[str, Any] = {}
    context = contextvars.copy_context()  # settings such as numpy.errstate hold in the thread too

    def work() -> None:
        try:
            result["value"] = context.run(function, *args)
        except BaseException as error:  # also SystemExit, from a learner's exit()
            result["error"] = error

    thread = threading.Thread(target=work, daemon=True, name="learner's code")
    # Warnings name files of this machine and come once a session: they are dropped with stderr.
    with contextlib.redirect_stdout(sink), contextlib.redirect_stderr(_Sink()):
        thread.start()
        try:
            _wait(thread, seconds)
        except KeyboardInterrupt:
            _stop(thread)
            raise
        timed_out = thread.is_alive()
        stopped = _stop(thread) if timed_out else True
    if timed_out:
        return Outcome(printed=sink.text, timed_out=True, stopped=stopped)
    return Outcome(result.get("value"), result.get("error"), sink.text)


def _wait(thread: threading.Thread, seconds: float) -> None:
    """Join in short steps: on Windows one long wait would not see an interrupt."""
    end = time.monotonic() + seconds
    while thread.is_alive() and (left := end - time.monotonic()) > 0:
        thread.join(min(left, 0.1))


def _stop(thread: threading.Thread) -> bool:
    """Raise `_Stop` in the thread until it ends; once is not enough where a bare except eats it."""
    end = time.monotonic() + _GRACE_S
    while thread.is_alive() and time.monotonic() < end:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(
            ctypes.c_ulong(thread.ident or 0), ctypes.py_object(_Stop)
        )
        thread.join(0.02)
    return not thread.is_alive()


def where(error: BaseException) -> str:
    """The learner's own line in an error's traceback.

    Args:
        error: an exception that was raised.

    Returns:
        Such as "line 2 of cell [5]: return a / b", or "" when no frame is the learner's.
    """
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith(_NOT_THE_LEARNERS)
    ]
    if not frames:
        return ""
    frame = frames[-1]
    source = linecache.getline(frame.filename, frame.lineno or 0).strip()
    return f"line {frame.lineno}{_file(frame.filename)}" + (f": {source}" if source else "")


def _file(filename: str) -> str:
    """The name that a learner knows a source file by: its cell's number, or the file's name."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    # Older versions of IPython, Colab's among them, cannot name the cell.
    name_of = getattr(getattr(shell, "compile", None), "format_code_name", lambda name: None)
    if cell := name_of(filename):
        return f" of cell {cell[1].removeprefix('In')}"
    path = Path(filename)
    is_notebook_cell = filename.startswith("<") or path.parent.name.startswith("ipykernel_")
    return "" if is_notebook_cell else f" of {path.name}"
