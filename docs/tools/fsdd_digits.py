"""A recorded run: real digits (FSDD) from a speaker who was never heard in training, six times.

Leave one speaker out, with five settings that show what helps. Needs FSDD on this machine; writes
docs/runs/fsdd_digits.csv, one row a training, which notebook 05 shows. One thread; about half an
hour. A run that was stopped goes on with `--resume`.

The network, the steps and the ranges of the changes were chosen by training on FSDD and testing on
the bundled voices; no result on a left-out speaker was used.
"""

import argparse
import csv
import platform
import time
from functools import partial
from pathlib import Path

import numpy as np
import torch

from course_utils import training
from course_utils.datasets import augmentation, batching, digits, fsdd, preparation
from course_utils.datasets.items import Corpus
from course_utils.metrics import accuracy
from course_utils.models.convolution import ConvNet, Layer

OUTPUT = Path(__file__).resolve().parents[1] / "runs" / "fsdd_digits.csv"
FIELDS = ("speaker", "setting", "seed", "accuracy", "recordings", "parameters", "steps", "seconds")
# Setting: (normalised, augmented, with synthetic voices).
SETTINGS = {
    "plain": (False, False, False),
    "normalised": (True, False, False),
    "normalised, augmented": (True, True, False),
    "normalised, synthetic voices": (True, False, True),
    "all": (True, True, True),
}
LAYERS = [Layer(24, (5, 7), 2), Layer(48, 3, 2), Layer(96, 3, (1, 2)), Layer(128, 3)]
STEPS, BATCH_SIZE, RATE = 1200, 32, 3e-3
COPIES = 4  # changed copies of each recording


class Words(batching.Examples):
    """Digits as features, several versions of each; every epoch takes one of them by chance."""

    def __init__(self, versions: list[list[np.ndarray]], labels: list[int], seed: int) -> None:
        super().__init__([v[0] for v in versions], labels, classes=10)
        self.versions, self.seed, self.epoch = versions, seed, 0

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch comes next."""
        self.epoch = epoch

    def __getitem__(self, index: int) -> tuple:
        """Features, label and name."""
        _, label, name = super().__getitem__(index)
        rng = np.random.default_rng((self.seed, self.epoch, index))
        version = rng.integers(len(self.versions[index]))
        return torch.from_numpy(self.versions[index][version]), label, name


def read(corpus: Corpus, normalised: bool, augmented: bool) -> list[list[np.ndarray]]:
    """Features of each recording, and of its changed copies, when there are any."""
    found, rng = [], np.random.default_rng(0)
    for utterance in corpus:
        x, rate = utterance.waveform, utterance.sample_rate
        if not normalised:
            found.append([preparation.log_mel(x, rate)])
            continue
        x = preparation.trim(x - x.mean(), rate)
        copies = [changed(x, rng) for _ in range(COPIES * augmented)]
        found.append([preparation.even_log_mel(y, rate) for y in (x, *copies)])
    return found


def changed(waveform: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Another tempo and vocal tract, in noise."""
    faster = augmentation.speed(waveform, np.exp(rng.uniform(-0.15, 0.15)))
    return augmentation.add_noise(faster, rng.uniform(15, 40), rng)


def standardised(train: list[np.ndarray], test: list[np.ndarray]) -> tuple[list, list]:
    """Each band with mean 0 and deviation 1 over all training frames, and by the same numbers."""
    frames = np.concatenate(train)
    mean, std = frames.mean(axis=0), frames.std(axis=0)
    return [(c - mean) / std for c in train], [(c - mean) / std for c in test]


def labels(corpus: Corpus) -> list[int]:
    """The digits 0 to 9."""
    return [fsdd.WORDS.index(row["text"]) for row in corpus.table]


def run(speaker: str, setting: str, seed: int, read: callable) -> dict:
    """One training and its row."""
    normalised, augmented, synthetic = SETTINGS[setting]
    real = fsdd.load()
    train, test = [], []
    for row, versions in zip(real.table, read("fsdd", normalised, augmented), strict=True):
        (test if row["speaker"] == speaker else train).append(versions)
    test = [versions[0] for versions in test]
    train_labels = labels(real.filter(lambda row: row["speaker"] != speaker))
    test_labels = labels(real.filter(speaker=speaker))
    if synthetic:
        train += read("digits", normalised, augmented)
        train_labels += labels(digits.load())
    if not normalised:
        train, test = standardised([versions[0] for versions in train], test)
        train = [[c] for c in train]
    torch.manual_seed(seed)
    model = ConvNet(40, LAYERS, 10, two_dimensional=True, dropout=0.3)
    examples = Words(train, train_labels, seed)
    batches = batching.loader(examples, BATCH_SIZE, shuffle=True, seed=seed)
    epochs = round(STEPS / len(batches))
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=0.05)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, RATE, total_steps=epochs * len(batches), pct_start=0.1
    )
    loss = partial(training.classification_loss, label_smoothing=0.1)
    begin = time.process_time()
    training.fit(
        model, batches, loss, epochs, optimizer, scheduler=scheduler, seed=seed, progress=False
    )
    seconds = time.process_time() - begin
    check = batching.loader(batching.Examples(test, test_labels, classes=10), 100)
    predictions, targets, _ = training.classify(model, check)
    return {
        "speaker": speaker,
        "setting": setting,
        "seed": seed,
        "accuracy": f"{accuracy(targets, predictions):.4f}",
        "recordings": len(train),
        "parameters": training.count_parameters(model),
        "steps": epochs * len(batches),
        "seconds": f"{seconds:.0f}",
    }


def reader() -> callable:
    """`read` by the name of the corpus; each is read once."""
    corpora, kept = {"fsdd": fsdd.load(), "digits": digits.load()}, {}

    def cached(*key: str | bool) -> list[list[np.ndarray]]:
        if key not in kept:
            kept[key] = read(corpora[key[0]], *key[1:])
        return list(kept[key])

    return cached


def write(path: Path, rows: list[dict]) -> None:
    """The table, with how it was made in front."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(
            "# FSDD, leave one speaker out: accuracy on a speaker who was not in training.\n"
            "# command: python docs/tools/fsdd_digits.py\n"
            f"# versions: Python {platform.python_version()}, torch {torch.__version__}, "
            f"NumPy {np.__version__}\n"
            "# machine: one thread of a server's CPU; seconds: CPU time of the training\n"
        )
        writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
        writer.writeheader()
        order = list(SETTINGS)
        rows = sorted(rows, key=lambda r: (order.index(r["setting"]), int(r["seed"]), r["speaker"]))
        writer.writerows(rows)


def main() -> None:
    """Every setting with seed 0, "all" with seeds 0 to 2."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--resume", action="store_true", help="keep the rows that are there")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    rows = []
    if arguments.resume and arguments.output.exists():
        with arguments.output.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    done = {(row["speaker"], row["setting"], int(row["seed"])) for row in rows}
    read_once = reader()
    plan = [(setting, 0) for setting in reversed(SETTINGS)] + [("all", 1), ("all", 2)]
    for setting, seed in plan:
        for speaker in fsdd.load().speakers:
            if (speaker, setting, seed) in done:
                continue
            rows.append(run(speaker, setting, seed, read_once))
            write(arguments.output, rows)
            print(", ".join(f"{name} {value}" for name, value in rows[-1].items()), flush=True)


if __name__ == "__main__":
    main()
