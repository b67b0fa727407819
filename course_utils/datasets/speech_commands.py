"""Speech Commands v0.02: 105,829 one-second words of 35 kinds by 2,618 people, 16 kHz.

P. Warden, "Speech Commands: A Dataset for Limited-Vocabulary Speech Recognition", 2018,
https://arxiv.org/abs/1804.03209, CC BY 4.0.
"""

from __future__ import annotations

from pathlib import Path

from course_utils.datasets import downloads
from course_utils.datasets.items import Corpus

# The SHA-256 is the one that torchaudio.datasets.SPEECHCOMMANDS checks.
SOURCE = downloads.Source(
    name="speech_commands",
    title="Speech Commands v0.02",
    call="speech_commands.load(download=True)",
    url="http://download.tensorflow.org/data/speech_commands_v0.02.tar.gz",
    filename="speech_commands_v0.02.tar.gz",
    top="",
    size=2_428_923_189,
    unpacked_size=3_800_000_000,
    licence="CC BY 4.0",
    example="testing_list.txt",
    sha256="af14739ee7dc311471de98f5f9d2c9191b18aedfe957f4a6ff791c709868ff58",
)
RECORDINGS = 105_829
WORDS = (
    *("backward", "bed", "bird", "cat", "dog", "down", "eight", "five", "follow", "forward"),
    *("four", "go", "happy", "house", "learn", "left", "marvin", "nine", "no", "off", "on", "one"),
    *("right", "seven", "sheila", "six", "stop", "three", "tree", "two", "up", "visual", "wow"),
    *("yes", "zero"),
)
LISTS = {"validation": "validation_list.txt", "test": "testing_list.txt"}


def available() -> bool:
    """True if all recordings are on this machine; never downloads."""
    return downloads.locate(SOURCE, _problem)[0] is not None


def load(download: bool = False) -> Corpus:
    """The words as a corpus: text "marvin", speaker the eight digits that stand for a person.

    `split` is the official one: "validation" and "test" are the published lists, "train" the rest.
    A speaker is in one split only. The six long recordings of background noise in the corpus
    folder's `_background_noise_` are not items.

    Args:
        download: True allows 2.4 GB from download.tensorflow.org, once, when it is not there.

    Raises:
        FileNotFoundError: it is not there and `download` is False; the message says how to get it.
        OSError: the download failed.
        ValueError: the archive cannot be unpacked.
    """
    folder = downloads.obtain(SOURCE, _problem, download)
    split_of = {
        file: split
        for split, name in LISTS.items()
        for file in (folder / name).read_text(encoding="utf-8").split()
    }
    rows = []
    for file in _recordings(folder):
        word, name = file.split("/")
        rows.append(
            {
                "id": file.removesuffix(".wav"),
                "file": file,
                "text": word,
                "speaker": name.split("_nohash_")[0],
                "split": split_of.get(file, "train"),
            }
        )
    return Corpus("Speech Commands", folder, rows)


def _recordings(folder: Path) -> list[str]:
    """All items as "word/file.wav"; background noise has no speaker in its name."""
    return sorted(f"{path.parent.name}/{path.name}" for path in folder.glob("*/*_nohash_*.wav"))


def _problem(folder: Path) -> str | None:
    if missing := [name for name in LISTS.values() if not (folder / name).is_file()]:
        return f"it lacks {missing[0]}"
    found = len(_recordings(folder))
    if found != RECORDINGS:
        return f"it has {found:,} recordings instead of {RECORDINGS:,}"
    return None
