"""ESC-50 and its subset ESC-10: five-second sounds of 50 kinds, in five folds, 44.1 kHz.

K. J. Piczak, "ESC: Dataset for Environmental Sound Classification", ACM Multimedia 2015,
https://github.com/karolpiczak/ESC-50. ESC-50 is CC BY-NC 3.0, the clips of ESC-10 are CC BY 3.0.

The publisher gives no hashes and GitHub packs its archives anew, so what is verified after a
download is this: the commit's archive holds exactly the clips that meta/esc50.csv lists, their
names agree with its columns, each of 50 classes has 8 clips in each fold, and each clip decodes.
"""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

from course_utils import audio
from course_utils.datasets import downloads
from course_utils.datasets.items import Corpus

COMMIT = "33c8ce9eb2cf0b1c2f8bcf322eb349b6be34dbb6"
SOURCE = downloads.Source(
    name="esc50",
    title="ESC-50 (with its subset ESC-10)",
    call="esc50.load(download=True)",
    url=f"https://github.com/karolpiczak/ESC-50/archive/{COMMIT}.zip",
    filename=f"ESC-50-{COMMIT[:12]}.zip",
    top=f"ESC-50-{COMMIT}",
    size=646_000_000,
    unpacked_size=900_000_000,
    licence="CC BY-NC 3.0 (the clips of ESC-10: CC BY 3.0)",
    example="meta/esc50.csv",
)
CLASSES = {"esc50": 50, "esc10": 10}  # by folder
FOLDS = 5
CLIPS_A_FOLD = 8  # of each class


def available(esc10: bool = False) -> bool:
    """True if all clips are on this machine; never downloads."""
    return _locate(esc10)[0] is not None


def load(esc10: bool = False, download: bool = False) -> Corpus:
    """The clips as a corpus: text "crying baby", speaker the number of the Freesound recording.

    Clips cut from one recording share it and are in one fold. The table adds `category` (the
    publisher's name, "crying_baby"), `target` (0 to 49, also in ESC-10), `fold` (1 to 5), `esc10`
    (True or False) and `take`. Test on each fold in turn and train on the four others.

    Args:
        esc10: only the ten classes of ESC-10. They are found as part of `esc50/`, or in a folder
            `esc10/` of the same layout, whose clips may be the original Ogg files.
        download: True allows 646 MB from GitHub (the whole ESC-50), once, when it is not there.

    Raises:
        FileNotFoundError: it is not there and `download` is False; the message says how to get it.
        OSError: the download failed.
        ValueError: what came does not pass the checks above.
    """
    folder, _ = _locate(esc10)
    if folder is None:
        folder = downloads.obtain(
            SOURCE, _problem, download, lambda new: _check(new, CLASSES["esc50"])
        )
    rows = []
    for row in _metadata(folder):
        if esc10 and row["esc10"] != "True":
            continue
        rows.append(
            {
                "id": Path(row["filename"]).stem,
                "file": f"audio/{row['filename']}",
                "text": row["category"].replace("_", " "),
                "speaker": row["src_file"],
                "category": row["category"],
                "target": int(row["target"]),
                "fold": int(row["fold"]),
                "esc10": row["esc10"] == "True",
                "take": row["take"],
            }
        )
    return Corpus("ESC-10" if esc10 else "ESC-50", folder, rows)


def verify(esc10: bool = False) -> int:
    """Do the checks that a download goes through on the corpus that `load` uses.

    Returns:
        The number of clips, all of them right.

    Raises:
        FileNotFoundError: the corpus is not on this machine.
        ValueError: a check fails; the message says which, and names the file.
    """
    folder, _ = _locate(esc10)
    if folder is None:
        folder = downloads.obtain(SOURCE, _problem, download=False)
    _check(folder, CLASSES[folder.name])
    return len(_metadata(folder))


def _locate(esc10: bool) -> tuple[Path | None, dict[Path, str]]:
    found = downloads.locate(SOURCE, _problem)
    if esc10 and found[0] is None:
        folder = downloads.corpus_folder("esc10")
        if _problem(folder) is None:
            return folder, {}
    return found


def _metadata(folder: Path) -> list[dict[str, str]]:
    with (folder / "meta" / "esc50.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _problem(folder: Path) -> str | None:
    if not (folder / "meta" / "esc50.csv").is_file():
        return "it lacks meta/esc50.csv"
    listed = {row["filename"] for row in _metadata(folder)}
    if missing := sorted(listed - {path.name for path in (folder / "audio").glob("*")}):
        return f"it lacks {len(missing):,} clips, such as audio/{missing[0]}"
    return None


def _check(folder: Path, classes: int) -> None:
    from tqdm.auto import tqdm

    if reason := _problem(folder):
        raise ValueError(f"{folder} is not the published ESC-50: {reason}.")
    rows = _metadata(folder)
    listed = {row["filename"] for row in rows}
    if extra := sorted({path.name for path in (folder / "audio").glob("*")} - listed):
        raise ValueError(f"{folder} holds audio/{extra[0]}, which meta/esc50.csv does not list.")
    for row in rows:
        named = "-".join(row[column] for column in ("fold", "src_file", "take", "target"))
        if Path(row["filename"]).stem != named:
            raise ValueError(
                f"meta/esc50.csv of {folder} calls {row['filename']} fold, source, take, target "
                f"{named}."
            )
    clips = Counter((row["category"], row["fold"]) for row in rows)
    if len(clips) != classes * FOLDS:
        raise ValueError(
            f"{folder} has {len(clips)} pairs of class and fold, expected {classes} x {FOLDS}."
        )
    for (category, fold), number in clips.items():
        if number != CLIPS_A_FOLD:
            raise ValueError(
                f"{folder} has {number} clips of {category} in fold {fold} instead of "
                f"{CLIPS_A_FOLD}."
            )
    for row in tqdm(rows, desc="decoding each clip once", unit=" clips"):
        audio.load(folder / "audio" / row["filename"])
