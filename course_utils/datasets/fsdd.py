"""FSDD, the Free Spoken Digit Dataset: 3,000 real digits, 6 men, 8 kHz.

Zohar Jackson and others, https://github.com/Jakobovski/free-spoken-digit-dataset, CC BY-SA 4.0. The
version is one commit of 2024-05-02; each recording is held against its SHA-256 after a download.
"""

from __future__ import annotations

import re
from pathlib import Path

from course_utils.datasets import downloads
from course_utils.datasets.digits import WORDS
from course_utils.datasets.items import Corpus

COMMIT = "26eb9aaf76e81b692f806f9140c2d2777410d7a1"
SOURCE = downloads.Source(
    name="fsdd",
    title="FSDD (Free Spoken Digit Dataset)",
    call="fsdd.load(download=True)",
    url=f"https://codeload.github.com/Jakobovski/free-spoken-digit-dataset/tar.gz/{COMMIT}",
    filename=f"free-spoken-digit-dataset-{COMMIT[:12]}.tar.gz",
    top=f"free-spoken-digit-dataset-{COMMIT}",
    size=16_000_000,
    unpacked_size=30_000_000,
    licence="CC BY-SA 4.0",
    example="recordings/0_george_0.wav",
)
SHA256_FILE = Path(__file__).with_name("fsdd_sha256.txt")
TEST_TAKES = range(5)


def available() -> bool:
    """True if all recordings are on this machine; never downloads."""
    return downloads.locate(SOURCE, _problem)[0] is not None


def load(download: bool = False) -> Corpus:
    """The digits as a corpus: text "seven", speaker "jackson".

    Its table adds `digit` (0 to 9), `take` (0 to 49) and `split`, the official one: takes 0 to 4
    are "test", the others "train". All six speakers are on both sides of it, which makes it easy:
    `leave_one_speaker_out` gives the honest one.

    Args:
        download: True allows 16 MB from GitHub, once, when the corpus is not there.

    Raises:
        FileNotFoundError: it is not there and `download` is False; the message says how to get it.
        OSError: the download failed.
        ValueError: what came is not this version of the corpus.
    """
    folder = downloads.obtain(SOURCE, _problem, download, verify)
    rows = []
    for file in _checksums():
        digit, speaker, take = re.fullmatch(r"recordings/(\d)_(\w+)_(\d+)\.wav", file).groups()
        rows.append(
            {
                "id": f"{digit}_{speaker}_{take}",
                "file": file,
                "text": WORDS[int(digit)],
                "speaker": speaker,
                "digit": int(digit),
                "take": int(take),
                "split": "test" if int(take) in TEST_TAKES else "train",
            }
        )
    return Corpus("FSDD", folder, rows)


def leave_one_speaker_out(corpus: Corpus, speaker: str) -> tuple[Corpus, Corpus]:
    """Train on everyone else, test on one speaker: `(train, test)`.

    Args:
        corpus: from `load`.
        speaker: one of `corpus.speakers`.

    Raises:
        ValueError: nobody of that name speaks in the corpus.
    """
    return corpus.filter(lambda row: row["speaker"] != speaker), corpus.filter(speaker=speaker)


def verify(folder: Path | None = None) -> int:
    """Hold every recording against its published SHA-256.

    Args:
        folder: the corpus folder; None for the one that `load` uses.

    Returns:
        The number of recordings, all of them right.

    Raises:
        FileNotFoundError: the corpus is not on this machine.
        ValueError: a recording is missing or has other bytes; the message names the first.
    """
    if folder is None:
        folder = downloads.obtain(SOURCE, _problem, download=False)
    if reason := _problem(folder):
        raise ValueError(f"{folder} is not the published FSDD: {reason}.")
    checksums = _checksums()
    wrong = [f for f, sha256 in checksums.items() if downloads.file_sha256(folder / f) != sha256]
    if wrong:
        raise ValueError(
            f"{len(wrong)} recordings in {folder} differ from the published ones, the first is "
            f"{wrong[0]}. Delete the folder and run {SOURCE.call}."
        )
    return len(checksums)


def _checksums() -> dict[str, str]:
    """File to SHA-256, by digit, speaker and take; the table is what `sha256sum -c` reads."""
    lines = SHA256_FILE.read_text(encoding="utf-8").splitlines()
    return {file: sha256 for sha256, file in (line.split() for line in lines)}


def _problem(folder: Path) -> str | None:
    recordings = folder / "recordings"
    if not recordings.is_dir():
        return "it has no folder recordings"
    present = {f"recordings/{path.name}" for path in recordings.iterdir()}
    missing = [file for file in _checksums() if file not in present]
    return f"it lacks {len(missing):,} recordings, such as {missing[0]}" if missing else None
