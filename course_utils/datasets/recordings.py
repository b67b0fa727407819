"""The learner's own recordings: one folder of WAV files, and a table of what is said in them.

`COURSE_RECORDINGS` names another folder than the one in the user's data. Nothing here leaves it.
"""

from __future__ import annotations

import json
import os
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from filelock import FileLock, Timeout
from platformdirs import user_data_dir

from course_utils import audio, files
from course_utils.datasets import downloads
from course_utils.datasets.items import Corpus
from course_utils.datasets.manifest import FLAT_TOP, SILENT_RMS, flat_tops

FORMAT = 1
KINDS = ("test", "adaptation")
TABLE = "recordings.json"
SHORTEST_S = 0.3
SPEAKER = "you"
FULL_SCALE, BEYOND = 0.99, 8  # so many samples above it are taken for a clipped take
_LOCK_S = 10
_CELLS = {"file": str, "text": str, "kind": str, "name": str}


class Fault(NamedTuple):
    """What is wrong with a take.

    Attributes:
        kind: "too short", "silent" or "clipped".
        message: for the learner: what, and what to do.
    """

    kind: str
    message: str


class NoRecordingsError(ValueError):
    """There is nothing yet that could be loaded."""


def folder() -> Path:
    """Where recordings are kept.

    Returns:
        The folder that `COURSE_RECORDINGS` names, or `recordings` in the user's data folder.
    """
    if named := os.environ.get("COURSE_RECORDINGS"):
        return Path(named).expanduser()
    return Path(user_data_dir(downloads.APP, False)) / "recordings"


def fault(waveform: np.ndarray, sample_rate: int) -> Fault | None:
    """What a recorder should complain about before it keeps a take; None where all is well.

    Args:
        waveform: (samples,), full scale 1.
        sample_rate: in Hz.
    """
    x = np.asarray(waveform, dtype=np.float64)
    if x.size < SHORTEST_S * sample_rate:
        return Fault(
            "too short",
            f"This take lasts {x.size / sample_rate:.2f} s; {SHORTEST_S} s is the least. Press "
            "Record, speak, and press Stop only after the last word.",
        )
    if np.sqrt(np.mean(np.square(x - x.mean()))) < SILENT_RMS:
        return Fault(
            "silent",
            "This take is silent. Is the microphone muted, or is another one chosen in the "
            "system's settings?",
        )
    if flat_tops(x) >= FLAT_TOP or np.count_nonzero(np.abs(x) >= FULL_SCALE) >= BEYOND:
        return Fault(
            "clipped",
            "This take is clipped: it was louder than the microphone can tell, and its peaks are "
            "cut off. Move away from the microphone or turn it down, and record again.",
        )
    return None


def check_name(name: str) -> str:
    """The name of a take, if it can be part of a file's name.

    Raises:
        ValueError: it is not 1 to 60 letters, digits, spaces, "-" and "_".
    """
    if not isinstance(name, str) or not re.fullmatch(r"[\w -]{1,60}", name) or not name.strip():
        raise ValueError(
            'the name of a take must be 1 to 60 letters, digits, spaces, "-" or "_", got '
            f"{name!r:.80}"
        )
    return name


def save(
    waveform: np.ndarray,
    sample_rate: int,
    text: str,
    name: str,
    kind: str,
    folder: str | os.PathLike[str] | None = None,
) -> Path:
    """Keep a take as a 16-bit WAV file and a row in the table beside it.

    A take of the same name and kind is replaced: first the new file is written, then the table, and
    only then is the old file removed. Whatever fails, one of the two is there, with its text.

    Args:
        waveform: (samples,), floating point; what is beyond full scale is clipped.
        sample_rate: in Hz.
        text: what is said.
        name: of the take: of its prompt, for instance.
        kind: "test" or "adaptation"; the two never mix.
        folder: where to; None is `folder()`.

    Returns:
        The file.

    Raises:
        ValueError: there is no text, the name or the kind is none, the waveform is too short,
            silent, not a sound, or holds NaN, or a newer version of the course wrote the table.
        OSError: the folder can't be written; the message says what to do.
    """
    check_name(name)
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(map(repr, KINDS))}, got {kind!r}")
    if not isinstance(text, str) or not text.split():
        raise ValueError(f"take {name!r}: text must be what is said in it, got {text!r:.80}")
    try:
        waveform = audio.checked_waveform(waveform)
    except ValueError as error:
        raise ValueError(f"take {name!r}: {error}") from error
    found = fault(waveform, sample_rate)
    if found is not None and found.kind != "clipped":
        raise ValueError(f"take {name!r}: {found.message}")
    row = {
        "text": " ".join(text.split()),
        "kind": kind,
        "name": name,
        "sample_rate": int(sample_rate),
        "duration_s": round(len(waveform) / sample_rate, 4),
    }
    with _locked(_chosen(folder)) as place:
        rows = _rows_for_writing(place)
        number = 1
        while (path := place / f"{kind}-{name}-{number}.wav").exists():
            number += 1
        audio.save(path, np.clip(waveform, -1, 1), sample_rate)
        same = [old for old in rows if (old["kind"], old["name"]) == (kind, name)]
        others = [old for old in rows if old not in same]
        try:
            _write(place, [*others, {"file": path.name, **row}])
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        for old in same:
            try:
                (place / old["file"]).unlink(missing_ok=True)
            except OSError:  # Windows, where a player still holds it: it is in no table any more
                warnings.warn(f"{place / old['file']}: the old take stays there", stacklevel=2)
    return path


def load(folder: str | os.PathLike[str] | None = None, kind: str | None = None) -> Corpus:
    """The recordings that were kept; their speaker is "you".

    Args:
        folder: where they are; None is `folder()`.
        kind: "test", "adaptation", or None for both.

    Returns:
        A corpus in the order of kinds and names; its table has kind, name, sample_rate and
        duration_s too. A file that can't be read is left out, with a warning that names it.

    Raises:
        ValueError: there is none that can be read (`NoRecordingsError`), or the table is damaged or
            of a newer version.
        OSError: the folder can't be read.
    """
    if kind is not None and kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(map(repr, KINDS))} or None, got {kind!r}")
    place = _chosen(folder)
    wanted = [row for row in _rows(place) if kind in (None, row["kind"])]
    rows, broken = [], []
    for row in sorted(wanted, key=lambda row: (row["kind"], row["name"])):
        try:
            audio.load(place / row["file"])
        except (ValueError, OSError) as error:
            broken.append(f"{error} It says {row['text']!r}: record it again.")
            continue
        rows.append({"id": f"{row['kind']}-{row['name']}", "speaker": SPEAKER, **row})
    for message in broken:
        warnings.warn(f"left out: {message}", stacklevel=2)
    if not rows:
        what = f"recordings of the kind {kind!r}" if kind else "recordings"
        raise NoRecordingsError(
            f"{place}: there are no {what} that can be read. Record some with "
            f"widgets.Recorder(prompts, kind={kind or KINDS[0]!r}), press Keep after each one, and "
            "run this cell again."
        )
    return Corpus("recordings", place, rows)


def _chosen(given: str | os.PathLike[str] | None) -> Path:
    return folder() if given is None else Path(given).expanduser()


@contextmanager
def _locked(place: Path) -> Iterator[Path]:
    """Make the folder and hold its lock; what the disk refuses is told with what to do."""
    try:
        place.mkdir(parents=True, exist_ok=True)
        with FileLock(place / f"{TABLE}.lock", timeout=_LOCK_S):
            yield place
    except Timeout:
        raise OSError(
            f"{place}: another notebook has held it for {_LOCK_S} s. Try again."
        ) from None
    except (OSError, NotImplementedError) as error:
        raise OSError(
            f"{place}: the take could not be written ({error}). What was there before still is. "
            "Free some space, make the folder writable, or let the environment variable "
            "COURSE_RECORDINGS name another one."
        ) from error


def _rows(place: Path) -> list[dict[str, Any]]:
    """The rows of the table; none where there is no table yet.

    Raises:
        ValueError: it is damaged, or of a newer version.
    """
    table = place / TABLE
    try:
        stored = json.loads(table.read_text(encoding="utf-8"))
        version, rows = stored["format"], stored["recordings"]
        if not isinstance(version, int):
            raise TypeError("the format is no whole number")
        if version > FORMAT:
            raise _NewerError(
                f"{table} was written by a newer version of the course (format {version}, this one "
                f"knows {FORMAT}). Update the course."
            )
        for row in rows:
            for cell, wanted in _CELLS.items():
                if not isinstance(row[cell], wanted):
                    raise TypeError(f"{cell} is no text")
            if Path(row["file"]).name != row["file"] or row["kind"] not in KINDS:
                raise ValueError(f"{row['file']!r:.80} of the kind {row['kind']!r:.80}")
            check_name(row["name"])
    except FileNotFoundError:
        return []
    except _NewerError:
        raise
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError(
            f"{table} is damaged ({error}). The sounds beside it are as they were. Move it away; "
            "the next take that you keep begins a new one."
        ) from error
    return rows


class _NewerError(ValueError):
    """The table is of a version that this one doesn't know; it stays as it is."""


def _rows_for_writing(place: Path) -> list[dict[str, Any]]:
    """The rows; a damaged table is set aside, with a warning."""
    try:
        return _rows(place)
    except _NewerError:
        raise
    except ValueError as error:
        number = 1
        while (aside := place / f"{TABLE}.broken-{number}").exists():
            number += 1
        (place / TABLE).replace(aside)
        warnings.warn(
            f"{error.__cause__ or error}: the table was set aside as {aside.name}, a new one "
            "begins; the sounds stay where they are",
            stacklevel=3,
        )
        return []


def _write(place: Path, rows: list[dict[str, Any]]) -> None:
    """The table, as a whole or not at all."""
    text = json.dumps({"format": FORMAT, "recordings": rows}, indent=1, ensure_ascii=False)
    with files.whole(place / TABLE) as part:
        part.write_text(text + "\n", encoding="utf-8")
