"""Recorded runs: tables in docs/runs, made by the tools in docs/tools, too long for a notebook."""

import csv

from course_utils.datasets import bundled
from course_utils.datasets.items import Table

FOLDER = bundled.DATA.parent / "docs" / "runs"


def load(name: str) -> Table:
    """A recorded run, one dict a row; what looks like a number is one.

    Args:
        name: of the file, without ".csv". Its first lines, behind "#", say how it was made.

    Raises:
        FileNotFoundError: there is no such run, or the package without its repository.
    """
    path = FOLDER / f"{name}.csv"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in FOLDER.glob("*.csv"))) or "none"
        raise FileNotFoundError(f"{path}: no such recorded run. Here are: {known}")
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(line for line in file if not line.startswith("#"))
        return Table({key: _number(value) for key, value in row.items()} for row in rows)


def _number(text: str) -> int | float | str:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
