"""The ablation of notebook 09: taggers with each pooling and augmentation, three seeds each.

    python docs/tools/tagging.py            # writes docs/runs/tagging.csv, about 20 minutes
    python docs/tools/tagging.py --seeds 1  # one seed of each row

Rows that are in the file already are kept, so a run that was stopped goes on where it was.
"""

import argparse
import time
from collections.abc import Iterator

import numpy as np
import torch

from course_utils import metrics, training
from course_utils.datasets import runs
from course_utils.datasets.event_sounds import CLASSES
from course_utils.datasets.soundscapes import Scene, Soundscapes
from course_utils.models.tagger import Tagger, tagging_loss
from course_utils.recipes import tagging

FILE = runs.FOLDER / "tagging.csv"
KEY = ["kind", "pooling", "augmentation", "seed"]
FIELDS = [*KEY, "dev_map", "map", "event_f1", "hardest", "seconds", "parameters"]
ROWS = [
    ("cnn", "mean", "shift"),
    ("cnn", "max", "shift"),
    ("cnn", "attention", "shift"),
    ("cnn", "linear", "shift"),
    ("cnn", "linear", "none"),
    ("cnn", "linear", "shift mixup"),
    ("cnn", "linear", "shift specaugment"),
    ("crnn", "linear", "shift"),
]
LOSSES = {
    "none": tagging_loss,
    "shift": tagging.shifted(tagging_loss),
    "shift mixup": tagging.shifted(tagging.mixed(tagging_loss)),
    "shift specaugment": tagging.shifted(tagging.masked(tagging_loss)),
}


def run(kind: str, pooling: str, augmentation: str, seed: int, data: dict) -> dict:
    """Train and score one model; thresholds of events are found on dev, scores are test's."""
    torch.manual_seed(seed)
    model = Tagger(tagging.N_MELS, len(CLASSES), kind, pooling)
    started = time.process_time()
    tagging.fit(model, data["train"], LOSSES[augmentation], seed=seed, progress=False)
    seconds = round(time.process_time() - started)
    frame_s = model.stride * tagging.HOP / tagging.RATE
    dev_clips, frames = tagging.probabilities(model, data["dev"])
    thresholds = tagging.event_thresholds(data["dev events"], frames, CLASSES, frame_s)
    clips, frames = tagging.probabilities(model, data["test"])
    found = [metrics.detect(p, thresholds, CLASSES, frame_s) for p in frames]
    dev_precision, precision = (
        metrics.average_precision(np.stack(data[split].targets), said)
        for split, said in (("dev", dev_clips), ("test", clips))
    )
    return {
        "kind": kind,
        "pooling": pooling,
        "augmentation": augmentation,
        "seed": seed,
        "dev_map": round(float(dev_precision.mean()), 4),
        "map": round(float(precision.mean()), 4),
        "event_f1": round(metrics.event_f1(data["test events"], found), 4),
        "hardest": CLASSES[int(precision.argmin())],
        "seconds": seconds,
        "parameters": training.count_parameters(model),
    }


def noted(scenes: Soundscapes, events: list) -> Iterator[Scene]:
    """The scenes one by one; their events are appended to a list."""
    for scene in scenes:
        events.append(scene.events)
        yield scene


def main() -> None:
    """Fill the file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--limit", type=int, default=None, help="stop after so many new rows")
    arguments = parser.parse_args()
    done = runs.load("tagging") if FILE.exists() else []
    known = {tuple(row[name] for name in KEY) for row in done}
    wanted = [
        (*row, seed) for seed in range(arguments.seeds) for row in ROWS if (*row, seed) not in known
    ][: arguments.limit]
    if not wanted:
        return
    data = {}
    for number, (split, count) in enumerate({"train": 1500, "dev": 400, "test": 400}.items()):
        events: list = []
        data[split] = tagging.examples(noted(Soundscapes(count, split, seed=number), events))
        data[f"{split} events"] = events
    for row in wanted:
        done.append(run(*row, data))
        print(", ".join(f"{name} {value}" for name, value in done[-1].items()), flush=True)
        write(done)


def write(rows: list[dict]) -> None:
    """The file: how it was made, then its rows."""
    about = (
        "command: python docs/tools/tagging.py",
        "Taggers of scenes: mAP and event F1 on 400 scenes of unseen variants.",
        f"machine: {torch.get_num_threads()} thread(s) of a server's CPU; seconds: CPU time of the "
        "training",
    )
    runs.write(FILE, about, rows, FIELDS)


if __name__ == "__main__":
    main()
