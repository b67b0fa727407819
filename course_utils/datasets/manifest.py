"""A folder of sound files, looked through: what can be used, and what is wrong with which file."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

import numpy as np
import soundfile

from course_utils import audio, signals
from course_utils.datasets.items import Corpus, Table

SUFFIXES = MappingProxyType(
    {
        ".wav": ("WAV", "WAVEX", "RF64"),
        ".flac": ("FLAC",),
        ".ogg": ("OGG",),
        ".mp3": ("MP3", "MPEG"),
        ".aiff": ("AIFF",),
        ".aif": ("AIFF",),
    }
)
SILENT_RMS = 0.001  # -60 dB
FLAT_TOP = 3  # samples in a row at the very peak: a curve is never so flat by itself
MIN_OFFSET = 0.002

# What is done about each kind of problem, and what a person should do.
DONE = MappingProxyType(
    {
        "bad row": ("skipped", "Fill in the row: file, text and speaker."),
        "missing": ("skipped", "Find the file, or take its row out of the table."),
        "empty": ("skipped", "Copy or download the file again."),
        "not audio": ("skipped", "Take it out, or convert it to WAV, FLAC, Ogg or MP3."),
        "truncated": ("skipped", "Copy or download the file again."),
        "NaN": ("skipped", "Export it again; look for a division by zero in what made it."),
        "silent": ("skipped", "Record it again; was the microphone muted?"),
        "too short": ("skipped", "Record it again, or lower min_s."),
        "too long": ("skipped", "Cut it into utterances, or raise max_s."),
        "duplicate": ("skipped", "Keep one of the two."),
        "wrong rate": ("mended", "Resampled when it is read."),
        "stereo": ("mended", "The channels are averaged when it is read."),
        "DC offset": ("mended", "The mean is subtracted when it is read."),
        "wrong suffix": ("mended", "Read by its content; rename it."),
        "clipped": ("kept", "Its peaks are lost: record it again, softer."),
        "not listed": ("kept out", "Give it a row in the table, or take it out of the folder."),
    }
)


class Manifest(NamedTuple):
    """What a folder holds.

    Attributes:
        corpus: the files that can be used; its table has file, text, speaker, sample_rate,
            channels, duration_s, rms_db and peak.
        problems: a row for each problem: file, problem, what was found, what is done, remedy.
    """

    corpus: Corpus
    problems: Table


def scan(
    folder: str | Path,
    sample_rate: int,
    min_s: float = 0.1,
    max_s: float = 20.0,
    on_error: Literal["skip", "raise"] = "skip",
) -> Manifest:
    """Open every file of a folder once, before a training meets the one that is broken.

    Args:
        folder: holds the sounds, and perhaps a table `metadata.csv` with the columns file, text
            and speaker. Without one, the text is the name of the file, the speaker that of the
            folder that holds it.
        sample_rate: in Hz, which all files should have; others are resampled when they are read.
        min_s: shorter sounds are skipped.
        max_s: longer sounds are skipped.
        on_error: "skip" leaves out what can't be used, and reports it; "raise" refuses the folder.

    Returns:
        Corpus and problems.

    Raises:
        ValueError: with on_error="raise", there are files that can't be used; the message names
            each. Or an argument is out of range, the table lacks a column, or nothing can be used.
        OSError: there is no such folder.
    """
    folder = Path(folder)
    if on_error not in ("skip", "raise"):
        raise ValueError(f'on_error must be "skip" or "raise", got {on_error!r}')
    if not 0 <= min_s < max_s:
        raise ValueError(f"min_s must be 0 or more and below max_s, got {min_s} and {max_s}")
    if not folder.is_dir():
        raise NotADirectoryError(f"{folder}: no such folder")
    rows, problems, seen = [], Table(), {}

    def report(file: str, kind: str, found: str) -> None:
        done, remedy = DONE[kind]
        problems.append(
            {"file": file, "problem": kind, "found": found, "done": done, "remedy": remedy}
        )

    for row in _rows(folder, report):
        known, findings = _inspect(folder / row["file"], sample_rate, min_s, max_s, seen)
        for kind, found in findings:
            report(row["file"], kind, found)
        if known is not None:
            rows.append({**row, **known})
    broken = [row for row in problems if row["done"] == "skipped"]
    told = [f"{row['file']}: {row['problem']}, {row['found']}. {row['remedy']}" for row in broken]
    if broken and on_error == "raise":
        raise ValueError(f"{len(broken)} files can't be used:\n" + "\n".join(told))
    if not rows:
        raise ValueError(f"{folder}: no file can be used. {' '.join(told[:1])}".rstrip())
    return Manifest(Corpus(folder.name, folder, rows), problems)


def _rows(folder: Path, report: Any) -> Iterator[dict[str, str]]:
    """The usable rows of the table, or one for each sound file where there is no table."""
    on_disk = sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.suffix.lower() in SUFFIXES and not path.name.startswith(".")
    )
    table = folder / "metadata.csv"
    if not table.is_file():
        for file in on_disk:
            path = Path(file)
            yield {"id": file, "file": file, "text": path.stem, "speaker": path.parent.name}
        return
    listed = set()
    with table.open(encoding="utf-8", errors="replace", newline="") as lines:
        reader = csv.DictReader(lines)
        if lacking := {"file", "text", "speaker"} - set(reader.fieldnames or ()):
            raise ValueError(f"{table}: has no column {', '.join(sorted(lacking))}")
        for number, row in enumerate(reader, start=2):
            cells = {key: (row.get(key) or "").strip() for key in ("file", "text", "speaker")}
            missing = [key for key, value in cells.items() if not value or "\ufffd" in value]
            name = cells["file"] or f"metadata.csv, line {number}"
            if missing or None in row:
                report(
                    name, "bad row", f"line {number}: {', '.join(missing) or 'cells'} unreadable"
                )
                listed.add(cells["file"])
            elif ".." in Path(name).parts or Path(name).is_absolute():
                report(name, "bad row", f"line {number}: the name leads out of the folder")
            elif cells["file"] in listed:
                report(name, "bad row", f"line {number}: the file has a row already")
            elif not (folder / cells["file"]).is_file():
                report(name, "missing", f"line {number} names it, the folder does not hold it")
            else:
                listed.add(cells["file"])
                yield {"id": cells["file"], **cells}
    for file in on_disk:
        if file not in listed:
            report(file, "not listed", "no row of the table names it")


def _inspect(
    path: Path, sample_rate: int, min_s: float, max_s: float, seen: dict[str, str]
) -> tuple[dict[str, Any] | None, list[tuple[str, str]]]:
    """What is known of a file, None where it can't be used, and (kind, found) of each problem."""
    try:
        info = soundfile.info(path) if path.stat().st_size else None
    except (soundfile.SoundFileError, TypeError, OSError):
        info = None
    if info is not None and info.duration > max_s:
        return None, [("too long", f"{info.duration:.1f} s, at most {max_s:g} s expected")]
    try:
        waveform, rate = audio.load(path)
    except (ValueError, OSError) as error:
        return None, [_told(str(error).removeprefix(f"{path}: "))]
    problems = []
    if info is not None:
        known = SUFFIXES.get(path.suffix.lower(), ())
        if info.format not in known:
            problems.append(("wrong suffix", f"the content is {info.format}"))
        if info.channels > 1:
            problems.append(("stereo", f"{info.channels} channels"))
    if rate != sample_rate:
        problems.append(("wrong rate", f"{rate:,} Hz, expected {sample_rate:,}"))
    duration_s = len(waveform) / rate
    rms = signals.rms(waveform)
    peak, mean = float(np.abs(waveform).max()), float(waveform.mean())
    if duration_s < min_s:
        return None, [("too short", f"{duration_s:.3f} s, at least {min_s:g} s expected")]
    if rms < SILENT_RMS:
        return None, [("silent", f"RMS {rms:.1g}, full scale is 1")]
    if abs(mean) > max(MIN_OFFSET, 0.1 * rms):
        problems.append(("DC offset", f"mean {mean:+.3f}, RMS {rms:.3f}"))
    if (flat := flat_tops(waveform)) >= FLAT_TOP:
        problems.append(("clipped", f"{flat} samples in flat tops at {peak:.2f}"))
    digest = hashlib.sha256(waveform.tobytes()).hexdigest()
    if digest in seen:
        return None, [("duplicate", f"the same sound as {seen[digest]}")]
    seen[digest] = path.name
    known = {
        "sample_rate": rate,
        "channels": info.channels if info is not None else 1,
        "duration_s": round(duration_s, 4),
        "rms_db": round(float(20 * np.log10(rms)), 1),
        "peak": round(peak, 3),
    }
    return known, problems


def _told(message: str) -> tuple[str, str]:
    """The kind of what `audio.load` said."""
    said = {
        "file is empty": "empty",
        "holds no samples": "empty",
        "NaN or infinite": "NaN",
        "cut off": "truncated",
    }
    kind = next((kind for part, kind in said.items() if part in message), "not audio")
    return kind, message.split(". ")[0]


def flat_tops(waveform: np.ndarray) -> int:
    """Samples that lie in runs of FLAT_TOP or more at the positive or at the negative peak."""
    peak, total = float(np.abs(waveform).max()), 0
    for side in (waveform, -waveform):
        at_top = np.concatenate([[0], side >= peak * (1 - 1e-4), [0]]).astype(int)
        starts, ends = np.flatnonzero(np.diff(at_top) == 1), np.flatnonzero(np.diff(at_top) == -1)
        runs = ends - starts
        total += int(runs[runs >= FLAT_TOP].sum())
    return total
