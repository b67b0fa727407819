"""The recorded run of ESC-10: five folds, three seeds, less than a minute of training each.

    python docs/tools/esc10.py           # writes docs/runs/esc10.csv, about 15 minutes
    python docs/tools/esc10.py --inner   # prints accuracies on inner folds, to choose settings by

Rows that are in the file already are kept, so a run that was stopped goes on where it was; delete
the file to begin anew. An inner run never touches its test fold: of the four other folds it learns
from three and is judged on the one that follows the test fold.
"""

import argparse
import time

import numpy as np
import torch

from course_utils import metrics, training
from course_utils.datasets import runs
from course_utils.recipes import esc10

FILE = runs.FOLDER / "esc10.csv"
FIELDS = ["fold", "seed", "accuracy", "seconds", "parameters"]
FOLDS = range(1, 6)


def run(clips: esc10.Clips, learn: np.ndarray, judge: np.ndarray, seed: int) -> dict[str, object]:
    """Train on some clips, test on others."""
    started = time.process_time()
    model, _ = esc10.fit(clips, learn, seed, progress=False)
    seconds = round(time.process_time() - started)
    said = esc10.predict(model, clips, judge).argmax(axis=1)
    return {
        "seed": seed,
        "accuracy": round(metrics.accuracy(clips.targets[judge], said), 4),
        "seconds": seconds,
        "parameters": training.count_parameters(model),
    }


def main() -> None:
    """Fill the file, or print the inner runs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--inner", action="store_true", help="judge on inner folds, write nothing")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--limit", type=int, default=None, help="stop after so many new rows")
    arguments = parser.parse_args()
    done = runs.load("esc10") if FILE.exists() and not arguments.inner else []
    known = {(row["fold"], row["seed"]) for row in done}
    pairs = [(fold, seed) for seed in range(arguments.seeds) for fold in FOLDS]
    wanted = [pair for pair in pairs if pair not in known][: arguments.limit]
    if not wanted:
        return
    clips = esc10.load()
    for fold, seed in wanted:
        judge = clips.folds == fold
        learn = ~judge
        if arguments.inner:
            judge = clips.folds == fold % len(FOLDS) + 1
            learn &= ~judge
        row = {"fold": fold, **run(clips, learn, judge, seed)}
        print(", ".join(f"{name} {value}" for name, value in row.items()), flush=True)
        if not arguments.inner:
            done.append(row)
            write(sorted(done, key=lambda row: (row["fold"], row["seed"])))


def write(rows: list[dict[str, object]]) -> None:
    """The file: what it is and how it was made, then its rows."""
    about = (
        "command: python docs/tools/esc10.py",
        "ESC-10: accuracy on each fold after learning from the four others.",
        f"machine: {torch.get_num_threads()} thread(s) of a server's CPU; seconds: CPU time of the "
        "training",
    )
    runs.write(FILE, about, rows, FIELDS)


if __name__ == "__main__":
    main()
