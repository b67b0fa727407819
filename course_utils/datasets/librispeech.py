"""LibriSpeech: a thousand hours of audiobooks read aloud, with transcripts, 16 kHz, by subset.

V. Panayotov, G. Chen, D. Povey, S. Khudanpur, "LibriSpeech: an ASR corpus based on public domain
audio books", ICASSP 2015, http://www.openslr.org/12/, CC BY 4.0.
"""

from __future__ import annotations

from pathlib import Path

from course_utils.datasets import downloads
from course_utils.datasets.items import Corpus

URL = "http://www.openslr.org/resources/12"
# Subset: utterances, bytes of the archive, its SHA-256 (the one that torchaudio checks).
SUBSETS = {
    "dev-clean": (
        2_703,
        337_926_286,
        "76f87d090650617fca0cac8f88b9416e0ebf80350acb97b343a85fa903728ab3",
    ),
    "dev-other": (
        2_864,
        314_305_928,
        "12661c48e8c3fe1de2c1caa4c3e135193bfb1811584f11f569dd12645aa84365",
    ),
    "test-clean": (
        2_620,
        346_663_984,
        "39fde525e59672dc6d1551919b1478f724438a95aa55f874b576be21967e6c23",
    ),
    "test-other": (
        2_939,
        328_757_843,
        "d09c181bba5cf717b3dee7d4d592af11a3ee3a09e08ae025c5506f6ebe961c29",
    ),
    "train-clean-100": (
        28_539,
        6_387_309_499,
        "d4ddd1d5a6ab303066f14971d768ee43278a5f2a0aa43dc716b0e64ecbbbf6e2",
    ),
    "train-clean-360": (
        104_014,
        23_049_477_885,
        "146a56496217e96c14334a160df97fffedd6e0a04e66b9c5af0d40be3c792ecf",
    ),
    "train-other-500": (
        148_688,
        30_593_501_606,
        "ddb22f27f96ec163645d53215559df6aa36515f26e01dd70798188350adcb6d2",
    ),
}


def available(subset: str) -> bool:
    """True if all utterances of the subset are on this machine; never downloads."""
    source = _source(subset)
    return downloads.locate(source, lambda folder: _problem(folder, subset))[0] is not None


def load(subset: str, download: bool = False) -> Corpus:
    """One subset as a corpus: text in lower case, speaker and chapter as numbers in strings.

    `split` is the subset's name. Subsets share no speaker.

    Args:
        subset: "dev-clean", "dev-other", "test-clean", "test-other", "train-clean-100",
            "train-clean-360" or "train-other-500".
        download: True allows the download (0.3 to 31 GB from openslr.org) when it is not there.

    Raises:
        FileNotFoundError: it is not there and `download` is False; the message says how to get it.
        OSError: the download failed.
        ValueError: there is no such subset, the archive cannot be unpacked, or a transcript is
            missing.
    """
    source = _source(subset)
    folder = downloads.obtain(source, lambda folder: _problem(folder, subset), download)
    rows = []
    for transcripts in sorted(folder.glob("*/*/*.trans.txt")):
        speaker, chapter = transcripts.parts[-3:-1]
        for line in transcripts.read_text(encoding="utf-8").splitlines():
            name, _, text = line.partition(" ")
            rows.append(
                {
                    "id": name,
                    "file": f"{speaker}/{chapter}/{name}.flac",
                    "text": text.lower(),
                    "speaker": speaker,
                    "chapter": chapter,
                    "split": subset,
                }
            )
    if len(rows) != SUBSETS[subset][0]:
        raise ValueError(
            f"{folder} has transcripts of {len(rows):,} utterances instead of "
            f"{SUBSETS[subset][0]:,}. Delete the folder and run {source.call}."
        )
    return Corpus(f"LibriSpeech {subset}", folder, rows)


def _source(subset: str) -> downloads.Source:
    if subset not in SUBSETS:
        raise ValueError(f"subset must be one of {', '.join(SUBSETS)}, got {subset!r}")
    _, size, sha256 = SUBSETS[subset]
    return downloads.Source(
        name=f"librispeech/{subset}",
        title=f"LibriSpeech {subset}",
        call=f'librispeech.load("{subset}", download=True)',
        url=f"{URL}/{subset}.tar.gz",
        filename=f"librispeech-{subset}.tar.gz",
        top=f"LibriSpeech/{subset}",
        size=size,
        unpacked_size=round(1.05 * size),
        licence="CC BY 4.0",
        example="SPEAKER/CHAPTER/SPEAKER-CHAPTER.trans.txt",
        sha256=sha256,
    )


def _problem(folder: Path, subset: str) -> str | None:
    found, expected = sum(1 for _ in folder.glob("*/*/*.flac")), SUBSETS[subset][0]
    return None if found == expected else f"it has {found:,} utterances instead of {expected:,}"
