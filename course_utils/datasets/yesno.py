"""YesNo: sixty utterances of eight Hebrew words each, "yes" or "no", one man, 8 kHz.

http://www.openslr.org/1/, recorded for the Kaldi project. The smallest real corpus that a sequence
model can be tried on.
"""

from __future__ import annotations

from pathlib import Path

from course_utils.datasets import downloads
from course_utils.datasets.items import Corpus

# The SHA-256 is the one that torchaudio.datasets.YESNO checks.
SOURCE = downloads.Source(
    name="yesno",
    title="YesNo",
    call="yesno.load(download=True)",
    url="http://www.openslr.org/resources/1/waves_yesno.tar.gz",
    filename="waves_yesno.tar.gz",
    top="waves_yesno",
    size=4_700_000,
    unpacked_size=7_000_000,
    licence="see its README and openslr.org/1",
    example="0_0_0_0_1_1_1_1.wav",
    sha256="c3f49e0cca421f96b75b41640749167b52118f232498667ca7a5f9416aef8e73",
)
RECORDINGS = 60
WORDS = {"0": "no", "1": "yes"}


def available() -> bool:
    """True if all recordings are on this machine; never downloads."""
    return downloads.locate(SOURCE, _problem)[0] is not None


def load(download: bool = False) -> Corpus:
    """The utterances as a corpus: text "no no no no yes yes yes yes".

    The words are Hebrew; the text has their English translation, as the publisher's file names
    have. The one speaker has no name: he is "yesno". `split` is that of Kaldi's recipe: what
    begins with "no" is "train" (31), what begins with "yes" is "test" (29).

    Args:
        download: True allows 4.7 MB from openslr.org, once, when the corpus is not there.

    Raises:
        FileNotFoundError: it is not there and `download` is False; the message says how to get it.
        OSError: the download failed.
        ValueError: the archive cannot be unpacked.
    """
    folder = downloads.obtain(SOURCE, _problem, download)
    rows = []
    for path in _recordings(folder):
        marks = path.stem.split("_")
        rows.append(
            {
                "id": path.stem,
                "file": path.name,
                "text": " ".join(WORDS[mark] for mark in marks),
                "speaker": "yesno",
                "split": "train" if marks[0] == "0" else "test",
            }
        )
    return Corpus("YesNo", folder, rows)


def _recordings(folder: Path) -> list[Path]:
    return sorted(folder.glob("[01]_*.wav"))


def _problem(folder: Path) -> str | None:
    found = len(_recordings(folder))
    return None if found == RECORDINGS else f"it has {found} recordings instead of {RECORDINGS}"
