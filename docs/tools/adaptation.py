"""Recorded run: a shipped recogniser of digits is adapted to each real speaker of FSDD.

    python docs/tools/adaptation.py

Writes docs/runs/adaptation.csv, one row for a speaker and a training. The recogniser
"deepspeech2-digits-streaming" has heard synthetic voices alone. It learns strings of two to five
digits of one speaker, joined from takes 5 to 49, and is tested on strings of his takes 0 to 4. The
schedule is that of recipes/adaptation.py, which was chosen with bundled voices
in a room. FSDD must be on this machine.
"""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch

from course_utils import metrics
from course_utils.datasets import digits, fsdd, runs
from course_utils.datasets.connected_digits import ConnectedDigits
from course_utils.datasets.items import Utterance
from course_utils.recipes import pretrained
from course_utils.recipes.adaptation import Schedule, adapt

OUTPUT = runs.FOLDER / "adaptation.csv"
FIELDS = (
    *("speaker", "training", "strings", "test_strings", "words", "wer"),
    *("less", "low", "high", "old_wer"),
)
TEST, OLD = 60, 150  # strings


def strings_of(speaker: str, count: int, test: bool) -> list[Utterance]:
    """Strings of one speaker of FSDD, of the takes of the official test or of the others."""
    split = "test" if test else "train"
    takes = fsdd.load().filter(speaker=speaker, split=split)
    return list(ConnectedDigits(takes, count, (2, 5), seed=1 if test else 2))


def trainings() -> Iterator[tuple[str, int, Schedule | None]]:
    """Name, strings and schedule of each; the first is none at all."""
    yield "before", 0, None
    yield "mixed", 20, Schedule()
    yield "alone", 20, Schedule(mixed=0.0)
    yield "mixed", 10, Schedule()
    yield "mixed", 5, Schedule()


def errors_of(recogniser: object, utterances: Sequence[Utterance]) -> np.ndarray:
    """Wrong words of each string."""
    said = (recogniser.transcribe(u.waveform, u.sample_rate) for u in utterances)
    pairs = zip(utterances, said, strict=True)
    return np.array([metrics.edit_distance(u.text.split(), s.split()) for u, s in pairs])


def rows_of(
    speaker: str,
    mine: Sequence[Utterance],
    test: Sequence[Utterance],
    old: Sequence[Utterance],
    original: Sequence[Utterance],
    plans: Sequence[tuple[str, int, Schedule | None]],
) -> Iterator[dict]:
    """One row a training."""
    shipped = pretrained.load("deepspeech2-digits-streaming")
    words = np.array([len(u.text.split()) for u in test])
    before = errors_of(shipped, test)
    for name, count, schedule in plans:
        recogniser = shipped
        if schedule is not None:
            done = adapt(shipped, mine[:count], original, schedule, progress=False)
            recogniser = done.recogniser
        errors = errors_of(recogniser, test)
        row = {
            "speaker": speaker,
            "training": name,
            "strings": count,
            "test_strings": len(test),
            "words": words.sum(),
            "wer": f"{errors.sum() / words.sum():.4f}",
            "old_wer": f"{errors_of(recogniser, old).sum() / _words(old):.4f}",
        }
        if schedule is not None:
            less = before - errors
            low, high = metrics.bootstrap_interval(less, words, [u.id for u in test])
            row |= {"less": f"{less.sum() / words.sum():.4f}"}
            row |= {"low": f"{low:.4f}", "high": f"{high:.4f}"}
        yield row


def _words(utterances: Sequence[Utterance]) -> int:
    return sum(len(u.text.split()) for u in utterances)


def main() -> None:
    """Write the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--output", type=Path, default=OUTPUT)
    parser.add_argument("--only", default="", help="speakers whose name holds this text")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    original = list(ConnectedDigits(digits.load("train"), 400, (2, 5), seed=3))
    old = list(ConnectedDigits(digits.load("test"), OLD, (2, 5), seed=4))
    speakers = [name for name in fsdd.load().speakers if arguments.only in name]
    rows: list[dict] = []
    for plan in trainings():
        for speaker in speakers:
            mine, test = strings_of(speaker, 20, False), strings_of(speaker, TEST, True)
            rows += rows_of(speaker, mine, test, old, original, [plan])
            print(", ".join(f"{key} {value}" for key, value in rows[-1].items()), flush=True)
            write(arguments.output, sorted(rows, key=lambda row: row["speaker"]))


def write(path: Path, rows: list[dict]) -> None:
    """The table so far, with how it was made in front."""
    about = (
        "command: python docs/tools/adaptation.py",
        "deepspeech2-digits-streaming adapted to each speaker of FSDD",
        "training: before (not adapted), mixed (half a batch are bundled strings), alone",
        "strings: learned or held back; wer: of strings of takes 0 to 4, two to five digits",
        "less: wer before minus wer; low, high: of 95 % of paired draws of strings",
        "old_wer: of strings of the bundled digits' test voices",
    )
    runs.write(path, about, rows, FIELDS)


if __name__ == "__main__":
    main()
