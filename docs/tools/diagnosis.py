"""Recorded run: the curves of exercise 12.5, one training as it should be and three that are not.

    python docs/tools/diagnosis.py            # writes docs/runs/diagnosis.csv, about 3 minutes
    python docs/tools/diagnosis.py --limit 1  # one run that is not in the file yet

Strings of the bundled digits. The runs are called by letters, so that the file does not give the
answers away; D is as it should be. `wrote` is how many words the model writes of a hundred said.
"""

import argparse
from dataclasses import replace

import numpy as np
import torch

from course_utils import training
from course_utils.datasets import runs
from course_utils.datasets.batching import loader
from course_utils.recipes import recognition
from course_utils.recipes.recognition import RECIPES, Recipe

FILE = runs.FOLDER / "diagnosis.csv"
DIGITS = RECIPES["digits"]
EPOCHS = 10


def _changed(network: dict, schedule: dict, speech: dict) -> Recipe:
    """The recipe of the digits, without augmentation, with some things changed."""
    return replace(
        DIGITS,
        speech=replace(DIGITS.speech, test=1, **speech),
        network=replace(DIGITS.network, **network),
        schedule=replace(DIGITS.schedule, **{"epochs": EPOCHS, "augment": False, **schedule}),
    )


RUNS = {
    "A": _changed({"normalized": False}, {}, {}),
    "B": _changed({}, {"rate": 0.3}, {}),
    "C": _changed({}, {"epochs": 60, "batch_size": 4}, {"train": 32}),
    "D": _changed({}, {}, {}),
}


def curves(name: str, recipe: Recipe) -> list[dict]:
    """Train, and measure after each epoch."""
    data = recognition.prepare(recipe, progress=False)
    model = recognition.build(recipe, data.alphabet)
    schedule = recipe.schedule
    batches = loader(data.train, schedule.batch_size, shuffle=True, seed=0)
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=schedule.rate, weight_decay=schedule.weight_decay
    )
    steps = schedule.epochs * len(batches)
    dev = recognition.Levelled(data.dev, recipe.sound)

    def validate(model: torch.nn.Module) -> dict[str, float]:
        with torch.no_grad():
            losses = [float(training.recognition_loss(model, batch)) for batch in dev]
        found = training.recognise(model, dev, data.alphabet)
        said = sum(len(text.split()) for text in found.references)
        wrote = sum(len(text.split()) for text in found.hypotheses)
        return {"loss": float(np.mean(losses)), "wer": found.wer, "wrote": 100 * wrote / said}

    history = training.fit(
        model,
        batches,
        recognition.loss_of(recipe),
        schedule.epochs,
        optimizer,
        scheduler=training.warm_up_cosine(optimizer, steps, schedule.warm_up),
        validate=validate,
        progress=False,
    )
    return [
        {
            "run": name,
            "epoch": number,
            "loss": float(f"{epoch['loss']:.4g}"),
            "dev_loss": float(f"{epoch['dev_loss']:.4g}"),
            "dev_wer": round(epoch["dev_wer"], 4),
            "wrote": round(epoch["dev_wrote"]),
        }
        for number, epoch in enumerate(history.epochs, start=1)
    ]


def main() -> None:
    """Fill the file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--limit", type=int, default=None, help="stop after so many new runs")
    rows = list(runs.load("diagnosis")) if FILE.exists() else []
    known = {row["run"] for row in rows}
    wanted = [name for name in RUNS if name not in known][: parser.parse_args().limit]
    for name in wanted:
        rows += curves(name, RUNS[name])
        print(rows[-1], flush=True)
        write(rows)


def write(rows: list[dict]) -> None:
    """The file: how it was made, then its rows."""
    about = (
        "command: python docs/tools/diagnosis.py",
        "Deep Speech 2 on strings of bundled digits: curves of four trainings.",
    )
    runs.write(FILE, about, rows)


if __name__ == "__main__":
    main()
