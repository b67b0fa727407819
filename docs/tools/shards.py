"""Recorded run: how much memory an epoch takes, with all features in memory and from shards.

    python docs/tools/shards.py      # 100 and 10,000 utterances, minutes, 300 MB of disk

Writes docs/runs/shards.csv, a row for each corpus and way. The corpora are tones in noise, 1 to 3 s
at 8 kHz, made in a temporary folder. Each row is a process of its own that goes through an epoch of
batches of 16, from the same shards; `peak_mb` is the most memory that it ever had (resident), what
Python and torch take by themselves included: the rows of 0 utterances.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from course_utils.datasets import batching, runs, shards
from course_utils.datasets.items import Table, Utterance
from course_utils.datasets.text import Alphabet
from course_utils.recipes.frames import Sound, frames_of

OUTPUT = runs.FOLDER / "shards.csv"
FIELDS = ("utterances", "hours", "disk_mb", "features_mb", "how", "peak_mb", "seconds")
ALPHABET, SOUND = Alphabet("abcd"), Sound()


class Tones:
    """A corpus as large as wanted: number `n` is always the same tone in noise."""

    def __init__(self, count: int) -> None:
        self.count = count

    def __len__(self) -> int:
        """How many there are."""
        return self.count

    def __getitem__(self, number: int) -> Utterance:
        """One of them, 1 to 3 s."""
        rng = np.random.default_rng(number)
        samples = int(rng.integers(SOUND.sample_rate, 3 * SOUND.sample_rate))
        angle = 2 * np.pi * rng.uniform(100, 3000) / SOUND.sample_rate
        x = 0.3 * np.sin(angle * np.arange(samples)) + 0.003 * rng.normal(size=samples)
        text = "".join(rng.choice(list("abcd"), 4))
        return Utterance(x.astype(np.float32), SOUND.sample_rate, text, "nobody", f"tone-{number}")

    @property
    def table(self) -> Table:
        """Their names."""
        return Table({"id": f"tone-{number}"} for number in range(self.count))


def opened(folder: str) -> shards.Shards:
    """Shards with the features of the course's recognisers."""
    return shards.Shards(folder, lambda x, rate: frames_of(x, rate, SOUND), ALPHABET.encode)


def measure(how: str, folder: str) -> None:
    """Go through one epoch in this process; prints its peak of memory in MB and the seconds."""
    torch.set_num_threads(1)
    began = time.perf_counter()
    if how != "nothing":
        data = opened(folder)
        if how == "memory":
            features, tokens, names = zip(*(data[i] for i in range(len(data))), strict=True)
            data = batching.Examples(list(features), list(tokens), ids=list(names))
        for _ in batching.loader(data, 16, shuffle=True):
            pass
    print(peak_mb(), time.perf_counter() - began)


def peak_mb() -> float:
    """The most memory that this process had so far."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(x for x in status.read_text().splitlines() if x.startswith("VmHWM"))
        return int(line.split()[1]) / 1e3
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e3)


def rows_of(count: int, folder: Path) -> list[dict]:
    """A corpus of so many utterances, read in both ways, each in a process of its own."""
    began = time.perf_counter()
    if count:
        shards.write(Tones(count), folder)
    print(f"{count} utterances written in {time.perf_counter() - began:.0f} s", flush=True)
    disk = sum(path.stat().st_size for path in folder.iterdir()) if count else 0
    data = opened(str(folder)) if count else None
    found = []
    for how in ("memory", "shards") if count else ("nothing",):
        command = [sys.executable, __file__, "--measure", how, str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        peak, seconds = map(float, done.stdout.split())
        found.append(
            {
                "utterances": count,
                "hours": f"{data.hours if data else 0:.3f}",
                "disk_mb": f"{disk / 1e6:.1f}",
                "features_mb": f"{data.lengths.sum() * SOUND.n_mels * 4 / 1e6 if data else 0:.1f}",
                "how": how,
                "peak_mb": f"{peak:.0f}",
                "seconds": f"{seconds:.1f}",
            }
        )
        print(found[-1], flush=True)
    return found


def main() -> None:
    """Measure and write the file, or be one of the processes."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--counts", nargs="+", type=int, default=[0, 100, 10_000])
    parser.add_argument("--output", type=Path, default=OUTPUT)
    parser.add_argument("--measure", nargs=2, metavar=("HOW", "FOLDER"), help="used by itself")
    options = parser.parse_args()
    if options.measure:
        measure(*options.measure)
        return
    rows = []
    with tempfile.TemporaryDirectory() as place:
        for count in options.counts:
            rows += rows_of(count, Path(place) / str(count))
    about = (
        "command: python docs/tools/shards.py",
        "machine: one thread of a server's CPU, other work beside it",
    )
    runs.write(options.output, about, rows, FIELDS)


if __name__ == "__main__":
    main()
