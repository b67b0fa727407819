"""The corpora that the course ships: where they lie and how their metadata is read."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from course_utils.datasets.items import Corpus

DATA = Path(__file__).resolve().parents[2] / "data"
SPLITS = ("train", "dev", "test")
NUMBERS = {"rate_wpm": int, "pitch": int, "level_db": int, "duration_s": float}


def load(name: str, split: str | None = None, data: Path = DATA) -> Corpus:
    """One of the bundled corpora.

    Args:
        name: "digits", "commands", "showcase" or "guest".
        split: "train", "dev" or "test"; None is all of it.
        data: the folder that holds the corpora.

    Raises:
        FileNotFoundError: the package was installed without its repository, which holds them.
        ValueError: there is no such split, or the metadata is damaged.
    """
    if split not in (None, *SPLITS):
        raise ValueError(f"split must be one of {', '.join(SPLITS)} or None, got {split!r}")
    path = data / name / "metadata.csv"
    if not path.is_file():
        raise FileNotFoundError(
            f"{path}: no such file. The bundled corpora lie in the folder data/ of the course's "
            "repository: clone it and install the package from there with `pip install -e .`"
        )
    with path.open(encoding="utf-8", newline="") as file:
        try:
            rows = [_row(row) for row in csv.DictReader(file)]
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ValueError(
                f"{path}: damaged metadata ({error!r}). Restore it: git checkout -- data/{name}"
            ) from error
    corpus = Corpus(name, path.parent, rows)
    return corpus if split is None else corpus.filter(split=split)


def _row(stored: dict[str, str]) -> dict[str, Any]:
    row: dict[str, Any] = {"id": stored["file"].rsplit(".", 1)[0]}
    row |= {"speaker" if key == "voice" else key: value for key, value in stored.items()}
    return row | {key: convert(stored[key]) for key, convert in NUMBERS.items()}
