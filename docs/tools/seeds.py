"""Recorded run: what notebooks 06 and 07 find with other seeds.

    python docs/tools/seeds.py           # writes docs/runs/seeds.csv, about 12 minutes
    python docs/tools/seeds.py --resume  # goes on where it was stopped

The notebooks' own cells are run in order, with another seed in those that train, so that nothing
here can differ from what the notebooks do. The seed is that of the weights: the material and the
order of the batches stay. Needs FSDD on this machine, for the real voices of 06. One thread.
"""

import argparse
import contextlib
import csv
import io
import json
import platform
import time
from pathlib import Path

import matplotlib
import numpy as np
import torch
from matplotlib import pyplot

from course_utils.datasets import fsdd, runs

FILE = runs.FOLDER / "seeds.csv"
FIELDS = ("notebook", "seed", "figure", "value")
SEEDS = range(3)
NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
# For each notebook: its file; the heading before which the run ends; where its seeds stand, each
# text once; and the figures, as expressions in the notebook's own names after the last cell.
RUNS = {
    6: (
        "06_recurrent.ipynb",
        "## Summary",
        ["torch.manual_seed(0)\nsmall =", "forget_bias=0.0, seed=0)", "lr=0.005, seed=0)"],
        {
            "was there a seven: right": "right",
            "first of 40, plain RNN: right": "at_40['plain RNN'] / 100",
            "first of 40, wide plain RNN: right": "at_40['plain RNN, wide'] / 100",
            "first of 40, LSTM: right": "at_40['LSTM, forget bias 0'] / 100",
            "first of 40, LSTM with forget bias: right": "at_40['LSTM, forget bias 3'] / 100",
            "first of 40, GRU: right": "at_40['GRU'] / 100",
            "theo, synthetic voices: sevens": "real_missed['synthetic voices'][1]",
            "theo, synthetic voices: missed": "real_missed['synthetic voices'][0]",
            "theo, five real voices: missed": "real_missed['and five real ones'][0]",
            "theo, five real voices: false alarms": "len(real_missed['and five real ones'][2])",
        },
    ),
    7: (
        "07_attention.ipynb",
        "## 7 Self-attention",
        [f"torch.manual_seed(0)\n{name} =" for name in ("from_memory", "with_eyes", "with_place")],
        {
            "9 to 12 notes, from memory: errors": "third(rates['from memory'])",
            "9 to 12 notes, attention: errors": "third(rates['attention'])",
            "peaks in their note": (
                "np.mean([peaks_inside(heard_of[n], looks, written)"
                " for n, (written, looks) in answers.items()])"
            ),
            "guided, against reversed: errors": "metrics.error_rate(backwards, guided)",
            "guided, against as they were: errors": "metrics.error_rate(forwards, guided)",
            "24 notes, from memory: errors": "rates['from memory'][24]",
            "24 notes, attention: errors": "rates['attention'][24]",
            "24 notes, location-aware: errors": "rates['location-aware'][24]",
        },
    ),
}
# Needed for no figure: explorers, one more contest, and the cells that show this very run.
LEFT_OUT = ("Explorer(", "growing=True)", "grown", 'result["plain RNN"]', "over_seeds(")


def cells(number: int, seed: int) -> tuple[list[str], list[str]]:
    """The code of a notebook's cells that are run: those before the first training, and the rest.

    Raises:
        ValueError: a text that must occur once, since the seed stands there, does not.
    """
    name, end, places, _ = RUNS[number]
    found = []
    for cell in json.loads((NOTEBOOKS / name).read_text(encoding="utf-8"))["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "code":
            found.append(source)
        elif source.startswith(end):
            break
    else:
        raise ValueError(f"{name}: no cell begins with {end!r}; mend RUNS in docs/tools/seeds.py")
    found = [source for source in found if not any(part in source for part in LEFT_OUT)]
    first = next((n for n, source in enumerate(found) if places[0] in source), 0)
    for place in places:
        count = sum(source.count(place) for source in found)
        if count != 1:
            raise ValueError(f"{name}: {place!r} occurs {count} times, expected once; mend RUNS")
        other = place.replace("seed(0)", f"seed({seed})").replace("seed=0", f"seed={seed}")
        found = [source.replace(place, other) for source in found]
    return found[:first], found[first:]


def run(sources: list[str], space: dict) -> dict:
    """Run cells in a namespace, without what they show, and return it."""
    silent = io.StringIO()
    with contextlib.redirect_stdout(silent), contextlib.redirect_stderr(silent):
        for source in sources:
            # Without their asserts: what holds for the stored seed is here to be found out.
            exec(compile(source, source.split("\n", 1)[0], "exec", optimize=1), space)
            pyplot.close("all")
    return space


def prepared(number: int) -> dict:
    """The names of a notebook before its first training; no seed has played a part yet."""
    return run(cells(number, 0)[0], {"display": lambda *things: None})


def figures(number: int, seed: int, before: dict) -> list[dict]:
    """Train with a seed, and a row for each figure."""
    space = run(cells(number, seed)[1], dict(before))
    expressions = RUNS[number][3]
    values = {figure: float(eval(text, space)) for figure, text in expressions.items()}
    return [
        {"notebook": number, "seed": seed, "figure": figure, "value": f"{value:.4g}"}
        for figure, value in values.items()
    ]


def write(rows: list[dict]) -> None:
    """The file: how it was made, then its rows."""
    with FILE.open("w", encoding="utf-8", newline="") as file:
        file.write("# What notebooks 06 and 07 find with other seeds of the weights.\n")
        file.write("# command: python docs/tools/seeds.py\n")
        versions = f"Python {platform.python_version()}, torch {torch.__version__}"
        file.write(f"# versions: {versions}, NumPy {np.__version__}\n")
        file.write("# shares are of 1, missed sevens and false alarms are counts\n")
        writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(sorted(rows, key=lambda row: (row["notebook"], row["seed"])))


def main() -> None:
    """Every notebook with every seed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--resume", action="store_true", help="keep the rows that are there")
    resume = parser.parse_args().resume
    if not fsdd.available():
        raise SystemExit("FSDD is not here, and 06 needs it. To get it: fsdd.load(download=True)")
    torch.set_num_threads(1)
    matplotlib.use("agg")
    rows = list(runs.load("seeds")) if resume and FILE.exists() else []
    done = {(row["notebook"], row["seed"]) for row in rows}
    before = {number: prepared(number) for number in RUNS}
    for seed in SEEDS:
        for number in RUNS:
            if (number, seed) in done:
                continue
            begin = time.process_time()
            rows += figures(number, seed, before[number])
            write(rows)
            seconds = time.process_time() - begin
            print(f"{number:02d}, seed {seed}: {seconds:.0f} s of the processor", flush=True)


if __name__ == "__main__":
    main()
