"""A folder in which everything that goes wrong has gone wrong, made from good recordings."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import soundfile

from course_utils import audio
from course_utils.datasets import digits

VOICES = 4  # of the bundled digits, whose recordings are copied


def make(folder: str | Path) -> dict[str, str]:
    """Fill a folder with digits of four voices, some of them broken, and a table metadata.csv.

    Args:
        folder: new or empty.

    Returns:
        File to the kind of problem that was made there, as `manifest.scan` names it.

    Raises:
        ValueError: the folder holds something.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise ValueError(f"{folder} is not empty: name a new folder")
    corpus = digits.load("train")
    voices = corpus.speakers[:VOICES]
    corpus = corpus.filter(lambda row: row["speaker"] in voices)
    rows = []
    for index, clip in enumerate(corpus):
        file = f"clip_{index:03d}.wav"
        audio.save(folder / file, clip.waveform, clip.sample_rate)
        rows.append([file, clip.text, clip.speaker])
    # Every fifth file, from the third on, is broken in another way.
    made = {rows[3 + 5 * i][0]: kind for i, kind in enumerate(_BREAKERS)}
    for file, kind in made.items():
        _BREAKERS[kind](folder / file, *audio.load(folder / file))
    for row in rows:
        if made.get(row[0]) == "bad row":
            row[1:] = []
    with (folder / "metadata.csv").open("w", encoding="utf-8", newline="") as table:
        csv.writer(table, lineterminator="\n").writerows([["file", "text", "speaker"], *rows])
    return made


def _write(path: Path, waveform: np.ndarray, rate: int, subtype: str = "PCM_16") -> None:
    soundfile.write(path, waveform, rate, subtype=subtype, format="WAV")


def _nothing(path: Path, waveform: np.ndarray, rate: int) -> None:
    """The row of the table is broken, not the file."""


def _empty(path: Path, waveform: np.ndarray, rate: int) -> None:
    path.write_bytes(b"")


def _not_audio(path: Path, waveform: np.ndarray, rate: int) -> None:
    path.write_text("<html><body>404 Not Found</body></html>", encoding="utf-8")


def _truncated(path: Path, waveform: np.ndarray, rate: int) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _nan(path: Path, waveform: np.ndarray, rate: int) -> None:
    waveform = waveform.copy()
    waveform[1000:1010] = np.nan
    _write(path, waveform, rate, "FLOAT")


def _silent(path: Path, waveform: np.ndarray, rate: int) -> None:
    _write(path, np.zeros_like(waveform), rate)


def _too_short(path: Path, waveform: np.ndarray, rate: int) -> None:
    _write(path, waveform[2000:2300], rate)


def _too_long(path: Path, waveform: np.ndarray, rate: int) -> None:
    _write(path, np.tile(waveform, 60 * rate // len(waveform)), rate)


def _duplicate(path: Path, waveform: np.ndarray, rate: int) -> None:
    first = path.with_name("clip_000.wav")
    path.write_bytes(first.read_bytes())


def _wrong_rate(path: Path, waveform: np.ndarray, rate: int) -> None:
    _write(path, np.clip(audio.resample(waveform, rate, 11_025), -1, 1), 11_025)


def _stereo(path: Path, waveform: np.ndarray, rate: int) -> None:
    _write(path, np.stack([waveform, 0.5 * waveform], axis=1), rate)


def _offset(path: Path, waveform: np.ndarray, rate: int) -> None:
    _write(path, 0.5 * waveform + 0.2, rate)


def _clipped(path: Path, waveform: np.ndarray, rate: int) -> None:
    loud = waveform / np.abs(waveform).max() * 4
    _write(path, np.clip(loud, -0.999, 0.999), rate)


def _wrong_suffix(path: Path, waveform: np.ndarray, rate: int) -> None:
    soundfile.write(path, waveform, rate, format="FLAC")


_BREAKERS = {
    "empty": _empty,
    "not audio": _not_audio,
    "truncated": _truncated,
    "NaN": _nan,
    "silent": _silent,
    "too short": _too_short,
    "too long": _too_long,
    "duplicate": _duplicate,
    "missing": lambda path, waveform, rate: path.unlink(),
    "bad row": _nothing,
    "wrong rate": _wrong_rate,
    "stereo": _stereo,
    "DC offset": _offset,
    "clipped": _clipped,
    "wrong suffix": _wrong_suffix,
}
