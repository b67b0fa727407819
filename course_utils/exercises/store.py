"""The file that remembers which exercises and quizzes are done.

One small JSON in the user's data folder; `COURSE_PROGRESS` names another file. Two notebooks may
write at once: each takes a lock, reads what the other wrote, merges its own and replaces the file.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from platformdirs import user_data_dir

from course_utils import files
from course_utils.datasets.downloads import APP

FORMAT = 1
_STATES = ("tried", "done")
_LOCK_S = 10

Items = dict[str, dict[str, Any]]


class NotSavedError(Exception):
    """The progress file can be neither read nor written as it is; the message says why."""


def path() -> Path:
    """Where progress is kept.

    Returns:
        The file that `COURSE_PROGRESS` names, or progress.json in the user's data folder.
    """
    if named := os.environ.get("COURSE_PROGRESS"):
        return Path(named).expanduser()
    return Path(user_data_dir(APP, False)) / "progress.json"


def record(key: str, state: str, right: int = 0, of: int = 0) -> str:
    """Remember an exercise or a quiz; what was done stays done, the best score stays.

    Args:
        key: such as "nb01.wavelength" or "nb01.quiz".
        state: "tried" or "done".
        right: questions answered rightly, for a quiz.
        of: how many questions the quiz has.

    Returns:
        "" when all went well, else a sentence for the learner.
    """
    try:
        with _locked():
            items, notice = _read()
            old = items.get(key, {"state": "tried"})
            new = {"state": max(old["state"], state, key=_STATES.index)}
            if of:
                new |= {"right": min(max(right, old.get("right", 0)), of), "of": of}
            if items.get(key) != new:
                _write(items | {key: new})
            return notice
    except NotSavedError as error:
        return f"Progress was not saved: {error}"


def load() -> tuple[Items, str]:
    """All that is remembered.

    Returns:
        (items by key, a sentence for the learner or "").
    """
    try:
        with _locked():
            return _read()
    except NotSavedError as error:
        return {}, f"Progress could not be read: {error}"


def reset() -> str:
    """Start afresh; the file so far is kept beside it.

    Returns:
        A sentence that says what was done.
    """
    try:
        with _locked():
            if not path().exists():
                return "There is no progress yet."
            kept = _set_aside("before-reset")
            return f"Progress starts afresh. The file so far was kept as {kept}."
    except NotSavedError as error:
        return f"Progress was not reset: {error}"


@contextmanager
def _locked() -> Iterator[None]:
    """Hold the file's lock; every way in which the file can fail becomes one kind of error."""
    file = path()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(file.with_name(file.name + ".lock"), timeout=_LOCK_S):
            yield
    except Timeout:
        raise NotSavedError(
            f"another notebook has held {file} for {_LOCK_S} s. Run the cell again."
        ) from None
    except (OSError, NotImplementedError) as error:
        raise NotSavedError(
            f"{file}: {error}. Make the folder writable, or let the environment variable "
            "COURSE_PROGRESS name a file elsewhere."
        ) from error


def _read() -> tuple[Items, str]:
    file = path()
    try:
        stored = json.loads(file.read_text(encoding="utf-8"))
        version, items = stored["format"], stored["items"]
        if not isinstance(version, int):
            raise TypeError("the format is no whole number")
        if version > FORMAT:
            raise NotSavedError(
                f"{file} was written by a newer version of the course (format {version}, this one "
                f"knows {FORMAT}). It stays as it is; update the course."
            )
        for item in items.values():
            _STATES.index(item["state"])
            if not all(isinstance(item.get(name, 0), int) for name in ("right", "of")):
                raise TypeError("a score is no whole number")
    except FileNotFoundError:
        return {}, ""
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        kept = _set_aside("broken")
        return {}, f"The progress file was damaged: it was set aside as {kept}, a new one begins."
    return items, ""


def _set_aside(why: str) -> str:
    """Rename the file to a name that is free, such as progress.json.broken-1; returns the name."""
    file = path()
    number = 1
    while (aside := file.with_name(f"{file.name}.{why}-{number}")).exists():
        number += 1
    file.replace(aside)
    return aside.name


def _write(items: Items) -> None:
    """The file, as a whole or not at all."""
    text = json.dumps({"format": FORMAT, "items": items}, indent=1, sort_keys=True)
    with files.whole(path()) as part:
        part.write_text(text + "\n", encoding="utf-8")
